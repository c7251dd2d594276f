/* tests/unit/kernel/fdinfo.c -- the parser of fdinfo. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "criuimg/array.h"
#include "kernel/fdinfo.h"

static void common_lines(void **state)
{
	char text[] = "pos:\t12\nflags:\t02100002\nmnt_id:\t27\nino:\t10952773\n";
	struct img_err err = IMG_ERR_INIT;
	struct kern_fdinfo info;

	assert_int_equal(kern_fdinfo_common(text, &info, &err), 0);
	assert_int_equal(info.pos, 12);
	assert_int_equal(info.flags, O_CLOEXEC | O_RDWR | 0100000);
	assert_int_equal(info.mnt_id, 27);
	assert_int_equal(info.ino, 10952773);
	assert_int_equal(info.nr_locks, 0);
	assert_string_equal(info.extra, "");
}

static void locks_are_counted_and_extra_kept(void **state)
{
	char text[] = "pos:\t0\nflags:\t02\nmnt_id:\t16\nino:\t7\nlock:\t1: FLOCK  ADVISORY  WRITE 1 fe:00:1 0 EOF\n"
		      "lock:\t2: LEASE  ACTIVE    WRITE 1 fe:00:1 0 EOF\neventfd-count:              a\neventfd-id: 3\n";
	struct img_err err = IMG_ERR_INIT;
	struct kern_fdinfo info;

	assert_int_equal(kern_fdinfo_common(text, &info, &err), 0);
	assert_int_equal(info.nr_locks, 2);
	assert_string_equal(info.extra, "eventfd-count:              a\neventfd-id: 3\n");
}

static void bad_texts(void **state)
{
	static const char *const bad[] = {
		"", "pos:\t1\n", "flags:\t0\n", "pos:\tx\nflags:\t0\n", "pos:\t\nflags:\t0\n", "pos:\t1 2\nflags:\t0\n",
		"pos:\t0\nflags:\t9\n", "pos:\t-1\nflags:\t0\n", "pos:\t99999999999999999999999\nflags:\t0\n", "pos: 1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct img_err err = IMG_ERR_INIT;
		struct kern_fdinfo info;
		char *text = strdup(bad[i]);

		assert_int_equal(kern_fdinfo_common(text, &info, &err), -1);
		assert_int_equal(err.code, IMG_UNSUPPORTED);
		free(text);
	}
}

struct values {
	uint64_t hex, dec, sdec, untouched;
};

static const struct fdinfo_field fields[] = {
	{ "a-hex", FDINFO_HEX, offsetof(struct values, hex), true },
	{ "a-dec", FDINFO_DEC, offsetof(struct values, dec), false },
	{ "a-sdec", FDINFO_SDEC, offsetof(struct values, sdec), false },
	{ "skipped", FDINFO_SKIP, 0, false },
};

static int collect(void *arg, const char *line)
{
	strcat(arg, line);
	strcat(arg, "|");
	return 0;
}

static void fields_of_a_kind(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct values v = { 0, 0, 0, 5 };
	char unknown[100] = "";

	assert_int_equal(kern_fdinfo_fields("a-hex:  ff\na-sdec:\t-3\nnew: 1\nskipped: what ever\nalso-new:", fields,
				 ARRAY_SIZE(fields), &v, collect, unknown, &err), 0);
	assert_int_equal(v.hex, 0xff);
	assert_int_equal(v.dec, 0);
	assert_true(v.sdec == (uint64_t)-3);
	assert_int_equal(v.untouched, 5);
	assert_string_equal(unknown, "new: 1|also-new:|");
	assert_int_equal(kern_fdinfo_fields("a-dec: 1\n", fields, ARRAY_SIZE(fields), &v, NULL, NULL, &err), -1);
	assert_string_equal(err.text, "fdinfo: no 'a-hex' line");
	assert_int_equal(kern_fdinfo_fields("a-hex: 1\na-dec: -1\n", fields, ARRAY_SIZE(fields), &v, NULL, NULL, &err), -1);
}

static void of_this_kernel(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct kern_fdinfo info;
	char *buf = NULL;
	size_t room = 0;
	int dir = open("/proc/self/fdinfo", O_RDONLY | O_DIRECTORY);
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC | O_APPEND);
	int efd = eventfd(7, 0);

	assert_int_equal(kern_fdinfo_read(dir, fd, &buf, &room, &err), 0);
	assert_int_equal(kern_fdinfo_common(buf, &info, &err), 0);
	assert_int_equal(info.flags & (O_ACCMODE | O_CLOEXEC | O_APPEND), O_RDWR | O_CLOEXEC | O_APPEND);
	assert_string_equal(info.extra, "");
	assert_int_equal(kern_fdinfo_read(dir, efd, &buf, &room, &err), 0);
	assert_int_equal(kern_fdinfo_common(buf, &info, &err), 0);
	assert_non_null(strstr(info.extra, "eventfd-count:"));
	close(efd);
	assert_int_equal(kern_fdinfo_read(dir, efd, &buf, &room, &err), -1);
	free(buf);
	close(fd);
	close(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(common_lines),
		cmocka_unit_test(locks_are_counted_and_extra_kept),
		cmocka_unit_test(bad_texts),
		cmocka_unit_test(fields_of_a_kind),
		cmocka_unit_test(of_this_kernel),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
