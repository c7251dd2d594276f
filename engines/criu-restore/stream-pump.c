/* criu-restore/stream-pump.c -- the process that reads a stream: sends each page image to whom it is for, and says at the end
 * whether all of it is what was written. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "criu-restore/images.h"
#include "criu-restore/stage.h"
#include "criu-restore/stream-own.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"

#define BUFFER ((size_t)256 << 10)

/* A page image that came too early. */
struct early {
	struct passing *p;
	off_t at;
	bool sent;
};

struct pump {
	struct restore *r;
	struct restore_stream *s;
	struct early *early;
	size_t nr_early, room_early;
	int file; /* for them; -1: none yet */
	off_t file_end;
	unsigned char *buf;
};

static bool taken(const struct passing *p)
{
	return __atomic_load_n(&p->done, __ATOMIC_SEQ_CST);
}

static struct passing *of_task(const struct pump *u, size_t index)
{
	for (size_t i = 0; i < u->s->nr_passing; i++)
		if (u->s->passing[i].task == index)
			return &u->s->passing[i];
	return NULL;
}

/* Can whoever is to take it be there? Shared memory is filled before any task is made, and a task has its memory before it
 * makes others. */
static bool ready(const struct pump *u, const struct passing *p)
{
	if (p->task == NO_TASK)
		return true;
	for (size_t i = 0; i < u->s->nr_passing; i++)
		if ((u->s->passing[i].task == NO_TASK || (u->s->passing[i].task == ROOT_EARLY && p->task != ROOT_EARLY)) &&
			!taken(&u->s->passing[i]))
			return false;
	if (p->task == ROOT_EARLY)
		return true;
	for (const struct restore_task *c = u->r->tasks[p->task].creator; c; c = c->creator) {
		const struct passing *theirs = of_task(u, c->index);

		if (theirs)
			return taken(theirs);
	}
	return true;
}

static void announce(const struct pump *u, struct passing *p)
{
	log_info(u->r->log, "pages-%u.img: %" PRIu64 " bytes for %s %#" PRIx64, p->pages_id, p->size,
		p->task >= ROOT_EARLY ? "shared memory" : "pid", p->id);
	restore_post(&p->go, 1);
	restore_add(u->s->turn, 1);
}

static int send_now(struct pump *u, struct passing *p, struct img_err *err)
{
	uint64_t left = p->size;

	announce(u, p);
	while (left) {
		ssize_t n = img_stream_move(u->s->from, u->s->pipe[1], left, err);

		if (n < 0)
			return -1;
		left -= n;
	}
	return restore_wait(u->r, &p->done, 1, err);
}

/* ---- what came too early ---- */

static int file_make(struct pump *u, struct img_err *err)
{
	const char *dir = secure_getenv("TMPDIR");

	if (!dir || !*dir)
		dir = "/var/tmp";
	u->file = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return u->file < 0 ? img_fail_sys(err, "%s: temporary file", dir) : 0;
}

static int keep(struct pump *u, struct passing *p, struct img_err *err)
{
	struct early *e = img_array_more(&u->early, u->nr_early, &u->room_early);
	ssize_t n;

	if (!e)
		return img_fail_nomem(err);
	if (u->file < 0 && file_make(u, err) < 0)
		return -1;
	log_info(u->r->log, "pages-%u.img: comes before its turn, and is kept in a file", p->pages_id);
	*e = (struct early){ p, u->file_end, false };
	u->nr_early++;
	while ((n = img_stream_read(u->s->from, u->buf, BUFFER, err)) > 0) {
		if (pwrite(u->file, u->buf, n, u->file_end) != n)
			return img_fail_sys(err, "temporary file: write");
		u->file_end += n;
	}
	return n;
}

static int send_kept(struct pump *u, struct early *e, struct img_err *err)
{
	uint64_t left = e->p->size;
	off_t at = e->at;

	e->sent = true;
	announce(u, e->p);
	while (left) {
		ssize_t n = splice(u->file, &at, u->s->pipe[1], NULL, left, SPLICE_F_MOVE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return img_fail_sys(err, "temporary file: read");
		left -= n;
	}
	return restore_wait(u->r, &e->p->done, 1, err);
}

static int send_all_kept(struct pump *u, struct img_err *err)
{
	for (size_t i = 0; i < u->nr_early; i++) {
		struct early *e = &u->early[i];

		if (e->sent || !ready(u, e->p))
			continue;
		if (send_kept(u, e, err) < 0)
			return -1;
		i = -1; /* others may be ready by it */
	}
	return 0;
}

/* ---- all of them ---- */

static struct passing *find(const struct pump *u, uint32_t pages_id)
{
	for (size_t i = 0; i < u->s->nr_passing; i++)
		if (u->s->passing[i].pages_id == pages_id)
			return &u->s->passing[i];
	return NULL;
}

/* A page image that no map of the set refers to. */
static int drop(struct pump *u, uint32_t pages_id, struct img_err *err)
{
	struct img_digest *d = img_digest_new(err);
	unsigned char digest[IMG_DIGEST_SIZE];
	ssize_t n = -1;

	while (d && (n = img_stream_read(u->s->from, u->buf, BUFFER, err)) > 0)
		if (img_digest_update(d, u->buf, n, err) < 0) {
			n = -1;
			break;
		}
	if (n == 0 && img_digest_final(d, digest))
		n = img_stream_digest(u->s->from, pages_id, digest, err);
	img_digest_free(d);
	return n;
}

static int pass_on(struct pump *u, uint32_t pages_id, uint64_t size, struct img_err *err)
{
	struct passing *p = find(u, pages_id);

	if (!p)
		return drop(u, pages_id, err);
	if (size < p->size)
		return img_fail(err, IMG_CORRUPT, "pages-%u.img: %" PRIu64 " bytes, its page map needs %" PRIu64,
			pages_id, size, p->size);
	p->size = size;
	return ready(u, p) ? send_now(u, p, err) : keep(u, p, err);
}

static int verify(struct pump *u, struct img_err *err)
{
	for (size_t i = 0; i < u->s->nr_passing; i++) {
		struct passing *p = &u->s->passing[i];

		if (!taken(p))
			return img_fail(err, IMG_CORRUPT, "pages-%u.img: is missing", p->pages_id);
		if (img_stream_digest(u->s->from, p->pages_id, p->digest, err) < 0)
			return -1;
	}
	if (img_stream_verify(u->s->from, err) < 0)
		return -1;
	return restore_images_manifest(u->r, err) < 0 ? -1 : restore_images_parent(u->r->set, err);
}

/* An image streamer's: to its end. */
static int fetch(struct pump *u, struct passing *p, struct img_err *err)
{
	uint64_t size = p->size;
	ssize_t n = 1;
	int ret = img_stream_ask(u->s->from, p->pages_id, err);

	if (ret <= 0)
		return ret < 0 ? -1 : img_fail(err, IMG_CORRUPT, "pages-%u.img: is missing", p->pages_id);
	announce(u, p);
	while (size && n) {
		n = img_stream_move(u->s->from, u->s->pipe[1], size, err);
		if (n < 0)
			return -1;
		size -= n;
	}
	if (size)
		return img_fail(err, IMG_CORRUPT, "pages-%u.img: ends too early: %" PRIu64 " bytes are missing", p->pages_id,
			size);
	n = img_stream_read(u->s->from, u->buf, 1, err);
	if (n)
		return n < 0 ? -1 : img_fail(err, IMG_CORRUPT, "pages-%u.img: goes on behind its end", p->pages_id);
	return restore_wait(u->r, &p->done, 1, err);
}

static int fetch_all(struct pump *u, struct img_err *err)
{
	bool any = true;

	while (any) {
		any = false;
		for (size_t i = 0; i < u->s->nr_passing; i++) {
			struct passing *p = &u->s->passing[i];

			if (taken(p) || !ready(u, p))
				continue;
			if (fetch(u, p, err) < 0)
				return -1;
			any = true;
		}
	}
	return verify(u, err);
}

static int run(struct pump *u, struct img_err *err)
{
	uint32_t pages_id;
	uint64_t size;
	int ret;

	u->buf = malloc(BUFFER);
	if (!u->buf)
		return img_fail_nomem(err);
	if (u->s->served)
		return fetch_all(u, err);
	while ((ret = img_stream_next(u->s->from, &pages_id, &size, err)) == 1)
		if (pass_on(u, pages_id, size, err) < 0 || send_all_kept(u, err) < 0)
			return -1;
	return ret ? -1 : verify(u, err);
}

void restore_pump(struct restore *r)
{
	struct pump u = { .r = r, .s = r->stream, .file = -1 };
	struct img_err err = IMG_ERR_INIT;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "restore-pump");
	close(steal_fd(&u.s->pipe[0]));
	if (getppid() != r->front_pid)
		_exit(1);
	if (run(&u, &err) < 0) {
		img_wrap(&err, "--stream");
		restore_fail_note(r, 0, &err);
	} else {
		log_info(r->log, "the stream came to its end: all of it is what was written");
		restore_stage_leave(r);
	}
	restore_rest(r);
}
