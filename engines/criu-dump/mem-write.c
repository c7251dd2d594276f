/* criu-dump/mem-write.c -- page data into images: one pass over the memory, reading and writing overlap.
 *
 * What is stored of a page is known only when it was looked at: pages of zeros are left out, and so are those that the set
 * before this one has just so. So reading is one thread's at a time: it gathers what is to be stored, in order, until a
 * chunk of 1 MiB is full, which has its place in the file then; the runs of the map come out on the way. Digesting and
 * writing the chunk is done while the next thread reads on. A chunk is small enough to stay in the cache between the two,
 * and has a digest of its own.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "criu-dump/mem.h"
#include "criu-dump/mem-parent.h"
#include "criu-dump/mem-remote.h"
#include "criu-dump/spine.h"
#include "criu-dump/track.h"
#include "criuimg/cleanup.h"
#include "criuimg/digest.h"

enum {
	CHUNK = IMG_DIGEST_BLOCK,
	PAGES = CHUNK / IMG_PAGE,
	PIECES = 2 * PAGES,    /* read at a time at most, those that need no reading included */
	THREADS_MAX = 4,
	THREADED_FROM = 4 << 20, /* less data is not worth a thread */
	CHUNKS_A_LOOK = 64,	 /* after how many to see whether the user gave up */
};

/* A stretch of memory with equal flags. */
struct piece {
	uint64_t addr;
	size_t len;
	uint32_t flags;
};

struct chunk {
	char *buf; /* CHUNK bytes */
	size_t len;
	uint64_t offset; /* in the file */
	unsigned number;
};

struct job {
	struct dump *d;
	const struct dump_source *src;
	const struct img_run *runs; /* what there is to look at */
	size_t nr;
	struct img_pages_reader *parent; /* NULL: there is none */
	char *other;			 /* CHUNK bytes, for the parent's pages */

	struct img_pages_writer *w;
	int fd; /* that chunks are written to, each to its place; -1: in order, through the writer */
	bool direct;
	bool by_content; /* pages are left out for what is in them */

	pthread_mutex_t writing; /* one at a time, as file systems have it; but who waits for them spins */
	pthread_mutex_t lock;
	/* under the lock: how far it is */
	size_t run;
	uint64_t run_done; /* bytes of that run looked at */
	uint64_t offset;   /* of the next chunk in the file */
	unsigned taken;	   /* chunks so far: the number of the next one */
	unsigned written;  /* in order: chunks so far */
	pthread_cond_t turn; /* `written` has changed, or somebody failed */
	struct dump_pages_count count;
	int failed;
	struct img_err err; /* the first failure */
};

/* ---- what is stored of a piece ---- */

static int add_run(struct job *job, uint64_t addr, uint64_t nr_pages, uint32_t flags, struct img_err *err)
{
	if (flags & IMG_RUN_PARENT)
		job->count.parent += nr_pages;
	else if (flags & IMG_RUN_PRESENT)
		job->count.written += nr_pages;
	else
		job->count.lazy += nr_pages;
	return img_pages_run(job->w, addr, nr_pages,
		flags & IMG_RUN_PARENT ? IMG_RUN_PARENT : flags & (IMG_RUN_LAZY | IMG_RUN_PRESENT), err);
}

bool dump_page_is_zero(const char *page)
{
	const uint64_t *words = (const uint64_t *)page;

	/* Most that are not zero are told by their first words. */
	return !(words[0] | words[1] | words[2] | words[3]) && !memcmp(page, page + 8, IMG_PAGE - 8);
}

enum fate {
	STORE,
	LEAVE, /* to the set before */
	OMIT,
};

static enum fate fate_of(struct job *job, const struct piece *p, const char *page, const char *other, bool has_other)
{
	if (has_other && !memcmp(page, other, IMG_PAGE))
		return LEAVE;
	return job->by_content && !(p->flags & DUMP_RUN_KEEP) && dump_page_is_zero(page) ? OMIT : STORE;
}

/* The pages of a piece, which lie at c->buf + at: those that are stored move together, to c->len. */
static int sort_out(struct job *job, struct chunk *c, const struct piece *p, size_t at, struct img_err *err)
{
	unsigned char has[PAGES];
	bool compare = job->parent && job->by_content && p->flags & DUMP_RUN_COMPARE;

	if (compare && dump_parent_pages(job->parent, p->addr, p->len / IMG_PAGE, job->other, has, err) < 0)
		return -1;
	for (size_t i = 0; i < p->len / IMG_PAGE;) {
		size_t from = i;
		enum fate fate = OMIT;

		for (; i < p->len / IMG_PAGE; i++) {
			enum fate f = fate_of(job, p, c->buf + at + i * IMG_PAGE,
				compare ? job->other + i * IMG_PAGE : NULL, compare && has[i]);

			if (i > from && f != fate)
				break;
			fate = f;
		}
		if (fate == OMIT) {
			job->count.zero += i - from;
			continue;
		}
		if (add_run(job, p->addr + from * IMG_PAGE, i - from,
			    fate == LEAVE ? IMG_RUN_PARENT : p->flags, err) < 0)
			return -1;
		if (fate == LEAVE)
			continue;
		if (c->len != at + from * IMG_PAGE)
			memmove(c->buf + c->len, c->buf + at + from * IMG_PAGE, (i - from) * IMG_PAGE);
		c->len += (i - from) * IMG_PAGE;
	}
	return 0;
}

/* ---- a chunk ---- */

/* The next pieces that have room in the chunk, or need none. */
static int next_pieces(struct job *job, struct piece *pieces, size_t room)
{
	int nr = 0;

	while (job->run < job->nr && nr < PIECES) {
		const struct img_run *run = &job->runs[job->run];
		uint64_t left = run->nr_pages * IMG_PAGE - job->run_done;
		bool data = run->flags & IMG_RUN_PRESENT;
		uint64_t len = data && left > room ? room : left;

		if (!len)
			break;
		pieces[nr++] = (struct piece){ run->addr + job->run_done, len, run->flags };
		job->run_done += len;
		if (data)
			room -= len;
		if (len == left) {
			job->run++;
			job->run_done = 0;
		}
	}
	return nr;
}

static int read_pieces(struct job *job, struct chunk *c, const struct piece *pieces, int nr, struct img_err *err)
{
	struct iovec iov[PIECES];
	size_t len = 0, at = c->len;
	int nr_iov = 0;

	for (int i = 0; i < nr; i++)
		if (pieces[i].flags & IMG_RUN_PRESENT) {
			iov[nr_iov++] = (struct iovec){ (void *)(uintptr_t)pieces[i].addr, pieces[i].len };
			len += pieces[i].len;
		}
	if (nr_iov && job->src->read(job->src->arg, iov, nr_iov, c->buf + at, len, err) < 0)
		return -1;
	for (int i = 0; i < nr; i++) {
		if (!(pieces[i].flags & IMG_RUN_PRESENT)) {
			if (add_run(job, pieces[i].addr, pieces[i].len / IMG_PAGE, pieces[i].flags, err) < 0)
				return -1;
			continue;
		}
		if (sort_out(job, c, &pieces[i], at, err) < 0)
			return -1;
		at += pieces[i].len;
	}
	return 0;
}

/* Fill the next chunk: 1; 0 when there is nothing left, -1. */
static int fill(struct job *job, struct chunk *c, struct img_err *err)
{
	struct piece pieces[PIECES];

	c->len = 0;
	while (c->len < CHUNK) {
		int nr = next_pieces(job, pieces, CHUNK - c->len);

		if (!nr)
			break;
		if (read_pieces(job, c, pieces, nr, err) < 0)
			return -1;
		for (int i = 0; i < nr; i++)
			if (pieces[i].flags & IMG_RUN_PRESENT)
				dump_progress_more(job->d, pieces[i].len);
	}
	c->offset = job->offset;
	job->offset += c->len;
	c->number = job->taken++;
	return c->len != 0;
}

static int write_at(struct job *job, const char *buf, size_t len, uint64_t offset, struct img_err *err)
{
	while (len) {
		ssize_t put = pwrite(job->fd, buf, len, offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return img_fail_sys(err, "writing page data");
		buf += put;
		len -= put;
		offset += put;
	}
	return 0;
}

/* The digest of a chunk, as that of a block of the image. */
static int digest_chunk(struct job *job, const struct chunk *c, struct img_err *err)
{
	unsigned char digest[IMG_DIGEST_SIZE];
	int ret;

	img_digest_block(c->buf, c->len, digest);
	pthread_mutex_lock(&job->lock);
	ret = img_pages_block_digest(job->w, c->number, digest, err);
	pthread_mutex_unlock(&job->lock);
	return ret;
}

/* Into the image behind the chunk before. Another thread's failure is told by it: what is said here is not. */
static int write_in_turn(struct job *job, const struct chunk *c, struct img_err *err)
{
	struct iovec whole = { c->buf, c->len };
	bool failed;
	int ret;

	pthread_mutex_lock(&job->lock);
	while (job->written != c->number && !job->failed)
		pthread_cond_wait(&job->turn, &job->lock);
	failed = job->failed;
	pthread_mutex_unlock(&job->lock);
	if (failed)
		return img_fail(err, IMG_SYS, "another thread failed");
	ret = img_pages_data(job->w, &whole, 1, err);
	/* Nobody's turn comes behind a failure, which the caller is about to tell. */
	if (ret)
		return ret;
	pthread_mutex_lock(&job->lock);
	job->written++;
	pthread_cond_broadcast(&job->turn);
	pthread_mutex_unlock(&job->lock);
	return 0;
}

static int put_chunk(struct job *job, const struct chunk *c, struct img_err *err)
{
	int ret;

	if (job->fd < 0)
		return write_in_turn(job, c, err);
	if (digest_chunk(job, c, err) < 0)
		return -1;
	/* Direct writes do not wait for each other. */
	if (job->direct)
		return write_at(job, c->buf, c->len, c->offset, err);
	pthread_mutex_lock(&job->writing);
	ret = write_at(job, c->buf, c->len, c->offset, err);
	pthread_mutex_unlock(&job->writing);
	return ret;
}

/* ---- the threads ---- */

static void fail(struct job *job, const struct img_err *err)
{
	pthread_mutex_lock(&job->lock);
	if (!job->failed)
		job->err = *err;
	job->failed = 1;
	pthread_cond_broadcast(&job->turn);
	pthread_mutex_unlock(&job->lock);
}

static int take(struct job *job, struct chunk *c, struct img_err *err)
{
	int ret;

	pthread_mutex_lock(&job->lock);
	ret = job->failed ? 0 : fill(job, c, err);
	pthread_mutex_unlock(&job->lock);
	return ret;
}

static void work(struct job *job, bool first_thread)
{
	struct chunk *c = calloc(1, sizeof(*c));
	struct img_err err = IMG_ERR_INIT;
	int ret = -1;

	if (c)
		c->buf = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!c || c->buf == MAP_FAILED) {
		img_fail_nomem(&err);
		fail(job, &err);
		free(c);
		return;
	}
	while ((ret = take(job, c, &err)) > 0) {
		ret = put_chunk(job, c, &err);
		if (ret == 0 && first_thread && c->number % CHUNKS_A_LOOK < THREADS_MAX)
			ret = dump_go_on(job->d, &err);
		if (ret < 0)
			break;
	}
	if (ret < 0)
		fail(job, &err);
	munmap(c->buf, CHUNK);
	free(c);
}

static void *work_thread(void *job)
{
	work(job, false);
	return NULL;
}

static int threads_wanted(uint64_t bytes)
{
	cpu_set_t cpus;
	int nr;

	if (bytes < THREADED_FROM || sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return 1;
	nr = CPU_COUNT(&cpus);
	return nr > THREADS_MAX ? THREADS_MAX : nr;
}

static int run_job(struct job *job, struct img_err *err)
{
	pthread_t others[THREADS_MAX];
	uint64_t bytes = 0;
	int nr = 0;

	for (size_t i = 0; i < job->nr; i++)
		if (job->runs[i].flags & IMG_RUN_PRESENT)
			bytes += job->runs[i].nr_pages * IMG_PAGE;
	while (nr < threads_wanted(bytes) - 1 && !pthread_create(&others[nr], NULL, work_thread, job))
		nr++;
	work(job, true);
	while (nr)
		pthread_join(others[--nr], NULL);
	if (job->failed) {
		*err = job->err;
		return -1;
	}
	return job->fd >= 0 && job->offset ? img_pages_data_moved(job->w, job->offset, err) : 0;
}

/* ---- a page map ---- */

/* The map alone: what is in the pages is of no interest, or would have to be read twice. */
static int map_alone(struct job *job, struct img_err *err)
{
	for (size_t i = 0; i < job->nr; i++)
		if (add_run(job, job->runs[i].addr, job->runs[i].nr_pages, job->runs[i].flags, err) < 0)
			return -1;
	return 0;
}

static int into_set(struct job *job, enum img_kind kind, uint64_t id, struct img_err *err)
{
	struct img_err no_file;
	uint64_t start;
	int ret;

	job->w = img_pages_create(job->d->set, kind, id, err);
	if (!job->w)
		return -1;
	if (!img_pages_wants_data(job->w)) {
		ret = map_alone(job, err);
	} else {
		job->by_content = !img_set_maps_first(job->d->set);
		job->fd = img_pages_data_fd(job->w, &start, &no_file);
		/* Chunks lie at multiples of their size, or several threads and direct writes would not do. */
		if (job->fd >= 0 && start)
			job->fd = -1;
		if (job->fd >= 0 && job->d->opt->image_io_mode && !strcmp(job->d->opt->image_io_mode, "direct"))
			job->direct = fcntl(job->fd, F_SETFL, fcntl(job->fd, F_GETFL) | O_DIRECT) == 0;
		ret = run_job(job, err);
	}
	if (ret < 0) {
		img_pages_abort(job->w);
		return -1;
	}
	return img_pages_finish(job->w, err);
}

/* Whether the server has this page or that of the set before, nobody can ask: only of the map as a whole. */
static int to_server(struct job *job, enum img_kind kind, uint64_t id, struct img_err *err)
{
	cleanup_free struct img_run *runs = calloc(job->nr + 1, sizeof(*runs));
	int parent = job->d->track && job->d->track->parent ? dump_remote_parent(job->d, kind, id, err) : 0;

	if (!runs)
		return img_fail_nomem(err);
	if (parent < 0)
		return -1;
	for (size_t i = 0; i < job->nr; i++) {
		runs[i] = job->runs[i];
		runs[i].flags &= IMG_RUN_PARENT | IMG_RUN_LAZY | IMG_RUN_PRESENT | DUMP_RUN_KEEP;
		if (runs[i].flags & IMG_RUN_PARENT && parent) {
			runs[i].flags = IMG_RUN_PARENT;
			job->count.parent += runs[i].nr_pages;
		} else {
			runs[i].flags = (runs[i].flags & ~(uint32_t)IMG_RUN_PARENT) | IMG_RUN_PRESENT;
		}
	}
	return dump_remote_pages(job->d, kind, id, runs, job->nr, job->src, &job->count, err);
}

/* What the set before has, and has not. */
static int look_at_parent(struct job *job, enum img_kind kind, uint64_t id, struct img_run **own, struct img_err *err)
{
	const struct dump_track *tr = job->d->track;

	if (tr && tr->parent && img_pages_open(tr->parent, kind, id, &job->parent, err) < 0)
		return img_wrap(err, "the set before");
	if (dump_parent_runs(job->parent, &job->runs, &job->nr, own, err) < 0)
		return -1;
	if (job->parent) {
		job->other = malloc(CHUNK);
		if (!job->other)
			return img_fail_nomem(err);
	}
	return 0;
}

int dump_pages_write(struct dump *d, enum img_kind kind, uint64_t id, const struct img_run *runs, size_t nr,
	const struct dump_source *src, struct dump_pages_count *count, struct img_err *err)
{
	struct job job = {
		.d = d,
		.src = src,
		.runs = runs,
		.nr = nr,
		.fd = -1,
		.writing = PTHREAD_MUTEX_INITIALIZER,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.turn = PTHREAD_COND_INITIALIZER,
	};
	uint64_t start = dump_now_us();
	struct img_run *own = NULL;
	int ret;

	if (d->remote) {
		ret = to_server(&job, kind, id, err);
	} else {
		ret = look_at_parent(&job, kind, id, &own, err);
		if (ret == 0)
			ret = into_set(&job, kind, id, err);
		img_pages_close(job.parent);
		free(job.other);
		free(own);
	}
	*count = job.count;
	d->stats.memwrite_time += (uint32_t)(dump_now_us() - start);
	return ret;
}
