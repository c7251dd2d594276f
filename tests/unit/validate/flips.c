/* tests/unit/validate/flips.c -- in a set with a manifest every flipped bit and every truncation is found; in one without, no
 * flipped bit does harm. */

#include "tests/unit/golden.h"

#include "criuimg/validate.h"
#include "tests/fuzz/container.h"

#define CORPUS "tests/images/refuse/"

static struct img_err err;
static uint8_t *set_bytes;
static size_t set_size;

static int add_member(void *arg, const char *name, struct img_err *e)
{
	struct img_set *set = arg;
	struct img_source *src;
	char buf[16384];
	ssize_t n;

	assert_int_equal(img_set_source(set, name, &src, e), 1);
	n = img_source_read(src, buf, sizeof(buf), e);
	assert_true(n >= 0 && n < (ssize_t)sizeof(buf));
	img_source_close(src);
	set_size = container_add(&set_bytes, set_size, name, buf, n);
	return 0;
}

/* The set of that name, as a container. */
static void load(const char *name)
{
	char *dir = temp_dir(), cmd[300];
	struct img_set *set;

	snprintf(cmd, sizeof(cmd), "tar -C %s -xzf " CORPUS "%s.tar.gz", dir, name);
	assert_int_equal(system(cmd), 0);
	set = img_set_open_dir(AT_FDCWD, dir, &err);
	assert_non_null(set);
	set_size = 0;
	OK(img_set_each(set, add_member, set, &err));
	img_set_close(set);
	temp_dir_free(dir);
}

static int first_error(void *arg, const struct img_finding *f)
{
	return f->severity == IMG_ERROR;
}

static uint64_t errors_of(const uint8_t *data, size_t size)
{
	struct img_set *set = container_open(data, size);
	struct img_validate_result result;

	OK(img_validate(set, NULL, first_error, NULL, &result, &err));
	img_set_close(set);
	return result.errors;
}

/* Call fn for each member: where its bytes start in set_bytes, and their number. */
static void each_member(void (*fn)(const char *name, size_t at, size_t size))
{
	for (size_t at = 0; at < set_size;) {
		uint8_t len = set_bytes[at];
		char name[256] = "";
		const uint8_t *s = set_bytes + at + 1 + len;
		size_t size = s[0] | s[1] << 8 | s[2] << 16 | (size_t)s[3] << 24;

		memcpy(name, set_bytes + at + 1, len);
		fn(name, at + 1 + len + 4, size);
		at += 1 + len + 4 + size;
	}
}

static void flip_each_bit(const char *name, size_t at, size_t size)
{
	/* Of pages, all are alike: each byte, and a bit that goes round. */
	bool pages = !strncmp(name, "pages-", 6);

	for (size_t i = 0; i < size; i++)
		for (int bit = pages ? (int)(i & 7) : 0; bit < (pages ? (int)(i & 7) + 1 : 8); bit++) {
			set_bytes[at + i] ^= 1 << bit;
			if (!errors_of(set_bytes, set_size))
				fail_msg("%s: byte %zu, bit %d: not found", name, i, bit);
			set_bytes[at + i] ^= 1 << bit;
		}
}

static void test_flips(void **state)
{
	load("whole-v2");
	assert_int_equal(errors_of(set_bytes, set_size), 0);
	each_member(flip_each_bit);
}

static void cut_at_each_byte(const char *name, size_t at, size_t size)
{
	size_t step = !strncmp(name, "pages-", 6) ? 61 : 1;

	for (size_t len = 0; len < size; len += step) {
		size_t tail = set_size - at - size;
		uint8_t *copy = malloc(set_size);

		memcpy(copy, set_bytes, at + len);
		memcpy(copy + at + len, set_bytes + at + size, tail);
		copy[at - 4] = len;
		copy[at - 3] = len >> 8;
		copy[at - 2] = len >> 16;
		copy[at - 1] = len >> 24;
		if (!errors_of(copy, at + len + tail))
			fail_msg("%s: cut at %zu of %zu: not found", name, len, size);
		free(copy);
	}
}

static void test_cuts(void **state)
{
	load("whole-v2");
	each_member(cut_at_each_byte);
}

/* What can be told without digests is told, and nothing crashes on the rest. */
static size_t nr_flips, nr_found;

static void flip_and_count(const char *name, size_t at, size_t size)
{
	for (size_t i = 0; i < size && strncmp(name, "pages-", 6) != 0; i++)
		for (int bit = 0; bit < 8; bit++) {
			set_bytes[at + i] ^= 1 << bit;
			nr_flips++;
			nr_found += errors_of(set_bytes, set_size) != 0;
			set_bytes[at + i] ^= 1 << bit;
		}
}

static void test_without_manifest(void **state)
{
	load("whole");
	assert_int_equal(errors_of(set_bytes, set_size), 0);
	each_member(flip_and_count);
	printf("# without a manifest: %zu of %zu flipped bits are found\n", nr_found, nr_flips);
	assert_true(nr_found * 2 > nr_flips);
}

static int done(void **state)
{
	free(set_bytes);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flips),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_without_manifest),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("validate/flips", tests, NULL, done);
}
