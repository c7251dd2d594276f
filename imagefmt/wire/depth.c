/* wire/depth.c -- how deep the messages of a record nest.
 *
 * protobuf-c unpacks, frees and packs by recursion, and a directory of a cgroup holds directories: without a limit a
 * small record ends the program by its stack.
 */

#include "wire/message.h"

struct wire {
	const unsigned char *at, *end;
};

/* False at the end or in a broken number: what is wrong with it is for the unpacking to say. */
static bool take_varint(struct wire *w, uint64_t *value)
{
	*value = 0;
	for (unsigned int shift = 0; shift < 64 && w->at < w->end; shift += 7) {
		unsigned char byte = *w->at++;

		*value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

static bool skip(struct wire *w, uint64_t len)
{
	if (len > (uint64_t)(w->end - w->at))
		return false;
	w->at += len;
	return true;
}

/* The next field: the message type in it (or NULL), and its bytes. False when there is none that makes sense. */
static bool take_field(
	struct wire *w, const ProtobufCMessageDescriptor *type, const ProtobufCMessageDescriptor **inner, struct wire *bytes)
{
	const ProtobufCFieldDescriptor *field;
	uint64_t tag, len;

	*inner = NULL;
	if (!take_varint(w, &tag))
		return false;
	switch (tag & 7) {
	case PROTOBUF_C_WIRE_TYPE_VARINT:
		return take_varint(w, &len);
	case PROTOBUF_C_WIRE_TYPE_64BIT:
		return skip(w, 8);
	case PROTOBUF_C_WIRE_TYPE_32BIT:
		return skip(w, 4);
	case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
		break;
	default:
		return false;
	}
	if (!take_varint(w, &len))
		return false;
	bytes->at = w->at;
	if (!skip(w, len))
		return false;
	bytes->end = w->at;
	field = tag >> 3 <= UINT32_MAX ? protobuf_c_message_descriptor_get_field(type, tag >> 3) : NULL;
	if (field && field->type == PROTOBUF_C_TYPE_MESSAGE)
		*inner = field->descriptor;
	return true;
}

bool img_message_too_deep(
	const ProtobufCMessageDescriptor *type, const unsigned char *data, size_t size, unsigned int levels)
{
	const ProtobufCMessageDescriptor *inner;
	struct wire w = { data, data + size }, bytes;

	if (!levels)
		return true;
	while (take_field(&w, type, &inner, &bytes))
		if (inner && img_message_too_deep(inner, bytes.at, bytes.end - bytes.at, levels - 1))
			return true;
	return false;
}
