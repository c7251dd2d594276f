/* criu-dump/mem-forked.c -- pages that tasks share since fork(2): stored once.
 *
 * Images of CRIU have no word for a page that is of two tasks, but one for pages that are in another set: so what several tasks have is
 * a set of its own, in the directory `forked`, which the link `parent` leads to. In it all tasks have the same page map, and that
 * has one page image. What is shared is seen by the frames (/proc/PID/pagemap) of tasks that are held: no page is looked at for it.
 *
 * Only into a directory that has no other parent, and where it saves something.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criu-dump/mem-lazy.h"
#include "criu-dump/mem.h"
#include "criu-dump/spine.h"
#include "criu-dump/track.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "pagemap.pb-c.h"

#define DIR_NAME "forked"
#define WORD_PRESENT (1ull << 63)
#define WORD_FRAME   ((1ull << 55) - 1)

enum {
	WORDS = 4096,	      /* of a page map at a time */
	WORTH_IT = 4u << 20, /* bytes that are stored less */
};

/* A page that a task has in common with somebody. */
struct seen {
	uint64_t addr, frame;
};

struct seen_list {
	struct seen *items;
	size_t nr, room;
};

struct page {
	uint64_t addr, frame;
	struct dump_task *owner; /* the first that has it */
	uint32_t tasks;		 /* how many have it */
};

struct forked {
	struct dump *d;
	struct page *pages; /* ascending, one for each address */
	size_t nr;
};

/* ---- what a task shares ---- */

static int look_range(int fd, uint64_t start, uint64_t end, struct seen_list *list, struct img_err *err)
{
	uint64_t words[WORDS];

	while (start < end) {
		size_t want = (end - start) / IMG_PAGE < WORDS ? (end - start) / IMG_PAGE : WORDS;
		ssize_t got = pread(fd, words, want * sizeof(words[0]), start / IMG_PAGE * sizeof(words[0]));

		if (got < (ssize_t)sizeof(words[0]))
			return img_fail_sys(err, "reading the page map at %#" PRIx64, start);
		for (size_t i = 0; i < got / sizeof(words[0]); i++, start += IMG_PAGE) {
			struct seen *seen;

			if (!(words[i] & WORD_PRESENT) || !(words[i] & WORD_FRAME))
				continue;
			seen = img_array_more(&list->items, list->nr, &list->room);
			if (!seen)
				return img_fail_nomem(err);
			*seen = (struct seen){ start, words[i] & WORD_FRAME };
			list->nr++;
		}
	}
	return 0;
}

static bool takes_part(const struct dump_task *t)
{
	return t->mem && t->mem->nr_runs && t->shares[DUMP_SHARE_VM] == t;
}

/* The pages that are to be stored, of mappings in which some are somebody else's, too. */
static int look_task(const struct dump_task *t, struct seen_list *list, struct img_err *err)
{
	const struct dump_mem *mem = t->mem;
	cleanup_fd int fd = -1;
	size_t v = 0;
	char path[48];

	list->nr = 0;
	snprintf(path, sizeof(path), "/proc/%d/pagemap", t->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return img_fail_sys(err, "%s", path);
	for (size_t i = 0; i < mem->nr_runs; i++) {
		uint64_t start = mem->runs[i].addr, end = start + mem->runs[i].nr_pages * IMG_PAGE;

		while (v < mem->nr_vmas && mem->vmas[v].rec.end <= start)
			v++;
		for (size_t k = v; k < mem->nr_vmas && mem->vmas[k].rec.start < end; k++) {
			const struct dump_vma *vma = &mem->vmas[k];
			uint64_t from = vma->rec.start > start ? vma->rec.start : start;
			uint64_t upto = vma->rec.end < end ? vma->rec.end : end;

			if (mem->runs[i].flags & IMG_RUN_PRESENT && vma->data == DUMP_VMA_PRIVATE && vma->map->others &&
				look_range(fd, from, upto, list, err) < 0)
				return -1;
		}
	}
	return 0;
}

/* ---- all tasks together ---- */

static int merge(struct forked *f, const struct seen_list *list, struct dump_task *t, struct img_err *err)
{
	struct page *all = calloc(f->nr + list->nr + 1, sizeof(*all));
	size_t nr = 0, i = 0, k = 0;

	if (!all)
		return img_fail_nomem(err);
	while (i < f->nr || k < list->nr) {
		const struct seen *seen = k < list->nr ? &list->items[k] : NULL;

		if (!seen || (i < f->nr && f->pages[i].addr < seen->addr)) {
			all[nr++] = f->pages[i++];
			continue;
		}
		k++;
		if (i < f->nr && f->pages[i].addr == seen->addr) {
			struct page *p = &all[nr++];

			*p = f->pages[i++];
			if (p->frame == seen->frame) {
				p->tasks++;
				continue;
			}
			/* What nobody else had so far makes room. */
			if (p->tasks > 1)
				continue;
			nr--;
		}
		all[nr++] = (struct page){ seen->addr, seen->frame, t, 1 };
	}
	free(f->pages);
	f->pages = all;
	f->nr = nr;
	return 0;
}

/* Bytes that are stored less. */
static uint64_t keep_shared(struct forked *f)
{
	uint64_t saved = 0;
	size_t nr = 0;

	for (size_t i = 0; i < f->nr; i++)
		if (f->pages[i].tasks > 1) {
			saved += (f->pages[i].tasks - 1) * (uint64_t)IMG_PAGE;
			f->pages[nr++] = f->pages[i];
		}
	f->nr = nr;
	return saved;
}

/* ---- the set of them ---- */

static const struct page *page_at(const struct forked *f, uint64_t addr)
{
	size_t low = 0, high = f->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (f->pages[mid].addr < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low < f->nr && f->pages[low].addr == addr ? &f->pages[low] : NULL;
}

/* A piece is of one owner. */
static int read_pages(void *arg, const struct iovec *pieces, int nr, void *buf, size_t len, struct img_err *err)
{
	const struct forked *f = arg;
	char *to = buf;

	for (int i = 0; i < nr; to += pieces[i++].iov_len) {
		uint64_t addr = (uintptr_t)pieces[i].iov_base;

		if (dump_memory_read(f->d, page_at(f, addr)->owner, addr, to, pieces[i].iov_len, err) < 0)
			return -1;
	}
	return 0;
}

static int make_runs(const struct forked *f, struct img_run **runs, size_t *nr, struct img_err *err)
{
	size_t room = 0;

	*nr = 0;
	for (size_t i = 0; i < f->nr; i++) {
		const struct page *p = &f->pages[i];
		struct img_run *last = *nr ? &(*runs)[*nr - 1] : NULL;

		if (last && last->addr + last->nr_pages * IMG_PAGE == p->addr && p[-1].owner == p->owner) {
			last->nr_pages++;
			continue;
		}
		last = img_array_more(runs, *nr, &room);
		if (!last)
			return img_fail_nomem(err);
		*last = (struct img_run){ .addr = p->addr, .nr_pages = 1, .flags = IMG_RUN_PRESENT | DUMP_RUN_KEEP };
		++*nr;
	}
	return 0;
}

/* The map of one more task: the same. */
static int write_map(struct dump *d, const struct dump_task *t, const struct img_run *runs, size_t nr, struct img_err *err)
{
	PagemapHead head = PAGEMAP_HEAD__INIT;
	struct img_writer *w = img_writer_create(d->set, IMG_PAGEMAP, t->vpid, err);
	int ret = -1;

	head.pages_id = 1;
	if (w)
		ret = img_write(w, &head.base, err);
	for (size_t i = 0; i < nr && ret == 0;) {
		PagemapEntry entry = PAGEMAP_ENTRY__INIT;

		entry.vaddr = runs[i].addr;
		entry.has_flags = entry.has_nr_pages = true;
		entry.flags = IMG_RUN_PRESENT;
		for (; i < nr && runs[i].addr == entry.vaddr + entry.nr_pages * IMG_PAGE; i++)
			entry.nr_pages += runs[i].nr_pages;
		entry.compat_nr_pages = entry.nr_pages <= UINT32_MAX ? entry.nr_pages : 0;
		ret = img_write(w, &entry.base, err);
	}
	if (ret == 0)
		return img_writer_finish(w, err);
	img_writer_abort(w);
	return -1;
}

static int write_set(struct forked *f, struct dump_task **tasks, size_t nr_tasks, struct img_err *err)
{
	struct dump_source src = { read_pages, f };
	cleanup_free struct img_run *runs = NULL;
	struct dump_pages_count count;
	struct dump *d = f->d;
	size_t nr;

	if (make_runs(f, &runs, &nr, err) < 0 || dump_pre_inventory(d, err) < 0 ||
		dump_pages_write(d, IMG_PAGEMAP, tasks[0]->vpid, runs, nr, &src, &count, err) < 0)
		return -1;
	d->stats.pages_written += count.written;
	for (size_t i = 1; i < nr_tasks; i++)
		if (write_map(d, tasks[i], runs, nr, err) < 0)
			return -1;
	if (img_set_require(d->set, "pages-forked", err) < 0)
		return -1;
	return dump_seal(d, err) < 0 ? -1 : dump_namespaces_modes(d, err);
}

/* As open as the directory that it is in. */
static int make_directory(int dir, struct img_err *err)
{
	struct stat st;

	if (fstat(dir, &st) < 0 || (mkdirat(dir, DIR_NAME, 0700) < 0 && errno != EEXIST) ||
		fchmodat(dir, DIR_NAME, st.st_mode & 0777, 0) < 0)
		return img_fail_sys(err, "mkdir");
	return 0;
}

static int make_set(struct forked *f, struct dump_task **tasks, size_t nr_tasks, struct img_err *err)
{
	const struct img_zstd_options zstd = { .level = f->d->opt->compress_level };
	struct img_set *set = f->d->set;
	int dir = img_set_dirfd(set), ret;

	if (make_directory(dir, err) < 0)
		return -1;
	f->d->set = img_set_create_dir(dir, DIR_NAME, err);
	ret = f->d->set && (!f->d->opt->compress || img_set_compress(f->d->set, &zstd, err) == 0)
		      ? write_set(f, tasks, nr_tasks, err)
		      : -1;
	img_set_close(f->d->set);
	f->d->set = set;
	return ret == 0 ? img_set_link_parent(set, DIR_NAME, err) : -1;
}

/* ---- what is left for the tasks ---- */

static int add_run(struct img_run **runs, size_t *nr, size_t *room, uint64_t addr, uint64_t end, uint32_t flags,
	struct img_err *err)
{
	struct img_run *last = *nr ? &(*runs)[*nr - 1] : NULL;

	if (addr == end)
		return 0;
	if (last && last->flags == flags && last->addr + last->nr_pages * IMG_PAGE == addr) {
		last->nr_pages += (end - addr) / IMG_PAGE;
		return 0;
	}
	last = img_array_more(runs, *nr, room);
	if (!last)
		return img_fail_nomem(err);
	*last = (struct img_run){ .addr = addr, .nr_pages = (end - addr) / IMG_PAGE, .flags = flags };
	++*nr;
	return 0;
}

/* Of what was seen of a task, that which is in the set. */
static size_t find_stored(const struct forked *f, struct seen_list *list)
{
	size_t nr = 0, i = 0;

	for (size_t k = 0; k < list->nr; k++) {
		while (i < f->nr && f->pages[i].addr < list->items[k].addr)
			i++;
		if (i < f->nr && f->pages[i].addr == list->items[k].addr && f->pages[i].frame == list->items[k].frame)
			list->items[nr++] = list->items[k];
	}
	list->nr = nr;
	return nr;
}

/* Those are told to be in the parent. */
static int cut_runs(struct dump_mem *mem, const struct seen_list *stored, struct img_err *err)
{
	struct img_run *runs = NULL;
	size_t nr = 0, room = 0, k = 0;

	for (size_t i = 0; i < mem->nr_runs; i++) {
		const struct img_run *run = &mem->runs[i];
		uint64_t at = run->addr, end = at + run->nr_pages * IMG_PAGE;

		for (; k < stored->nr && stored->items[k].addr < end; k++) {
			uint64_t addr = stored->items[k].addr;

			if (add_run(&runs, &nr, &room, at, addr, run->flags, err) < 0 ||
				add_run(&runs, &nr, &room, addr, addr + IMG_PAGE, IMG_RUN_PARENT | DUMP_RUN_FORKED, err) < 0)
				goto failed;
			at = addr + IMG_PAGE;
		}
		if (add_run(&runs, &nr, &room, at, end, run->flags, err) < 0)
			goto failed;
	}
	free(mem->runs);
	mem->runs = runs;
	mem->nr_runs = nr;
	mem->room_runs = room;
	return 0;
failed:
	free(runs);
	return -1;
}

/* ---- all of it ---- */

static int collect(struct forked *f, struct seen_list *list, struct img_err *err)
{
	for_each_live_task(f->d, t) {
		if (!takes_part(t))
			continue;
		if (dump_go_on(f->d, err) < 0 || look_task(t, list, err) < 0 || merge(f, list, t, err) < 0)
			return -1;
	}
	return 0;
}

static int store(struct forked *f, struct seen_list *list, uint64_t saved, struct img_err *err)
{
	cleanup_free struct dump_task **tasks = calloc(f->d->tasks.nr + 1, sizeof(struct dump_task *));
	size_t nr = 0;

	if (!tasks)
		return img_fail_nomem(err);
	for_each_live_task(f->d, t) {
		if (!takes_part(t))
			continue;
		if (look_task(t, list, err) < 0)
			return -1;
		if (!find_stored(f, list))
			continue;
		if (cut_runs(t->mem, list, err) < 0)
			return -1;
		tasks[nr++] = t;
	}
	log_info(f->d->log, "%zu pages that %zu tasks share since fork(2) are stored once: %" PRIu64 " MiB less", f->nr, nr, saved >> 20);
	return make_set(f, tasks, nr, err);
}

int dump_forked(struct dump *d, struct img_err *err)
{
	struct forked f = { .d = d };
	struct seen_list list = { 0 };
	uint64_t saved = 0;
	int ret = 0;

	if (d->tasks.nr < 2 || d->remote || d->lazy || img_set_dirfd(d->set) < 0 || img_set_maps_first(d->set) ||
		(d->track && (d->track->parent || d->track->wanted)))
		return 0;
	ret = collect(&f, &list, err);
	if (ret == 0)
		saved = keep_shared(&f);
	if (ret == 0 && saved >= WORTH_IT)
		ret = store(&f, &list, saved, err);
	free(list.items);
	free(f.pages);
	return ret < 0 ? img_wrap(err, DIR_NAME) : 0;
}
