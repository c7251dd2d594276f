/* tests/unit/convert/json-encode.c -- images from JSON: what is understood, and what is refused and how. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "criuimg/array.h"
#include "criuimg/json.h"

/* A source of memory that gives little at a time and cannot be read by position, as a pipe. */
struct trickle {
	const char *data;
	size_t left;
};

static ssize_t trickle_read(void *self, void *buf, size_t len, struct img_err *err)
{
	struct trickle *t = self;

	if (len > 3)
		len = 3;
	if (len > t->left)
		len = t->left;
	memcpy(buf, t->data, len);
	t->data += len;
	t->left -= len;
	return len;
}

static void trickle_close(void *self)
{
}

static const struct img_source_ops trickle_ops = { .read = trickle_read, .close = trickle_close };

/* Encode, from a file or a pipe; what was written is in *sink. */
static int encode(const char *json, bool pipe, struct img_sink **sink, struct img_err *err)
{
	struct trickle trickle = { json, strlen(json) };
	struct img_source *src = pipe ? img_source_new(&trickle_ops, &trickle, NULL)
				      : img_source_memory_new(json, strlen(json), NULL);
	int ret;

	*sink = img_sink_memory_new(NULL);
	assert_non_null(src);
	assert_non_null(*sink);
	ret = img_json_encode(src, *sink, err);
	img_source_close(src);
	return ret;
}

/* The image that json makes is, decoded, this. */
static void gives(const char *json, bool pipe, const char *expected)
{
	const struct img_json_options compact = { 0 };
	struct img_err err = IMG_ERR_INIT;
	struct img_sink *image, *text;
	struct img_reader *r;
	const void *data;
	size_t size;

	if (encode(json, pipe, &image, &err))
		fail_msg("%s: %s", json, err.text);
	data = img_sink_memory(image, &size);
	r = img_reader_from_source(img_source_memory_new(data, size, NULL), &err);
	assert_non_null(r);
	text = img_sink_memory_new(NULL);
	assert_int_equal(img_json_decode(r, &compact, text, &err), 0);
	data = img_sink_memory(text, &size);
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(data, expected, size);
	img_sink_abort(text);
	img_reader_close(r);
	img_sink_abort(image);
}

#define QUEUE "\"id_for\": 1, \"length\": 3"

static void forms(void **state)
{
	static const struct {
		const char *json, *expected;
	} rows[] = {
		{ "{\"magic\": \"PSTREE\", \"entries\": []}", "{\"magic\": \"PSTREE\", \"entries\": []}" },
		{ " { \"magic\":\"EVENTFD_FILE\",\n\"entries\":[{\"flags\":\"0x2\" , \"counter\": 18446744073709551615, \"id\": 1,"
		  "\"fown\":{\"uid\":0,\"euid\":0,\"signum\":0,\"pid_type\":0,\"pid\":0}} ] } ",
			"{\"magic\": \"EVENTFD_FILE\", \"entries\": [{\"id\": 1, \"flags\": 2, \"fown\": {\"uid\": 0, \"euid\": 0, "
			"\"signum\": 0, \"pid_type\": 0, \"pid\": 0}, \"counter\": 18446744073709551615}]}" },
		{ "{\"magic\": \"SK_QUEUES\", \"entries\": [{" QUEUE ", \"extra\": \"YWJj\\n\"}]}",
			"{\"magic\": \"SK_QUEUES\", \"entries\": [{" QUEUE ", \"extra\": \"YWJj\\n\"}]}" },
		{ "{\"magic\": \"UTSNS\", \"entries\": [{\"nodename\": \"\xc3\xa4\\u20ac\\ud83d\\ude00\\udcff\", \"domainname\": \"\"}]}",
			"{\"magic\": \"UTSNS\", \"entries\": [{\"nodename\": \"\\u00e4\\u20ac\\ud83d\\ude00\\udcff\", "
			"\"domainname\": \"\"}]}" },
		{ "{\"magic\": \"IPCNS_SEM\", \"entries\": [{\"desc\": {\"key\": 1, \"uid\": 0, \"gid\": 0, \"cuid\": 0, \"cgid\": 0, "
		  "\"mode\": 0, \"id\": 0}, \"nsems\": 2, \"extra\": [1, 65535]}]}",
			"{\"magic\": \"IPCNS_SEM\", \"entries\": [{\"desc\": {\"key\": 1, \"uid\": 0, \"gid\": 0, \"cuid\": 0, "
			"\"cgid\": 0, \"mode\": 0, \"id\": 0}, \"nsems\": 2, \"extra\": [1, 65535]}]}" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		gives(rows[i].json, false, rows[i].expected);
		gives(rows[i].json, true, rows[i].expected);
	}
}

static void any_order(void **state)
{
	for (int pipe = 0; pipe < 2; pipe++) {
		gives("{\"entries\": [{\"extra\": \"YW\\u004aj\", " QUEUE "}], \"magic\": \"SK_QUEUES\"}", pipe,
			"{\"magic\": \"SK_QUEUES\", \"entries\": [{" QUEUE ", \"extra\": \"YWJj\\n\"}]}");
		gives("{\"entries\": [], \"magic\": \"EVENTFD_FILE\"}", pipe, "{\"magic\": \"EVENTFD_FILE\", \"entries\": []}");
	}
}

/* Fails as a corrupt image, and the message has these words. */
static void is_refused(const char *json, bool pipe, const char *says)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_sink *image;

	assert_int_equal(encode(json, pipe, &image, &err), -1);
	img_sink_abort(image);
	if (!strstr(err.text, says))
		fail_msg("%s: \"%s\" does not say \"%s\"", json, err.text, says);
	assert_int_equal(err.code, IMG_CORRUPT);
}

static void refused(void **state)
{
	static const struct {
		const char *json, *says;
	} rows[] = {
		{ "", "the end where an object belongs" },
		{ "[]", "'[' where an object belongs" },
		{ "{}", "no magic" },
		{ "{\"magic\": \"PSTREE\"}", "no entries" },
		{ "{\"magic\": \"PSTREE\", \"entries\": []", "the end where ',' or '}' belongs" },
		{ "{\"magic\": \"PSTREE\", \"entries\": []} x", "'x' where the end belongs" },
		{ "{\"magic\": \"PSTREE\", \"entries\": [], \"a\": 1}", "'a' has no place here" },
		{ "{\"magic\": \"NOBODY\", \"entries\": []}", "no kind of image is called 'NOBODY'" },
		{ "{\"magic\": \"EVENTFD_FILE\", \"entries\": [\n{\"id\": 4294967296}]}", "line 2: id: the number does not fit" },
		{ "{\"magic\": \"EVENTFD_FILE\", \"entries\": [{\"id\": -1}]}", "id: the number does not fit" },
		{ "{\"magic\": \"EVENTFD_FILE\", \"entries\": [{\"id\": 1.5}]}", "not whole" },
		{ "{\"magic\": \"EVENTFD_FILE\", \"entries\": [{\"id\": 1, \"id\": 1}]}", "id: a second time" },
		{ "{\"magic\": \"EVENTFD_FILE\", \"entries\": [{\"id\": 1}]}", "flags is missing" },
		{ "{\"magic\": \"EVENTFD_FILE\", \"entries\": [{\"idd\": 1}]}", "no such member" },
		{ "{\"magic\": \"EVENTFD_FILE\", \"entries\": [{\"flags\": \"O_RDWR\"}]}", "cannot make a number of it" },
		{ "{\"magic\": \"CORE\", \"entries\": [{\"mtype\": \"Z80\"}]}", "has no 'Z80'" },
		{ "{\"magic\": \"UTSNS\", \"entries\": [{\"nodename\": \"a\\u0000b\"}]}", "a NUL in a string" },
		{ "{\"magic\": \"UTSNS\", \"entries\": [{\"nodename\": \"\\ud800\"}]}", "half a surrogate pair" },
		{ "{\"magic\": \"UTSNS\", \"entries\": [{\"nodename\": \"\\x\"}]}", "an escape that JSON does not have" },
		{ "{\"magic\": \"UTSNS\", \"entries\": [{\"nodename\": \"a\nb\"}]}", "a control character" },
		{ "{\"magic\": \"UTSNS\", \"entries\": [{\"nodename\": \"a", "ends in the middle" },
		{ "{\"magic\": \"SK_QUEUES\", \"entries\": [{" QUEUE "}]}", "3 bytes of the data" },
		{ "{\"magic\": \"SK_QUEUES\", \"entries\": [{" QUEUE ", \"extra\": \"YWI=\"}]}", "1 bytes of the data" },
		{ "{\"magic\": \"SK_QUEUES\", \"entries\": [{" QUEUE ", \"extra\": \"YWJjZA==\"}]}", "4 bytes of data where 3 belong" },
		{ "{\"magic\": \"SK_QUEUES\", \"entries\": [{" QUEUE ", \"extra\": \"... <3B>\"}]}", "not base64" },
		{ "{\"magic\": \"EVENTFD_FILE\", \"entries\": [{\"extra\": \"\"}]}", "id is missing" },
		{ "{\"magic\": \"PAGEMAP\", \"entries\": []}", "no pagemap_head" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		is_refused(rows[i].json, false, rows[i].says);
}

/* One pass over a pipe is enough for what decode writes. */
static void extra_in_a_pipe(void **state)
{
	is_refused("{\"magic\": \"SK_QUEUES\", \"entries\": [{\"extra\": \"YWJj\", " QUEUE "}]}", true, "is missing");
}

static void too_deep(void **state)
{
	char json[2048] = "{\"entries\": ";
	size_t len = strlen(json);

	memset(json + len, '[', sizeof(json) - len - 1);
	json[sizeof(json) - 1] = '\0';
	is_refused(json, false, "nested too deep");
}

/* A raw image has an entry for each of its parts: a page, a line, a message. Their bytes follow one another. */
static void raw(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_sink *image;
	const void *data;
	size_t size;

	assert_int_equal(encode("{\"magic\": \"PAGES\", \"entries\": [{\"extra\": \"YWJj\\n\"}, {\"extra\": \"\"}, {\"extra\": \"ZA==\"}]}", true,
				 &image, &err), 0);
	data = img_sink_memory(image, &size);
	assert_int_equal(size, 4);
	assert_memory_equal(data, "abcd", 4);
	img_sink_abort(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms),
		cmocka_unit_test(any_order),
		cmocka_unit_test(refused),
		cmocka_unit_test(extra_in_a_pipe),
		cmocka_unit_test(too_deep),
		cmocka_unit_test(raw),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
