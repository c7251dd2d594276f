/* engines/criu-dump/mem-write.c -- page data into images: reading and writing overlap.
 *
 * The data of all runs, one after the other, is cut into chunks. Where the image is a plain file, several
 * threads take a chunk each, read it into a buffer of their own, small enough to stay in the cache, digest
 * it and write it to its place: while one copies memory in, another one is in write(2). Else they do the same, and
 * write in order.
 */

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "criu-dump/mem.h"
#include "criu-dump/spine.h"
#include "criuimg/digest.h"

enum {
	CHUNK = IMG_DIGEST_BLOCK, /* fits in a second level cache, and has a digest of its own */
	PIECES = 512,		  /* of a chunk at most: process_vm_readv(2) takes 1024 */
	THREADS_MAX = 4,
	THREADED_FROM = 4 << 20, /* less data is not worth a thread */
	CHUNKS_A_LOOK = 64,	 /* after how many to see whether the user gave up */
};

struct job {
	struct dump *d;
	struct img_pages_writer *w;
	const struct img_run *runs;
	size_t nr;
	const struct dump_source *src;

	int fd;	      /* -1: in order, through the writer */
	bool digests; /* chunks are the blocks of the image */

	pthread_mutex_t writing; /* one at a time, as file systems have it; but who waits for them spins */
	pthread_mutex_t lock;
	/* under the lock: where the next chunk starts */
	size_t run;
	uint64_t run_done; /* bytes of that run taken */
	uint64_t offset;   /* of its data in the file */
	unsigned taken;	   /* chunks so far: the number of the next one */
	unsigned written;  /* in order: chunks so far */
	pthread_cond_t turn; /* `written` has changed, or somebody failed */
	int failed;
	struct img_err err; /* the first failure */
};

struct chunk {
	struct iovec pieces[PIECES];
	int nr;
	size_t len;
	uint64_t offset;
	unsigned number;
};

_Static_assert(IMG_PAGE * PIECES >= CHUNK, "the number of pieces never makes a chunk shorter");

/* The next chunk; false when there is none, or another thread failed. */
static bool take(struct job *job, struct chunk *c)
{
	c->nr = 0;
	c->len = 0;
	pthread_mutex_lock(&job->lock);
	c->offset = job->offset;
	while (!job->failed && job->run < job->nr && c->len < CHUNK) {
		const struct img_run *run = &job->runs[job->run];
		uint64_t left = run->nr_pages * IMG_PAGE - job->run_done;
		size_t len = left < CHUNK - c->len ? left : CHUNK - c->len;

		c->pieces[c->nr++] = (struct iovec){ (void *)(uintptr_t)(run->addr + job->run_done), len };
		c->len += len;
		job->run_done += len;
		if (len == left) {
			job->run++;
			job->run_done = 0;
		}
	}
	job->offset += c->len;
	c->number = job->taken++;
	pthread_mutex_unlock(&job->lock);
	return c->len;
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

/* The digest of a chunk, as that of a block of the image. */
static int digest_chunk(struct job *job, const struct chunk *c, const void *buf, struct img_err *err)
{
	unsigned char digest[IMG_DIGEST_SIZE];
	int ret;

	img_digest_block(buf, c->len, digest);
	pthread_mutex_lock(&job->lock);
	ret = img_pages_block_digest(job->w, c->number, digest, err);
	pthread_mutex_unlock(&job->lock);
	return ret;
}

/* Into the image behind the chunk before. Another thread's failure is told by it: what is said here is not. */
static int write_in_turn(struct job *job, const struct chunk *c, void *buf, struct img_err *err)
{
	struct iovec whole = { buf, c->len };
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
	pthread_mutex_lock(&job->lock);
	job->written++;
	pthread_cond_broadcast(&job->turn);
	pthread_mutex_unlock(&job->lock);
	return ret;
}

static int move_chunk(struct job *job, const struct chunk *c, void *buf, struct img_err *err)
{
	int ret;

	if (job->src->read(job->src->arg, c->pieces, c->nr, buf, c->len, err) < 0)
		return -1;
	if (job->fd < 0)
		return write_in_turn(job, c, buf, err);
	if (job->digests && digest_chunk(job, c, buf, err) < 0)
		return -1;
	pthread_mutex_lock(&job->writing);
	ret = write_at(job->fd, buf, c->len, c->offset, err);
	pthread_mutex_unlock(&job->writing);
	return ret;
}

static void fail(struct job *job, const struct img_err *err)
{
	pthread_mutex_lock(&job->lock);
	if (!job->failed)
		job->err = *err;
	job->failed = 1;
	pthread_cond_broadcast(&job->turn);
	pthread_mutex_unlock(&job->lock);
}

static void work(struct job *job, bool first_thread)
{
	void *buf = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct img_err err = IMG_ERR_INIT;
	struct chunk c;

	if (buf == MAP_FAILED) {
		img_fail_nomem(&err);
		fail(job, &err);
		return;
	}
	while (take(job, &c)) {
		if (move_chunk(job, &c, buf, &err) < 0 ||
			(first_thread && c.number % CHUNKS_A_LOOK < THREADS_MAX &&
				dump_go_on(job->d, &err) < 0)) {
			fail(job, &err);
			break;
		}
	}
	munmap(buf, CHUNK);
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

static int write_data(struct job *job, uint64_t bytes, struct img_err *err)
{
	pthread_t others[THREADS_MAX];
	int nr = 0;

	while (nr < threads_wanted(bytes) - 1 && !pthread_create(&others[nr], NULL, work_thread, job))
		nr++;
	work(job, true);
	while (nr)
		pthread_join(others[--nr], NULL);
	if (job->failed) {
		*err = job->err;
		return -1;
	}
	return job->fd >= 0 ? img_pages_data_moved(job->w, bytes, err) : 0;
}

int dump_pages_write(struct dump *d, struct img_pages_writer *w, const struct img_run *runs, size_t nr,
	const struct dump_source *src, struct img_err *err)
{
	struct job job = {
		.d = d,
		.w = w,
		.runs = runs,
		.nr = nr,
		.src = src,
		.writing = PTHREAD_MUTEX_INITIALIZER,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.turn = PTHREAD_COND_INITIALIZER,
	};
	uint64_t bytes = 0, start = dump_now_us();
	struct img_err no_file;
	int ret;

	for (size_t i = 0; i < nr; i++) {
		if (img_pages_run(w, runs[i].addr, runs[i].nr_pages, runs[i].flags, err) < 0)
			return -1;
		bytes += runs[i].nr_pages * IMG_PAGE;
	}
	if (!bytes || !img_pages_wants_data(w))
		return 0;
	job.fd = img_pages_data_fd(w, &job.offset, &no_file);
	job.digests = job.offset == 0;
	ret = write_data(&job, bytes, err);
	d->stats.memwrite_time += (uint32_t)(dump_now_us() - start);
	return ret;
}
