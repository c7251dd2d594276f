/* tests/unit/wire/message.c -- messages and their bytes: required parts, unknown fields, memory that a lie would cost. */

#include "tests/unit/imgtest.h"

#include "eventfd.pb-c.h"
#include "inventory.pb-c.h"
#include "mm.pb-c.h"
#include "pipe-data.pb-c.h"
#include "wire/message.h"

static void test_missing(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	ProtobufCMessage *msg;

	/* pipe_data_entry needs pipe_id (1) and bytes (2). */
	OK(img_message_unpack(
		&pipe_data_entry__descriptor, (const unsigned char *)"\x08\x01\x10\x02", 4, &msg, &err));
	img_message_free(msg);
	FAILS(IMG_CORRUPT, "required field",
		img_message_unpack(
			&pipe_data_entry__descriptor, (const unsigned char *)"\x08\x01", 2, &msg, &err));
	FAILS(IMG_CORRUPT, "required field",
		img_message_unpack(&pipe_data_entry__descriptor, (const unsigned char *)"", 0, &msg, &err));
	img_message_free(NULL);
}

static void test_garbage(void **state)
{
	unsigned char bytes[64];
	struct img_err err = IMG_ERR_INIT;
	uint32_t seed = 1;

	for (int i = 0; i < 20000; i++) {
		size_t size = i % sizeof(bytes);
		cleanup_free unsigned char *copy = malloc(size + !size);
		ProtobufCMessage *msg;

		for (size_t k = 0; k < size; k++)
			copy[k] = (seed = seed * 1103515245 + 12345) >> 16;
		if (!img_message_unpack(&mm_entry__descriptor, copy, size, &msg, &err))
			img_message_free(msg);
		else
			assert_int_equal(err.code, IMG_CORRUPT);
	}
}

/* Fields that nobody here knows go out as they came in. */
static void test_unknown(void **state)
{
	static const unsigned char bytes[] = "\x08\x01\x10\x02\xfa\xff\xff\xff\x0f\x03"
					     "abc\x80\xe2\x09\x07"; /* field 536870911: bytes, 20000: 7 */
	struct img_err err = IMG_ERR_INIT;
	struct img_frame frame = { 0 };
	ProtobufCMessage *msg;

	OK(img_message_unpack(&pipe_data_entry__descriptor, bytes, sizeof(bytes) - 1, &msg, &err));
	assert_int_equal(msg->n_unknown_fields, 2);
	OK(img_message_pack(msg, &frame, &err));
	assert_int_equal(frame.size, 4 + sizeof(bytes) - 1);
	assert_int_equal(img_get_u32(frame.data), sizeof(bytes) - 1);
	assert_memory_equal(frame.data + 4, bytes, sizeof(bytes) - 1);
	img_message_free(msg);
	img_frame_free(&frame);
}

/* Two bytes a message, some hundred in memory: refused before memory is gone. */
static void test_amplification(void **state)
{
	size_t size = 4 << 20;
	unsigned char *bytes = malloc(size);
	struct img_err err = IMG_ERR_INIT;
	ProtobufCMessage *msg;

	/* inventory_entry.root_ids (3): merged again and again; plugins_entry (12) { plugins (12) "" }. */
	for (size_t i = 0; i < size; i += 4)
		memcpy(bytes + i, "\x62\x02\x62\x00", 4);
	FAILS(IMG_CORRUPT, "", img_message_unpack(&inventory_entry__descriptor, bytes, size, &msg, &err));

	/* mm_entry.vmas (14), each empty: a required field is missing in the first already. */
	for (size_t i = 0; i < size; i += 2)
		memcpy(bytes + i, "\x72\x00", 2);
	FAILS(IMG_CORRUPT, "", img_message_unpack(&mm_entry__descriptor, bytes, size, &msg, &err));

	/* plugins_entry.plugins: empty strings, two bytes each for pointer and allocation. */
	for (size_t i = 0; i < size; i += 2)
		memcpy(bytes + i, "\x62\x00", 2);
	if (!img_message_unpack(&plugins_entry__descriptor, bytes, size, &msg, &err))
		img_message_free(msg);
	free(bytes);
}

static void test_pack_missing(void **state)
{
	InventoryEntry inventory = INVENTORY_ENTRY__INIT;
	PluginsEntry plugins = PLUGINS_ENTRY__INIT;
	struct img_err err = IMG_ERR_INIT;
	struct img_frame frame = { 0 };

	plugins.n_plugins = 3; /* and no array */
	inventory.plugins_entry = &plugins;
	FAILS(IMG_USAGE, "inventory_entry", img_message_pack(&inventory.base, &frame, &err));
	img_frame_free(&frame);
}

static void test_too_large(void **state)
{
	char *text = malloc(IMG_RECORD_MAX + 1);
	PluginsEntry plugins = PLUGINS_ENTRY__INIT;
	struct img_err err = IMG_ERR_INIT;
	struct img_frame frame = { 0 };
	ProtobufCMessage *msg;

	memset(text, 'a', IMG_RECORD_MAX);
	text[IMG_RECORD_MAX] = '\0';
	plugins.n_plugins = 1;
	plugins.plugins = &text;
	FAILS(IMG_USAGE, "are allowed", img_message_pack(&plugins.base, &frame, &err));
	/* The tag takes a byte, the length four. */
	text[IMG_RECORD_MAX - 5] = '\0';
	OK(img_message_pack(&plugins.base, &frame, &err));
	assert_int_equal(frame.size, 4 + IMG_RECORD_MAX);
	OK(img_message_unpack(&plugins_entry__descriptor, frame.data + 4, frame.size - 4, &msg, &err));
	img_message_free(msg);
	img_frame_free(&frame);
	free(text);
}

static void test_extremes(void **state)
{
	static const uint64_t values[] = { 0, 1, 127, 128, UINT32_MAX, (uint64_t)UINT32_MAX + 1, INT64_MAX,
		UINT64_MAX };
	struct img_err err = IMG_ERR_INIT;
	struct img_frame frame = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		EventfdFileEntry e = EVENTFD_FILE_ENTRY__INIT;
		FownEntry fown = FOWN_ENTRY__INIT;
		ProtobufCMessage *msg;

		e.fown = &fown;
		e.id = values[i];
		e.counter = values[i];
		OK(img_message_pack(&e.base, &frame, &err));
		OK(img_message_unpack(
			&eventfd_file_entry__descriptor, frame.data + 4, frame.size - 4, &msg, &err));
		assert_true(((EventfdFileEntry *)msg)->counter == values[i]);
		assert_true(((EventfdFileEntry *)msg)->id == (uint32_t)values[i]);
		img_message_free(msg);
	}
	img_frame_free(&frame);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_amplification),
		cmocka_unit_test(test_pack_missing),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_extremes),
	};

	RUN("wire/message", tests);
}
