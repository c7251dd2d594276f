/* engines/mem/shmem/shmem-dump.c -- shared memory: the content of each segment, once.
 *
 * A segment is a file of the kernel's own: which of its pages are there tells lseek(2) with SEEK_DATA,
 * whoever has them mapped.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "criu-dump/mem.h"
#include "criu-dump/task_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"

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

static int dump_segment(struct dump *d, const struct dump_segment *seg, struct img_err *err)
{
	struct runs runs = { 0 };
	struct dump_pages_count count;
	struct dump_source src;
	cleanup_fd int fd = open(seg->path, O_RDONLY | O_CLOEXEC);
	struct statfs fs;
	struct stat st;
	int ret;

	if (fd < 0 || fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
		return img_fail_sys(err, "%s", seg->path);
	ret = fs.f_type == HUGETLBFS_MAGIC ? find_huge_data(fd, st.st_size, fs.f_bsize, &runs, err)
					   : find_data(fd, st.st_size, &runs, err);
	if (ret < 0)
		goto out;
	src = (struct dump_source){ read_segment, &fd };
	ret = dump_pages_write(d, IMG_SHMEM_PAGEMAP, seg->shmid, runs.items, runs.nr, &src, &count, err);
	if (ret < 0)
		goto out;
	d->stats.has_shpages_scanned = d->stats.has_shpages_written = d->stats.has_shpages_skipped_parent = true;
	d->stats.shpages_scanned += (st.st_size + IMG_PAGE - 1) / IMG_PAGE;
	d->stats.shpages_written += count.written;
	d->stats.shpages_skipped_parent += count.parent;
	log_info(d->log, "shared memory %#" PRIx64 ": %" PRIu64 " pages of %lld bytes", seg->shmid, count.written,
		(long long)st.st_size);
out:
	free(runs.items);
	return ret;
}

static int shmem_tree_pages(struct dump *d, struct img_err *err)
{
	for (size_t i = 0; d->shmem && i < d->shmem->nr; i++)
		if (dump_segment(d, &d->shmem->items[i], err) < 0)
			return img_wrap(err, "shared memory %#" PRIx64, d->shmem->items[i].shmid);
	return 0;
}

const struct task_dump_ops shmem_dump_ops = {
	.name = "shmem",
	.tree_pages = shmem_tree_pages,
};
