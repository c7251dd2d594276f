/* tests/unit/store/set.c -- the same expectations for a set in a directory and one in memory, and what only one has. */

#include "tests/unit/imgtest.h"

#include <fcntl.h>
#include <sys/stat.h>

static char *dir;
static struct img_err err;

static struct img_set *new_directory(void)
{
	return img_set_create_dir(AT_FDCWD, dir, &err);
}

static struct img_set *new_memory(void)
{
	return img_set_create_memory(&err);
}

static struct img_set *(*const stores[])(void) = { new_directory, new_memory };

static int setup(void **state)
{
	err = (struct img_err)IMG_ERR_INIT;
	dir = temp_dir();
	return 0;
}

static int teardown(void **state)
{
	temp_dir_free(dir);
	return 0;
}

static void put(struct img_set *set, const char *name, const char *text)
{
	struct img_sink *sink = img_set_sink(set, name, &err);

	if (!sink)
		fail_msg("%s", err.text);
	OK(img_sink_write(sink, text, strlen(text), &err));
	OK(img_sink_finish(sink, &err));
}

static void expect(struct img_set *set, const char *name, const char *text)
{
	struct img_source *src;
	char buf[100];
	ssize_t n;

	GIVES(text ? 1 : 0, img_set_has(set, name, &err));
	GIVES(text ? 1 : 0, img_set_source(set, name, &src, &err));
	if (!text)
		return;
	assert_int_equal(img_source_size(src), strlen(text));
	n = img_source_read(src, buf, sizeof(buf), &err);
	assert_int_equal(n, strlen(text));
	assert_memory_equal(buf, text, n);
	img_source_close(src);
}

static int join_names(void *arg, const char *name, struct img_err *err_)
{
	strcat(arg, name);
	strcat(arg, " ");
	return !strcmp(name, "stop");
}

static void test_members(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(stores); i++) {
		struct img_set *set = stores[i]();
		struct img_source *old;
		struct img_sink *sink;
		char names[200] = "", buf[4];

		expect(set, "core-1.img", NULL);
		put(set, "core-2.img", "two");
		put(set, "core-1.img", "one");
		put(set, "core-10.img", "");
		expect(set, "core-1.img", "one");
		expect(set, "core-10.img", "");

		/* Replaced; who has it open goes on reading what there was. */
		GIVES(1, img_set_source(set, "core-1.img", &old, &err));
		put(set, "core-1.img", "ONE");
		expect(set, "core-1.img", "ONE");
		GIVES(3, img_source_read(old, buf, 4, &err));
		assert_memory_equal(buf, "one", 3);
		img_source_close(old);

		/* Dropped before its end. */
		sink = img_set_sink(set, "gone.img", &err);
		OK(img_sink_write(sink, "x", 1, &err));
		img_sink_abort(sink);
		expect(set, "gone.img", NULL);

		GIVES(0, img_set_each(set, join_names, names, &err));
		assert_string_equal(names, "core-1.img core-10.img core-2.img ");
		put(set, "stop", "");
		put(set, "zzz", "");
		*names = '\0';
		GIVES(1, img_set_each(set, join_names, names, &err));
		assert_string_equal(names, "core-1.img core-10.img core-2.img stop ");
		img_set_close(set);
	}
	img_set_close(NULL);
}

static void test_names(void **state)
{
	static const char *const bad[] = { "", ".", "..", "a/b", "/etc/passwd", "../x" };
	char too_long[300];

	memset(too_long, 'a', sizeof(too_long));
	too_long[299] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(stores); i++) {
		struct img_set *set = stores[i]();
		struct img_source *src;

		for (size_t k = 0; k <= ARRAY_SIZE(bad); k++) {
			const char *name = k < ARRAY_SIZE(bad) ? bad[k] : too_long;

			FAILS_NULL(IMG_USAGE, "no name", img_set_sink(set, name, &err));
			FAILS(IMG_USAGE, "no name", img_set_source(set, name, &src, &err));
			FAILS(IMG_USAGE, "no name", img_set_has(set, name, &err));
		}
		FAILS_NULL(IMG_USAGE, "sealing", img_set_sink(set, "manifest.img", &err));
		img_set_close(set);
	}
}

static void test_read_only(void **state)
{
	struct img_set *set = img_set_open_dir(AT_FDCWD, dir, &err);

	FAILS_NULL(IMG_USAGE, "for reading", img_set_sink(set, "core-1.img", &err));
	FAILS(IMG_USAGE, "not being written", img_set_seal(set, "test", NULL, &err));
	FAILS(IMG_USAGE, "not being written", img_set_require(set, "x", &err));
	FAILS(IMG_USAGE, "not being written", img_set_link_parent(set, "x", &err));
	img_set_close(set);
}

static void test_open(void **state)
{
	struct img_set *set;
	char path[100];
	int fd;

	snprintf(path, sizeof(path), "%s/none", dir);
	FAILS_NULL(IMG_SYS, "No such file", img_set_open_dir(AT_FDCWD, path, &err));
	assert_int_equal(err.sys_errno, ENOENT);
	snprintf(path, sizeof(path), "%s/file", dir);
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	FAILS_NULL(IMG_SYS, "", img_set_open_dir(AT_FDCWD, path, &err));
	FAILS_NULL(IMG_USAGE, "not a directory", img_set_open_dir(fd, NULL, &err));
	close(fd);

	/* The caller's own descriptor stays open. */
	fd = open(dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	set = img_set_open_dir(fd, NULL, &err);
	assert_int_equal(img_set_dirfd(set), fd);
	img_set_close(set);
	assert_true(fcntl(fd, F_GETFD) >= 0);
	set = img_set_open_dir(fd, ".", &err);
	assert_true(img_set_dirfd(set) != fd);
	img_set_close(set);
	close(fd);

	set = img_set_create_memory(&err);
	assert_int_equal(img_set_dirfd(set), -1);
	img_set_close(set);
}

/* What is no regular file is not read, and what a name links to is not overwritten. */
static void test_odd_files(void **state)
{
	struct img_set *set = new_directory();
	int fd = img_set_dirfd(set);
	struct img_source *src;
	char names[200] = "";
	struct stat st;

	assert_int_equal(mkfifoat(fd, "core-1.img", 0600), 0);
	assert_int_equal(mkdirat(fd, "core-2.img", 0700), 0);
	FAILS(IMG_CORRUPT, "not a regular file", img_set_source(set, "core-1.img", &src, &err));
	FAILS(IMG_CORRUPT, "not a regular file", img_set_source(set, "core-2.img", &src, &err));
	GIVES(0, img_set_has(set, "core-1.img", &err));

	put(set, "precious", "text");
	assert_int_equal(symlinkat("precious", fd, "core-3.img"), 0);
	expect(set, "core-3.img", "text");
	put(set, "core-3.img", "new");
	expect(set, "core-3.img", "new");
	expect(set, "precious", "text");
	assert_int_equal(fstatat(fd, "core-3.img", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(symlinkat("nowhere", fd, "core-4.img"), 0);
	expect(set, "core-4.img", NULL);

	GIVES(0, img_set_each(set, join_names, names, &err));
	assert_string_equal(names, "core-3.img precious ");
	img_set_close(set);
}

static void test_parent(void **state)
{
	struct img_set *set = new_directory(), *parent, *again;
	int fd = img_set_dirfd(set);

	GIVES(0, img_set_parent(set, &parent, &err));
	assert_null(parent);
	img_set_close(set);

	set = new_directory();
	fd = img_set_dirfd(set);
	assert_int_equal(mkdirat(fd, "old", 0700), 0);
	OK(img_set_link_parent(set, "wrong", &err));
	OK(img_set_link_parent(set, "old", &err));
	GIVES(1, img_set_parent(set, &parent, &err));
	GIVES(1, img_set_parent(set, &again, &err));
	assert_ptr_equal(parent, again);
	GIVES(0, img_set_parent(parent, &again, &err));
	FAILS(IMG_USAGE, "in use", img_set_link_parent(set, "other", &err));
	img_set_close(set);

	/* A circle over two: found, not walked for ever. */
	set = new_directory();
	assert_int_equal(symlinkat("..", img_set_dirfd(set), "old/parent"), 0);
	GIVES(1, img_set_parent(set, &parent, &err));
	FAILS(IMG_CORRUPT, "circle", img_set_parent(parent, &again, &err));
	img_set_close(set);

	set = new_directory();
	OK(img_set_link_parent(set, ".", &err));
	FAILS(IMG_CORRUPT, "circle", img_set_parent(set, &parent, &err));
	OK(img_set_link_parent(set, NULL, &err));
	GIVES(0, img_set_parent(set, &parent, &err));
	img_set_close(set);

	set = new_memory();
	GIVES(0, img_set_parent(set, &parent, &err));
	FAILS(IMG_UNSUPPORTED, "directory", img_set_link_parent(set, "x", &err));
	img_set_close(set);
}

static void test_pages_ids(void **state)
{
	struct img_set *set = new_memory();

	for (uint32_t i = 1; i < 5; i++)
		assert_int_equal(img_set_new_pages_id(set), i);
	img_set_close(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_members, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_only, setup, teardown),
		cmocka_unit_test_setup_teardown(test_open, setup, teardown),
		cmocka_unit_test_setup_teardown(test_odd_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_parent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pages_ids, setup, teardown),
	};

	RUN("store/set", tests);
}
