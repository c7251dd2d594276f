/* wire/message.h -- messages to and from their bytes, within bounds. */
#ifndef IMAGEFMT_WIRE_MESSAGE_H
#define IMAGEFMT_WIRE_MESSAGE_H

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

#include "criuimg/err.h"
#include "wire/frame.h"

/* Unpack. Required fields are there when this succeeds; unknown fields are kept. A message that would take far more memory
 * than its bytes (empty messages repeated without end), or that nests without end, is IMG_CORRUPT. Free with img_message_free(). */
int img_message_unpack(const ProtobufCMessageDescriptor *type, const unsigned char *data, size_t size,
	ProtobufCMessage **msg, struct img_err *err);

/* Do the messages in these bytes of a message nest deeper than so many levels, the outermost being the first? */
bool img_message_too_deep(
	const ProtobufCMessageDescriptor *type, const unsigned char *data, size_t size, unsigned int levels);

/* Pack with its size in front, ready for a sink. Fails IMG_USAGE when a required part is missing or it is too large. */
int img_message_pack(const ProtobufCMessage *msg, struct img_frame *frame, struct img_err *err);

#endif
