/* imagefmt/convert/json-message.h -- one message as a JSON object.
 *
 * Members in the order of field numbers, and only the fields that are there.
 */
#ifndef IMAGEFMT_CONVERT_JSON_MESSAGE_H
#define IMAGEFMT_CONVERT_JSON_MESSAGE_H

#include <protobuf-c/protobuf-c.h>

#include "convert/json-types.h"
#include "convert/json-write.h"

/* The members of msg, inside an object that the caller opened and will close. No memory is a failure of out. */
void json_message_members(struct json_out *out, struct json_types *types, const ProtobufCMessage *msg);
/* The whole object. */
void json_message(struct json_out *out, struct json_types *types, const ProtobufCMessage *msg);

#endif
