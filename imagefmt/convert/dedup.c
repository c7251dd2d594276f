/* convert/dedup.c -- page data of parents that a newer set has itself is given back to the file system. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "convert/dedup.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/manifest.h"
#include "criuimg/pages.h"
#include "read/pagemap.h"

#define LEVELS_MAX 4096

/* ---- ranges of page data that nobody needs ---- */

static int range_cmp(const void *a, const void *b)
{
	const struct img_range *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

void img_ranges_merge(struct img_ranges *ranges)
{
	size_t to = 0;

	if (!ranges->nr)
		return;
	qsort(ranges->list, ranges->nr, sizeof(*ranges->list), range_cmp);
	for (size_t i = 1; i < ranges->nr; i++) {
		struct img_range *last = &ranges->list[to], *next = &ranges->list[i];

		if (next->at > last->end)
			ranges->list[++to] = *next;
		else if (next->end > last->end)
			last->end = next->end;
	}
	ranges->nr = to + 1;
}

static int range_add(struct img_ranges *ranges, uint64_t at, uint64_t end, struct img_err *err)
{
	struct img_range *last = ranges->nr ? &ranges->list[ranges->nr - 1] : NULL;

	if (last && last->end == at) {
		last->end = end;
		return 0;
	}
	last = img_array_more(&ranges->list, ranges->nr, &ranges->room);
	if (!last)
		return img_fail_nomem(err);
	*last = (struct img_range){ at, end };
	ranges->nr++;
	return 0;
}

/* ---- one page map through its chain ---- */

struct chain {
	struct img_set **sets; /* from the newest to the oldest */
	size_t nr, room;
	bool *changed; /* per set */
	bool *kept;    /* per set: its page images are of several maps, and nothing is taken out of them */
	const struct img_convert_options *opt;
	struct img_dedup_result *result;
};

/* The map of the same name in each set, and what is not needed of it. */
struct layer {
	struct img_pagemap map;
	bool there;
	bool kept; /* the data is of other maps, too */
	struct img_ranges ranges;
};

static size_t first_run(const struct img_pagemap *map, uint64_t addr)
{
	size_t lo = 0, hi = map->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (img_run_end(&map->runs[mid]) <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* [addr, end) is in a newer set than this level's. */
static int superseded(
	struct layer *layers, size_t nr, size_t level, uint64_t addr, uint64_t end, struct img_err *err)
{
	const struct img_pagemap *map = &layers[level].map;

	if (!layers[level].there)
		return 0;
	for (size_t i = first_run(map, addr); i < map->nr && map->runs[i].addr < end; i++) {
		const struct img_run *run = &map->runs[i];
		uint64_t from = run->addr > addr ? run->addr : addr;
		uint64_t to = img_run_end(run) < end ? img_run_end(run) : end;
		int ret = 0;

		/* Data that is of other pages, too, stays. */
		if ((run->flags & IMG_RUN_PRESENT) && !map->shared && !layers[level].kept)
			ret = range_add(&layers[level].ranges, run->data_off + (from - run->addr),
				run->data_off + (to - run->addr), err);
		else if ((run->flags & IMG_RUN_PARENT) && level + 1 < nr)
			ret = superseded(layers, nr, level + 1, from, to, err);
		if (ret)
			return -1;
	}
	return 0;
}

static int layers_compare(struct layer *layers, size_t nr, struct img_err *err)
{
	for (size_t level = 0; level + 1 < nr; level++) {
		const struct img_pagemap *map = &layers[level].map;

		for (size_t i = 0; layers[level].there && i < map->nr; i++)
			if ((map->runs[i].flags & IMG_RUN_PRESENT) &&
				superseded(layers, nr, level + 1, map->runs[i].addr,
					img_run_end(&map->runs[i]), err))
				return -1;
	}
	return 0;
}

static int layers_apply(struct chain *c, struct layer *layers, struct img_err *err)
{
	for (size_t level = 1; level < c->nr; level++) {
		struct layer *l = &layers[level];

		if (!l->ranges.nr)
			continue;
		img_ranges_merge(&l->ranges);
		if (img_dedup_drop(c->sets[level], l->map.pages_id, &l->ranges, c->result, err))
			return -1;
		c->changed[level] = true;
		errno = EINTR;
		if (c->opt && c->opt->progress && c->opt->progress(c->opt->arg, c->result->bytes, 0))
			return img_fail_sys(err, "interrupted");
	}
	return 0;
}

static int map_dedup(struct chain *c, enum img_kind kind, uint64_t id, struct img_err *err)
{
	struct layer *layers = calloc(c->nr, sizeof(*layers));
	int ret = layers ? 0 : img_fail_nomem(err);

	for (size_t i = 0; !ret && i < c->nr; i++) {
		ret = img_pagemap_load(c->sets[i], kind, id, &layers[i].map, err);
		layers[i].there = ret == 1;
		layers[i].kept = c->kept[i];
		ret = ret < 0 ? -1 : 0;
	}
	if (!ret)
		ret = layers_compare(layers, c->nr, err);
	if (!ret)
		ret = layers_apply(c, layers, err);
	for (size_t i = 0; layers && i < c->nr; i++) {
		if (layers[i].there)
			img_pagemap_free(&layers[i].map);
		free(layers[i].ranges.list);
	}
	free(layers);
	return ret;
}

/* ---- the chain ---- */

struct names {
	struct chain *chain;
	size_t level;
};

/* Maps that are in a newer set too were seen there. */
static int map_look(void *arg, const char *name, struct img_err *err)
{
	struct names *n = arg;
	enum img_kind kind;
	uint64_t id;

	kind = img_kind_by_file(name, &id);
	if (kind != IMG_PAGEMAP && kind != IMG_SHMEM_PAGEMAP)
		return 0;
	for (size_t i = 0; i < n->level; i++) {
		int has = img_set_has(n->chain->sets[i], name, err);

		if (has)
			return has < 0 ? -1 : 0;
	}
	return map_dedup(n->chain, kind, id, err) ? img_wrap(err, "%s", name) : 0;
}

static int chain_add(struct chain *c, struct img_set *set, struct img_err *err)
{
	struct img_set **slot = img_array_more(&c->sets, c->nr, &c->room);

	if (!slot)
		return img_fail_nomem(err);
	if (c->nr && img_set_dirfd(set) < 0)
		return img_fail(
			err, IMG_UNSUPPORTED, "a parent is an archive: nothing can be taken out of it");
	if (c->nr >= LEVELS_MAX)
		return img_fail(err, IMG_UNSUPPORTED, "a chain of more than %d sets", LEVELS_MAX);
	*slot = set;
	c->nr++;
	return 0;
}

static int chain_collect(struct chain *c, struct img_set *set, struct img_err *err)
{
	int ret;

	do {
		if (chain_add(c, set, err))
			return -1;
		ret = img_set_parent(set, &set, err);
	} while (ret == 1);
	/* Before anything is taken out of its parents. */
	if (ret == 0 && c->nr > 1 && img_set_dirfd(c->sets[0]) < 0)
		return img_fail(err, IMG_UNSUPPORTED,
			"the set is an archive: what it says of its parents cannot be changed, and neither can they");
	return ret;
}

static int chain_dedup(struct chain *c, struct img_err *err)
{
	int ret = 0;

	c->changed = calloc(c->nr, sizeof(*c->changed));
	c->kept = calloc(c->nr, sizeof(*c->kept));
	if (!c->changed || !c->kept)
		return img_fail_nomem(err);
	for (size_t level = 0; level < c->nr; level++) {
		int forked = img_set_requires(c->sets[level], "pages-forked", err);

		if (forked < 0)
			return -1;
		c->kept[level] = forked;
	}
	for (size_t level = 0; level + 1 < c->nr && !ret; level++) {
		struct names n = { .chain = c, .level = level };

		ret = img_set_each(c->sets[level], map_look, &n, err);
	}
	/* From the oldest on: each has its parent's identity. */
	for (size_t level = c->nr; level-- && !ret;) {
		bool parent_changed = level + 1 < c->nr && c->changed[level + 1];

		if (!c->changed[level] && !parent_changed)
			continue;
		ret = img_dedup_manifest(c->sets[level], level + 1 < c->nr ? c->sets[level + 1] : NULL,
			c->changed[level], err);
		/* A new name of the parent is a change for the children only when the identity is another. */
		c->changed[level] |= ret == 1;
		ret = ret < 0 ? -1 : 0;
	}
	return ret;
}

int img_set_dedup(struct img_set *set, const struct img_convert_options *opt, struct img_dedup_result *result,
	struct img_err *err)
{
	struct img_dedup_result none;
	struct chain c = { .opt = opt, .result = result ? result : &none };
	int ret;

	*c.result = (struct img_dedup_result){ 0 };
	ret = chain_collect(&c, set, err);
	if (!ret)
		ret = chain_dedup(&c, err);
	free(c.sets);
	free(c.changed);
	free(c.kept);
	return ret;
}
