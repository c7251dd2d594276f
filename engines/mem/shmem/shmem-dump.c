/* engines/mem/shmem/shmem-dump.c -- shared memory: the content of each segment, once.
 *
 * A segment is a file of the kernel's own: which of its pages are there tells lseek(2) with SEEK_DATA,
 * whoever has them mapped.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "criu-dump/mem-parent.h"
#include "criu-dump/mem.h"
#include "criu-dump/spine.h"
#include "criu-dump/task_ops.h"
#include "criu-dump/track.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/anon-dev.h"

enum {
	COPY = 1 << 20, /* bytes at a time */
};

struct runs {
	struct img_run *items;
	size_t nr, room;
};

static int add_run(struct runs *runs, uint64_t start, uint64_t end, struct img_err *err)
{
	struct img_run *run = img_array_more(&runs->items, runs->nr, &runs->room);

	if (!run)
		return img_fail_nomem(err);
	*run = (struct img_run){
		.addr = start, .nr_pages = (end - start) / IMG_PAGE, .flags = IMG_RUN_PRESENT | DUMP_RUN_COMPARE
	};
	runs->nr++;
	return 0;
}

static int find_data(int fd, uint64_t size, struct runs *runs, struct img_err *err)
{
	off_t at = 0;

	for (;;) {
		off_t data = lseek(fd, at, SEEK_DATA), hole;

		if (data < 0 && errno == ENXIO)
			return 0;
		hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
		if (hole < 0)
			return img_fail_sys(err, "looking for data");
		/* The last page may be in the file only in part. */
		at = (hole + IMG_PAGE - 1) & ~(off_t)(IMG_PAGE - 1);
		if (add_run(runs, data & ~(off_t)(IMG_PAGE - 1), at, err) < 0)
			return -1;
	}
}

/* hugetlbfs says that all is data: leave out what is zero, a huge page at a time, so that a restore does
 * not take huge pages that the segment never had. */
static int find_huge_data(int fd, uint64_t size, size_t huge, struct runs *runs, struct img_err *err)
{
	cleanup_free char *buf = malloc(huge);

	if (!buf)
		return img_fail_nomem(err);
	for (uint64_t at = 0; at < size; at += huge) {
		ssize_t got = pread(fd, buf, huge, at);

		if (got < 0)
			return img_fail_sys(err, "reading huge pages");
		if (got && (buf[0] || memcmp(buf, buf + 1, got - 1)) && add_run(runs, at, at + huge, err) < 0)
			return -1;
	}
	return 0;
}

static int read_segment(
	void *arg, const struct iovec *pieces, int nr, void *buf, size_t len, struct img_err *err)
{
	int fd = *(int *)arg;
	char *to = buf;

	for (int i = 0; i < nr; i++) {
		uint64_t at = (uintptr_t)pieces[i].iov_base;
		size_t done = 0;

		while (done < pieces[i].iov_len) {
			ssize_t got = pread(fd, to + done, pieces[i].iov_len - done, at + done);

			if (got < 0 && errno == EINTR)
				continue;
			if (got < 0)
				return img_fail_sys(err, "reading at %#" PRIx64, at + done);
			if (!got) { /* the rest of the last page */
				memset(to + done, 0, pieces[i].iov_len - done);
				break;
			}
			done += got;
		}
		to += pieces[i].iov_len;
	}
	return 0;
}

static int find_runs(int fd, const struct stat *st, struct runs *runs, struct img_err *err)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return img_fail_sys(err, "its file system");
	return fs.f_type == HUGETLBFS_MAGIC ? find_huge_data(fd, st->st_size, fs.f_bsize, runs, err)
					    : find_data(fd, st->st_size, runs, err);
}

/* ---- what goes out in two passes ---- */

/* Both passes have to find the same. The tasks may run, and what is the same as in the set before has to be known in the first. */
static int find_once(struct dump *d, struct dump_segment *seg, int fd, const struct stat *st, struct img_err *err)
{
	struct img_set *parent = d->track ? d->track->parent : NULL;
	struct dump_source src = { read_segment, &fd };
	struct img_pages_reader *before = NULL;
	struct runs runs = { 0 };
	int ret = find_runs(fd, st, &runs, err);

	if (ret == 0 && parent && img_pages_open(parent, IMG_SHMEM_PAGEMAP, seg->shmid, &before, err) < 0)
		ret = img_wrap(err, "the set before");
	if (ret == 0 && before) {
		ret = dump_parent_compare(before, &src, runs.items, runs.nr, &seg->runs, &seg->nr_runs, err);
		free(runs.items);
	} else {
		seg->runs = runs.items;
		seg->nr_runs = runs.nr;
	}
	img_pages_close(before);
	seg->found = ret == 0;
	return ret;
}

/* Keep the file: by a mapping of our own, of which there can be more than of descriptors. */
static int hold(struct dump_segment *seg, int fd, size_t size, struct img_err *err)
{
	seg->held = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (seg->held == MAP_FAILED) {
		seg->held = NULL;
		return img_fail_sys(err, "mapping %zu bytes", size);
	}
	seg->held_len = size;
	snprintf(seg->path, sizeof(seg->path), "/proc/self/map_files/%" PRIxPTR "-%" PRIxPTR, (uintptr_t)seg->held,
		(uintptr_t)seg->held + ((size + IMG_PAGE - 1) & ~((size_t)IMG_PAGE - 1)));
	return 0;
}

static int copy_run(int from, int to, const struct img_run *run, char *buf, struct img_err *err)
{
	uint64_t left = run->nr_pages * IMG_PAGE, at = run->addr;

	while (left) {
		struct iovec piece = { (void *)(uintptr_t)at, left < COPY ? left : COPY };

		if (read_segment(&from, &piece, 1, buf, piece.iov_len, err) < 0)
			return -1;
		for (size_t done = 0; done < piece.iov_len;) {
			ssize_t put = pwrite(to, buf + done, piece.iov_len - done, (off_t)(at + done));

			if (put < 0 && errno == EINTR)
				continue;
			if (put <= 0)
				return img_fail_sys(err, "copying it");
			done += put;
		}
		at += piece.iov_len;
		left -= piece.iov_len;
	}
	return 0;
}

/* The content as it is now, in a memfd of ours. */
static int copy_segment(struct dump_segment *seg, struct img_err *err)
{
	cleanup_fd int fd = open(seg->path, O_RDONLY | O_CLOEXEC), copy = memfd_create("criu-dump", MFD_CLOEXEC);
	cleanup_free char *buf = malloc(COPY);
	struct runs runs = { 0 };
	struct stat st;
	int ret;

	if (!buf)
		return img_fail_nomem(err);
	if (fd < 0 || fstat(fd, &st) < 0)
		return img_fail_sys(err, "%s", seg->path);
	if (copy < 0 || ftruncate(copy, st.st_size) < 0)
		return img_fail_sys(err, "making a copy of %lld bytes", (long long)st.st_size);
	if (!st.st_size)
		return 0;
	ret = find_runs(fd, &st, &runs, err);
	for (size_t i = 0; i < runs.nr && ret == 0; i++)
		ret = copy_run(fd, copy, &runs.items[i], buf, err);
	free(runs.items);
	/* The end of the last page came along. */
	if (ret == 0 && ftruncate(copy, st.st_size) < 0)
		ret = img_fail_sys(err, "the size of the copy");
	return ret == 0 ? hold(seg, copy, st.st_size, err) : -1;
}

static int shmem_tree_keep(struct dump *d, struct img_err *err)
{
	for (size_t i = 0; d->shmem && i < d->shmem->nr; i++)
		if (dump_go_on(d, err) < 0 || copy_segment(&d->shmem->items[i], err) < 0)
			return img_wrap(err, "shared memory %#" PRIx64, d->shmem->items[i].shmid);
	return 0;
}

/* ---- storing ---- */

/* A descriptor of it: 1; 0 when it is gone, and nobody misses it; -1. */
static int open_segment(struct dump *d, struct dump_segment *seg, int *fd, struct stat *st, struct img_err *err)
{
	bool may_go = d->opt->command == CMD_PRE_DUMP && !seg->held;

	if (seg->gone)
		return 0;
	*fd = open(seg->path, O_RDONLY | O_CLOEXEC);
	if (*fd >= 0 && fstat(*fd, st) == 0 && (!may_go || st->st_ino == seg->shmid))
		return may_go && st->st_size && hold(seg, *fd, st->st_size, err) < 0 ? -1 : 1;
	if (!may_go)
		return img_fail_sys(err, "%s", seg->path);
	/* Unmapped meanwhile, and maybe something else is mapped there. */
	seg->gone = true;
	return 0;
}

static int dump_segment(struct dump *d, struct dump_segment *seg, struct img_err *err)
{
	struct dump_pages_count count;
	struct dump_source src;
	struct runs runs = { 0 };
	cleanup_fd int fd = -1;
	struct stat st;
	int ret = open_segment(d, seg, &fd, &st, err);

	if (ret <= 0)
		return ret;
	src = (struct dump_source){ read_segment, &fd };
	if (img_set_maps_first(d->set)) {
		ret = seg->found ? 0 : find_once(d, seg, fd, &st, err);
		if (ret == 0)
			ret = dump_pages_write(d, IMG_SHMEM_PAGEMAP, seg->shmid, seg->runs, seg->nr_runs, &src, &count, err);
	} else {
		ret = find_runs(fd, &st, &runs, err);
		if (ret == 0)
			ret = dump_pages_write(d, IMG_SHMEM_PAGEMAP, seg->shmid, runs.items, runs.nr, &src, &count, err);
		free(runs.items);
	}
	if (ret < 0)
		return -1;
	d->stats.has_shpages_scanned = d->stats.has_shpages_written = d->stats.has_shpages_skipped_parent = true;
	d->stats.shpages_scanned += (st.st_size + IMG_PAGE - 1) / IMG_PAGE;
	d->stats.shpages_written += count.written;
	d->stats.shpages_skipped_parent += count.parent;
	log_info(d->log, "shared memory %#" PRIx64 ": %" PRIu64 " pages of %lld bytes; %" PRIu64 " as in the set before", seg->shmid,
		count.written, (long long)st.st_size, count.parent);
	return 0;
}

static int shmem_tree_pages(struct dump *d, struct img_err *err)
{
	for (size_t i = 0; d->shmem && i < d->shmem->nr; i++)
		if (dump_segment(d, &d->shmem->items[i], err) < 0)
			return img_wrap(err, "shared memory %#" PRIx64, d->shmem->items[i].shmid);
	return 0;
}

/* ---- of a pre-dump ---- */

/* What is mapped, so that the dump has to store only what was written since. Through a page server it would store all of it
 * anyway: what the server has of the set before is not to be had for comparing. */
static int shmem_pre(struct dump *d, struct dump_task *t, struct img_err *err)
{
	dev_t shmem_dev;

	if (d->remote)
		return 0;
	if (kern_shmem_dev(&shmem_dev, err) < 0)
		return -1;
	for (size_t i = 0; i < t->maps->nr; i++) {
		const struct kern_vma *map = &t->maps->vmas[i];
		struct dump_vma_class class = dump_vma_class(map, shmem_dev);

		if (!class.refused && class.status & (IMG_VMA_MEMFD | IMG_VMA_SYSVIPC) && map->shared &&
			dump_shmem_add(d, map->ino, err, "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, t->pid, map->start, map->end) < 0)
			return -1;
	}
	return 0;
}

const struct task_dump_ops shmem_dump_ops = {
	.name = "shmem",
	.pre = shmem_pre,
	.tree_keep = shmem_tree_keep,
	.tree_pages = shmem_tree_pages,
};
