/* convert/forms.h -- old forms: what the parts that make them today's share. */
#ifndef IMAGEFMT_CONVERT_FORMS_H
#define IMAGEFMT_CONVERT_FORMS_H

#include "convert/view.h"

/* The message of field `name` of msg, which is a message of its own: made when there is none. NULL without memory. */
ProtobufCMessage *img_sub_message(ProtobufCMessage *msg, const char *name);
/* Put sub into field `name` of msg: at the end of a list, or in place of one that is there. Takes over sub, on failure too. */
int img_sub_put(ProtobufCMessage *msg, const char *name, ProtobufCMessage *sub, struct img_err *err);
/* Set a number of 32 bits. False when msg has no such field. */
bool img_sub_u32(ProtobufCMessage *msg, const char *name, uint32_t value);
uint32_t img_sub_get_u32(const ProtobufCMessage *msg, const char *name);

/* files.img of the images of each type, into v->made. */
int img_forms_files(struct img_view *v, struct img_err *err);
/* Images of single tasks, into core-PID.img and mm-PID.img. */
int img_forms_task(struct img_view *v, uint64_t pid, struct img_err *err);
/* Is this an image that these take in? */
bool img_forms_is_file_kind(enum img_kind kind);
bool img_forms_is_task_kind(enum img_kind kind);

#endif
