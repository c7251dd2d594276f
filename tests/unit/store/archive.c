/* tests/unit/store/archive.c -- archives: what we write and tar reads, and the reverse; in place, from pipes, damaged. */

#include "tests/unit/imgtest.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "criuimg/manifest.h"
#include "criuimg/pages.h"
#include "manifest.pb-c.h"

#define PAGES 3000

static char *dir, path[200];
static struct img_err err;
static unsigned char *data;

static int setup(void **state)
{
	uint32_t x = 1;

	err = (struct img_err)IMG_ERR_INIT;
	dir = temp_dir();
	snprintf(path, sizeof(path), "%s/set.tar", dir);
	data = malloc(PAGES * IMG_PAGE);
	for (size_t i = 0; i < PAGES * IMG_PAGE; i++) {
		x = x * 1103515245 + 12345;
		data[i] = i % 8 ? i / IMG_PAGE : x >> 24;
	}
	return 0;
}

static int teardown(void **state)
{
	temp_dir_free(dir);
	free(data);
	return 0;
}

static int shell(const char *cmd)
{
	char all[800];

	snprintf(all, sizeof(all), "cd '%s' && { %s; }", dir, cmd);
	return system(all);
}

static void put(struct img_set *set, const char *name, const void *bytes, size_t size, bool sized)
{
	struct img_sink *sink =
		sized ? img_set_sink_sized(set, name, size, &err) : img_set_sink(set, name, &err);

	if (!sink)
		fail_msg("%s", err.text);
	OK(img_sink_write(sink, bytes, size, &err));
	OK(img_sink_finish(sink, &err));
}

static void put_pages(struct img_set *set, uint64_t pid)
{
	struct iovec iov = { .iov_base = data, .iov_len = PAGES * IMG_PAGE };
	struct img_pages_writer *w = img_pages_create(set, IMG_PAGEMAP, pid, &err);

	assert_non_null(w);
	OK(img_pages_run(w, 0x10000, PAGES, IMG_RUN_PRESENT, &err));
	OK(img_pages_data(w, &iov, 1, &err));
	OK(img_pages_finish(w, &err));
}

static void fill(struct img_set *set)
{
	assert_non_null(set);
	put_pages(set, 7);
	put(set, "core-10.img", "ten", 3, false);
	put(set, "core-7.img", "seven", 5, false);
	put(set, "plugin.dat", "?", 1, false);
	put_pages(set, 10);
	put(set, "inventory.img", "inventory", 9, false);
	put(set, "empty.img", "", 0, false);
	OK(img_set_seal(set, "test", NULL, &err));
	FAILS_NULL(IMG_USAGE, "complete", img_set_sink(set, "core-8.img", &err));
	FAILS_NULL(IMG_UNSUPPORTED, "complete", img_set_sink(set, "stats-restore", &err));
	img_set_close(set);
}

static void write_archive(bool zstd)
{
	fill(img_set_create_archive(path, zstd ? &(struct img_zstd_options){ .threads = 2 } : NULL, &err));
}

static int note(void *arg, const char *name, struct img_err *e)
{
	strcat(arg, name);
	strcat(arg, " ");
	return 0;
}

static int print(void *arg, const char *name, const struct img_err *finding)
{
	print_message("# %s: %s\n", name, finding->text);
	return 0;
}

static int quiet(void *arg, const char *name, const struct img_err *finding)
{
	return 0;
}

#define MEMBERS                                                                                              \
	"inventory.img core-7.img core-10.img pagemap-7.img pagemap-10.img empty.img plugin.dat "            \
	"pages-1.img "                                                                                       \
	"pages-2.img manifest.img "

static void check(struct img_set *set, bool in_order)
{
	unsigned char *got = malloc(PAGES * IMG_PAGE);
	struct img_pages_reader *r;
	struct img_source *src;
	char names[400] = "", buf[20];

	if (!set)
		fail_msg("%s", err.text);
	GIVES(1, img_set_source(set, "core-10.img", &src, &err));
	GIVES(3, img_source_read(src, buf, sizeof(buf), &err));
	assert_memory_equal(buf, "ten", 3);
	img_source_close(src);
	GIVES(0, img_set_source(set, "core-11.img", &src, &err));
	GIVES(0, img_set_has(set, "core-1.img", &err));
	GIVES(1, img_set_has(set, "empty.img", &err));
	OK(img_set_each(set, note, names, &err));
	if (in_order)
		assert_string_equal(names, MEMBERS);
	assert_int_equal(strlen(names), strlen(MEMBERS));
	GIVES(1, img_pages_open(set, IMG_PAGEMAP, 10, &r, &err));
	OK(img_pages_read(r, 0x10000, PAGES, got, &err));
	assert_memory_equal(got, data, PAGES * IMG_PAGE);
	img_pages_close(r);
	GIVES(0, img_set_verify(set, print, NULL, &err));
	FAILS_NULL(IMG_USAGE, "reading", img_set_sink(set, "x", &err));
	img_set_close(set);
	free(got);
}

static struct img_set *open_pipe(const char *command)
{
	char all[400];
	struct img_set *set;
	FILE *f;

	snprintf(all, sizeof(all), "cd '%s' && %s", dir, command);
	f = popen(all, "r");
	assert_non_null(f);
	set = img_set_open_archive(fileno(f), &err);
	if (!set)
		fail_msg("%s", err.text);
	/* The set has the pipe; pclose() would wait for a writer that may have much to say. */
	close(fileno(f));
	return set;
}

static void test_plain(void **state)
{
	write_archive(false);
	check(img_set_open(path, &err), true);
	check(open_pipe("cat set.tar"), true);
	assert_int_equal(shell("tar -tf set.tar | tr '\\n' ' ' >list; mkdir x && tar -C x -xf set.tar "
			       "2>warn; test ! -s warn"),
		0);
	assert_int_equal(shell("test \"$(cat list)\" = '" MEMBERS "'"), 0);
	snprintf(path, sizeof(path), "%s/x", dir);
	check(img_set_open(path, &err), false);
}

static void test_zstd(void **state)
{
	write_archive(true);
	check(img_set_open(path, &err), true);
	check(open_pipe("cat set.tar"), true);
	assert_int_equal(shell("mkdir x && tar --zstd -C x -xf set.tar && zstd -q -t set.tar && zstd -q -d "
			       "<set.tar | tar -tf - | tail -1"
			       " | grep -q ^manifest.img$"),
		0);
	snprintf(path, sizeof(path), "%s/x", dir);
	check(img_set_open(path, &err), false);
}

/* What others pack. */
static void test_foreign(void **state)
{
	static const char *const packs[] = {
		"tar -C x -cf set.tar .",
		"tar -C x -czf set.tar .",
		"tar -C x -cJf set.tar .",
		"tar -C x --zstd -cf set.tar .",
		"tar -C x --format=pax -cf set.tar $(ls x)",
		"tar --format=gnu -cf set.tar x",
		("mkdir -p c && cp -r x c/checkpoint && echo '{}' >c/config.dump && mkdir c/r && "
		 "echo 1 >c/r/pages-9.img && tar -C c -czf set.tar . && rm -r c"),
		("mkdir -p c && cp -r x c/checkpoint && echo '{}' >c/spec.dump && "
		 "tar -C c -cf set.tar checkpoint spec.dump && rm -r c"),
		"zstd -q --rm x/pages-1.img && tar -C x -cf set.tar . && zstd -q -d --rm x/pages-1.img.zst",
		"tar -S -C x -cf set.tar .",
	};

	write_archive(true);
	assert_int_equal(shell("mkdir x && tar --zstd -C x -xf set.tar"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(packs); i++) {
		assert_int_equal(shell(packs[i]), 0);
		print_message("# %s\n", packs[i]);
		check(img_set_open(path, &err), false);
		check(open_pipe("cat set.tar"), false);
	}
}

/* To a pipe, and with members that go straight out. */
static void test_stream_out(void **state)
{
	struct img_set *set;
	FILE *f;

	assert_int_equal(shell("cat >/dev/null </dev/null"), 0);
	f = popen("cat >/tmp/imgtest.stream", "w");
	set = img_set_create_archive_to(
		img_sink_fd_new(dup(fileno(f)), &err), &(struct img_zstd_options){ .level = 1 }, &err);
	assert_non_null(set);
	put(set, "inventory.img", "inventory", 9, false);
	put(set, "core-7.img", "seven", 5, true);
	put(set, "core-8.img", "eight", 5, false);
	put(set, "pages-1.img", data, PAGES * IMG_PAGE, true);
	FAILS(IMG_USAGE, "more bytes", ({
		struct img_sink *s = img_set_sink_sized(set, "pages-0.img", 3, &err);
		int ret = 0;
		ret |= img_sink_write(s, "1234", 4, &err);
		ret |= img_sink_finish(s, &err);
		ret;
	}));
	FAILS(IMG_USAGE, "not whole", img_set_seal(set, "test", NULL, &err));
	img_set_close(set);
	pclose(f);

	f = popen("cat >/tmp/imgtest.stream", "w");
	set = img_set_create_archive_to(img_sink_fd_new(dup(fileno(f)), &err), NULL, &err);
	put(set, "inventory.img", "inventory", 9, false);
	put(set, "core-7.img", "seven", 5, true);
	put(set, "core-8.img", "eight", 5, false);
	put(set, "pages-1.img", data, PAGES * IMG_PAGE, true);
	OK(img_set_seal(set, "test", NULL, &err));
	img_set_close(set);
	pclose(f);
	set = img_set_open("/tmp/imgtest.stream", &err);
	if (!set)
		fail_msg("%s", err.text);
	GIVES(0, img_set_verify(set, print, NULL, &err));
	img_set_close(set);
	unlink("/tmp/imgtest.stream");
}

/* What rchar of /proc/self/io has: bytes that read(2) and its like gave. */
static uint64_t bytes_read(void)
{
	unsigned long long n = 0;
	FILE *f = fopen("/proc/self/io", "r");

	if (f && fscanf(f, "rchar: %llu", &n) != 1)
		n = 0;
	if (f)
		fclose(f);
	return n;
}

static void test_bytes_read(void **state)
{
	unsigned char page[IMG_PAGE];
	struct img_pages_reader *r;
	struct img_set *set;
	uint64_t before;
	struct stat st;

	write_archive(true);
	stat(path, &st);
	before = bytes_read();
	set = img_set_open(path, &err);
	GIVES(1, img_pages_open(set, IMG_PAGEMAP, 10, &r, &err));
	OK(img_pages_read(r, 0x10000 + 1000 * IMG_PAGE, 1, page, &err));
	before = bytes_read() - before;
	assert_memory_equal(page, data + 1000 * IMG_PAGE, IMG_PAGE);
	img_pages_close(r);
	img_set_close(set);
	print_message(
		"# %lu of %lu bytes read for one page\n", (unsigned long)before, (unsigned long)st.st_size);
	assert_true(before < (uint64_t)st.st_size / 3);
}

static void test_parent(void **state)
{
	struct img_set *set, *parent;

	write_archive(true);
	set = img_set_create_archive(({
		static char p[220];
		snprintf(p, sizeof(p), "%s/2.tar", dir);
		p;
	}),
		NULL, &err);
	OK(img_set_link_parent(set, "set.tar", &err));
	fill(set);
	assert_int_equal(shell("mkdir 3 4 && ln -s ../2.tar 3/parent && ln -s 3/../2.tar l"), 0);
	snprintf(path, sizeof(path), "%s/3", dir);
	set = img_set_open(path, &err);
	GIVES(1, img_set_parent(set, &parent, &err));
	GIVES(1, img_set_parent(parent, &parent, &err));
	GIVES(0, img_set_parent(parent, &parent, &err));
	img_set_close(set);
	assert_int_equal(shell("mv set.tar 1.tar && ln -s 2.tar set.tar"), 0);
	snprintf(path, sizeof(path), "%s/l", dir);
	set = img_set_open(path, &err);
	FAILS(IMG_CORRUPT, "circle", img_set_parent(set, &parent, &err));
	img_set_close(set);
	set = open_pipe("cat 2.tar");
	FAILS(IMG_UNSUPPORTED, "pipe", img_set_parent(set, &parent, &err));
	img_set_close(set);
}

/* Nothing of what is damaged is handed out as good: it does not open, or does not verify, or (a bit in the end) it is whole. */
static void test_damage(void **state)
{
	unsigned char byte;
	unsigned int unseen = 0;
	struct stat st;
	int fd;

	for (int zstd = 0; zstd < 2; zstd++) {
		struct img_set *set =
			img_set_create_archive(path, zstd ? &(struct img_zstd_options){ 0 } : NULL, &err);

		put(set, "inventory.img", "inventory", 9, false);
		put(set, "pages-1.img", data, 2 * IMG_PAGE, true);
		OK(img_set_seal(set, "test", NULL, &err));
		img_set_close(set);
		stat(path, &st);
		fd = open(path, O_RDWR | O_CLOEXEC);
		for (off_t bit = 0; bit < st.st_size * 8; bit += 5) {
			struct img_err none = IMG_ERR_INIT;

			assert_int_equal(pread(fd, &byte, 1, bit / 8), 1);
			byte ^= 1 << bit % 8;
			assert_int_equal(pwrite(fd, &byte, 1, bit / 8), 1);
			set = img_set_open(path, &none);
			if (set && img_set_verify(set, quiet, NULL, &none) == 0)
				unseen++;
			img_set_close(set);
			byte ^= 1 << bit % 8;
			assert_int_equal(pwrite(fd, &byte, 1, bit / 8), 1);
		}
		print_message("# %s: %u of %ld flipped bits unseen\n", zstd ? "zstd" : "plain", unseen,
			(long)st.st_size * 8 / 5);
		for (off_t size = st.st_size - 1; size >= 0; size -= size > 1200 ? 97 : 13) {
			struct img_err none = IMG_ERR_INIT;
			bool good;

			assert_int_equal(ftruncate(fd, size), 0);
			set = img_set_open(path, &none);
			good = set && img_set_verify(set, quiet, NULL, &none) == 0;
			img_set_close(set);
			if (good && size < st.st_size - 1024)
				fail_msg("%ld of %ld bytes are good", (long)size, (long)st.st_size);
		}
		close(fd);
	}
}

static void test_refused(void **state)
{
	assert_int_equal(shell("mkdir -p x/y && echo >x/inventory.img && echo >x/core-1.img && tar -C x/y -P "
			       "-cf set.tar ../inventory.img"),
		0);
	FAILS_NULL(IMG_CORRUPT, "leads out", img_set_open(path, &err));
	assert_int_equal(
		shell("tar -C x -cf set.tar inventory.img core-1.img && tar -C x -rf set.tar core-1.img"), 0);
	FAILS_NULL(IMG_CORRUPT, "twice", img_set_open(path, &err));
	assert_int_equal(shell("head -c 3000 /dev/urandom >set.tar"), 0);
	FAILS_NULL(IMG_CORRUPT, "archive", ({
		struct img_set *set = img_set_open(path, &err);
		if (set && img_set_has(set, "inventory.img", &err) < 0) {
			img_set_close(set);
			set = NULL;
		}
		set;
	}));
	assert_int_equal(shell("rm set.tar"), 0);
	FAILS_NULL(IMG_SYS, "No such file", img_set_open(path, &err));
}

/* A set that was not finished leaves nothing. */
static void test_unfinished(void **state)
{
	struct img_set *set = img_set_create_archive(path, NULL, &err);

	put(set, "inventory.img", "inventory", 9, false);
	img_set_close(set);
	assert_int_equal(shell("test -z \"$(ls -A)\""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_plain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_zstd, setup, teardown),
		cmocka_unit_test_setup_teardown(test_foreign, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stream_out, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bytes_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_parent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unfinished, setup, teardown),
	};

	RUN("archive", tests);
}
