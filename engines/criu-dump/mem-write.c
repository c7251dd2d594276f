/* criu-dump/mem-write.c -- page data into images: one pass over the memory, by several threads.
 *
 * Each thread takes the next piece of memory, as much as stays in the cache, and does all there is to do with it: reads it, leaves out
 * what is not stored (pages of zeros, those that the set before this one has just so), digests the rest and writes it. What of a
 * piece is stored is known only then: so there is a turn, in the order of the memory, in which a piece adds its runs to the map, gets its place in
 * the file and goes into the digest. Reading comes before that and writing after it, several pieces at a time; what has no places,
 * a stream or what is compressed, is written in the turn.
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
	CHUNK = 256 << 10,	/* stays in the cache of one processor */
	CHUNK_DIRECT = 1 << 20, /* what a disk is given at a time */
	PAGES_MAX = CHUNK_DIRECT / IMG_PAGE,
	PIECES = 128, /* of memory in a chunk, those that need no reading included */
	THREADS_MAX = 4,
	THREADED_FROM = 4 << 20, /* less data is not worth a thread */
	CHUNKS_A_LOOK = 256,	 /* after how many to see whether the user gave up */
	SPINS = 500,		 /* looks at whose turn it is before sleeping: a turn is short */
};

/* A stretch of memory with equal flags. */
struct piece {
	uint64_t addr;
	size_t len;
	uint32_t flags;
};

/* What one thread has in hand. */
struct chunk {
	unsigned number;
	struct piece pieces[PIECES];
	int nr_pieces;
	char *buf;   /* of job->chunk bytes: what is to be stored, in the end */
	char *other; /* as many, for the parent's pages; NULL: there is none */
	size_t len;
	struct piece runs[PAGES_MAX + PIECES]; /* what comes into the map */
	size_t nr_runs;
	uint64_t zero;	 /* pages that do not */
	uint64_t offset; /* in the file; known after its turn */
};

struct job {
	struct dump *d;
	const struct dump_source *src;
	const struct img_run *runs; /* what there is to look at */
	size_t nr;
	struct img_pages_reader *parent; /* NULL: there is none */

	struct img_pages_writer *w;
	int fd;		 /* that chunks are written to, each to its place; -1: in their turn, through the writer */
	size_t chunk;	 /* bytes */
	bool by_content; /* pages are left out for what is in them */

	pthread_mutex_t lock;
	pthread_cond_t passed; /* the turn, or somebody failed */
	/* under the lock: how far it is */
	size_t run;
	uint64_t run_done; /* bytes of that run taken */
	unsigned taken;	   /* chunks so far: the number of the next one */
	struct img_err err; /* the first failure */
	/* changed under the lock */
	_Atomic unsigned turn;
	_Atomic bool failed;

	/* whose turn it is: */
	uint64_t offset;	   /* of the next byte in the file */
	struct img_digest *digest; /* of the block that it belongs to */
	struct dump_pages_count count;
};

bool dump_page_is_zero(const char *page)
{
	const uint64_t *words = (const uint64_t *)page;

	/* Most that are not zero are told by their first words. */
	return !(words[0] | words[1] | words[2] | words[3]) && !memcmp(page, page + 8, IMG_PAGE - 8);
}

/* ---- a chunk: what it has of the memory ---- */

/* The next pieces that have room in the chunk, or need none. The lock is held. */
static void next_pieces(struct job *job, struct chunk *c)
{
	size_t room = job->chunk;

	c->nr_pieces = 0;
	while (job->run < job->nr && c->nr_pieces < PIECES) {
		const struct img_run *run = &job->runs[job->run];
		uint64_t left = run->nr_pages * IMG_PAGE - job->run_done;
		bool data = run->flags & IMG_RUN_PRESENT;
		uint64_t len = data && left > room ? room : left;

		if (!len)
			break;
		c->pieces[c->nr_pieces++] = (struct piece){ run->addr + job->run_done, len, run->flags };
		job->run_done += len;
		if (data)
			room -= len;
		if (len == left) {
			job->run++;
			job->run_done = 0;
		}
	}
}

/* false: nothing is left. */
static bool take(struct job *job, struct chunk *c)
{
	pthread_mutex_lock(&job->lock);
	next_pieces(job, c);
	if (c->nr_pieces)
		c->number = job->taken++;
	pthread_mutex_unlock(&job->lock);
	return c->nr_pieces && !job->failed;
}

/* ---- what is stored of it ---- */

enum fate {
	STORE,
	LEAVE, /* to the set before */
	OMIT,
};

static enum fate fate_of(const struct job *job, const struct piece *p, const char *page, const char *other)
{
	if (other && !memcmp(page, other, IMG_PAGE))
		return LEAVE;
	return job->by_content && !(p->flags & DUMP_RUN_KEEP) && dump_page_is_zero(page) ? OMIT : STORE;
}

/* The pages of a piece, which lie at c->buf + at: those that are stored move together, to c->len. */
static int sort_out(struct job *job, struct chunk *c, const struct piece *p, size_t at, struct img_err *err)
{
	unsigned char has[PAGES_MAX] = { 0 };
	bool compare = job->parent && job->by_content && p->flags & DUMP_RUN_COMPARE;
	size_t nr = p->len / IMG_PAGE;

	if (compare && dump_parent_pages(job->parent, p->addr, nr, c->other, has, err) < 0)
		return -1;
	for (size_t i = 0; i < nr;) {
		size_t from = i;
		enum fate fate = OMIT;

		for (; i < nr; i++) {
			enum fate f = fate_of(job, p, c->buf + at + i * IMG_PAGE,
				has[i] ? c->other + i * IMG_PAGE : NULL);

			if (i > from && f != fate)
				break;
			fate = f;
		}
		if (fate == OMIT) {
			c->zero += i - from;
			continue;
		}
		c->runs[c->nr_runs++] = (struct piece){ p->addr + from * IMG_PAGE, (i - from) * IMG_PAGE,
			fate == LEAVE ? IMG_RUN_PARENT : p->flags };
		if (fate == LEAVE)
			continue;
		if (c->len != at + from * IMG_PAGE)
			memmove(c->buf + c->len, c->buf + at + from * IMG_PAGE, (i - from) * IMG_PAGE);
		c->len += (i - from) * IMG_PAGE;
	}
	return 0;
}

static int read_chunk(struct job *job, struct chunk *c, struct img_err *err)
{
	struct iovec iov[PIECES];
	size_t len = 0, at = 0;
	int nr_iov = 0;

	for (int i = 0; i < c->nr_pieces; i++)
		if (c->pieces[i].flags & IMG_RUN_PRESENT) {
			iov[nr_iov++] = (struct iovec){ (void *)(uintptr_t)c->pieces[i].addr, c->pieces[i].len };
			len += c->pieces[i].len;
		}
	if (nr_iov && job->src->read(job->src->arg, iov, nr_iov, c->buf, len, err) < 0)
		return -1;
	c->len = c->nr_runs = c->zero = 0;
	for (int i = 0; i < c->nr_pieces; i++) {
		const struct piece *p = &c->pieces[i];

		if (!(p->flags & IMG_RUN_PRESENT)) {
			c->runs[c->nr_runs++] = *p;
			continue;
		}
		if (sort_out(job, c, p, at, err) < 0)
			return -1;
		at += p->len;
	}
	return 0;
}

/* ---- its turn ---- */

/* false: another thread failed, and nobody's turn comes any more. */
static bool wait_turn(struct job *job, const struct chunk *c)
{
	for (int i = 0; i < SPINS && job->turn != c->number && !job->failed; i++)
		;
	if (job->turn != c->number) {
		pthread_mutex_lock(&job->lock);
		while (job->turn != c->number && !job->failed)
			pthread_cond_wait(&job->passed, &job->lock);
		pthread_mutex_unlock(&job->lock);
	}
	return !job->failed;
}

static void pass_turn(struct job *job)
{
	pthread_mutex_lock(&job->lock);
	job->turn++;
	pthread_cond_broadcast(&job->passed);
	pthread_mutex_unlock(&job->lock);
}

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

/* The digest of the block that ends at `end` in the file. */
static int end_block(struct job *job, uint64_t end, struct img_err *err)
{
	unsigned char digest[IMG_DIGEST_SIZE];

	img_digest_final(job->digest, digest);
	img_digest_reset(job->digest);
	return img_pages_block_digest(job->w, (end - 1) / IMG_DIGEST_BLOCK, digest, err);
}

static int digest_chunk(struct job *job, const struct chunk *c, struct img_err *err)
{
	for (size_t done = 0; done < c->len;) {
		uint64_t at = c->offset + done;
		size_t part = IMG_DIGEST_BLOCK - at % IMG_DIGEST_BLOCK;

		if (part > c->len - done)
			part = c->len - done;
		if (img_digest_update(job->digest, c->buf + done, part, err) < 0)
			return -1;
		done += part;
		if ((at + part) % IMG_DIGEST_BLOCK == 0 && end_block(job, at + part, err) < 0)
			return -1;
	}
	return 0;
}

static int have_turn(struct job *job, struct chunk *c, struct img_err *err)
{
	struct iovec whole = { c->buf, c->len };

	for (size_t i = 0; i < c->nr_runs; i++)
		if (add_run(job, c->runs[i].addr, c->runs[i].len / IMG_PAGE, c->runs[i].flags, err) < 0)
			return -1;
	for (int i = 0; i < c->nr_pieces; i++)
		if (c->pieces[i].flags & IMG_RUN_PRESENT)
			dump_progress_more(job->d, c->pieces[i].len);
	job->count.zero += c->zero;
	c->offset = job->offset;
	job->offset += c->len;
	if (!c->len)
		return 0;
	return job->fd < 0 ? img_pages_data(job->w, &whole, 1, err) : digest_chunk(job, c, err);
}

static int write_at(int fd, const char *buf, size_t len, uint64_t offset, struct img_err *err)
{
	while (len) {
		ssize_t put = pwrite(fd, buf, len, offset);

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

/* ---- the threads ---- */

static void fail(struct job *job, const struct img_err *err)
{
	pthread_mutex_lock(&job->lock);
	if (!job->failed)
		job->err = *err;
	job->failed = true;
	pthread_cond_broadcast(&job->passed);
	pthread_mutex_unlock(&job->lock);
}

static struct chunk *chunk_new(const struct job *job)
{
	size_t size = job->parent ? 2 * job->chunk : job->chunk;
	struct chunk *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->buf = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c->buf == MAP_FAILED) {
		free(c);
		return NULL;
	}
	if (job->parent)
		c->other = c->buf + job->chunk;
	return c;
}

static void chunk_free(const struct job *job, struct chunk *c)
{
	if (c)
		munmap(c->buf, job->parent ? 2 * job->chunk : job->chunk);
	free(c);
}

/* 0 when all is done, too, or another thread failed, which tells it. */
static int work_on(struct job *job, struct chunk *c, bool first_thread, struct img_err *err)
{
	unsigned looked = 0;

	while (take(job, c)) {
		if (first_thread && c->number - looked >= CHUNKS_A_LOOK) {
			looked = c->number;
			if (dump_go_on(job->d, err) < 0)
				return -1;
		}
		if (read_chunk(job, c, err) < 0)
			return -1;
		if (!wait_turn(job, c))
			return 0;
		/* Whoever fails in his turn does not pass it on. */
		if (have_turn(job, c, err) < 0)
			return -1;
		pass_turn(job);
		if (job->fd >= 0 && write_at(job->fd, c->buf, c->len, c->offset, err) < 0)
			return -1;
	}
	return 0;
}

static void work(struct job *job, bool first_thread)
{
	struct img_err err = IMG_ERR_INIT;
	struct chunk *c = chunk_new(job);

	if (c ? work_on(job, c, first_thread, &err) < 0 : img_fail_nomem(&err) < 0)
		fail(job, &err);
	chunk_free(job, c);
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

static int run_threads(struct job *job, struct img_err *err)
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
	if (!job->failed)
		return 0;
	*err = job->err;
	return -1;
}

static int run_job(struct job *job, struct img_err *err)
{
	int ret;

	job->digest = img_digest_new(err);
	if (!job->digest)
		return -1;
	ret = run_threads(job, err);
	if (ret == 0 && job->fd >= 0 && job->offset % IMG_DIGEST_BLOCK)
		ret = end_block(job, job->offset, err);
	if (ret == 0 && job->fd >= 0 && job->offset)
		ret = img_pages_data_moved(job->w, job->offset, err);
	img_digest_free(job->digest);
	return ret;
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
		/* Digests are of blocks of the file. */
		if (job->fd >= 0 && start)
			job->fd = -1;
		if (job->fd >= 0 && job->d->opt->image_io_mode && !strcmp(job->d->opt->image_io_mode, "direct") &&
			fcntl(job->fd, F_SETFL, fcntl(job->fd, F_GETFL) | O_DIRECT) == 0)
			job->chunk = CHUNK_DIRECT;
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
	return dump_parent_runs(job->parent, &job->runs, &job->nr, own, err);
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
		.chunk = CHUNK,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.passed = PTHREAD_COND_INITIALIZER,
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
		free(own);
	}
	*count = job.count;
	d->stats.memwrite_time += (uint32_t)(dump_now_us() - start);
	return ret;
}
