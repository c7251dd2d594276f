/* tests/unit/io/source.c -- one set of expectations for every kind of source. */

#include "tests/unit/imgtest.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>

/* More than the buffer, and no multiple of it. */
#define SIZE 200001

static unsigned char pattern[SIZE];

static struct img_source *from_memory(void)
{
	struct img_err err = IMG_ERR_INIT;

	return img_source_memory_new(pattern, SIZE, &err);
}

/* In front of the source's position in the file there are 10 bytes that are not its own. */
static struct img_source *from_file(void)
{
	struct img_err err = IMG_ERR_INIT;
	FILE *f = tmpfile();
	int fd;

	assert_non_null(f);
	fd = fcntl(fileno(f), F_DUPFD_CLOEXEC, 3);
	fclose(f);
	assert_int_equal(write(fd, "0123456789", 10), 10);
	assert_int_equal(write(fd, pattern, SIZE), SIZE);
	assert_int_equal(lseek(fd, 10, SEEK_SET), 10);
	return img_source_fd_new(fd, &err);
}

static void *feed(void *arg)
{
	int fd = (intptr_t)arg;
	size_t at = 0;

	/* Odd pieces: short reads at the other end. */
	while (at < SIZE) {
		size_t part = SIZE - at < 7777 ? SIZE - at : 7777;

		assert_int_equal(write(fd, pattern + at, part), part);
		at += part;
	}
	close(fd);
	return NULL;
}

static pthread_t feeder;

static struct img_source *from_pipe(void)
{
	struct img_err err = IMG_ERR_INIT;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(pthread_create(&feeder, NULL, feed, (void *)(intptr_t)fds[1]), 0);
	return img_source_fd_new(fds[0], &err);
}

/* A source that only reads, a little at a time: what img_source_new() does for a minimal object. */
static ssize_t drip(void *self, void *buf, size_t len, struct img_err *err)
{
	size_t *at = self;

	if (len > 1000)
		len = 1000;
	if (len > SIZE - *at)
		len = SIZE - *at;
	memcpy(buf, pattern + *at, len);
	*at += len;
	return len;
}

static const struct img_source_ops drip_ops = { .read = drip, .close = free };

static struct img_source *from_object(void)
{
	struct img_err err = IMG_ERR_INIT;

	return img_source_new(&drip_ops, calloc(1, sizeof(size_t)), &err);
}

static const struct kind {
	const char *name;
	struct img_source *(*open)(void);
	bool random;
} kinds[] = {
	{ "memory", from_memory, true },
	{ "file", from_file, true },
	{ "pipe", from_pipe, false },
	{ "object", from_object, false },
};

static void close_it(struct img_source *src, const struct kind *kind)
{
	static unsigned char rest[SIZE];
	struct img_err err = IMG_ERR_INIT;

	/* Let the feeder end. */
	while (img_source_read(src, rest, sizeof(rest), &err) > 0)
		;
	if (kind->open == from_pipe)
		pthread_join(feeder, NULL);
	img_source_close(src);
}

static void test_read(void **state)
{
	static const size_t steps[] = { 1, 4, 4096, 65536, 100000, SIZE };
	static unsigned char got[SIZE];
	struct img_err err = IMG_ERR_INIT;

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		for (size_t s = 0; s < ARRAY_SIZE(steps); s++) {
			struct img_source *src = kinds[k].open();
			size_t at = 0;
			ssize_t n;

			while ((n = img_source_read(src, got + at,
					steps[s] < SIZE - at ? steps[s] : SIZE - at + 1, &err)) > 0) {
				at += n;
				assert_int_equal(img_source_position(src), at);
			}
			assert_int_equal(n, 0);
			assert_int_equal(at, SIZE);
			assert_memory_equal(got, pattern, SIZE);
			close_it(src, &kinds[k]);
		}
}

static void test_read_full(void **state)
{
	static unsigned char got[SIZE];
	struct img_err err = IMG_ERR_INIT;

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct img_source *src = kinds[k].open();

		GIVES(1, img_source_read_full(src, got, SIZE - 10, &err));
		assert_memory_equal(got, pattern, SIZE - 10);
		FAILS(IMG_CORRUPT, "ends in the middle", img_source_read_full(src, got, 11, &err));
		GIVES(0, img_source_read_full(src, got, 11, &err));
		GIVES(1, img_source_read_full(src, got, 0, &err));
		close_it(src, &kinds[k]);
	}
}

static void test_skip(void **state)
{
	struct img_err err = IMG_ERR_INIT;

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct img_source *src = kinds[k].open();
		unsigned char got[10];

		GIVES(1, img_source_read_full(src, got, 10, &err)); /* the buffer has something */
		OK(img_source_skip(src, 90, &err));
		GIVES(1, img_source_read_full(src, got, 10, &err));
		assert_memory_equal(got, pattern + 100, 10);
		OK(img_source_skip(src, 150000, &err));
		assert_int_equal(img_source_position(src), 150110);
		GIVES(1, img_source_read_full(src, got, 10, &err));
		assert_memory_equal(got, pattern + 150110, 10);
		OK(img_source_skip(src, 0, &err));
		OK(img_source_skip(src, SIZE - 150120, &err));
		GIVES(0, img_source_read(src, got, 10, &err));
		FAILS(IMG_CORRUPT, "missing", img_source_skip(src, 1, &err));
		close_it(src, &kinds[k]);

		src = kinds[k].open();
		FAILS(IMG_CORRUPT, "missing", img_source_skip(src, UINT64_MAX, &err));
		close_it(src, &kinds[k]);
	}
}

static void test_pread(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	unsigned char got[100];

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct img_source *src = kinds[k].open();

		assert_int_equal(img_source_can_pread(src), kinds[k].random);
		assert_int_equal(img_source_size(src), kinds[k].random ? SIZE : -1);
		if (kinds[k].random) {
			GIVES(1, img_source_read_full(src, got, 3, &err));
			GIVES(100, img_source_pread(src, got, 100, 777, &err));
			assert_memory_equal(got, pattern + 777, 100);
			GIVES(5, img_source_pread(src, got, 100, SIZE - 5, &err));
			GIVES(0, img_source_pread(src, got, 100, SIZE, &err));
			GIVES(0, img_source_pread(src, got, 100, UINT64_MAX, &err));
			GIVES(1, img_source_read_full(src, got, 3, &err));
			assert_memory_equal(got, pattern + 3, 3);
			assert_int_equal(img_source_position(src), 6);
		} else {
			FAILS(IMG_USAGE, "position", img_source_pread(src, got, 1, 0, &err));
		}
		close_it(src, &kinds[k]);
	}
}

static void test_fd(void **state)
{
	struct img_source *src = from_file();
	unsigned char got[10];
	uint64_t offset;
	int fd;

	fd = img_source_fd(src, &offset);
	assert_true(fd >= 0);
	assert_int_equal(offset, 10);
	assert_int_equal(pread(fd, got, 10, offset), 10);
	assert_memory_equal(got, pattern, 10);
	img_source_close(src);

	src = from_memory();
	assert_int_equal(img_source_fd(src, &offset), -1);
	img_source_close(src);
	img_source_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_full),
		cmocka_unit_test(test_skip),
		cmocka_unit_test(test_pread),
		cmocka_unit_test(test_fd),
	};

	for (size_t i = 0; i < SIZE; i++)
		pattern[i] = i * 7 + i / 251;
	RUN("io/source", tests);
}
