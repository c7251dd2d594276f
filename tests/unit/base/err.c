/* tests/unit/base/err.c -- the convention of docs/errors.md. */

#include "tests/unit/imgtest.h"

#include <errno.h>

static void test_fail(void **state)
{
	struct img_err err = IMG_ERR_INIT;

	assert_int_equal(img_fail(&err, IMG_CORRUPT, "fd %d: odd", 3), -1);
	assert_int_equal(err.code, IMG_CORRUPT);
	assert_int_equal(err.sys_errno, 0);
	assert_string_equal(err.text, "fd 3: odd");
	assert_int_equal(img_fail(NULL, IMG_CORRUPT, "nobody listens"), -1);
	assert_int_equal(img_fail_sys(NULL, "nobody listens"), -1);
	assert_int_equal(img_wrap(NULL, "nobody listens"), -1);
}

static void test_fail_sys(void **state)
{
	struct img_err err = IMG_ERR_INIT;

	errno = ENOENT;
	assert_int_equal(img_fail_sys(&err, "open %s", "x"), -1);
	assert_int_equal(err.code, IMG_SYS);
	assert_int_equal(err.sys_errno, ENOENT);
	assert_string_equal(err.text, "open x: No such file or directory");
}

static void test_wrap(void **state)
{
	struct img_err err = IMG_ERR_INIT;

	errno = EPERM;
	img_fail_sys(&err, "create");
	assert_int_equal(img_wrap(&err, "eventfd %#x", 16), -1);
	img_wrap(&err, "pid %d", 12);
	assert_int_equal(err.code, IMG_SYS);
	assert_int_equal(err.sys_errno, EPERM);
	assert_string_equal(err.text, "pid 12: eventfd 0x10: create: Operation not permitted");
}

/* A text that is too long keeps its beginning, which says where, and says that it was cut. */
static void test_too_long(void **state)
{
	char word[900], *end;
	struct img_err err = IMG_ERR_INIT;

	memset(word, 'a', sizeof(word));
	word[sizeof(word) - 1] = '\0';
	img_fail(&err, IMG_USAGE, "%s", word);
	img_wrap(&err, "outer %s", word);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_memory_equal(err.text, "outer a", 7);
	end = err.text + sizeof(err.text) - 4;
	assert_string_equal(end, "...");
	img_wrap(&err, "%s%s", word, word);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	errno = EIO;
	img_fail_sys(&err, "%s%s", word, word);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_int_equal(err.code, IMG_SYS);
}

static void test_codes(void **state)
{
	static const struct {
		enum img_code code;
		int value, exit;
	} rows[] = {
		{ IMG_OK, 0, 0 },
		{ IMG_NOMEM, 1, 1 },
		{ IMG_SYS, 2, 1 },
		{ IMG_CORRUPT, 3, 4 },
		{ IMG_UNSUPPORTED, 4, 3 },
		{ IMG_USAGE, 5, 2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct img_err err = { .code = rows[i].code };

		assert_int_equal(rows[i].code, rows[i].value);
		assert_int_equal(img_exit_status(&err), rows[i].exit);
		assert_non_null(img_code_name(rows[i].code));
	}
	assert_string_equal(img_code_name((enum img_code)77), "unknown error");
	assert_string_equal(img_code_name((enum img_code) - 1), "unknown error");
	assert_int_equal(sizeof(struct img_err), 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fail),
		cmocka_unit_test(test_fail_sys),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_codes),
	};

	RUN("base/err", tests);
}
