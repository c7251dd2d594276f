/* compress/zstd-sink.c -- bytes out, compressed: cut into frames, several of them at work at the same time.
 *
 * The caller's thread fills the frames of a ring and writes out what is done, in order; the workers compress. So the sink
 * below is used by one thread only. Workers start with the first full frame: small images cost no thread.
 */

#include "criuimg/compress.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "compress/seek-table.h"
#include "criuimg/cleanup.h"

#define WINDOW_LOG	20 /* 2 to this is IMG_ZSTD_FRAME */
#define WINDOW_LOG_LONG 25

enum job_state { EMPTY, READY, BUSY, DONE };

struct job {
	enum job_state state;
	unsigned char *in, *out;
	size_t in_len, out_len;
	size_t result; /* of ZSTD_compress2() */
};

struct zstd_sink {
	struct img_sink *to;
	struct img_zstd_options opt;
	size_t frame, out_room;
	struct img_seek_table table;

	struct job *jobs; /* a ring */
	size_t nr_jobs;
	size_t head, tail; /* being filled; the oldest not yet written. Of the caller's thread. */
	ZSTD_CCtx *ctx;	   /* the caller's, for what it compresses itself */

	pthread_mutex_t lock; /* of the states and all below */
	pthread_cond_t ready, done;
	size_t next; /* the job that the next free worker takes */
	bool stop;
	pthread_t *workers;
	unsigned int nr_workers;
};

static unsigned int processors(void)
{
	cpu_set_t cpus;

	return sched_getaffinity(0, sizeof(cpus), &cpus) ? 1 : CPU_COUNT(&cpus);
}

static ZSTD_CCtx *context_new(const struct zstd_sink *z)
{
	ZSTD_CCtx *ctx = ZSTD_createCCtx();

	if (!ctx)
		return NULL;
	/* A window that holds the frame: its header needs no size of a window, which no checksum covers. */
	if (ZSTD_isError(ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, z->opt.level)) ||
		ZSTD_isError(ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 1)) ||
		ZSTD_isError(ZSTD_CCtx_setParameter(
			ctx, ZSTD_c_windowLog, z->opt.long_mode ? WINDOW_LOG_LONG : WINDOW_LOG)) ||
		(z->opt.long_mode &&
			ZSTD_isError(ZSTD_CCtx_setParameter(ctx, ZSTD_c_enableLongDistanceMatching, 1)))) {
		ZSTD_freeCCtx(ctx);
		return NULL;
	}
	return ctx;
}

static void job_compress(const struct zstd_sink *z, struct job *job, ZSTD_CCtx *ctx)
{
	job->result = ZSTD_compress2(ctx, job->out, z->out_room, job->in, job->in_len);
}

static void *worker(void *arg)
{
	struct zstd_sink *z = arg;
	ZSTD_CCtx *ctx = context_new(z);
	struct job *job;

	/* Without a context the others do the work, the caller's thread at the least. */
	while (ctx) {
		pthread_mutex_lock(&z->lock);
		while (!z->stop && z->jobs[z->next].state != READY)
			pthread_cond_wait(&z->ready, &z->lock);
		if (z->stop) {
			pthread_mutex_unlock(&z->lock);
			break;
		}
		job = &z->jobs[z->next];
		z->next = (z->next + 1) % z->nr_jobs;
		job->state = BUSY;
		pthread_mutex_unlock(&z->lock);

		job_compress(z, job, ctx);

		pthread_mutex_lock(&z->lock);
		job->state = DONE;
		pthread_cond_signal(&z->done);
		pthread_mutex_unlock(&z->lock);
	}
	ZSTD_freeCCtx(ctx);
	return NULL;
}

/* No signal of the process is to end up in a worker. Fewer than wanted, or none, will do. */
static void workers_start(struct zstd_sink *z)
{
	sigset_t all, old;

	z->workers = calloc(z->opt.threads, sizeof(*z->workers));
	if (!z->workers)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (z->nr_workers < z->opt.threads && !pthread_create(&z->workers[z->nr_workers], NULL, worker, z))
		z->nr_workers++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void workers_stop(struct zstd_sink *z)
{
	pthread_mutex_lock(&z->lock);
	z->stop = true;
	pthread_cond_broadcast(&z->ready);
	pthread_mutex_unlock(&z->lock);
	while (z->nr_workers)
		pthread_join(z->workers[--z->nr_workers], NULL);
	free(steal_ptr(&z->workers));
}

/* ---- the caller's thread ---- */

/* Once, in front of all. */
static int lead_write(struct zstd_sink *z, struct img_err *err)
{
	return z->table.nr ? 0 : img_seek_table_lead(&z->table, z->to, err);
}

static int job_write(struct zstd_sink *z, struct job *job, struct img_err *err)
{
	if (ZSTD_isError(job->result))
		return img_fail(err, IMG_NOMEM, "zstd: %s", ZSTD_getErrorName(job->result));
	if (lead_write(z, err) || img_seek_table_add(&z->table, job->out, job->result, job->in_len, err) ||
		img_sink_write(z->to, job->out, job->result, err))
		return -1;
	job->in_len = 0;
	return 0;
}

/* Write the oldest frame: wait for it, or compress it here when no worker took it yet. 1 when that was done, 0 when it is
 * not done and need not be (wait false), -1. */
static int oldest_write(struct zstd_sink *z, bool wait, struct img_err *err)
{
	struct job *job = &z->jobs[z->tail];
	bool mine = false;

	pthread_mutex_lock(&z->lock);
	if (job->state == READY && wait) {
		job->state = BUSY;
		z->next = (z->tail + 1) % z->nr_jobs;
		mine = true;
	}
	while (!mine && wait && job->state != DONE)
		pthread_cond_wait(&z->done, &z->lock);
	if (!mine && job->state != DONE) {
		pthread_mutex_unlock(&z->lock);
		return 0;
	}
	pthread_mutex_unlock(&z->lock);

	if (mine)
		job_compress(z, job, z->ctx);
	if (job_write(z, job, err))
		return -1;
	pthread_mutex_lock(&z->lock);
	job->state = EMPTY;
	pthread_mutex_unlock(&z->lock);
	z->tail = (z->tail + 1) % z->nr_jobs;
	return 1;
}

/* The frame being filled is full, or the last. */
static int head_submit(struct zstd_sink *z, struct img_err *err)
{
	struct job *job = &z->jobs[z->head];
	int ret;

	if (z->opt.threads > 1 && !z->workers)
		workers_start(z);
	pthread_mutex_lock(&z->lock);
	job->state = READY;
	pthread_cond_signal(&z->ready);
	pthread_mutex_unlock(&z->lock);
	z->head = (z->head + 1) % z->nr_jobs;
	/* Room for the next one; and what is done meanwhile goes out. */
	ret = z->head == z->tail || !z->nr_workers ? oldest_write(z, true, err) : 1;
	while (ret == 1 && z->tail != z->head)
		ret = oldest_write(z, false, err);
	return ret < 0 ? -1 : 0;
}

static int zstd_write(void *self, const void *buf, size_t len, struct img_err *err)
{
	struct zstd_sink *z = self;

	while (len) {
		struct job *job = &z->jobs[z->head];
		size_t part = z->frame - job->in_len;

		if (!job->in)
			job->in = malloc(z->frame);
		if (!job->out)
			job->out = malloc(z->out_room);
		if (!job->in || !job->out)
			return img_fail_nomem(err);
		if (part > len)
			part = len;
		memcpy(job->in + job->in_len, buf, part);
		job->in_len += part;
		buf = (const char *)buf + part;
		len -= part;
		if (job->in_len == z->frame && head_submit(z, err))
			return -1;
	}
	return 0;
}

static int zstd_finish(void *self, struct img_err *err)
{
	struct zstd_sink *z = self;

	if (z->jobs[z->head].in_len) {
		/* Alone it needs no thread. */
		if (!z->workers)
			z->opt.threads = 1;
		if (head_submit(z, err))
			return -1;
	}
	while (z->jobs[z->tail].in_len)
		if (oldest_write(z, true, err) < 0)
			return -1;
	if (lead_write(z, err) || img_seek_table_write(&z->table, z->to, err))
		return -1;
	return img_sink_finish(steal_ptr(&z->to), err);
}

static void zstd_close(void *self)
{
	struct zstd_sink *z = self;

	workers_stop(z);
	for (size_t i = 0; z->jobs && i < z->nr_jobs; i++) {
		free(z->jobs[i].in);
		free(z->jobs[i].out);
	}
	free(z->jobs);
	ZSTD_freeCCtx(z->ctx);
	img_seek_table_free(&z->table);
	img_sink_abort(z->to);
	pthread_mutex_destroy(&z->lock);
	pthread_cond_destroy(&z->ready);
	pthread_cond_destroy(&z->done);
	free(z);
}

static const struct img_sink_ops zstd_sink_ops = {
	.write = zstd_write,
	.finish = zstd_finish,
	.close = zstd_close,
};

static int options_check(struct img_zstd_options *opt, struct img_err *err)
{
	if (!opt->level)
		opt->level = IMG_ZSTD_LEVEL_MIN;
	if (opt->level < IMG_ZSTD_LEVEL_MIN || opt->level > IMG_ZSTD_LEVEL_MAX)
		return img_fail(err, IMG_USAGE, "compression level %d: %d to %d is what there is", opt->level,
			IMG_ZSTD_LEVEL_MIN, IMG_ZSTD_LEVEL_MAX);
	if (!opt->threads)
		opt->threads = processors();
	if (opt->threads > IMG_ZSTD_THREADS_MAX)
		opt->threads = IMG_ZSTD_THREADS_MAX;
	return 0;
}

struct img_sink *img_zstd_sink_new(
	struct img_sink *to, const struct img_zstd_options *opt, struct img_err *err)
{
	struct zstd_sink *z = calloc(1, sizeof(*z));
	struct img_sink *sink = NULL;

	if (!z) {
		img_fail_nomem(err);
		return NULL;
	}
	pthread_mutex_init(&z->lock, NULL);
	pthread_cond_init(&z->ready, NULL);
	pthread_cond_init(&z->done, NULL);
	if (opt)
		z->opt = *opt;
	if (options_check(&z->opt, err)) {
		zstd_close(z);
		return NULL;
	}
	z->frame = z->opt.long_mode ? IMG_ZSTD_FRAME_LONG : IMG_ZSTD_FRAME;
	z->out_room = ZSTD_compressBound(z->frame);
	z->nr_jobs = z->opt.threads > 1 ? z->opt.threads + 2 : 2;
	z->jobs = calloc(z->nr_jobs, sizeof(*z->jobs));
	z->ctx = context_new(z);
	if (z->jobs && z->ctx)
		sink = img_sink_new(&zstd_sink_ops, z, err);
	else
		img_fail_nomem(err);
	if (!sink)
		zstd_close(z);
	else
		z->to = to;
	return sink;
}
