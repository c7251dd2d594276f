/* tests/unit/convert/json-write.c -- JSON as Python's json.dumps() spells it; what is expected was asked of Python. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "convert/json-names.h"
#include "convert/json-unbytes.h"
#include "convert/json-write.h"
#include "criuimg/array.h"

struct fixture {
	struct img_sink *sink;
	struct json_out *out;
};

static struct fixture begin(bool indent)
{
	struct fixture f = { .sink = img_sink_memory_new(NULL) };

	assert_non_null(f.sink);
	f.out = json_out_new(f.sink, indent, NULL);
	assert_non_null(f.out);
	return f;
}

static void end(struct fixture *f, const char *expected)
{
	const char *text;
	size_t size;

	assert_int_equal(json_out_close(f->out, NULL), 0);
	text = img_sink_memory(f->sink, &size);
	assert_int_equal(size, strlen(expected));
	if (size)
		assert_memory_equal(text, expected, size);
	img_sink_abort(f->sink);
}

static void write_some(struct json_out *out)
{
	json_open(out, '{');
	json_member(out, "a");
	json_open(out, '[');
	json_item(out);
	json_unsigned(out, UINT64_MAX);
	json_item(out);
	json_signed(out, INT64_MIN);
	json_item(out);
	json_bool(out, false);
	json_close(out, ']');
	json_member(out, "b");
	json_open(out, '{');
	json_close(out, '}');
	json_member(out, "c");
	json_open(out, '[');
	json_close(out, ']');
	json_close(out, '}');
}

static void compact(void **state)
{
	struct fixture f = begin(false);

	write_some(f.out);
	end(&f, "{\"a\": [18446744073709551615, -9223372036854775808, false], \"b\": {}, \"c\": []}");
}

static void indented(void **state)
{
	struct fixture f = begin(true);

	write_some(f.out);
	end(&f, "{\n    \"a\": [\n        18446744073709551615,\n        -9223372036854775808,\n        false\n    ],\n"
		"    \"b\": {},\n    \"c\": []\n}");
}

static void strings(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "", "\"\"" },
		{ "a \"b\" \\ /", "\"a \\\"b\\\" \\\\ /\"" },
		{ "\b\f\n\r\t\x01\x1f\x7f", "\"\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\"" },
		{ "n\xc3\xa4me \xe2\x82\xac", "\"n\\u00e4me \\u20ac\"" },
		{ "\xf0\x9f\x98\x80", "\"\\ud83d\\ude00\"" },
		/* Not UTF-8: os.fsdecode() and json.dumps(). */
		{ "\xff", "\"\\udcff\"" },
		{ "\xc0\x80", "\"\\udcc0\\udc80\"" },
		{ "\xe2\x82", "\"\\udce2\\udc82\"" },
		{ "\xed\xa0\x80", "\"\\udced\\udca0\\udc80\"" },
		{ "\xf4\x90\x80\x80z", "\"\\udcf4\\udc90\\udc80\\udc80z\"" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fixture f = begin(false);

		json_quoted(f.out, rows[i].text);
		end(&f, rows[i].expected);
	}
}

static void base64(void **state)
{
	uint8_t data[115] = { 0 };
	struct json_base64 b64;
	struct fixture f;

	f = begin(false);
	json_bytes(f.out, data, 0);
	end(&f, "\"\"");
	f = begin(false);
	json_bytes(f.out, (const uint8_t *)"\xff", 1);
	end(&f, "\"/w==\\n\"");
	/* In pieces, over the ends of lines. */
	f = begin(false);
	json_base64_begin(&b64, f.out);
	for (size_t i = 0; i < sizeof(data); i += 5)
		json_base64_add(&b64, data + i, 5);
	json_base64_end(&b64);
	end(&f, "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\\n"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\\nAA==\\n\"");
}

/* quopri.encodestring(), but for the last two rows: that would lose the "\r" of one and make up one for the other. */
static void quoted_printable(void **state)
{
#define X72 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	static const struct {
		const char *data;
		size_t len;
		const char *expected;
	} rows[] = {
		{ "\0listening", 10, "\"=00listening\"" },
		{ "a b\tc=\x7f~", 8, "\"a b\\tc=3D=7F~\"" },
		{ ".", 1, "\"=2E\"" },
		{ ".\0", 2, "\"=2E=00\"" },
		{ ".\rx", 3, "\"=2E\\rx\"" },
		{ ".a", 2, "\".a\"" },
		{ "a \nb\t", 5, "\"a=20\\nb=09\"" },
		{ "a \r\nb", 5, "\"a=20\\r\\nb\"" },
		{ "a \rb", 4, "\"a \\rb\"" },
		{ X72 "xxxx", 76, "\"" X72 "xxxx\"" },
		{ X72 "xxxxx", 77, "\"" X72 "xxx=\\nxx\"" },
		{ X72 "xxx\xff", 76, "\"" X72 "xxx=\\n=FF\"" },
		{ X72 "\xff", 73, "\"" X72 "=FF\"" },
		{ X72 " \n", 74, "\"" X72 "=20\\n\"" },
		{ X72 "xxx\n", 76, "\"" X72 "xxx\\n\"" },
		{ X72 "\xff\xff\r\n", 76, "\"" X72 "=FF=\\r\\n=FF\\r\\n\"" },
		{ "a\nb\r\nc", 6, "\"a\\nb=0D\\nc\"" },
		{ "a\r\nb\nc", 6, "\"a\\r\\nb=0Ac\"" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fixture f = begin(false);

		json_quoted_printable(f.out, (const uint8_t *)rows[i].data, rows[i].len);
		end(&f, rows[i].expected);
	}
}

static void there_and_back(void **state)
{
	uint8_t back[64];
	struct json_unbase64 b64 = { 0 };
	size_t n, more;

	assert_true(json_unbase64(&b64, "/+8A\nAQ", 7, back, &n));
	assert_true(json_unbase64(&b64, "==\n", 3, back + n, &more));
	assert_true(json_unbase64_end(&b64));
	assert_int_equal(n + more, 4);
	assert_memory_equal(back, "\xff\xef\x00\x01", 4);

	for (size_t len = 0; len < 3; len++) {
		static const char *const bad[] = { "A", "AA=", "A===" };

		b64 = (struct json_unbase64){ 0 };
		assert_false(json_unbase64(&b64, bad[len], strlen(bad[len]), back, &n) && json_unbase64_end(&b64));
	}
	b64 = (struct json_unbase64){ 0 };
	assert_false(json_unbase64(&b64, "AA==AA==", 8, back, &n));
	b64 = (struct json_unbase64){ 0 };
	assert_false(json_unbase64(&b64, "... <8.0KB>", 11, back, &n));

	assert_true(json_unquote_printable("=00a=\n b=0D\r\n=\r\nc=FF", 20, back, &n));
	assert_int_equal(n, 9);
	assert_memory_equal(back, "\0a b\r\r\nc\xff", 9);
	assert_false(json_unquote_printable("=", 1, back, &n));
	assert_false(json_unquote_printable("=G0", 3, back, &n));
}

static void readable(void **state)
{
	const struct json_name *prot = json_flag_names(IMG_FLAGS_MMAP_PROT);
	static const uint32_t words[][4] = { { 0 }, { 0, 0, 0xffff0000, 0x0100007f }, { 0x01000000, 0, 0x00010000, 0x00010000 } };
	char text[JSON_TEXT_MAX];
	uint64_t value;

	json_flags_text(text, prot, 0xff);
	assert_string_equal(text, "PROT_READ | PROT_WRITE | PROT_EXEC | 0xf8");
	assert_true(json_flags_parse(text, strlen(text), prot, &value));
	assert_int_equal(value, 0xff);
	assert_false(json_flags_parse("PROT_NONE", 9, prot, &value));
	json_dev_text(text, 0xfe00003, false);
	assert_string_equal(text, "254:3");
	json_dev_text(text, 0xfe00003, true);
	assert_string_equal(text, "0:65027");
	assert_true(json_dev_parse(text, strlen(text), true, &value));
	assert_int_equal(value, 0xfe00003);
	assert_true(json_address_text(text, words[0], 4));
	assert_string_equal(text, "::");
	assert_true(json_address_text(text, words[1], 4));
	assert_string_equal(text, "::ffff:7f00:1");
	assert_true(json_address_text(text, words[2], 4));
	assert_string_equal(text, "0:1::100:0:100");
	assert_true(json_address_text(text, words[2], 1));
	assert_string_equal(text, "0.0.0.1");
	assert_false(json_address_text(text, words[0], 3));
	json_size_text(text, 1024);
	assert_string_equal(text, "1KB");
	json_size_text(text, 1025);
	assert_string_equal(text, "1.0KB");
	json_size_text(text, (1ull << 40) - 1);
	assert_string_equal(text, "1024.0GB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compact),
		cmocka_unit_test(indented),
		cmocka_unit_test(strings),
		cmocka_unit_test(base64),
		cmocka_unit_test(quoted_printable),
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(readable),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
