/* tests/unit/wire/check.c -- what protobuf-c would take and we do not: too deep nesting, zero bytes in strings. */

#include "tests/unit/imgtest.h"

#include "cgroup.pb-c.h"
#include "wire/message.h"

/* Directories of a cgroup inside one another, as they are on the wire. */
static unsigned char *nested(unsigned int levels, size_t *size)
{
	unsigned char *data = malloc(16 * (size_t)levels);
	size_t end = 16 * (size_t)levels, at = end;

	assert_non_null(data);
	for (unsigned int i = 0; i < levels; i++) {
		if (i) {
			/* field 2, children, of the bytes so far: tag, then their number in five bytes */
			uint32_t len = end - at;

			at -= 6;
			data[at] = 2 << 3 | 2;
			for (int b = 0; b < 5; b++)
				data[at + 1 + b] = (len >> (7 * b) & 0x7f) | (b < 4 ? 0x80 : 0);
		}
		at -= 2;
		data[at] = 1 << 3 | 2; /* field 1, dir_name: "" */
		data[at + 1] = 0;
	}
	*size = end - at;
	memmove(data, data + at, *size);
	return data;
}

static void levels_are_counted(void **state)
{
	size_t size;
	unsigned char *data = nested(50, &size);
	struct img_err err = IMG_ERR_INIT;

	OK(img_message_check(&cgroup_dir_entry__descriptor, data, size, 50, &err));
	FAILS(IMG_CORRUPT, "too deep",
		img_message_check(&cgroup_dir_entry__descriptor, data, size, 49, &err));
	free(data);
}

static void deep_is_refused(void **state)
{
	size_t size;
	unsigned char *data = nested(100000, &size);
	struct img_err err = IMG_ERR_INIT;
	ProtobufCMessage *msg;

	assert_int_equal(img_message_unpack(&cgroup_dir_entry__descriptor, data, size, &msg, &err), -1);
	assert_int_equal(err.code, IMG_CORRUPT);
	free(data);
}

static void shallow_is_not(void **state)
{
	size_t size;
	unsigned char *data = nested(90, &size);
	struct img_err err = IMG_ERR_INIT;
	ProtobufCMessage *msg;

	assert_int_equal(img_message_unpack(&cgroup_dir_entry__descriptor, data, size, &msg, &err), 0);
	img_message_free(msg);
	free(data);
}

static void zeros_are_refused(void **state)
{
	static const unsigned char
		plain[] = "\x0a\x03"
			  "abc",
		zero[] = "\x0a\x03"
			 "a\0c",
		inner[] = "\x12\x05\x0a\x03"
			  "ab\0",
		other[] = "\x0a\x01"
			  "a"
			  "\xa2\x7f\x01\0"; /* field 2036 is unknown: bytes, for all we know */
	struct img_err err = IMG_ERR_INIT;
	ProtobufCMessage *msg;

	OK(img_message_unpack(&cgroup_dir_entry__descriptor, plain, sizeof(plain) - 1, &msg, &err));
	img_message_free(msg);
	FAILS(IMG_CORRUPT, "cgroup_dir_entry.dir_name: a zero byte",
		img_message_unpack(&cgroup_dir_entry__descriptor, zero, sizeof(zero) - 1, &msg, &err));
	assert_null(msg);
	FAILS(IMG_CORRUPT, "zero byte",
		img_message_unpack(&cgroup_dir_entry__descriptor, inner, sizeof(inner) - 1, &msg, &err));
	OK(img_message_unpack(&cgroup_dir_entry__descriptor, other, sizeof(other) - 1, &msg, &err));
	img_message_free(msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_are_counted),
		cmocka_unit_test(deep_is_refused),
		cmocka_unit_test(shallow_is_not),
		cmocka_unit_test(zeros_are_refused),
	};

	RUN("wire/check", tests);
}
