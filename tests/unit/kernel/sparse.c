/* tests/unit/kernel/sparse.c -- the stretches of data of a file. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/sparse.h"

static int note(void *arg, uint64_t start, uint64_t len, struct img_err *err)
{
	char *text = arg;

	sprintf(text + strlen(text), "%llu+%llu ", (unsigned long long)start, (unsigned long long)len);
	return 0;
}

static int stop(void *arg, uint64_t start, uint64_t len, struct img_err *err)
{
	return 7;
}

static int make(void)
{
	int fd = open(".", O_TMPFILE | O_RDWR, 0600);

	if (fd < 0)
		fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	assert_true(fd >= 0);
	return fd;
}

static void expect(int fd, uint64_t size, const char *want)
{
	for (int fiemap = 0; fiemap < 2; fiemap++) {
		struct img_err err = IMG_ERR_INIT;
		char got[300] = "";

		if (kern_file_data(fd, size, fiemap, note, got, &err) < 0)
			fail_msg("%s", err.text);
		assert_string_equal(got, want);
	}
}

static void stretches(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	char block[65536];
	int fd = make();

	memset(block, 1, sizeof(block));
	expect(fd, 0, "");
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	assert_true(kern_file_has_hole(fd, 1 << 20));
	expect(fd, 1 << 20, "");
	assert_int_equal(pwrite(fd, block, 65536, 65536), 65536);
	assert_int_equal(pwrite(fd, block, 65536, 131072), 65536);
	assert_int_equal(pwrite(fd, block, 65536, (1 << 20) - 65536), 65536);
	expect(fd, 1 << 20, "65536+131072 983040+65536 ");
	assert_int_equal(kern_file_data(fd, 1 << 20, false, stop, NULL, &err), 7);
	close(fd);
}

static void whole(void **state)
{
	int fd = make();

	assert_int_equal(write(fd, "some bytes", 10), 10);
	assert_false(kern_file_has_hole(fd, 10));
	expect(fd, 10, "0+10 ");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stretches),
		cmocka_unit_test(whole),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
