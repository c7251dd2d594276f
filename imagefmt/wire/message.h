/* wire/message.h -- messages to and from their bytes, within bounds. */
#ifndef IMAGEFMT_WIRE_MESSAGE_H
#define IMAGEFMT_WIRE_MESSAGE_H

#include <protobuf-c/protobuf-c.h>

#include "criuimg/err.h"
#include "wire/frame.h"

/* Unpack. Required fields are there when this succeeds; unknown fields are kept. A message that would take far more memory
 * than its bytes (empty messages repeated without end), or that nests without end, is IMG_CORRUPT. Free with img_message_free(). */
int img_message_unpack(const ProtobufCMessageDescriptor *type, const unsigned char *data, size_t size,
	ProtobufCMessage **msg, struct img_err *err);

/* Refuse bytes of a message in which messages nest deeper than so many levels, the outermost being the first, or a string
 * has a zero byte in it. Bytes that are no message at all are for the unpacking to find. */
int img_message_check(const ProtobufCMessageDescriptor *type, const unsigned char *data, size_t size,
	unsigned int levels, struct img_err *err);

/* Pack with its size in front, ready for a sink. Fails IMG_USAGE when a required part is missing or it is too large. */
int img_message_pack(const ProtobufCMessage *msg, struct img_frame *frame, struct img_err *err);

#endif
