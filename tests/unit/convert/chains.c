/* tests/unit/convert/chains.c -- sets made of sets: flat chains, deduplication, parts. */

#include "tests/unit/convert/sets.h"

static void test_flatten(void **state)
{
	struct img_set *set, *to;
	struct img_pages_reader *r;
	const struct img_run *runs;
	size_t nr;

	put_set("1", NULL, "abcdef", false, true);
	put_set("2", "../1", "PPxP..", true, true);
	put_set("3", "../2", "PyPP.z", false, true);
	set = open_sub("3");
	to = img_set_create_memory(&err);
	OK(img_set_flatten(set, to, NULL, &err));
	expect_map(to, 7, "ayxd.z");
	GIVES(0, img_set_verify(to, print, NULL, &err));
	GIVES(1, img_pages_open(to, IMG_PAGEMAP, 7, &r, &err));
	runs = img_pages_runs(r, &nr);
	assert_int_equal(nr, 2);
	assert_int_equal(runs[0].nr_pages, 4);
	assert_int_equal(runs[1].flags, IMG_RUN_PRESENT);
	img_pages_close(r);
	img_set_close(to);
	img_set_close(set);

	/* To a compressed archive, and one from its copy in an archive whose parents are directories. */
	set = open_sub("3");
	to = img_set_create_archive(sub("4.tar"), &(struct img_zstd_options){ 0 }, &err);
	OK(img_set_convert(set, to, &(struct img_convert_options){ .parent = "2" }, &err));
	img_set_close(to);
	img_set_close(set);
	set = open_sub("4.tar");
	expect_map(set, 7, "ayxd.z");
	to = img_set_create_memory(&err);
	OK(img_set_flatten(set, to, NULL, &err));
	expect_map(to, 7, "ayxd.z");
	img_set_close(to);
	img_set_close(set);
}

static uint64_t blocks(const char *name)
{
	struct stat st;

	assert_int_equal(stat(sub(name), &st), 0);
	return st.st_blocks * 512;
}

static void test_dedup(void **state)
{
	struct img_dedup_result result;
	struct img_set *set, *parent;

	for (int compressed = 0; compressed < 2; compressed++) {
		put_set("1", NULL, "abcdef", compressed, true);
		put_set("2", "../1", "PPxP..", compressed, true);
		put_set("3", "../2", "PyPPqz", false, true);
		set = open_sub("3");
		OK(img_set_dedup(set, NULL, &result, &err));
		/* b and c of 1 (y, x); e and f: what 2 says of them is that they are zero, so 3 does not get there. */
		assert_int_equal(result.pages, 2);
		if (!compressed && blocks("1/pages-1.img") != 4 * IMG_PAGE)
			print_message("# no holes here: %lu bytes\n", (unsigned long)blocks("1/pages-1.img"));
		img_set_close(set);
		for (int again = 0; again < 2; again++) {
			set = open_sub("3");
			expect_map(set, 7, "ayxdqz");
			GIVES(0, img_set_verify(set, print, NULL, &err));
			GIVES(1, img_set_parent(set, &parent, &err));
			GIVES(0, img_set_verify(parent, print, NULL, &err));
			GIVES(1, img_set_parent(parent, &parent, &err));
			GIVES(0, img_set_verify(parent, print, NULL, &err));
			expect_map(parent, 7, "a..def");
			if (!again)
				OK(img_set_dedup(set, NULL, &result, &err));
			img_set_close(set);
		}
		temp_dir_free(dir);
		dir = temp_dir();
	}
}

/* ---- a part ---- */

static void test_extract(void **state)
{
	struct img_set *set, *to;
	unsigned int tasks = 0, all = 0;
	ProtobufCMessage *msg;
	struct img_reader *r;
	uint32_t root = 0;
	char cmd[300];

	if (getenv("GOLDEN"))
		snprintf(cmd, sizeof(cmd), "cp -r $GOLDEN/tree/img %s/img", dir);
	else
		snprintf(cmd, sizeof(cmd),
			"tar -C %s --wildcards --transform 's,.*/tree/img,img,' -xJf " GOLDEN_ARCHIVE
			" '*/tree/img/*'",
			dir);
	assert_int_equal(system(cmd), 0);
	set = open_sub("img");
	GIVES(1, img_reader_open(set, IMG_PSTREE, 0, &r, &err));
	while (img_read(r, &msg, &err) == 1) {
		if (((PstreeEntry *)msg)->ppid && !root)
			root = ((PstreeEntry *)msg)->pid;
		all++;
		img_message_free(msg);
	}
	img_reader_close(r);
	assert_true(root);
	to = img_set_create_memory(&err);
	OK(img_set_extract(set, root, to, &(struct img_convert_options){ .version = IMG_VERSION_2 }, &err));
	GIVES(0, img_set_verify(to, print, NULL, &err));
	GIVES(1, img_reader_open(to, IMG_PSTREE, 0, &r, &err));
	while (img_read(r, &msg, &err) == 1) {
		PstreeEntry *e = (PstreeEntry *)msg;
		char name[IMG_NAME_MAX];

		if (!tasks++) {
			assert_int_equal(e->pid, root);
			assert_int_equal(e->ppid, 0);
		}
		GIVES(1, img_set_has(to, img_kind_file_name(IMG_CORE, e->pid, name), &err));
		img_message_free(msg);
	}
	img_reader_close(r);
	print_message("# %u of %u tasks\n", tasks, all);
	assert_true(tasks < all);
	img_set_close(to);
	to = img_set_create_memory(&err);
	FAILS(IMG_USAGE, "no task 99999", img_set_extract(set, 99999, to, NULL, &err));
	img_set_close(to);
	img_set_close(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_flatten, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dedup, setup, teardown),
		cmocka_unit_test_setup_teardown(test_extract, setup, teardown),
	};

	RUN("convert/chains", tests);
}
