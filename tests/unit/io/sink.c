/* tests/unit/io/sink.c -- sinks: buffers, order, failures, and bytes that go around them. */

#include "tests/unit/imgtest.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#define SIZE 300001

static unsigned char pattern[SIZE];

static int temp_fd(void)
{
	FILE *f = tmpfile();
	int fd;

	assert_non_null(f);
	fd = fcntl(fileno(f), F_DUPFD_CLOEXEC, 3);
	fclose(f);
	return fd;
}

static void expect_file(int fd, off_t at, const void *data, size_t size)
{
	cleanup_free unsigned char *got = malloc(size + 1);

	assert_int_equal(pread(fd, got, size + 1, at), size);
	assert_memory_equal(got, data, size);
}

static void test_file(void **state)
{
	static const size_t steps[] = { 1, 5, 4096, 65535, 65536, 65537, SIZE };
	struct img_err err = IMG_ERR_INIT;

	for (size_t s = 0; s < ARRAY_SIZE(steps); s++) {
		int fd = temp_fd(), mine = dup(fd);
		struct img_sink *sink;
		size_t at = 0;

		assert_int_equal(write(mine, "head", 4), 4);
		sink = img_sink_fd_new(fd, &err);
		assert_non_null(sink);
		while (at < SIZE) {
			size_t part = SIZE - at < steps[s] ? SIZE - at : steps[s];

			OK(img_sink_write(sink, pattern + at, part, &err));
			at += part;
			assert_int_equal(img_sink_position(sink), at);
		}
		OK(img_sink_finish(sink, &err));
		expect_file(mine, 4, pattern, SIZE);
		close(mine);
	}
}

static void test_writev(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	int fd = temp_fd(), mine = dup(fd);
	struct img_sink *sink = img_sink_fd_new(fd, &err);
	struct iovec iov[300];

	OK(img_sink_write(sink, pattern, 1, &err));
	/* 300 pieces of 1000, the empty ones among them included: more than one batch, and more than the buffer. */
	for (int i = 0; i < 300; i++) {
		iov[i].iov_base = pattern + 1 + i * 1000;
		iov[i].iov_len = i == 150 ? 0 : 1000;
	}
	OK(img_sink_writev(sink, iov, 300, &err));
	assert_int_equal(img_sink_position(sink), 299001);
	OK(img_sink_writev(sink, iov, 1, &err));
	OK(img_sink_writev(sink, iov, 0, &err));
	OK(img_sink_finish(sink, &err));
	expect_file(mine, 299001, pattern + 1, 1000);
	assert_int_equal(ftruncate(mine, 150001), 0);
	expect_file(mine, 0, pattern, 150001);
	close(mine);
}

static void test_memory(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_sink *sink = img_sink_memory_new(&err);
	const void *data;
	size_t size;

	data = img_sink_memory(sink, &size);
	assert_int_equal(size, 0);
	for (size_t at = 0; at < SIZE; at += 3)
		OK(img_sink_write(sink, pattern + at, SIZE - at < 3 ? SIZE - at : 3, &err));
	data = img_sink_memory(sink, &size);
	assert_int_equal(size, SIZE);
	assert_memory_equal(data, pattern, SIZE);
	assert_int_equal(img_sink_fd(sink), -1);
	FAILS(IMG_USAGE, "has none", img_sink_moved(sink, 1, &err));
	OK(img_sink_finish(sink, &err));
}

/* Bytes that someone puts into the descriptor, by position or not, count and stay in order. */
static void test_moved(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	int fd = temp_fd(), mine = dup(fd);
	struct img_sink *sink = img_sink_fd_new(fd, &err);

	OK(img_sink_write(sink, pattern, 10, &err));
	FAILS(IMG_USAGE, "not flushed", img_sink_moved(sink, 1, &err));
	OK(img_sink_flush(sink, &err));
	assert_int_equal(pwrite(img_sink_fd(sink), pattern + 10, 10, 10), 10);
	OK(img_sink_moved(sink, 10, &err));
	assert_int_equal(write(img_sink_fd(sink), pattern + 20, 10), 10);
	OK(img_sink_moved(sink, 10, &err));
	OK(img_sink_write(sink, pattern + 30, 10, &err));
	assert_int_equal(img_sink_position(sink), 40);
	OK(img_sink_finish(sink, &err));
	expect_file(mine, 0, pattern, 40);
	close(mine);
}

/* A failure is told at once where it happens, and once more at the end: what is there has a hole. */
static void test_failure(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	int fds[2];
	struct img_sink *sink;

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	close(fds[0]);
	sink = img_sink_fd_new(fds[1], &err);
	OK(img_sink_write(sink, pattern, 10, &err));
	FAILS(IMG_SYS, "Broken pipe", img_sink_flush(sink, &err));
	FAILS(IMG_USAGE, "earlier write failed", img_sink_write(sink, pattern, 10, &err));
	FAILS(IMG_USAGE, "earlier write failed", img_sink_finish(sink, &err));

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	close(fds[0]);
	sink = img_sink_fd_new(fds[1], &err);
	OK(img_sink_write(sink, pattern, 10, &err));
	FAILS(IMG_SYS, "Broken pipe", img_sink_finish(sink, &err));
	img_sink_abort(NULL);
}

struct events {
	char text[64];
	int fail_finish;
};

static int note_write(void *self, const void *buf, size_t len, struct img_err *err)
{
	strcat(((struct events *)self)->text, "w");
	return 0;
}

static int note_finish(void *self, struct img_err *err)
{
	struct events *e = self;

	strcat(e->text, "f");
	return e->fail_finish ? img_fail(err, IMG_UNSUPPORTED, "no end") : 0;
}

static void note_close(void *self)
{
	strcat(((struct events *)self)->text, "c");
}

/* The order in which an object is called: small writes together, finish once, close always. */
static void test_object(void **state)
{
	static const struct img_sink_ops ops = {
		.write = note_write, .finish = note_finish, .close = note_close
	};
	struct img_err err = IMG_ERR_INIT;
	struct events e = { "", 0 };
	struct img_sink *sink = img_sink_new(&ops, &e, &err);

	OK(img_sink_write(sink, "a", 1, &err));
	OK(img_sink_write(sink, "b", 1, &err));
	OK(img_sink_finish(sink, &err));
	assert_string_equal(e.text, "wfc");

	e = (struct events){ "", 1 };
	sink = img_sink_new(&ops, &e, &err);
	FAILS(IMG_UNSUPPORTED, "no end", img_sink_finish(sink, &err));
	assert_string_equal(e.text, "fc");

	e = (struct events){ "", 0 };
	sink = img_sink_new(&ops, &e, &err);
	OK(img_sink_write(sink, "a", 1, &err));
	img_sink_abort(sink);
	assert_string_equal(e.text, "c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_writev),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_failure),
		cmocka_unit_test(test_object),
	};

	for (size_t i = 0; i < SIZE; i++)
		pattern[i] = i * 7 + i / 251;
	RUN("io/sink", tests);
}
