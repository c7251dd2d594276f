/* tests/unit/convert/sets.h -- what the tests of sets made of sets share: sets of our own, and whether two are the same. */
#ifndef TESTS_UNIT_CONVERT_SETS_H
#define TESTS_UNIT_CONVERT_SETS_H

#include "tests/unit/golden.h"

#include <sys/stat.h>

#include "criuimg/convert.h"
#include "criuimg/manifest.h"
#include "criuimg/pages.h"

#include "core.pb-c.h"
#include "fdinfo.pb-c.h"
#include "inventory.pb-c.h"
#include "manifest.pb-c.h"
#include "mm.pb-c.h"
#include "pagemap.pb-c.h"
#include "pstree.pb-c.h"

static char *dir;
static struct img_err err;

static inline int setup(void **state)
{
	err = (struct img_err)IMG_ERR_INIT;
	dir = temp_dir();
	return 0;
}

static inline int teardown(void **state)
{
	temp_dir_free(dir);
	return 0;
}

static inline int print(void *arg, const char *name, const struct img_err *finding)
{
	print_message("# %s: %s\n", name, finding->text);
	return 0;
}

/* ---- the same bytes ---- */

struct same {
	struct img_set *a, *b;
};

static inline unsigned char *slurp(struct img_set *set, const char *name, size_t *size)
{
	size_t room = 1 << 16;
	unsigned char *buf = malloc(room);
	struct img_source *src;
	ssize_t n;

	*size = 0;
	if (img_set_source(set, name, &src, &err) != 1)
		fail_msg("%s: not there: %s", name, err.text);
	while ((n = img_source_read(src, buf + *size, room - *size, &err)) > 0) {
		*size += n;
		if (*size == room)
			buf = realloc(buf, room *= 2);
	}
	if (n < 0)
		fail_msg("%s: %s", name, err.text);
	img_source_close(src);
	return buf;
}

static inline int member_same(void *arg, const char *name, struct img_err *e)
{
	struct same *s = arg;
	size_t sizes[2];
	unsigned char *a, *b;

	if (!strcmp(name, "manifest.img") || img_kind_by_file(name, NULL) == IMG_KIND_UNKNOWN)
		return 0;
	a = slurp(s->a, name, &sizes[0]);
	b = slurp(s->b, name, &sizes[1]);
	if (sizes[0] != sizes[1] || memcmp(a, b, sizes[0]))
		fail_msg("%s differs", name);
	free(a);
	free(b);
	return 0;
}

static inline void same_sets(struct img_set *a, struct img_set *b)
{
	struct same s = { .a = a, .b = b };

	OK(img_set_each(a, member_same, &s, &err));
	s = (struct same){ .a = b, .b = a };
	OK(img_set_each(b, member_same, &s, &err));
}

static inline struct img_set *convert(struct img_set *from, enum img_version version)
{
	struct img_set *to = img_set_create_memory(&err);

	OK(img_set_convert(
		from, to, &(struct img_convert_options){ .version = version, .lossy = true }, &err));
	GIVES(version, img_set_version(to, &err));
	return to;
}

/* Each golden set up and down again is what it was. */
/* ---- a set of our own ---- */

static inline void put_map(struct img_set *set, uint64_t pid, const char *runs)
{
	struct img_pages_writer *w = img_pages_create(set, IMG_PAGEMAP, pid, &err);
	unsigned char page[IMG_PAGE];
	uint64_t addr = 0x10000;

	assert_non_null(w);
	/* a-z: present, filled with it; P: in the parent; L: lazy; '.': nothing. */
	for (; *runs; runs++, addr += IMG_PAGE) {
		uint32_t flags = *runs == 'P'	? IMG_RUN_PARENT
				 : *runs == 'L' ? IMG_RUN_LAZY
						: IMG_RUN_PRESENT;

		if (*runs == '.')
			continue;
		OK(img_pages_run(w, addr, 1, flags, &err));
		if (flags != IMG_RUN_PRESENT)
			continue;
		memset(page, *runs, sizeof(page));
		OK(img_pages_data(w, &(struct iovec){ page, sizeof(page) }, 1, &err));
	}
	OK(img_pages_finish(w, &err));
}

static inline void put_inventory(struct img_set *set, uint32_t version)
{
	InventoryEntry inventory = INVENTORY_ENTRY__INIT;

	inventory.img_version = version;
	OK(img_write_single(set, IMG_INVENTORY, 0, &inventory.base, &err));
}

static inline void expect_map(struct img_set *set, uint64_t pid, const char *pages)
{
	unsigned char page[IMG_PAGE];
	struct img_pages_reader *r;
	uint64_t addr = 0x10000;

	GIVES(1, img_pages_open(set, IMG_PAGEMAP, pid, &r, &err));
	for (; *pages; pages++, addr += IMG_PAGE) {
		OK(img_pages_read(r, addr, 1, page, &err));
		assert_int_equal(page[0], *pages == '.' ? 0 : *pages);
		assert_int_equal(page[IMG_PAGE - 1], *pages == '.' ? 0 : *pages);
	}
	img_pages_close(r);
}

static inline const char *sub(const char *name)
{
	static char path[2][250];
	static int i;

	i = !i;
	snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	return path[i];
}

/* One set of a chain, in directory `name` of dir. */
static inline void put_set(const char *name, const char *parent, const char *runs, bool compress, bool seal)
{
	struct img_set *set;

	assert_int_equal(mkdir(sub(name), 0700), 0);
	set = img_set_create_dir(AT_FDCWD, sub(name), &err);
	assert_non_null(set);
	if (compress)
		OK(img_set_compress(set, NULL, &err));
	if (parent)
		OK(img_set_link_parent(set, parent, &err));
	put_inventory(set, 2);
	put_map(set, 7, runs);
	if (seal)
		OK(img_set_seal(set, "test", NULL, &err));
	img_set_close(set);
}

static inline struct img_set *open_sub(const char *name)
{
	struct img_set *set = img_set_open(sub(name), &err);

	if (!set)
		fail_msg("%s", err.text);
	return set;
}

#endif
