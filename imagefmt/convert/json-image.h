/* imagefmt/convert/json-image.h -- what the parts of the JSON of an image share. */
#ifndef IMAGEFMT_CONVERT_JSON_IMAGE_H
#define IMAGEFMT_CONVERT_JSON_IMAGE_H

#include "convert/json-message.h"
#include "convert/json-write.h"
#include "criuimg/image.h"
#include "criuimg/json.h"

/* The word of the member "magic": of kinds that share one magic, the first. */
const char *json_magic_name(enum img_kind kind);

/* Everything around the entries. */
void json_image_begin(struct json_out *out, enum img_kind kind);
void json_image_end(struct json_out *out);

struct json_image {
	struct img_reader *reader;
	struct json_out *out;
	struct json_types types;
	bool no_payload;
};

/* The member `extra` of the record just read, msg, whose other members are written: whatever belongs to the record and
 * is not in its message. Nothing for kinds that have no such thing. 0 or -1. */
int json_payload(struct json_image *image, const ProtobufCMessage *msg, struct img_err *err);
/* Does a kind have such things at all? */
bool json_has_payload(enum img_kind kind);
/* The member `extra` where payloads are not wanted: "... <8.0KB>". */
void json_payload_size(struct json_out *out, uint64_t size);

#endif
