/* criu-restore/stream-take.c -- the bytes of a page image, from the pipe to where they belong.
 *
 * Most of the work is the faults of the memory they go to: a second thread has them, ahead of the first one, which reads and digests.
 */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "criu-restore/mem.h"
#include "criu-restore/stage.h"
#include "criu-restore/stream-own.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/raw-thread.h"
#include "parasite/nolibc/syscall.h"

enum {
	BUFFER = 1 << 20,
	IOV_NR = 64,
	LOOK_MS = 50,
	KEPT_PIECE = 64 << 10,
	KEPT_MAX = 64 << 20,
	AHEAD = 2 << 20,	/* made at a time */
	AHEAD_FROM = 16 << 10,	/* bytes that are worth a call of their own */
	POPULATE_WRITE = 23,	/* MADV_POPULATE_WRITE, linux/mman.h */
};

struct take {
	struct restore *r;
	struct passing *p;
	struct img_digest *digest;
	char *buf;
	uint64_t at; /* bytes taken */
	uint64_t compared, same, placed;
};

static struct passing *passing_of(const struct restore *r, const struct img_pages_reader *pages)
{
	uint32_t pages_id;
	uint64_t size;

	if (!r->stream)
		return NULL;
	img_pages_data_of(pages, &pages_id, &size);
	for (size_t i = 0; size && i < r->stream->nr_passing; i++)
		if (r->stream->passing[i].pages_id == pages_id)
			return &r->stream->passing[i];
	return NULL;
}

bool restore_stream_has(const struct restore *r, const struct img_pages_reader *pages)
{
	return passing_of(r, pages);
}

/* The front does not wait where it could not hear its user, or that somebody failed: it is the one who ends it all. */
static int wait_as_front(struct take *t, struct img_err *err)
{
	struct pollfd p = { .fd = t->r->stream->pipe[0], .events = POLLIN };

	if (getpid() != t->r->front_pid)
		return 0;
	while (poll(&p, 1, LOOK_MS) <= 0) {
		if (restore_has_failed(t->r))
			return restore_fail_get(t->r, err);
		if (restore_interrupted(t->r, err) < 0 || restore_stream_check(t->r, err) < 0)
			return -1;
	}
	return 0;
}

/* All of iov, and its digest. May change the array. */
static int get(struct take *t, struct iovec *iov, int nr, struct img_err *err)
{
	while (nr) {
		ssize_t n = wait_as_front(t, err) < 0 ? -2 : readv(t->r->stream->pipe[0], iov, nr);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return img_fail_sys(err, "page data");
		/* The pump is gone; if it said why, that is what counts. */
		if (n == 0)
			return restore_has_failed(t->r) ? restore_fail_get(t->r, err)
							: img_fail(err, IMG_SYS, "the stream broke off");
		if (n < 0)
			return -1;
		t->at += n;
		while (nr && n) {
			size_t part = (size_t)n < iov->iov_len ? (size_t)n : iov->iov_len;

			if (img_digest_update(t->digest, iov->iov_base, part, err) < 0)
				return -1;
			iov->iov_base = (char *)iov->iov_base + part;
			iov->iov_len -= part;
			n -= part;
			if (!iov->iov_len) {
				iov++;
				nr--;
			}
		}
	}
	return 0;
}

static int drop_until(struct take *t, uint64_t end, struct img_err *err)
{
	while (t->at < end) {
		struct iovec iov = { t->buf, end - t->at < BUFFER ? end - t->at : BUFFER };

		if (get(t, &iov, 1, err) < 0)
			return -1;
	}
	return 0;
}

/* What has no place of its own. Nobody should have much of it. */
static int keep_until(struct take *t, uint64_t end, struct img_err *err)
{
	struct restore_stream *s = t->r->stream;

	while (t->at < end && t->p->task < ROOT_EARLY && s->kept_bytes < KEPT_MAX) {
		size_t len = end - t->at < KEPT_PIECE ? end - t->at : KEPT_PIECE;
		struct kept *k = img_array_more(&s->kept, s->nr_kept, &s->room_kept);
		struct iovec iov = { k ? img_arena_alloc(&t->r->arena, len) : NULL, len };

		if (!iov.iov_base)
			return img_fail_nomem(err);
		*k = (struct kept){ t->at, len, iov.iov_base };
		s->nr_kept++;
		s->kept_bytes += len;
		if (get(t, &iov, 1, err) < 0)
			return -1;
	}
	return drop_until(t, end, err);
}

int restore_stream_kept(struct restore *r, uint64_t offset, void *to, size_t len, struct img_err *err)
{
	const struct restore_stream *s = r->stream;
	char *at = to;

	for (size_t i = 0; s && i < s->nr_kept && len; i++) {
		const struct kept *k = &s->kept[i];
		size_t in, part;

		if (offset < k->offset || offset - k->offset >= k->len)
			continue;
		in = offset - k->offset;
		part = len < k->len - in ? len : k->len - in;
		memcpy(at, k->bytes + in, part);
		at += part;
		offset += part;
		len -= part;
	}
	return len ? img_fail(err, IMG_UNSUPPORTED, "a page that has passed in the stream") : 0;
}

/* Where others have the same page: only what differs becomes the task's own. */
static int compare(struct take *t, const struct restore_piece *piece, struct img_err *err)
{
	for (size_t done = 0; done < piece->len;) {
		size_t len = piece->len - done < BUFFER ? piece->len - done : BUFFER;
		struct iovec iov = { t->buf, len };
		char *mine = (char *)piece->to + done;

		if (get(t, &iov, 1, err) < 0)
			return -1;
		for (size_t i = 0; i < len; i += IMG_PAGE) {
			if (!memcmp(mine + i, t->buf + i, IMG_PAGE))
				t->same++;
			else
				memcpy(mine + i, t->buf + i, IMG_PAGE);
		}
		t->compared += len / IMG_PAGE;
		done += len;
	}
	return 0;
}

/* As many pieces as follow each other. Returns how many, or -1. */
static ssize_t place(struct take *t, const struct restore_piece *pieces, size_t nr, struct img_err *err)
{
	struct iovec iov[IOV_NR];
	uint64_t next = pieces->offset;
	size_t n = 0;

	while (n < nr && n < IOV_NR && pieces[n].fd == RESTORE_PIECE_PASSES && pieces[n].offset == next) {
		iov[n] = (struct iovec){ pieces[n].to, pieces[n].len };
		next += pieces[n].len;
		t->placed += pieces[n].len;
		n++;
	}
	return get(t, iov, n, err) < 0 ? -1 : (ssize_t)n;
}

static int by_offset(const void *a, const void *b)
{
	const struct restore_piece *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static bool passes(const struct restore_piece *p)
{
	return p->fd == RESTORE_PIECE_PASSES || p->fd == RESTORE_PIECE_COMPARED;
}

/* ---- memory, ahead of what goes there ---- */

struct ahead {
	const struct restore_piece *pieces;
	size_t nr;
	uint32_t stop;
	struct kern_raw_thread thread;
};

/* No libc: see kernel/raw-thread.h. What cannot be had in this way has the faults. */
static void make_ahead(void *arg)
{
	struct ahead *a = arg;

	for (size_t i = 0; i < a->nr; i++) {
		const struct restore_piece *p = &a->pieces[i];

		/* A page that is compared may stay another task's, too. */
		if (p->fd != RESTORE_PIECE_PASSES || p->len < AHEAD_FROM || (uintptr_t)p->to % IMG_PAGE)
			continue;
		for (size_t done = 0, len; done < p->len; done += len) {
			len = p->len - done < AHEAD ? p->len - done : AHEAD;
			if (__atomic_load_n(&a->stop, __ATOMIC_RELAXED))
				return;
			nolibc_syscall(SYS_madvise, (char *)p->to + done, len, POPULATE_WRITE);
		}
	}
}

static int take_all(struct take *t, const struct restore_piece *pieces, size_t nr, struct img_err *err)
{
	for (size_t i = 0; i < nr;) {
		ssize_t n = 1;

		if (pieces[i].offset < t->at)
			return img_fail(err, IMG_CORRUPT, "two mappings have the same pages");
		if (keep_until(t, pieces[i].offset, err) < 0)
			return -1;
		if (pieces[i].fd == RESTORE_PIECE_COMPARED)
			n = compare(t, &pieces[i], err) < 0 ? -1 : 1;
		else
			n = place(t, &pieces[i], nr - i, err);
		if (n < 0)
			return -1;
		i += n;
	}
	return keep_until(t, t->p->size, err);
}

/* Those that pass, in their order: the others are taken out. */
static size_t choose(struct restore_pieces *pieces, struct restore_piece *chosen)
{
	size_t nr = 0, others = 0;
	bool sorted = true;

	for (size_t i = 0; i < pieces->nr; i++) {
		if (!passes(&pieces->items[i])) {
			pieces->items[others++] = pieces->items[i];
			continue;
		}
		sorted &= !nr || chosen[nr - 1].offset <= pieces->items[i].offset;
		chosen[nr++] = pieces->items[i];
	}
	pieces->nr = others;
	if (!sorted)
		qsort(chosen, nr, sizeof(*chosen), by_offset);
	return nr;
}

int restore_stream_take(struct restore *r, struct img_pages_reader *pages, struct restore_pieces *pieces,
	struct img_err *err)
{
	struct take t = { .r = r, .p = passing_of(r, pages) };
	cleanup_free struct restore_piece *chosen = NULL;
	struct ahead ahead = { 0 };
	bool is_ahead;
	int ret = -1;

	if (!t.p)
		return 0;
	/* What is there is of whoever made this task. */
	r->stream->nr_kept = 0;
	r->stream->kept_bytes = 0;
	chosen = calloc(pieces->nr + 1, sizeof(*chosen));
	t.buf = malloc(BUFFER);
	t.digest = img_digest_new(err);
	if (!chosen || !t.buf || !t.digest) {
		img_fail_nomem(err);
		goto out;
	}
	ahead.pieces = chosen;
	ahead.nr = choose(pieces, chosen);
	is_ahead = restore_threads_wanted(t.p->size) > 1 && !restore_thread_start(r, &ahead.thread, 0, make_ahead, &ahead);
	ret = restore_wait(r, &t.p->go, 1, err) < 0 ? -1 : take_all(&t, chosen, ahead.nr, err);
	if (is_ahead) {
		__atomic_store_n(&ahead.stop, 1, __ATOMIC_RELAXED);
		kern_raw_thread_join(&ahead.thread);
	}
	if (ret < 0)
		goto out;
	img_digest_final(t.digest, t.p->digest);
	restore_post(&t.p->done, 1);
	__atomic_fetch_add(&r->counts->pages_compared, t.compared, __ATOMIC_RELAXED);
	__atomic_fetch_add(&r->counts->pages_skipped_cow, t.same, __ATOMIC_RELAXED);
	__atomic_fetch_add(&r->counts->pages_restored, t.placed / IMG_PAGE, __ATOMIC_RELAXED);
out:
	img_digest_free(t.digest);
	free(t.buf);
	return ret;
}
