/* tests/unit/store/compressed.c -- page images that are compressed in a directory: readers do not know. */

#include "tests/unit/imgtest.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "criuimg/manifest.h"
#include "criuimg/pages.h"
#include "manifest.pb-c.h"

#define PAGES 700

static char *dir;
static struct img_err err;
static unsigned char *data;

static int setup(void **state)
{
	err = (struct img_err)IMG_ERR_INIT;
	dir = temp_dir();
	data = malloc(PAGES * IMG_PAGE);
	for (size_t i = 0; i < PAGES * IMG_PAGE; i++)
		data[i] = i % 97 + i / IMG_PAGE;
	return 0;
}

static int teardown(void **state)
{
	temp_dir_free(dir);
	free(data);
	return 0;
}

static void write_set(bool compress)
{
	struct img_set *set = img_set_create_dir(AT_FDCWD, dir, &err);
	struct iovec iov = { .iov_base = data, .iov_len = PAGES * IMG_PAGE };
	struct img_pages_writer *w;
	struct img_sink *sink;
	uint64_t offset;

	assert_non_null(set);
	if (compress)
		OK(img_set_compress(set, &(struct img_zstd_options){ .level = 3, .threads = 2 }, &err));
	sink = img_set_sink(set, "core-1.img", &err);
	OK(img_sink_write(sink, "core", 4, &err));
	OK(img_sink_finish(sink, &err));
	w = img_pages_create(set, IMG_PAGEMAP, 1, &err);
	assert_non_null(w);
	if (compress)
		FAILS(IMG_UNSUPPORTED, "not a plain file", img_pages_data_fd(w, &offset, &err));
	OK(img_pages_run(w, 0x10000, PAGES / 2, IMG_RUN_PRESENT, &err));
	OK(img_pages_run(w, 0x10000000, PAGES / 2, IMG_RUN_PRESENT, &err));
	OK(img_pages_data(w, &iov, 1, &err));
	OK(img_pages_finish(w, &err));
	OK(img_set_seal(set, "test", NULL, &err));
	img_set_close(set);
}

static int print(void *arg, const char *name, const struct img_err *finding)
{
	print_message("# %s: %s\n", name, finding->text);
	return 0;
}

static int note(void *arg, const char *name, struct img_err *e)
{
	strcat(arg, name);
	strcat(arg, " ");
	return 0;
}

static bool there(const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return !access(path, F_OK);
}

static void check_pages(struct img_set *set, bool compressed)
{
	unsigned char *got = malloc(PAGES * IMG_PAGE);
	struct img_pages_reader *r;
	uint64_t offset, nr;
	int fd;

	GIVES(1, img_pages_open(set, IMG_PAGEMAP, 1, &r, &err));
	OK(img_pages_read(r, 0x10000, PAGES / 2, got, &err));
	OK(img_pages_read(r, 0x10000000, PAGES / 2, got + PAGES / 2 * IMG_PAGE, &err));
	assert_memory_equal(got, data, PAGES * IMG_PAGE);
	OK(img_pages_read(r, 0x10000000 + 5 * IMG_PAGE, 1, got, &err));
	assert_memory_equal(got, data + (PAGES / 2 + 5) * IMG_PAGE, IMG_PAGE);
	GIVES(!compressed, img_pages_locate(r, 0x10000, 7, &fd, &offset, &nr, &err));
	assert_int_equal(nr, 7);
	img_pages_close(r);
	free(got);
}

static void test_round(void **state)
{
	char names[200] = "";
	ManifestEntry *m[2];
	struct img_set *set;
	struct stat st;
	char path[200];

	write_set(true);
	assert_true(there("pages-1.img.zst") && !there("pages-1.img"));
	set = img_set_open_dir(AT_FDCWD, dir, &err);
	GIVES(1, img_set_has(set, "pages-1.img", &err));
	OK(img_set_each(set, note, names, &err));
	assert_string_equal(names, "core-1.img manifest.img pagemap-1.img pages-1.img ");
	check_pages(set, true);
	GIVES(0, img_set_verify(set, print, NULL, &err));
	GIVES(1, img_manifest_read(set, &m[0], &err));
	assert_string_equal(m[0]->members[2]->codec, "zstd");
	snprintf(path, sizeof(path), "%s/pages-1.img.zst", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(m[0]->members[2]->stored_size, st.st_size);
	assert_int_equal(m[0]->members[2]->size, PAGES * IMG_PAGE);
	assert_null(m[0]->members[0]->codec);
	assert_int_equal(m[0]->n_requires, 1);
	assert_string_equal(m[0]->requires[0], "pages-zstd");
	img_set_close(set);

	/* Over it, plain: the same pages and the same identity; and the reverse. */
	write_set(false);
	assert_true(!there("pages-1.img.zst") && there("pages-1.img"));
	set = img_set_open_dir(AT_FDCWD, dir, &err);
	check_pages(set, false);
	GIVES(1, img_manifest_read(set, &m[1], &err));
	assert_null(m[1]->members[2]->codec);
	assert_int_equal(m[1]->n_requires, 0);
	assert_memory_equal(m[0]->set_id.data, m[1]->set_id.data, IMG_DIGEST_SIZE);
	img_message_free(&m[0]->base);
	img_message_free(&m[1]->base);
	img_set_close(set);
	write_set(true);
	assert_true(there("pages-1.img.zst") && !there("pages-1.img"));
}

/* What zstd(1) packed is read; and unpacked by it, the set is as good as before. */
static void test_tool(void **state)
{
	struct img_set *set;
	char cmd[300];

	write_set(true);
	snprintf(cmd, sizeof(cmd), "cd %s && zstd -q -d --rm pages-1.img.zst", dir);
	assert_int_equal(system(cmd), 0);
	set = img_set_open_dir(AT_FDCWD, dir, &err);
	check_pages(set, false);
	GIVES(0, img_set_verify(set, print, NULL, &err));
	img_set_close(set);
	snprintf(cmd, sizeof(cmd), "cd %s && zstd -q --rm pages-1.img", dir);
	assert_int_equal(system(cmd), 0);
	set = img_set_open_dir(AT_FDCWD, dir, &err);
	check_pages(set, true);
	GIVES(0, img_set_verify(set, print, NULL, &err));
	img_set_close(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tool, setup, teardown),
	};

	RUN("compressed", tests);
}
