/* criu-dump/mem-parent.c -- pages of the set before this one: which are there, and what is in them. */

#include <stdlib.h>
#include <string.h>

#include "criu-dump/mem-parent.h"
#include "criu-dump/mem.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"

enum {
	PAGES = 256, /* compared at a time */
};

static uint64_t run_end(const struct img_run *run)
{
	return run->addr + run->nr_pages * IMG_PAGE;
}

/* Pages that are only lazy were never there. */
static bool has_data(const struct img_run *run)
{
	return run->flags & (IMG_RUN_PRESENT | IMG_RUN_PARENT);
}

struct list {
	struct img_run *items;
	size_t nr, room;
};

static int add(struct list *l, uint64_t addr, uint64_t end, uint32_t flags, struct img_err *err)
{
	struct img_run *last = l->nr ? &l->items[l->nr - 1] : NULL, *run;

	if (last && last->flags == flags && run_end(last) == addr) {
		last->nr_pages += (end - addr) / IMG_PAGE;
		return 0;
	}
	run = img_array_more(&l->items, l->nr, &l->room);
	if (!run)
		return img_fail_nomem(err);
	*run = (struct img_run){ .addr = addr, .nr_pages = (end - addr) / IMG_PAGE, .flags = flags };
	l->nr++;
	return 0;
}

/* One run, cut where the set before has its pages and where it has not. */
static int cut(struct list *l, struct img_pages_reader *parent, const struct img_run *run, struct img_err *err)
{
	const uint32_t store = (run->flags & ~(uint32_t)IMG_RUN_PARENT) | IMG_RUN_PRESENT;
	const struct img_run *theirs = NULL;
	size_t nr = 0, i = 0;
	uint64_t at = run->addr, end = run_end(run);

	if (parent) {
		theirs = img_pages_runs(parent, &nr);
		i = img_pages_find(parent, at);
	}
	for (; i < nr && theirs[i].addr < end && at < end; i++) {
		uint64_t from = theirs[i].addr > at ? theirs[i].addr : at, upto = run_end(&theirs[i]);

		if (!has_data(&theirs[i]))
			continue;
		if (upto > end)
			upto = end;
		if ((from > at && add(l, at, from, store, err) < 0) || add(l, from, upto, IMG_RUN_PARENT, err) < 0)
			return -1;
		at = upto;
	}
	return at < end ? add(l, at, end, store, err) : 0;
}

static bool to_be_found(const struct img_run *run)
{
	return run->flags & IMG_RUN_PARENT && !(run->flags & DUMP_RUN_FORKED);
}

int dump_parent_runs(struct img_pages_reader *parent, const struct img_run **runs, size_t *nr, struct img_run **own,
	struct img_err *err)
{
	struct list l = { 0 };
	size_t i = 0;

	while (i < *nr && !to_be_found(&(*runs)[i]))
		i++;
	if (i == *nr)
		return 0;
	for (i = 0; i < *nr; i++) {
		const struct img_run *run = &(*runs)[i];

		if ((to_be_found(run) ? cut(&l, parent, run, err)
						 : add(&l, run->addr, run_end(run), run->flags, err)) < 0) {
			free(l.items);
			return -1;
		}
	}
	*own = l.items;
	*runs = l.items;
	*nr = l.nr;
	return 0;
}

int dump_parent_pages(struct img_pages_reader *parent, uint64_t addr, size_t nr_pages, char *buf, unsigned char *has,
	struct img_err *err)
{
	uint64_t end = addr + nr_pages * IMG_PAGE;
	size_t nr, i = img_pages_find(parent, addr);
	const struct img_run *runs = img_pages_runs(parent, &nr);

	memset(has, 0, nr_pages);
	for (; i < nr && runs[i].addr < end; i++) {
		uint64_t from = runs[i].addr > addr ? runs[i].addr : addr, upto = run_end(&runs[i]);
		size_t first = (from - addr) / IMG_PAGE;

		if (!has_data(&runs[i]))
			continue;
		if (upto > end)
			upto = end;
		if (img_pages_read(parent, from, (upto - from) / IMG_PAGE, buf + first * IMG_PAGE, err) < 0)
			return img_wrap(err, "the set before");
		memset(has + first, 1, (upto - from) / IMG_PAGE);
	}
	return 0;
}

struct comparing {
	struct img_pages_reader *parent;
	const struct dump_source *src;
	struct list list;
	char ours[PAGES * IMG_PAGE], theirs[PAGES * IMG_PAGE];
};

static int compare(struct comparing *c, const struct img_run *run, uint64_t at, size_t nr, struct img_err *err)
{
	struct iovec piece = { (void *)(uintptr_t)at, nr * IMG_PAGE };
	unsigned char has[PAGES];

	if (dump_parent_pages(c->parent, at, nr, c->theirs, has, err) < 0)
		return -1;
	if (memchr(has, 1, nr) && c->src->read(c->src->arg, &piece, 1, c->ours, piece.iov_len, err) < 0)
		return -1;
	for (size_t i = 0; i < nr; i++) {
		bool same = has[i] && !memcmp(c->ours + i * IMG_PAGE, c->theirs + i * IMG_PAGE, IMG_PAGE);
		uint64_t addr = at + i * IMG_PAGE;

		if (add(&c->list, addr, addr + IMG_PAGE, same ? IMG_RUN_PARENT : run->flags, err) < 0)
			return -1;
	}
	return 0;
}

int dump_parent_compare(struct img_pages_reader *parent, const struct dump_source *src, const struct img_run *runs, size_t nr,
	struct img_run **own, size_t *nr_own, struct img_err *err)
{
	cleanup_free struct comparing *c = calloc(1, sizeof(*c));
	int ret = c ? 0 : img_fail_nomem(err);

	if (c) {
		c->parent = parent;
		c->src = src;
	}
	for (size_t i = 0; i < nr && ret == 0; i++)
		for (uint64_t done = 0; done < runs[i].nr_pages && ret == 0; done += PAGES) {
			uint64_t left = runs[i].nr_pages - done;

			ret = compare(c, &runs[i], runs[i].addr + done * IMG_PAGE, left < PAGES ? left : PAGES, err);
		}
	if (ret < 0) {
		if (c)
			free(c->list.items);
		return -1;
	}
	*own = c->list.items;
	*nr_own = c->list.nr;
	return 0;
}
