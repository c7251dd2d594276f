/* validate/parents.c -- pages that a set has from its parent are there: in the parent, or in the parent's parent. */

#include "validate/validate.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "criuimg/array.h"
#include "criuimg/pages.h"

#define LLU(x)	     ((unsigned long long)(x))
#define FINDINGS_MAX 16

struct span {
	uint64_t start, end;
};

/* Sorted. */
struct wanted {
	struct span *list;
	size_t nr, room;
};

static int want(struct wanted *w, uint64_t start, uint64_t end, struct img_err *err)
{
	struct span *s;

	if (w->nr && w->list[w->nr - 1].end == start) {
		w->list[w->nr - 1].end = end;
		return 0;
	}
	s = img_array_more(&w->list, w->nr, &w->room);
	if (!s)
		return img_fail_nomem(err);
	*s = (struct span){ start, end };
	w->nr++;
	return 0;
}

/* Hold what is wanted of a set against its map; what that has from its own parent is wanted there. */
static int level_check(struct validate *v, const char *file, const char *where, const struct img_pagemap *map,
	const struct wanted *in, struct wanted *out, struct img_err *err)
{
	unsigned int found = 0;
	size_t at = 0;

	for (size_t i = 0; i < in->nr; i++) {
		uint64_t addr = in->list[i].start, end = in->list[i].end;

		while (addr < end && found < FINDINGS_MAX) {
			const struct img_run *run;
			uint64_t next;

			while (at < map->nr && img_run_end(&map->runs[at]) <= addr)
				at++;
			run = at < map->nr && map->runs[at].addr < end ? &map->runs[at] : NULL;
			if (!run || run->addr > addr) {
				next = run ? run->addr : end;
				val_error(v, VAL_FILE_AT(file),
					"%llu pages at %#llx are not in %s of %s, which should have them",
					LLU((next - addr) / IMG_PAGE), LLU(addr), file, where);
				found++;
				addr = next;
				continue;
			}
			next = img_run_end(run) < end ? img_run_end(run) : end;
			if (run->flags & IMG_RUN_PARENT) {
				if (want(out, addr, next, err) < 0)
					return -1;
			} else if (!(run->flags & IMG_RUN_PRESENT)) {
				val_error(v, VAL_FILE_AT(file),
					"%llu pages at %#llx are lazy in %s: nobody has them",
					LLU((next - addr) / IMG_PAGE), LLU(addr), where);
				found++;
			}
			addr = next;
		}
	}
	return 0;
}

/* The page data of a parent's map. */
static int data_check(struct validate *v, struct img_set *set, const char *where,
	const struct img_pagemap *map, const char *file, struct img_err *err)
{
	char name[IMG_NAME_MAX];
	struct img_source *src;
	int64_t size;
	int ret;

	if (!map->present)
		return 0;
	img_kind_file_name(IMG_PAGES, map->pages_id, name);
	ret = img_set_source(set, name, &src, err);
	if (ret < 0)
		return -1;
	if (ret == 0) {
		val_error(v, VAL_FILE_AT(file), "%s of %s is missing", name, where);
		return 0;
	}
	size = img_source_size(src);
	img_source_close(src);
	if (size >= 0 && (uint64_t)size < map->present)
		val_error(v, VAL_FILE_AT(file), "%s of %s has %llu bytes, %llu are needed", name, where,
			LLU(size), LLU(map->present));
	return 0;
}

/* One map through all parents. *wanted is used up. */
static int chain_check(
	struct validate *v, const struct val_image *image, struct wanted *wanted, struct img_err *err)
{
	struct img_err failure = IMG_ERR_INIT;
	struct img_set *set = v->set;
	const char *where = "the parent";

	while (wanted->nr) {
		struct wanted further = { 0 };
		struct img_pagemap map;
		int ret = img_set_parent(set, &set, &failure);

		if (ret == 0)
			val_error(
				v, VAL_FILE_AT(image->name), "%s should have pages, and is not there", where);
		if (ret == 1) {
			ret = img_pagemap_load(set, image->kind, image->id, &map, &failure);
			if (ret == 0)
				val_error(v, VAL_FILE_AT(image->name),
					"%s, which should have pages, has no such map", where);
		}
		if (ret < 0 && failure.code != IMG_CORRUPT && failure.code != IMG_UNSUPPORTED) {
			*err = failure;
			return -1;
		}
		if (ret < 0)
			val_error(v, VAL_FILE_AT(image->name), "%s: %s", where, failure.text);
		if (ret <= 0)
			return 0;
		ret = level_check(v, image->name, where, &map, wanted, &further, err);
		if (ret == 0)
			ret = data_check(v, set, where, &map, image->name, err);
		img_pagemap_free(&map);
		free(wanted->list);
		*wanted = further;
		if (ret < 0)
			return -1;
		where = "a parent of the parent";
	}
	return 0;
}

static int map_check(struct validate *v, const struct val_image *image, struct img_err *err)
{
	struct wanted wanted = { 0 };
	int ret = 0;

	for (size_t i = 0; i < image->map.nr && ret == 0; i++)
		if (image->map.runs[i].flags & IMG_RUN_PARENT)
			ret = want(&wanted, image->map.runs[i].addr, img_run_end(&image->map.runs[i]), err);
	if (ret == 0)
		ret = chain_check(v, image, &wanted, err);
	free(wanted.list);
	return ret;
}

/* A link that leads nowhere is as good as none, until a map needs it. */
static void link_check(struct validate *v)
{
	int fd = img_set_dirfd(v->set);
	struct img_err failure = IMG_ERR_INIT;
	struct img_set *parent;
	struct stat st;
	int ret;

	if (fd < 0 || fstatat(fd, "parent", &st, AT_SYMLINK_NOFOLLOW))
		return;
	ret = img_set_parent(v->set, &parent, &failure);
	if (ret == 0)
		val_warning(v, VAL_FILE_AT("parent"), "the link leads nowhere");
	else if (ret < 0)
		val_error(v, VAL_FILE_AT("parent"), "%s", failure.text);
}

int val_parents(struct validate *v, struct img_err *err)
{
	link_check(v);
	for (size_t i = 0; i < v->nr_images && !v->stop; i++)
		if (v->images[i].in_order && (v->images[i].map.flags & IMG_RUN_PARENT) &&
			map_check(v, &v->images[i], err) < 0)
			return -1;
	return 0;
}
