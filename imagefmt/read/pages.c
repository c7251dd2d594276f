/* read/pages.c -- pages by address: in this set's data, in a parent's, or zero. */

#include "criuimg/pages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "criuimg/cleanup.h"
#include "io/fd-write.h"
#include "read/pagemap.h"
#include "store/set.h"

/* Pieces of memory that one read fills. */
#define IOV_BATCH 64

struct img_pages_reader {
	struct img_pagemap map;
	struct img_source *data; /* NULL when no run has data here */
	int data_fd;		 /* borrowed; -1 when the data is not a plain file */
	uint64_t data_base;	 /* where in it the page data starts */
	bool passes;		 /* the data comes in a stream, and not through here */
	struct img_pages_reader *parent;
	char map_name[IMG_NAME_MAX], data_name[IMG_NAME_MAX];
};

/* ---- opening ---- */

static int data_open(struct img_pages_reader *r, struct img_set *set, struct img_err *err)
{
	int64_t size;
	int ret;

	r->data_fd = -1;
	img_kind_file_name(IMG_PAGES, r->map.pages_id, r->data_name);
	if (!(r->map.flags & IMG_RUN_PRESENT))
		return 0;
	ret = img_set_source(set, r->data_name, &r->data, err);
	if (ret < 0)
		return -1;
	if (ret == 0 && set->streams && r->map.shared)
		return img_fail(err, IMG_UNSUPPORTED, "%s: equal pages are stored once: not to be used as it passes", r->data_name);
	if (ret == 0 && set->streams) {
		r->passes = true;
		return 0;
	}
	if (ret == 0)
		return img_fail(
			err, IMG_CORRUPT, "%s: not there, and %s needs it", r->data_name, r->map_name);
	if (!img_source_can_pread(r->data))
		return img_fail(err, IMG_UNSUPPORTED, "%s: cannot be read by position here", r->data_name);
	size = img_source_size(r->data);
	if (size >= 0 && (uint64_t)size < r->map.present)
		return img_fail(err, IMG_CORRUPT, "%s: %lld bytes, %s needs %llu", r->data_name,
			(long long)size, r->map_name, (unsigned long long)r->map.present);
	r->data_fd = img_source_fd(r->data, &r->data_base);
	return 0;
}

static int parent_open(
	struct img_pages_reader *r, struct img_set *set, enum img_kind kind, uint64_t id, struct img_err *err)
{
	struct img_set *parent;
	int ret;

	if (!(r->map.flags & IMG_RUN_PARENT))
		return 0;
	ret = img_set_parent(set, &parent, err);
	if (ret < 0)
		return -1;
	if (ret == 0)
		return img_fail(
			err, IMG_CORRUPT, "%s: has pages in the parent set, and there is none", r->map_name);
	ret = img_pages_open(parent, kind, id, &r->parent, err);
	if (ret < 0)
		return img_wrap(err, "parent");
	if (ret == 0)
		return img_fail(err, IMG_CORRUPT, "%s: has pages in the parent set, which has no such map",
			r->map_name);
	return 0;
}

int img_pages_open(struct img_set *set, enum img_kind kind, uint64_t id, struct img_pages_reader **r_out,
	struct img_err *err)
{
	struct img_pages_reader *r;
	int ret;

	*r_out = NULL;
	if (kind != IMG_PAGEMAP && kind != IMG_SHMEM_PAGEMAP)
		return img_fail(err, IMG_USAGE, "%s is no page map", img_kind_info(kind)->name);
	r = calloc(1, sizeof(*r));
	if (!r)
		return img_fail_nomem(err);
	img_kind_file_name(kind, id, r->map_name);
	ret = img_pagemap_load(set, kind, id, &r->map, err);
	if (ret == 1 && (data_open(r, set, err) || parent_open(r, set, kind, id, err)))
		ret = -1;
	if (ret == 1)
		*r_out = r;
	else
		img_pages_close(r);
	return ret;
}

void img_pages_close(struct img_pages_reader *r)
{
	while (r) {
		struct img_pages_reader *parent = r->parent;

		img_pagemap_free(&r->map);
		img_source_close(r->data);
		free(r);
		r = parent;
	}
}

/* ---- looking up ---- */

const struct img_run *img_pages_runs(const struct img_pages_reader *r, size_t *nr)
{
	*nr = r->map.nr;
	return r->map.runs;
}

void img_pages_data_of(const struct img_pages_reader *r, uint32_t *pages_id, uint64_t *bytes)
{
	*pages_id = r->map.pages_id;
	*bytes = r->map.present;
}

size_t img_pages_find(const struct img_pages_reader *r, uint64_t addr)
{
	size_t lo = 0, hi = r->map.nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (img_run_end(&r->map.runs[mid]) <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Pages from addr on that lie in one run or, with *run NULL, in none; at most max, at least one. */
static uint64_t extent(
	const struct img_pages_reader *r, size_t i, uint64_t addr, uint64_t max, const struct img_run **run)
{
	uint64_t nr = max;

	*run = i < r->map.nr ? &r->map.runs[i] : NULL;
	if (*run && (*run)->addr > addr) {
		nr = ((*run)->addr - addr) / IMG_PAGE;
		*run = NULL;
	} else if (*run) {
		nr = (img_run_end(*run) - addr) / IMG_PAGE;
	}
	return nr < max ? nr : max;
}

/* ---- reading ---- */

static int read_at(
	struct img_pages_reader *r, struct iovec *iov, int nr, uint64_t offset, struct img_err *err)
{
	while (nr) {
		ssize_t n;

		if (r->data_fd < 0)
			n = img_source_pread(r->data, iov->iov_base, iov->iov_len, offset, err);
		else
			n = preadv(r->data_fd, iov, nr, r->data_base + offset);
		if (n < 0 && r->data_fd >= 0 && errno == EINTR)
			continue;
		if (n < 0)
			return r->data_fd < 0 ? img_wrap(err, "%s", r->data_name)
					      : img_fail_sys(err, "%s: read", r->data_name);
		if (n == 0)
			return img_fail(err, IMG_CORRUPT, "%s: ends at %llu", r->data_name,
				(unsigned long long)offset);
		offset += n;
		img_iov_done(&iov, &nr, n);
	}
	return 0;
}

/* Read runs that have their data here, from run i on, and zero what lies between them: the data of one follows the data of
 * the one before, so one read takes many. Returns the pages done, 0 on failure. */
static uint64_t read_present(
	struct img_pages_reader *r, size_t i, uint64_t addr, uint64_t max, char *buf, struct img_err *err)
{
	const struct img_run *run = &r->map.runs[i];
	uint64_t offset = run->data_off + (addr - run->addr), next = 0, done = 0;
	struct iovec iov[IOV_BATCH];
	int nr = 0;

	while (nr < IOV_BATCH && i < r->map.nr && done < max && (r->map.runs[i].flags & IMG_RUN_PRESENT)) {
		uint64_t pages;

		run = &r->map.runs[i++];
		/* Where pages are stored once, it may not. */
		if (nr && run->data_off != next)
			break;
		next = run->data_off + run->nr_pages * IMG_PAGE;
		if (run->addr > addr) {
			pages = (run->addr - addr) / IMG_PAGE;
			if (pages > max - done)
				break;
			memset(buf + done * IMG_PAGE, 0, pages * IMG_PAGE);
			done += pages;
			addr = run->addr;
		}
		pages = (img_run_end(run) - addr) / IMG_PAGE;
		if (pages > max - done)
			pages = max - done;
		if (!pages)
			break;
		iov[nr++] = (struct iovec){ .iov_base = buf + done * IMG_PAGE, .iov_len = pages * IMG_PAGE };
		done += pages;
		addr += pages * IMG_PAGE;
	}
	return read_at(r, iov, nr, offset, err) ? 0 : done;
}

static int no_data(
	const struct img_pages_reader *r, const struct img_run *run, uint64_t addr, struct img_err *err)
{
	if (!run)
		return img_fail(err, IMG_CORRUPT, "%s: no page at %#llx, where a later set relies on one",
			r->map_name, (unsigned long long)addr);
	return img_fail(err, IMG_UNSUPPORTED, "%s: the page at %#llx is lazy: this set does not have it",
		r->map_name, (unsigned long long)addr);
}

/* `holes`: pages in no run are zero; in a parent that is asked for pages it must have, they are a contradiction. */
static int read_pages(struct img_pages_reader *r, uint64_t addr, uint64_t nr_pages, char *buf, bool holes,
	struct img_err *err)
{
	while (nr_pages) {
		size_t i = img_pages_find(r, addr);
		const struct img_run *run;
		uint64_t nr = extent(r, i, addr, nr_pages, &run);

		if (!run && holes)
			memset(buf, 0, nr * IMG_PAGE);
		else if (run && (run->flags & IMG_RUN_PRESENT) && r->passes)
			return img_fail(err, IMG_UNSUPPORTED, "%s: comes in a stream, and only once", r->data_name);
		else if (run && (run->flags & IMG_RUN_PRESENT))
			nr = read_present(r, i, addr, holes ? nr_pages : nr, buf, err);
		else if (!run || !(run->flags & IMG_RUN_PARENT))
			return no_data(r, run, addr, err);
		else if (read_pages(r->parent, addr, nr, buf, false, err))
			return img_wrap(err, "parent");
		if (!nr)
			return -1;
		addr += nr * IMG_PAGE;
		buf += nr * IMG_PAGE;
		nr_pages -= nr;
	}
	return 0;
}

static int range_check(uint64_t addr, uint64_t nr_pages, struct img_err *err)
{
	if (addr % IMG_PAGE || nr_pages > (UINT64_MAX - addr) / IMG_PAGE)
		return img_fail(err, IMG_USAGE, "%llu pages at %#llx are no range of pages",
			(unsigned long long)nr_pages, (unsigned long long)addr);
	return 0;
}

int img_pages_read(
	struct img_pages_reader *r, uint64_t addr, uint64_t nr_pages, void *buf, struct img_err *err)
{
	if (range_check(addr, nr_pages, err))
		return -1;
	return read_pages(r, addr, nr_pages, buf, true, err);
}

int img_pages_locate(struct img_pages_reader *r, uint64_t addr, uint64_t max, int *fd, uint64_t *offset,
	uint64_t *nr_pages, struct img_err *err)
{
	const struct img_run *run;
	bool parent = false;

	*fd = -1;
	*offset = *nr_pages = 0;
	if (range_check(addr, max, err))
		return -1;
	if (!max)
		return 0;
	for (;;) {
		*nr_pages = max = extent(r, img_pages_find(r, addr), addr, max, &run);
		if (!run || !(run->flags & IMG_RUN_PARENT))
			break;
		r = r->parent;
		parent = true;
	}
	if (!run)
		return parent ? no_data(r, run, addr, err) : 0;
	if (!(run->flags & IMG_RUN_PRESENT))
		return no_data(r, run, addr, err);
	if (r->passes) {
		*offset = run->data_off + (addr - run->addr);
		return IMG_PAGES_PASS;
	}
	if (r->data_fd < 0)
		return 0;
	*fd = r->data_fd;
	*offset = r->data_base + run->data_off + (addr - run->addr);
	return 1;
}
