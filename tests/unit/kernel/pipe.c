/* tests/unit/kernel/pipe.c -- looking into a pipe. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/pipe.h"

static void peek(int fd, struct kern_pipe *p)
{
	struct img_err err = IMG_ERR_INIT;

	if (kern_pipe_peek(fd, p, &err) < 0)
		fail_msg("%s", err.text);
}

static void empty(void **state)
{
	struct kern_pipe p;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	peek(ends[0], &p);
	assert_int_equal(p.size, 65536);
	assert_int_equal(p.len, 0);
	assert_int_equal(p.nr_packets, 0);
	kern_pipe_free(&p);
	close(ends[0]);
	close(ends[1]);
}

static void bytes_stay(void **state)
{
	char text[3000], back[3000];
	struct kern_pipe p;
	int ends[2], left;

	memset(text, 'x', sizeof(text));
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text, 2000), 2000);
	assert_int_equal(write(ends[1], text, 1000), 1000);
	for (int i = 0; i < 3; i++) {
		peek(ends[0], &p);
		assert_int_equal(p.len, 3000);
		assert_memory_equal(p.data, text, 3000);
		assert_int_equal(p.nr_packets, 0);
		assert_null(p.packets);
		kern_pipe_free(&p);
	}
	assert_int_equal(ioctl(ends[0], FIONREAD, &left), 0);
	assert_int_equal(left, 3000);
	assert_int_equal(read(ends[0], back, sizeof(back)), 3000);
	close(ends[0]);
	close(ends[1]);
}

static void full_and_large(void **state)
{
	static char text[256 << 10];
	struct kern_pipe p;
	int ends[2];
	size_t put = 0;
	ssize_t got;

	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	assert_int_equal(fcntl(ends[0], F_SETPIPE_SZ, sizeof(text)), sizeof(text));
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 7 + i / 4096);
	/* In odd pieces: slots are filled in part. */
	while ((got = write(ends[1], text + put, put + 5000 < sizeof(text) ? 5000 : sizeof(text) - put)) > 0)
		put += (size_t)got;
	peek(ends[0], &p);
	assert_int_equal(p.size, sizeof(text));
	assert_int_equal(p.len, put);
	assert_memory_equal(p.data, text, put);
	kern_pipe_free(&p);
	close(ends[0]);
	close(ends[1]);
}

static void packets(void **state)
{
	struct kern_pipe p;
	int ends[2];

	assert_int_equal(pipe2(ends, O_DIRECT), 0);
	assert_int_equal(write(ends[1], "one", 3), 3);
	peek(ends[0], &p);
	assert_int_equal(p.nr_packets, 1);
	assert_int_equal(p.packets[0], 3);
	kern_pipe_free(&p);
	assert_int_equal(write(ends[1], "second", 6), 6);
	assert_int_equal(write(ends[1], "3", 1), 1);
	peek(ends[0], &p);
	assert_int_equal(p.len, 10);
	assert_memory_equal(p.data, "onesecond3", 10);
	assert_int_equal(p.nr_packets, 3);
	assert_int_equal(p.packets[1], 6);
	assert_int_equal(p.packets[2], 1);
	kern_pipe_free(&p);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),
		cmocka_unit_test(bytes_stay),
		cmocka_unit_test(full_and_large),
		cmocka_unit_test(packets),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
