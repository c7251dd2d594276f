/* imagefmt/convert/json-message.h -- one message as a JSON object.
 *
 * Members in the order of field numbers, and only the fields that are there. What a field needs to be written (the text
 * of its key, its hints, the names of its bits) is looked up once per message type and kept in a struct json_types.
 */
#ifndef IMAGEFMT_CONVERT_JSON_MESSAGE_H
#define IMAGEFMT_CONVERT_JSON_MESSAGE_H

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

#include "convert/json-write.h"

/* The message types met so far. Not safe between threads; start with NULL in types. */
struct json_types {
	struct json_type *types;
	bool pretty; /* annotated fields in their readable form */
};

void json_types_free(struct json_types *types);

/* The members of msg, inside an object that the caller opened and will close. No memory is a failure of out. */
void json_message_members(struct json_out *out, struct json_types *types, const ProtobufCMessage *msg);
/* The whole object. */
void json_message(struct json_out *out, struct json_types *types, const ProtobufCMessage *msg);

#endif
