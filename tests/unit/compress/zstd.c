/* tests/unit/compress/zstd.c -- compressed bytes: what we write and zstd reads, and the reverse; damage; threads. */

#include "tests/unit/imgtest.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criuimg/compress.h"

static char *dir, path[200];
static struct img_err err;

static int setup(void **state)
{
	err = (struct img_err)IMG_ERR_INIT;
	dir = temp_dir();
	snprintf(path, sizeof(path), "%s/x.zst", dir);
	return 0;
}

static int teardown(void **state)
{
	temp_dir_free(dir);
	return 0;
}

/* Bytes that compress, and differ from place to place. */
static unsigned char *content(size_t size)
{
	unsigned char *data = malloc(size + 1);
	uint32_t x = 1;

	for (size_t i = 0; i < size; i++) {
		x = x * 1103515245 + 12345;
		data[i] = i % 4096 < 1024 ? x >> 24 : i >> 12;
	}
	return data;
}

static void write_file(const struct img_zstd_options *opt, const void *data, size_t size, size_t piece)
{
	struct img_sink *sink = img_sink_fd_new(
				open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), &err),
			*z;

	assert_non_null(sink);
	z = img_zstd_sink_new(sink, opt, &err);
	assert_non_null(z);
	for (size_t at = 0; at < size; at += piece)
		OK(img_sink_write(z, (const char *)data + at, size - at < piece ? size - at : piece, &err));
	OK(img_sink_finish(z, &err));
}

static struct img_source *read_file(void)
{
	struct img_source *src = img_source_fd_new(open(path, O_RDONLY | O_CLOEXEC), &err), *z;

	assert_non_null(src);
	z = img_zstd_source_new(src, &err);
	if (!z)
		img_source_close(src);
	return z;
}

static void read_back(const void *data, size_t size)
{
	struct img_source *z = read_file();
	unsigned char *got = malloc(size + 1);

	assert_non_null(z);
	if (size)
		GIVES(1, img_source_read_full(z, got, size, &err));
	GIVES(0, img_source_read(z, got + size, 1, &err));
	assert_memory_equal(got, data, size);
	img_source_close(z);
	free(got);
}

static void shell(const char *fmt)
{
	char cmd[600];

	snprintf(cmd, sizeof(cmd), "cd '%s' && %s", dir, fmt);
	assert_int_equal(system(cmd), 0);
}

static void test_round(void **state)
{
	static const size_t sizes[] = { 0, 1, 4096, IMG_ZSTD_FRAME - 1, IMG_ZSTD_FRAME,
		5 * IMG_ZSTD_FRAME + 77 };
	static const struct img_zstd_options options[] = { { 0 }, { .level = 1, .threads = 1 },
		{ .level = 3, .threads = 2 }, { .level = 5, .threads = 3, .long_mode = true } };

	for (size_t s = 0; s < ARRAY_SIZE(sizes); s++)
		for (size_t o = 0; o < ARRAY_SIZE(options); o++) {
			unsigned char *data = content(sizes[s]);
			struct img_source *z;

			write_file(&options[o], data, sizes[s], 100000);
			read_back(data, sizes[s]);
			z = read_file();
			GIVES(sizes[s], img_source_size(z));
			assert_true(img_source_can_pread(z));
			img_source_close(z);
			free(data);
		}
}

static void test_tool(void **state)
{
	size_t size = 3 * IMG_ZSTD_FRAME + 5;
	unsigned char *data = content(size);
	struct img_source *z;
	int fd;

	write_file(&(struct img_zstd_options){ .level = 19, .threads = 2 }, data, size, size);
	shell("zstd -q -t x.zst && zstd -q -d x.zst -o x && test $(stat -c %s x) = 3145733");
	/* And back: one frame, no table. */
	shell("rm x.zst && zstd -q -3 x -o x.zst");
	read_back(data, size);
	z = read_file();
	assert_false(img_source_can_pread(z));
	img_source_close(z);
	/* Frames one after the other, an empty one among them, and a skippable one. */
	shell("head -c 100000 x | zstd -q >x.zst; printf '' | zstd -q >>x.zst;"
	      "printf '\\120\\052\\115\\030\\003\\000\\000\\000abc' >>x.zst; tail -c +100001 x | zstd -q "
	      ">>x.zst");
	read_back(data, size);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, 70000), 0);
	close(fd);
	z = read_file();
	FAILS(IMG_CORRUPT, "in the middle", ({
		int ret = 1;
		while (ret > 0)
			ret = img_source_read(z, data, size, &err);
		ret;
	}));
	img_source_close(z);
	free(data);
}

/* The same bytes for any number of threads and any size of the pieces. */
static void test_deterministic(void **state)
{
	size_t size = 4 * IMG_ZSTD_FRAME + 9;
	unsigned char *data = content(size);

	write_file(&(struct img_zstd_options){ .threads = 1 }, data, size, 4097);
	shell("mv x.zst one");
	write_file(&(struct img_zstd_options){ .threads = 4 }, data, size, size);
	shell("cmp one x.zst");
	free(data);
}

struct reader {
	struct img_source *z;
	const unsigned char *data;
	size_t size;
	unsigned int seed;
	bool bad;
};

static void *read_random(void *arg)
{
	struct reader *r = arg;
	struct img_err none = IMG_ERR_INIT;
	unsigned char *buf = malloc(3 << 20);

	for (int i = 0; i < 200; i++) {
		size_t at = rand_r(&r->seed) % r->size, len = rand_r(&r->seed) % (i % 20 ? 9000 : 3 << 20);
		size_t want = len < r->size - at ? len : r->size - at;

		if (img_source_pread(r->z, buf, len, at, &none) != (ssize_t)want ||
			memcmp(buf, r->data + at, want))
			r->bad = true;
	}
	free(buf);
	return NULL;
}

static void test_random(void **state)
{
	size_t size = 9 * IMG_ZSTD_FRAME + 1234;
	unsigned char *data = content(size);
	struct reader r[3];
	pthread_t t[3];

	write_file(&(struct img_zstd_options){ .threads = 2 }, data, size, size);
	r[0].z = read_file();
	for (int i = 0; i < 3; i++) {
		r[i] = (struct reader){ .z = r[0].z, .data = data, .size = size, .seed = i };
		assert_int_equal(pthread_create(&t[i], NULL, read_random, &r[i]), 0);
	}
	for (int i = 0; i < 3; i++) {
		pthread_join(t[i], NULL);
		assert_false(r[i].bad);
	}
	GIVES(0, img_source_pread(r[0].z, data, 5, size, &err));
	OK(img_source_skip(r[0].z, size - 3, &err));
	GIVES(3, img_source_read(r[0].z, data, 5, &err));
	FAILS(IMG_CORRUPT, "missing", img_source_skip(r[0].z, 1, &err));
	img_source_close(r[0].z);
	free(data);
}

/* A source that counts what is read of it. */
struct counter {
	struct img_source *from;
	uint64_t bytes;
};

static ssize_t count_read(void *self, void *buf, size_t len, struct img_err *e)
{
	struct counter *c = self;

	c->bytes += len;
	return img_source_read(c->from, buf, len, e);
}

static ssize_t count_pread(void *self, void *buf, size_t len, uint64_t offset, struct img_err *e)
{
	struct counter *c = self;

	c->bytes += len;
	return img_source_pread(c->from, buf, len, offset, e);
}

static int64_t count_size(void *self)
{
	return img_source_size(((struct counter *)self)->from);
}

static void count_close(void *self)
{
	img_source_close(((struct counter *)self)->from);
}

static const struct img_source_ops count_ops = {
	.read = count_read, .pread = count_pread, .size = count_size, .close = count_close
};

static void test_needed_only(void **state)
{
	size_t size = 64 * IMG_ZSTD_FRAME;
	unsigned char *data = content(size), page[4096];
	struct counter c = { 0 };
	struct img_source *z;
	struct stat st;

	write_file(NULL, data, size, size);
	stat(path, &st);
	c.from = img_source_fd_new(open(path, O_RDONLY | O_CLOEXEC), &err);
	z = img_zstd_source_new(img_source_new(&count_ops, &c, &err), &err);
	GIVES(4096, img_source_pread(z, page, 4096, 40 * IMG_ZSTD_FRAME + 4096, &err));
	assert_memory_equal(page, data + 40 * IMG_ZSTD_FRAME + 4096, 4096);
	print_message(
		"# %lu of %lu bytes read for one page\n", (unsigned long)c.bytes, (unsigned long)st.st_size);
	assert_true(c.bytes < (uint64_t)st.st_size / 40);
	img_source_close(z);
	free(data);
}

/* Each flipped bit is told: by the frame's checksum, or by the table. */
static void test_damage(void **state)
{
	size_t size = IMG_ZSTD_FRAME + 6000;
	unsigned char *data = content(size), *got = malloc(size + 1), byte;
	struct stat st;
	int fd;

	memset(data, 7, IMG_ZSTD_FRAME);
	write_file(NULL, data, size, size);
	stat(path, &st);
	fd = open(path, O_RDWR | O_CLOEXEC);
	for (off_t bit = 0; bit < st.st_size * 8; bit += bit < 800 || bit > st.st_size * 8 - 300 ? 1 : 41) {
		struct img_source *z;
		bool same = false;

		assert_int_equal(pread(fd, &byte, 1, bit / 8), 1);
		byte ^= 1 << bit % 8;
		assert_int_equal(pwrite(fd, &byte, 1, bit / 8), 1);
		z = read_file();
		if (z)
			same = img_source_read_full(z, got, size, &err) == 1 &&
			       img_source_read(z, got + size, 1, &err) == 0;
		if (same)
			fail_msg("bit %ld flipped, and nobody noticed", (long)bit);
		img_source_close(z);
		byte ^= 1 << bit % 8;
		assert_int_equal(pwrite(fd, &byte, 1, bit / 8), 1);
	}
	close(fd);
	free(data);
	free(got);
}

static void test_usage(void **state)
{
	struct img_sink *sink = img_sink_memory_new(&err);

	FAILS_NULL(IMG_USAGE, "compression level 20",
		img_zstd_sink_new(sink, &(struct img_zstd_options){ .level = 20 }, &err));
	img_sink_abort(sink);
	assert_true(img_zstd_magic("\x28\xb5\x2f\xfd", 4));
	assert_false(img_zstd_magic("\x28\xb5\x2f", 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tool, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deterministic, setup, teardown),
		cmocka_unit_test_setup_teardown(test_random, setup, teardown),
		cmocka_unit_test_setup_teardown(test_needed_only, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_usage, setup, teardown),
	};

	RUN("compress", tests);
}
