/* convert/flatten.c -- a chain of incremental sets becomes one: page maps name no parent, and page data has all they name. */

#include <stdlib.h>
#include <string.h>

#include "convert/view.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/manifest.h"
#include "criuimg/pages.h"
#include "pagemap.pb-c.h"
#include "store/verify.h"

/* A page map with pages in a parent, and which image has its data. */
struct map {
	enum img_kind kind;
	uint64_t id;
	uint32_t pages_id;
};

struct maps {
	struct img_set *set;
	struct map *list;
	size_t nr, room;
};

static void maps_free(void *arg)
{
	struct maps *maps = arg;

	free(maps->list);
	free(maps);
}

/* Pages in a parent, or stored once for several places: a flat map has neither. */
static bool is_not_flat(const struct img_pages_reader *r)
{
	const struct img_run *runs;
	uint64_t next = 0;
	size_t nr;

	runs = img_pages_runs(r, &nr);
	for (size_t i = 0; i < nr; i++) {
		if (runs[i].flags & IMG_RUN_PARENT)
			return true;
		if (!(runs[i].flags & IMG_RUN_PRESENT))
			continue;
		if (runs[i].data_off != next)
			return true;
		next = runs[i].data_off + runs[i].nr_pages * IMG_PAGE;
	}
	return false;
}

static int head_read(struct img_set *set, const char *name, uint32_t *pages_id, struct img_err *err)
{
	struct img_source *src;
	struct img_reader *r;
	PagemapHead *head;
	int ret = img_set_source(set, name, &src, err);

	if (ret <= 0)
		return ret ? -1 : img_fail(err, IMG_CORRUPT, "%s: gone while the set was read", name);
	r = img_reader_of_kind(src, IMG_PAGEMAP, err);
	if (!r) {
		img_source_close(src);
		return img_wrap(err, "%s", name);
	}
	ret = IMG_READ(r, pagemap_head, &head, err);
	if (!ret) {
		*pages_id = head->pages_id;
		img_message_free(&head->base);
	}
	img_reader_close(r);
	return ret;
}

static int map_look(void *arg, const char *name, struct img_err *err)
{
	struct maps *maps = arg;
	struct img_pages_reader *r;
	struct map *m, found = { 0 };
	int ret;

	found.kind = img_kind_by_file(name, &found.id);
	if (found.kind != IMG_PAGEMAP && found.kind != IMG_SHMEM_PAGEMAP)
		return 0;
	ret = img_pages_open(maps->set, found.kind, found.id, &r, err);
	if (ret <= 0)
		return ret;
	ret = is_not_flat(r);
	img_pages_close(r);
	if (!ret)
		return 0;
	if (head_read(maps->set, name, &found.pages_id, err))
		return -1;
	m = img_array_more(&maps->list, maps->nr, &maps->room);
	if (!m)
		return img_fail_nomem(err);
	*m = found;
	maps->nr++;
	return 0;
}

static struct img_pages_reader *reader_of(const struct maps *maps, const struct map *m, struct img_err *err)
{
	struct img_pages_reader *r;
	int ret = img_pages_open(maps->set, m->kind, m->id, &r, err);

	if (ret == 0)
		img_fail(err, IMG_CORRUPT, "a page map is gone while the set was read");
	return ret == 1 ? r : NULL;
}

/* ---- the map ---- */

/* A run as the flat set has it. */
static uint32_t flat_flags(const struct img_run *run)
{
	return run->flags & IMG_RUN_PARENT ? (run->flags & ~IMG_RUN_PARENT) | IMG_RUN_PRESENT : run->flags;
}

static int runs_write(struct img_writer *w, const struct img_run *runs, size_t nr, struct img_err *err)
{
	for (size_t i = 0; i < nr;) {
		PagemapEntry entry = PAGEMAP_ENTRY__INIT;

		entry.vaddr = runs[i].addr;
		entry.flags = flat_flags(&runs[i]);
		entry.has_flags = entry.has_nr_pages = true;
		for (; i < nr && flat_flags(&runs[i]) == entry.flags &&
			runs[i].addr == entry.vaddr + entry.nr_pages * IMG_PAGE;
			i++)
			entry.nr_pages += runs[i].nr_pages;
		entry.compat_nr_pages = entry.nr_pages <= UINT32_MAX ? entry.nr_pages : 0;
		if (img_write(w, &entry.base, err))
			return -1;
	}
	return 0;
}

static int map_write(const struct maps *maps, const struct map *m, struct img_set *to, struct img_err *err)
{
	PagemapHead head = PAGEMAP_HEAD__INIT;
	struct img_pages_reader *r = reader_of(maps, m, err);
	const struct img_run *runs;
	struct img_writer *w;
	size_t nr;
	int ret = -1;

	if (!r)
		return -1;
	runs = img_pages_runs(r, &nr);
	head.pages_id = m->pages_id;
	w = img_writer_create(to, m->kind, m->id, err);
	if (w && !img_write(w, &head.base, err) && !runs_write(w, runs, nr, err))
		ret = img_writer_finish(steal_ptr(&w), err);
	img_writer_abort(w);
	img_pages_close(r);
	return ret;
}

/* ---- the data ---- */

struct data {
	struct img_pages_reader *r;
	const struct img_run *runs;
	size_t nr, at;	/* the run that comes next */
	uint64_t done;	/* pages of it */
	uint64_t bytes; /* of all */
	unsigned char page[IMG_PAGE];
	size_t page_left; /* bytes of page[] that were not handed out */
};

/* As many whole pages as fit: their number, 0 at the end, -1. */
static ssize_t pages_take(struct data *d, unsigned char *buf, size_t max, struct img_err *err)
{
	const struct img_run *run;
	uint64_t nr;

	while (d->at < d->nr &&
		(!(flat_flags(&d->runs[d->at]) & IMG_RUN_PRESENT) || d->done == d->runs[d->at].nr_pages)) {
		d->at++;
		d->done = 0;
	}
	if (d->at == d->nr)
		return 0;
	run = &d->runs[d->at];
	nr = run->nr_pages - d->done;
	if (nr > max)
		nr = max;
	if (img_pages_read(d->r, run->addr + d->done * IMG_PAGE, nr, buf, err))
		return -1;
	d->done += nr;
	return nr;
}

static ssize_t data_read(void *self, void *buf, size_t len, struct img_err *err)
{
	struct data *d = self;
	ssize_t n;

	if (!d->page_left && len >= IMG_PAGE) {
		n = pages_take(d, buf, len / IMG_PAGE, err);
		return n < 0 ? -1 : n * (ssize_t)IMG_PAGE;
	}
	if (!d->page_left) {
		n = pages_take(d, d->page, 1, err);
		if (n <= 0)
			return n;
		d->page_left = IMG_PAGE;
	}
	if (len > d->page_left)
		len = d->page_left;
	memcpy(buf, d->page + IMG_PAGE - d->page_left, len);
	d->page_left -= len;
	return len;
}

static int64_t data_size(void *self)
{
	return ((struct data *)self)->bytes;
}

static void data_close(void *self)
{
	struct data *d = self;

	img_pages_close(d->r);
	free(d);
}

static const struct img_source_ops data_ops = {
	.read = data_read,
	.size = data_size,
	.close = data_close,
};

static struct img_source *data_new(const struct maps *maps, const struct map *m, struct img_err *err)
{
	struct data *d = calloc(1, sizeof(*d));
	struct img_source *src;

	if (!d) {
		img_fail_nomem(err);
		return NULL;
	}
	d->r = reader_of(maps, m, err);
	if (!d->r) {
		free(d);
		return NULL;
	}
	d->runs = img_pages_runs(d->r, &d->nr);
	for (size_t i = 0; i < d->nr; i++)
		if (flat_flags(&d->runs[i]) & IMG_RUN_PRESENT)
			d->bytes += d->runs[i].nr_pages * IMG_PAGE;
	src = img_source_new(&data_ops, d, err);
	if (!src)
		data_close(d);
	return src;
}

/* ---- the view ---- */

static struct img_source *filter(
	struct img_view *v, const char *name, struct img_source *src, struct img_err *err)
{
	const struct maps *maps = v->arg;
	uint64_t id;

	if (img_kind_by_file(name, &id) != IMG_PAGES)
		return src;
	for (size_t i = 0; i < maps->nr; i++) {
		if (maps->list[i].pages_id != id)
			continue;
		img_source_close(src);
		return data_new(maps, &maps->list[i], err);
	}
	return src;
}

/* Maps are made at once; and a set that had all its pages in a parent may have no page data of its own yet. */
static int maps_make(struct img_view *v, struct maps *maps, struct img_err *err)
{
	if (img_set_each(maps->set, map_look, maps, err) < 0)
		return -1;
	for (size_t i = 0; i < maps->nr; i++) {
		char name[IMG_NAME_MAX];
		int has;

		if (map_write(maps, &maps->list[i], v->made, err))
			return -1;
		has = img_set_has(
			maps->set, img_kind_file_name(IMG_PAGES, maps->list[i].pages_id, name), err);
		if (has < 0)
			return -1;
		if (!has)
			return img_fail(err, IMG_CORRUPT, "%s: not there", name);
	}
	return 0;
}

/* Page data comes from them all: what came out of a damaged one must not look whole. */
static int parents_whole(struct img_set *set, struct img_err *err)
{
	struct img_set *parent;
	int ret;

	while ((ret = img_set_parent(set, &parent, err)) == 1) {
		if (img_set_verify_rest(parent, NULL, NULL, err))
			return img_wrap(err, "parent");
		set = parent;
	}
	return ret;
}

int img_set_flatten(
	struct img_set *from, struct img_set *to, const struct img_convert_options *opt, struct img_err *err)
{
	struct img_convert_options flat = opt ? *opt : (struct img_convert_options){ 0 };
	struct img_view *v = img_view_new(from, false, err);
	struct maps *maps = calloc(1, sizeof(*maps));
	int ret = -1;

	flat.parent = NULL;
	if (!maps) {
		img_fail_nomem(err);
	} else if (v) {
		maps->set = from;
		v->filter = filter;
		v->arg = maps;
		v->arg_free = maps_free;
		ret = maps_make(v, maps, err) || parents_whole(from, err) ? -1 : img_set_convert(&v->set, to, &flat, err);
	}
	if (v)
		img_set_close(&v->set);
	else
		free(maps);
	return ret;
}
