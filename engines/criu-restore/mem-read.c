/* engines/criu-restore/mem-read.c -- page data from images into memory, straight into place, by several
 * threads.
 *
 * The work of a read is mostly the faults of the memory it goes to; they scale with threads. The threads'
 * numbers are ones that no task of the image has: a number that happened to be next could be that of a task
 * which is about to be made.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "criu-restore/mem-files.h"
#include "criu-restore/mem.h"
#include "criu-restore/stream.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/raw-thread.h"
#include "parasite/nolibc/syscall.h"

enum {
	SHARE = 4 << 20,	 /* bytes that a thread takes at a time */
	THREADED_FROM = 8 << 20, /* less is not worth a thread */
	THREADS_MAX = 4,
	IOV_NR = 256,
	POPULATE_FROM = 16 << 10, /* bytes that are worth a call of their own */
	POPULATE_WRITE = 23,	  /* MADV_POPULATE_WRITE, linux/mman.h */
	TRIES = 16, /* numbers tried for a thread */
};

struct job {
	const struct restore_piece *pieces;
	const uint64_t *starts; /* where each piece starts in all of the data; one more for the end */
	size_t nr;
	bool empty; /* give back to the file system what was read */

	/* shared by the threads */
	uint64_t next; /* the data from here on is not taken */
	uint32_t failed;
	int error; /* errno; 0: the file ended */
};

static void fail(struct job *job, int error)
{
	uint32_t none = 0;

	if (__atomic_compare_exchange_n(&job->failed, &none, 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		job->error = error;
}

/* Fill iov[0..nr), from fd at offset. No libc: see kernel/raw-thread.h. */
static int read_full(int fd, struct iovec *iov, int nr, uint64_t offset, struct job *job)
{
	while (nr) {
		long got = nolibc_syscall(SYS_preadv, fd, iov, nr, offset, 0);

		if (got == -EINTR)
			continue;
		if (got <= 0) {
			fail(job, -got);
			return -1;
		}
		offset += got;
		while (nr && (size_t)got >= iov->iov_len) {
			got -= iov->iov_len;
			iov++;
			nr--;
		}
		if (nr) {
			iov->iov_base = (char *)iov->iov_base + got;
			iov->iov_len -= got;
		}
	}
	return 0;
}

/* All pages of a piece at once, or huge ones, in place of a fault for each in the middle of the read. A kernel that does not know
 * this (before 5.14), or memory that is not mapped like that, has the faults. */
static void populate(const struct iovec *iov, int nr)
{
	for (int i = 0; i < nr; i++)
		if (iov[i].iov_len >= POPULATE_FROM && !((uintptr_t)iov[i].iov_base % IMG_PAGE))
			nolibc_syscall(SYS_madvise, iov[i].iov_base, iov[i].iov_len, POPULATE_WRITE);
}

static size_t piece_at(const struct job *job, uint64_t position)
{
	size_t low = 0, high = job->nr;

	while (low + 1 < high) {
		size_t mid = low + (high - low) / 2;

		if (job->starts[mid] <= position)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* The data from position to end. */
static int read_share(struct job *job, uint64_t position, uint64_t end)
{
	size_t i = piece_at(job, position);

	while (position < end) {
		const struct restore_piece *first = &job->pieces[i];
		uint64_t offset = first->offset + (position - job->starts[i]), next = offset;
		struct iovec iov[IOV_NR];
		int nr = 0;

		/* As long as one piece follows the other in the same file. */
		for (; nr < IOV_NR && position < end; i++) {
			const struct restore_piece *p = &job->pieces[i];
			uint64_t skip = position - job->starts[i], len = p->len - skip;

			if (p->fd != first->fd || p->offset + skip != next)
				break;
			if (len > end - position)
				len = end - position;
			iov[nr++] = (struct iovec){ (char *)p->to + skip, len };
			position += len;
			next += len;
			if (skip + len < p->len)
				break;
		}
		populate(iov, nr);
		if (read_full(first->fd, iov, nr, offset, job) < 0)
			return -1;
		if (job->empty)
			nolibc_syscall(SYS_fallocate, first->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
				next - offset);
	}
	return 0;
}

static void work(void *arg)
{
	struct job *job = arg;
	uint64_t all = job->starts[job->nr];

	for (;;) {
		uint64_t position = __atomic_fetch_add(&job->next, SHARE, __ATOMIC_SEQ_CST);
		uint64_t end = position + SHARE < all ? position + SHARE : all;

		if (position >= all || __atomic_load_n(&job->failed, __ATOMIC_SEQ_CST) ||
			read_share(job, position, end) < 0)
			return;
	}
}

int restore_thread_start(const struct restore *r, struct kern_raw_thread *th, unsigned nr, void (*fn)(void *), void *arg)
{
	const struct restore_mem *mem = r->mem;
	unsigned seed = getpid() * THREADS_MAX + nr;

	for (size_t i = 0; mem && i < TRIES && i < mem->nr_worker_tids; i++) {
		int tid = mem->worker_tids[(seed + i * (THREADS_MAX + 1)) % mem->nr_worker_tids];

		if (!kern_raw_thread_start(th, tid, fn, arg))
			return 0;
		if (errno != EEXIST)
			break;
	}
	return -1;
}

int restore_threads_wanted(uint64_t bytes)
{
	cpu_set_t cpus;
	int nr;

	if (bytes < THREADED_FROM || sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return 1;
	nr = CPU_COUNT(&cpus);
	return nr > THREADS_MAX ? THREADS_MAX : nr;
}

int restore_add_pages(struct img_pages_reader *pages, uint64_t addr, uint64_t nr_pages, void *to,
	struct restore_pieces *pieces, struct img_err *err)
{
	while (nr_pages) {
		struct restore_piece *p = img_array_more(&pieces->items, pieces->nr, &pieces->room);
		uint64_t nr;
		int ret;

		if (!p)
			return img_fail_nomem(err);
		ret = img_pages_locate(pages, addr, nr_pages, &p->fd, &p->offset, &nr, err);
		if (ret < 0)
			return -1;
		if (!nr)
			nr = nr_pages;
		if (ret == IMG_PAGES_PASS)
			p->fd = RESTORE_PIECE_PASSES;
		if (!ret) {
			p->fd = RESTORE_PIECE_PACKED;
			p->offset = addr;
		}
		p->pages = pages;
		p->to = to;
		p->len = nr * IMG_PAGE;
		pieces->nr++;
		addr += nr * IMG_PAGE;
		to = (char *)to + nr * IMG_PAGE;
		nr_pages -= nr;
	}
	return 0;
}

int restore_get_pages(struct restore *r, struct img_pages_reader *pages, uint64_t addr, uint64_t nr_pages, void *to,
	struct img_err *err)
{
	struct restore_pieces pieces = { 0 };
	int ret = restore_add_pages(pages, addr, nr_pages, to, &pieces, err);

	if (!ret)
		ret = restore_read_pieces(r, pieces.items, pieces.nr, err);
	free(pieces.items);
	return ret;
}

/* The same of files that are opened our way. */
static struct restore_piece *own_pieces(struct restore *r, const struct restore_piece *pieces, size_t nr,
	struct restore_page_files *files, struct img_err *err)
{
	struct restore_piece *own = calloc(nr, sizeof(*own));

	if (!own)
		img_fail_nomem(err);
	for (size_t i = 0; own && i < nr; i++) {
		own[i] = pieces[i];
		/* Direct reads are for whole pages. */
		if ((uintptr_t)pieces[i].to % IMG_PAGE)
			continue;
		own[i].fd = restore_page_files_own(r, files, pieces[i].fd, err);
		if (own[i].fd < 0) {
			restore_page_files_close(files);
			free(own);
			return NULL;
		}
	}
	return own;
}

/* A list of its own: what is in plain files. */
static struct restore_piece *without_packed(const struct restore_piece *pieces, size_t *nr, struct img_err *err)
{
	struct restore_piece *plain = calloc(*nr + 1, sizeof(*plain));
	size_t left = 0;

	if (!plain)
		img_fail_nomem(err);
	for (size_t i = 0; plain && i < *nr; i++)
		if (pieces[i].fd != RESTORE_PIECE_PACKED)
			plain[left++] = pieces[i];
	*nr = left;
	return plain;
}

int restore_read_pieces(struct restore *r, const struct restore_piece *pieces, size_t nr, struct img_err *err)
{
	struct job job = { .pieces = pieces, .nr = nr };
	struct kern_raw_thread others[THREADS_MAX];
	struct restore_page_files files = { 0 };
	cleanup_free struct restore_piece *own = NULL, *plain = NULL;
	cleanup_free uint64_t *starts = NULL;
	int nr_others = 0;

	/* What has passed in a stream was kept, or is nowhere. */
	for (; nr && pieces->fd == RESTORE_PIECE_PASSES; pieces++, nr--)
		if (restore_stream_kept(r, pieces->offset, pieces->to, pieces->len, err) < 0)
			return -1;
	if (restore_read_packed(r, pieces, nr, err) < 0)
		return -1;
	plain = without_packed(pieces, &nr, err);
	if (!plain || !nr)
		return plain ? 0 : -1;
	job.pieces = pieces = plain;
	job.nr = nr;
	starts = calloc(nr + 1, sizeof(*starts));
	if (!starts)
		return img_fail_nomem(err);
	for (size_t i = 0; i < nr; i++)
		starts[i + 1] = starts[i] + pieces[i].len;
	job.starts = starts;
	if (restore_page_files_wanted(r)) {
		own = own_pieces(r, pieces, nr, &files, err);
		if (!own)
			return -1;
		job.pieces = own;
		job.empty = restore_page_files_empty(r);
	}

	while (nr_others < restore_threads_wanted(starts[nr]) - 1 &&
		!restore_thread_start(r, &others[nr_others], nr_others, work, &job))
		nr_others++;
	work(&job);
	while (nr_others)
		kern_raw_thread_join(&others[--nr_others]);
	restore_page_files_close(&files);
	if (job.failed && !job.error)
		return img_fail(err, IMG_CORRUPT, "the page data ends too early");
	if (job.failed) {
		errno = job.error;
		return img_fail_sys(err, "reading page data");
	}
	return 0;
}
