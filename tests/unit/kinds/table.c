/* tests/unit/kinds/table.c -- the table of kinds agrees with itself and with the facts of CRIU's images. */

#include "tests/unit/imgtest.h"

#include <inttypes.h>

static void test_rows(void **state)
{
	for (int k = 0; k < IMG_KIND_NR; k++) {
		const struct img_kind_info *info = img_kind_info(k);

		assert_int_equal(info->kind, k);
		assert_non_null(info->name);
		assert_non_null(info->file);
		assert_true(info->revision >= 1);
		assert_int_equal(info->magic == 0, info->framing == IMG_FRAMING_RAW);
		assert_true(!info->head || info->entry);
		assert_int_equal(img_kind_by_name(info->name), k);
	}
	assert_int_equal(img_kind_by_name("NO_SUCH"), IMG_KIND_UNKNOWN);
	assert_int_equal(img_kind_by_name(""), IMG_KIND_UNKNOWN);
}

/* A kind's magic leads to it, or to the row before it that has the same. */
static void test_magic(void **state)
{
	for (int k = 0; k < IMG_KIND_NR; k++) {
		uint32_t magic = img_kind_info(k)->magic;

		if (!magic)
			continue;
		assert_int_equal(img_kind_info(img_kind_by_magic(magic))->magic, magic);
		assert_true(img_kind_by_magic(magic) <= (enum img_kind)k);
		assert_true(magic != IMG_MAGIC_COMMON && magic != IMG_MAGIC_SERVICE);
	}
	assert_int_equal(img_kind_by_magic(0), IMG_KIND_UNKNOWN);
	assert_int_equal(img_kind_by_magic(IMG_MAGIC_COMMON), IMG_KIND_UNKNOWN);
	assert_int_equal(img_kind_by_magic(0x56084025), IMG_PAGEMAP);
}

static void test_names_round(void **state)
{
	static const uint64_t ids[] = { 0, 1, 9, 10, 17, 0xabc, UINT32_MAX, UINT64_MAX };
	char name[IMG_NAME_MAX];

	for (int k = 0; k < IMG_KIND_NR; k++)
		for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
			bool numbered = strchr(img_kind_info(k)->file, '%');
			enum img_kind kind;
			uint64_t id = 77;

			kind = img_kind_by_file(img_kind_file_name(k, ids[i], name), &id);
			/* The old form of page data has the name of the new one. */
			assert_int_equal(kind, k == IMG_PAGES_OLD ? IMG_PAGES : (enum img_kind)k);
			assert_true(id == (numbered || (k == IMG_STATS && ids[i] == 1) ? ids[i] : 0));
			assert_true(strlen(name) < IMG_NAME_MAX);
		}
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		enum img_kind kind;
		uint64_t id;
	} rows[] = {
		{ "inventory.img", IMG_INVENTORY, 0 },
		{ "core-17.img", IMG_CORE, 17 },
		{ "pagemap-5.img", IMG_PAGEMAP, 5 },
		{ "pagemap-shmem-5.img", IMG_SHMEM_PAGEMAP, 5 },
		{ "pages-1.img", IMG_PAGES, 1 },
		{ "ghost-file-1f.img", IMG_GHOST_FILE, 0x1f },
		{ "tcp-stream-10.img", IMG_TCP_STREAM, 16 },
		{ "tmpfs-dev-41.tar.gz.img", IMG_TMPFS_DEV, 41 },
		{ "tmpfs-41.tar.gz.img", IMG_TMPFS_IMG, 41 },
		{ "binfmt-misc.img", IMG_BINFMT_MISC, 0 },
		{ "binfmt-misc-3.img", IMG_BINFMT_MISC_OLD, 3 },
		{ "stats-dump", IMG_STATS, 0 },
		{ "stats-restore", IMG_STATS, 1 },
		{ "irmap-cache", IMG_IRMAP_CACHE, 0 },
		{ "manifest.img", IMG_MANIFEST, 0 },
		{ "core-18446744073709551615.img", IMG_CORE, UINT64_MAX },
		{ "core-18446744073709551616.img", IMG_KIND_UNKNOWN, 0 },
		{ "core-99999999999999999999999.img", IMG_KIND_UNKNOWN, 0 },
		{ "core-017.img", IMG_KIND_UNKNOWN, 0 },
		{ "core-+7.img", IMG_KIND_UNKNOWN, 0 },
		{ "core- 7.img", IMG_KIND_UNKNOWN, 0 },
		{ "core-.img", IMG_KIND_UNKNOWN, 0 },
		{ "core-7.im", IMG_KIND_UNKNOWN, 0 },
		{ "core-7.img2", IMG_KIND_UNKNOWN, 0 },
		{ "core-a.img", IMG_KIND_UNKNOWN, 0 },
		{ "ghost-file-1F.img", IMG_KIND_UNKNOWN, 0 },
		{ "ghost-file-0x1f.img", IMG_KIND_UNKNOWN, 0 },
		{ "dump.log", IMG_KIND_UNKNOWN, 0 },
		{ "", IMG_KIND_UNKNOWN, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t id = 0;

		if (img_kind_by_file(rows[i].name, &id) != rows[i].kind || id != rows[i].id)
			fail_msg("%s: kind %d, id %" PRIu64, rows[i].name,
				img_kind_by_file(rows[i].name, NULL), id);
	}
}

/* The facts: a row has kind, file, magic, message. Every one of them is here, with the same magic and message. */
static void test_facts(void **state)
{
	cleanup_file FILE *f = fopen("tests/images/facts/image-kinds.tsv", "r");
	unsigned int nr = 0;
	char line[512];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		const struct img_kind_info *info;
		char *at = line, *kind, *magic, *message;

		if (*line == '#')
			continue;
		kind = strsep(&at, "\t");
		strsep(&at, "\t");
		magic = strsep(&at, "\t");
		message = strsep(&at, "\t,");
		assert_non_null(message);
		if (img_kind_by_name(kind) == IMG_KIND_UNKNOWN)
			fail_msg("%s: no such kind", kind);
		info = img_kind_info(img_kind_by_name(kind));
		assert_int_equal(info->magic, strtoul(magic, NULL, 16));
		assert_int_equal(info->framing == IMG_FRAMING_SERVICE, strstr(magic, "service") != NULL);
		message[strcspn(message, " ")] = '\0';
		if (*message == '-')
			assert_null(info->entry);
		else
			assert_string_equal((info->head ?: info->entry)->name, message);
		nr++;
	}
	assert_int_equal(nr, IMG_KIND_NR - 2); /* the manifest and SEM_UNDO are ours */
}

/* Does a message, or one inside it, have fields of ours? Messages that hold themselves are few levels deep here. */
static bool extended(const ProtobufCMessageDescriptor *type, int levels)
{
	for (unsigned int i = 0; type && levels && i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];

		if (field->id >= 1000)
			return true;
		if (field->type == PROTOBUF_C_TYPE_MESSAGE && extended(field->descriptor, levels - 1))
			return true;
	}
	return false;
}

/* A kind with a field of ours in its records says so by its revision. */
static void test_revision(void **state)
{
	for (int k = 0; k < IMG_KIND_NR; k++) {
		const struct img_kind_info *info = img_kind_info(k);

		if ((info->revision > 1) != (extended(info->entry, 6) || extended(info->head, 6)))
			fail_msg("%s: revision %u", info->name, info->revision);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_magic),
		cmocka_unit_test(test_names_round),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_revision),
	};

	RUN("kinds/table", tests);
}
