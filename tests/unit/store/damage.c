/* tests/unit/store/damage.c -- a set with a manifest, in each store: no bit of it flips and no byte of its end goes without an error. */

#include "tests/unit/golden.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include "criuimg/convert.h"
#include "criuimg/validate.h"

static struct img_err err;
static char *dir;

static int setup(void **state)
{
	char cmd[300];

	err = (struct img_err)IMG_ERR_INIT;
	dir = temp_dir();
	snprintf(cmd, sizeof(cmd), "mkdir %s/v2 && tar -C %s/v2 -xzf tests/images/refuse/whole-v2.tar.gz", dir, dir);
	assert_int_equal(system(cmd), 0);
	return 0;
}

static int teardown(void **state)
{
	temp_dir_free(dir);
	return 0;
}

static const char *path_of(const char *name)
{
	static char path[300];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* The set goes into another store. */
static void copy_to(struct img_set *to)
{
	struct img_set *from = img_set_open_dir(AT_FDCWD, path_of("v2"), &err);

	assert_non_null(from);
	if (!to)
		fail_msg("%s", err.text);
	OK(img_set_convert(from, to, NULL, &err));
	img_set_close(from);
	img_set_close(to);
}

static int first_error(void *arg, const struct img_finding *f)
{
	return f->severity == IMG_ERROR;
}

/* Is something found wrong with what is at path? */
static bool found(const char *path)
{
	struct img_err failure = IMG_ERR_INIT;
	struct img_validate_result result = { 0 };
	struct img_set *set = img_set_open(path, &failure);
	bool bad = !set;

	if (set && (img_validate(set, NULL, first_error, NULL, &result, &failure) || result.errors))
		bad = true;
	img_set_close(set);
	return bad;
}

static unsigned char *map(const char *file, size_t *size)
{
	cleanup_fd int fd = open(file, O_RDWR | O_CLOEXEC);
	unsigned char *p;

	assert_true(fd >= 0);
	*size = lseek(fd, 0, SEEK_END);
	p = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(p != MAP_FAILED);
	return p;
}

/* Every bit of `file` is flipped, one at a time; unless all, in the middle one bit of each byte, and of every seventh that is zero. */
static void flip(const char *file, const char *set, bool all)
{
	size_t size, missed = 0;
	unsigned char *p = map(file, &size);

	for (size_t i = 0; i < size; i++)
		for (int bit = 0; bit < 8; bit++) {
			if (!all && i >= 1024 && i + 2048 < size && ((!p[i] && i % 7) || bit != (int)(i & 7)))
				continue;
			p[i] ^= 1 << bit;
			if (!found(set) && missed++ < 20)
				print_message("# %s: byte %zu of %zu, bit %d: not found\n", file, i, size, bit);
			p[i] ^= 1 << bit;
		}
	munmap(p, size);
	assert_false(found(set));
	assert_int_equal(missed, 0);
}

static void cut(const char *file, const char *set)
{
	size_t size, missed = 0;
	unsigned char *p = map(file, &size), *copy = malloc(size);
	cleanup_fd int fd = open(file, O_WRONLY | O_CLOEXEC);

	memcpy(copy, p, size);
	munmap(p, size);
	for (size_t len = size; len--;) {
		assert_int_equal(ftruncate(fd, len), 0);
		if (!found(set) && missed++ < 20)
			print_message("# %s: cut to %zu of %zu: not found\n", file, len, size);
	}
	assert_int_equal(pwrite(fd, copy, size, 0), size);
	free(copy);
	assert_false(found(set));
	assert_int_equal(missed, 0);
}

static void test_plain(void **state)
{
	char path[300];

	strcpy(path, path_of("set.tar"));
	copy_to(img_set_create_archive(path, NULL, &err));
	flip(path, path, false);
	cut(path, path);
}

static void test_zstd(void **state)
{
	char path[300];

	strcpy(path, path_of("set.tar.zst"));
	copy_to(img_set_create_archive(path, &(struct img_zstd_options){ .threads = 1 }, &err));
	flip(path, path, true);
	cut(path, path);
}

static void test_compressed(void **state)
{
	char set[300], file[400];
	struct img_set *to;
	int pages = 0;

	strcpy(set, path_of("packed"));
	assert_int_equal(mkdir(set, 0700), 0);
	to = img_set_create_dir(AT_FDCWD, set, &err);
	assert_non_null(to);
	OK(img_set_compress(to, NULL, &err));
	copy_to(to);
	for (int i = 1; i < 10; i++) {
		snprintf(file, sizeof(file), "%s/pages-%d.img.zst", set, i);
		if (access(file, R_OK))
			continue;
		flip(file, set, true);
		cut(file, set);
		pages++;
	}
	assert_true(pages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_plain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_zstd, setup, teardown),
		cmocka_unit_test_setup_teardown(test_compressed, setup, teardown),
	};

	RUN("store/damage", tests);
}
