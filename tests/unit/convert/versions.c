/* tests/unit/convert/versions.c -- sets made of sets: versions up and down, what is lost, and who stops it. */

#include "tests/unit/convert/sets.h"

static void golden_versions(void *arg, struct img_set *set)
{
	struct img_set *v2, *v11, *v10;
	InventoryEntry *inventory;
	bool predump;

	if (img_set_has(set, "inventory.img", &err) != 1)
		return;
	GIVES(IMG_VERSION_1_1, img_set_version(set, &err));
	v2 = convert(set, IMG_VERSION_2);
	GIVES(0, img_set_verify(v2, print, NULL, &err));
	v11 = convert(v2, IMG_VERSION_1_1);
	GIVES(0, img_set_has(v11, "manifest.img", &err));
	same_sets(set, v11);
	img_set_close(v11);
	img_set_close(v2);
	GIVES(1, img_read_single(set, IMG_INVENTORY, 0, (ProtobufCMessage **)&inventory, &err));
	predump = !inventory->img_version;
	img_message_free(&inventory->base);
	if (predump)
		return;
	v10 = convert(set, IMG_VERSION_1_0);
	v11 = convert(v10, IMG_VERSION_1_1);
	(*(unsigned int *)arg)++;
	img_set_close(v10);
	v10 = convert(v11, IMG_VERSION_1_0);
	img_set_close(v11);
	v11 = convert(v10, IMG_VERSION_1_1);
	v2 = convert(v10, IMG_VERSION_2);
	same_sets(v2, v11);
	img_set_close(v2);
	img_set_close(v11);
	img_set_close(v10);
}

static void test_golden(void **state)
{
	unsigned int nr = 0;

	golden_each(golden_versions, &nr);
	print_message("# %u sets\n", nr);
	assert_true(nr > 40);
}

/* ---- losses, unknown things ---- */

static void note(void *arg, const char *what)
{
	strcat(arg, what);
	strcat(arg, "; ");
}

static void test_loss(void **state)
{
	struct img_set *set = img_set_create_memory(&err), *to = img_set_create_memory(&err);
	char lost[300] = "";
	struct img_convert_options opt = { .version = IMG_VERSION_1_0, .lost = note, .arg = lost };
	ManifestEntry *m;

	put_inventory(set, 2);
	put_map(set, 7, "abL");
	OK(img_set_require(set, "teleport", &err));
	OK(img_set_require(set, "timens", &err));
	OK(img_set_seal(set, "maker", "7", &err));
	FAILS(IMG_UNSUPPORTED, "would be lost: manifest.img: requires 'teleport'",
		img_set_convert(set, to, &opt, &err));
	assert_non_null(strstr(lost, "teleport"));
	assert_non_null(strstr(lost, "pagemap-7.img"));
	assert_null(strstr(lost, "timens"));
	GIVES(0, img_set_has(to, "inventory.img", &err));
	opt.lossy = true;
	OK(img_set_convert(set, to, &opt, &err));
	img_set_close(to);

	/* A copy has the same identity, features and producer. */
	to = img_set_create_memory(&err);
	OK(img_set_convert(set, to, NULL, &err));
	GIVES(1, img_manifest_read(to, &m, &err));
	assert_int_equal(m->n_requires, 2);
	assert_string_equal(m->producer, "maker");
	assert_string_equal(m->producer_version, "7");
	img_message_free(&m->base);
	same_sets(set, to);
	img_set_close(to);
	img_set_close(set);
}

static int stop(void *arg, uint64_t done, uint64_t total)
{
	return done > 100 * IMG_PAGE;
}

static void test_interrupt(void **state)
{
	struct img_set *set = img_set_create_memory(&err), *to;
	char *runs = malloc(6001);

	memset(runs, 'a', 6000);
	runs[6000] = '\0';
	put_inventory(set, 2);
	put_map(set, 7, runs);
	OK(img_set_seal(set, "maker", "7", &err));
	to = img_set_create_archive(sub("x.tar"), NULL, &err);
	FAILS(IMG_SYS, "interrupted",
		img_set_convert(set, to, &(struct img_convert_options){ .progress = stop }, &err));
	img_set_close(to);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(mkdir(dir, 0700), 0);
	img_set_close(set);
	free(runs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_golden, setup, teardown),
		cmocka_unit_test_setup_teardown(test_loss, setup, teardown),
		cmocka_unit_test_setup_teardown(test_interrupt, setup, teardown),
	};

	RUN("convert/versions", tests);
}
