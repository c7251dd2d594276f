/* imagefmt/convert/json-build.h -- a message put together from a JSON object: the way back of json-message.h.
 *
 * The compact and the pretty form are both understood, mixed as they come: a number may be a number, "0x10", a list of
 * the names of its bits, the name it has, "major:minor". Keys may also be as protobuf's own JSON has them: camelCase. What the message does not know, what it needs and does not get
 * and what does not fit are failures (IMG_CORRUPT, with the line).
 */
#ifndef IMAGEFMT_CONVERT_JSON_BUILD_H
#define IMAGEFMT_CONVERT_JSON_BUILD_H

#include <protobuf-c/protobuf-c.h>

#include "convert/json-read.h"
#include "convert/json-types.h"
#include "criuimg/arena.h"

struct json_builder {
	struct json_in *in;
	struct json_types types;
	struct img_arena arena; /* what the messages built so far are made of */
	bool camel_case;	/* a key was spelled the way protobuf's own JSON does */
};

/* A message that is being put together. */
struct json_building {
	struct json_type *type;
	ProtobufCMessage *msg;
	unsigned int next; /* the field that comes next when all are there and in order */
	uint8_t *seen;	   /* of each field: it was there */
};

/* The start of a message: nothing of it was read yet, not its brace either. */
int json_build_begin(struct json_builder *b, const ProtobufCMessageDescriptor *desc, struct json_building *of,
	struct img_err *err);
/* The value of a member whose key was read; 1, 0 when the message has no such field (nothing was read then), -1. */
int json_build_member(struct json_builder *b, struct json_building *of, const char *key, size_t len, struct img_err *err);
/* All members were read: is everything there that must be? */
int json_build_end(struct json_builder *b, struct json_building *of, struct img_err *err);

/* A whole object. *msg belongs to the arena. */
int json_build(struct json_builder *b, const ProtobufCMessageDescriptor *desc, ProtobufCMessage **msg, struct img_err *err);

#endif
