/* tests/unit/validate/compressed.c -- every flipped bit and every truncation of a compressed page image is found. */

#include "tests/unit/golden.h"

#include <sys/stat.h>

#include "criuimg/compress.h"
#include "criuimg/validate.h"

#define WHOLE  "tests/images/refuse/whole.tar.gz"
#define STORED "pages-1.img.zst"

static struct img_err err;

struct copying {
	struct img_set *from, *to;
};

static int copy_member(void *arg, const char *name, struct img_err *e)
{
	struct copying *c = arg;
	struct img_source *src;
	struct img_sink *sink;
	char buf[16384];
	ssize_t n;

	assert_int_equal(img_set_source(c->from, name, &src, e), 1);
	n = img_source_read(src, buf, sizeof(buf), e);
	img_source_close(src);
	sink = img_set_sink(c->to, name, e);
	assert_non_null(sink);
	OK(img_sink_write(sink, buf, n, &err));
	OK(img_sink_finish(sink, &err));
	return 0;
}

static int first_error(void *arg, const struct img_finding *f)
{
	return f->severity == IMG_ERROR;
}

static uint64_t errors_in(const char *dir)
{
	struct img_set *set = img_set_open_dir(AT_FDCWD, dir, &err);
	struct img_validate_result result;

	OK(img_validate(set, NULL, first_error, NULL, &result, &err));
	img_set_close(set);
	return result.errors;
}

static void test_stored(void **state)
{
	struct img_zstd_options zstd = { .level = 1, .threads = 1 };
	char *dir = temp_dir(), path[200];
	struct copying c = { img_set_open(WHOLE, &err), img_set_create_dir(AT_FDCWD, dir, &err) };
	cleanup_fd int fd = -1;
	struct stat st;

	OK(img_set_compress(c.to, &zstd, &err));
	OK(img_set_each(c.from, copy_member, &c, &err));
	OK(img_set_seal(c.to, "test", NULL, &err));
	img_set_close(c.from);
	img_set_close(c.to);
	assert_int_equal(errors_in(dir), 0);

	snprintf(path, sizeof(path), "%s/" STORED, dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	for (off_t at = 0; at < st.st_size; at++) {
		unsigned char was, is;

		assert_int_equal(pread(fd, &was, 1, at), 1);
		for (int bit = 0; bit < 8; bit++) {
			is = was ^ 1 << bit;
			assert_int_equal(pwrite(fd, &is, 1, at), 1);
			if (!errors_in(dir))
				fail_msg("byte %lld, bit %d: not found", (long long)at, bit);
		}
		assert_int_equal(pwrite(fd, &was, 1, at), 1);
	}
	while (st.st_size-- > 0) {
		assert_int_equal(ftruncate(fd, st.st_size), 0);
		if (!errors_in(dir))
			fail_msg("cut at %lld: not found", (long long)st.st_size);
	}
	temp_dir_free(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stored),
	};

	RUN("validate/compressed", tests);
}
