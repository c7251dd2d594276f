/* imagefmt/convert/json-types.h -- what JSON wants to know of a message type, looked up once.
 *
 * Of each field the text of its key, its hints, the names of its bits and numbers: json-message.c writes by it,
 * json-build.c reads by it.
 */
#ifndef IMAGEFMT_CONVERT_JSON_TYPES_H
#define IMAGEFMT_CONVERT_JSON_TYPES_H

#include <stdbool.h>
#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

#include "kinds/annotations.h"

struct json_field {
	const ProtobufCFieldDescriptor *desc;
	struct img_annotation note;
	const struct json_name *flags; /* of note.flags and note.dict, or NULL */
	const struct json_name *dict;
	struct json_type *message; /* of a field of messages, once one was met */
	char *key;		   /* "name": with the blank that follows */
	size_t key_len;
};

struct json_type {
	struct json_type *next;
	const ProtobufCMessageDescriptor *desc;
	struct json_field fields[];
};

/* The message types met so far. Not safe between threads; start with NULL in types. */
struct json_types {
	struct json_type *types;
	bool pretty; /* write annotated fields in their readable form */
};

/* NULL without memory. Lives until json_types_free(). */
struct json_type *json_type_of(struct json_types *types, const ProtobufCMessageDescriptor *desc);
/* The same for the messages in a field of them. */
struct json_type *json_field_type(struct json_types *types, struct json_field *field);
void json_types_free(struct json_types *types);

/* How many bytes one value of this type takes in an array of a message. */
size_t json_value_size(ProtobufCType type);

#endif
