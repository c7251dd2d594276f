/* wire/check.c -- what a record's bytes must not have, though protobuf-c would take them.
 *
 * It unpacks, frees and packs by recursion, and a directory of a cgroup holds directories: without a limit a small record
 * ends the program by its stack. And its strings end at the first zero byte: what was behind it would be lost in silence,
 * and one program would see another path than the next.
 */

#include "wire/message.h"

#include <string.h>

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

/* The next field: *field is it where it is known and has a length, with its bytes, else NULL. False when there is none that
 * makes sense. */
static bool take_field(struct wire *w, const ProtobufCMessageDescriptor *type,
	const ProtobufCFieldDescriptor **field, uint64_t *number, struct wire *bytes)
{
	uint64_t tag, len;

	*field = NULL;
	if (!take_varint(w, &tag))
		return false;
	*number = tag >> 3;
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
	if (tag >> 3 <= UINT32_MAX)
		*field = protobuf_c_message_descriptor_get_field(type, tag >> 3);
	return true;
}

int img_message_check(const ProtobufCMessageDescriptor *type, const unsigned char *data, size_t size,
	unsigned int levels, struct img_err *err)
{
	const ProtobufCFieldDescriptor *field;
	struct wire w = { data, data + size }, bytes;
	uint64_t number;

	if (!levels)
		return img_fail(err, IMG_CORRUPT, "%s: messages nest too deep", type->name);
	while (take_field(&w, type, &field, &number, &bytes)) {
		/* Taken when its tag is longer than it need be, and could not be read again once it is written. */
		if (!number)
			return img_fail(err, IMG_CORRUPT, "%s: a field of number 0", type->name);
		size = bytes.end - bytes.at;
		if (field && field->type == PROTOBUF_C_TYPE_STRING && memchr(bytes.at, 0, size))
			return img_fail(
				err, IMG_CORRUPT, "%s.%s: a zero byte in a string", type->name, field->name);
		if (field && field->type == PROTOBUF_C_TYPE_MESSAGE &&
			img_message_check(field->descriptor, bytes.at, size, levels - 1, err))
			return -1;
	}
	return 0;
}
