/* io/source-ahead.c -- a source read from front to end by several threads: each takes a block by its position (and decompresses it
 * on the way, where that is what the source does), and the caller gets them in order. */

#include "io/source.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "criuimg/cleanup.h"

#define BLOCK	    ((size_t)1 << 20)
#define THREADS_MAX 4
/* Less than this is not worth a thread. */
#define SIZE_MIN (4 * BLOCK)

enum state { FREE, BUSY, READY };

struct block {
	enum state state;
	uint64_t nr; /* which block of the source */
	ssize_t len; /* -1: err */
	struct img_err err;
	unsigned char *data;
};

struct ahead {
	struct img_source *from;
	uint64_t nr_blocks;
	uint64_t pos; /* of the caller */

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t ready, free;
	bool stop;
	uint64_t next; /* the block that the next free thread takes */
	struct block *ring; /* block nr is in ring[nr % nr_ring] */
	size_t nr_ring;
	pthread_t threads[THREADS_MAX];
	unsigned int nr_threads;
};

static unsigned int processors(void)
{
	cpu_set_t cpus;
	int n = sched_getaffinity(0, sizeof(cpus), &cpus) ? 1 : CPU_COUNT(&cpus);

	return n < THREADS_MAX ? n : THREADS_MAX;
}

static void *reader(void *arg)
{
	struct ahead *a = arg;

	pthread_mutex_lock(&a->lock);
	while (!a->stop && a->next < a->nr_blocks) {
		struct block *b = &a->ring[a->next % a->nr_ring];

		if (b->state != FREE) {
			pthread_cond_wait(&a->free, &a->lock);
			continue;
		}
		b->nr = a->next++;
		b->state = BUSY;
		pthread_mutex_unlock(&a->lock);

		b->len = img_source_pread(a->from, b->data, BLOCK, b->nr * BLOCK, &b->err);

		pthread_mutex_lock(&a->lock);
		b->state = READY;
		pthread_cond_signal(&a->ready);
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

static ssize_t ahead_read(void *self, void *buf, size_t len, struct img_err *err)
{
	struct ahead *a = self;
	struct block *b = &a->ring[a->pos / BLOCK % a->nr_ring];
	size_t in = a->pos % BLOCK;

	if (a->pos / BLOCK >= a->nr_blocks)
		return 0;
	pthread_mutex_lock(&a->lock);
	while (b->state != READY)
		pthread_cond_wait(&a->ready, &a->lock);
	pthread_mutex_unlock(&a->lock);
	if (b->len < 0) {
		if (err)
			*err = b->err;
		return -1;
	}
	if (in >= (size_t)b->len)
		return 0;
	if (len > b->len - in)
		len = b->len - in;
	memcpy(buf, b->data + in, len);
	a->pos += len;
	if (a->pos % BLOCK == 0) {
		pthread_mutex_lock(&a->lock);
		b->state = FREE;
		pthread_cond_broadcast(&a->free);
		pthread_mutex_unlock(&a->lock);
	}
	return len;
}

static int64_t ahead_size(void *self)
{
	return img_source_size(((struct ahead *)self)->from);
}

static void ahead_close(void *self)
{
	struct ahead *a = self;

	pthread_mutex_lock(&a->lock);
	a->stop = true;
	pthread_cond_broadcast(&a->free);
	pthread_mutex_unlock(&a->lock);
	while (a->nr_threads)
		pthread_join(a->threads[--a->nr_threads], NULL);
	img_source_close(a->from);
	for (size_t i = 0; a->ring && i < a->nr_ring; i++)
		free(a->ring[i].data);
	free(a->ring);
	pthread_mutex_destroy(&a->lock);
	pthread_cond_destroy(&a->ready);
	pthread_cond_destroy(&a->free);
	free(a);
}

static const struct img_source_ops ahead_ops = {
	.read = ahead_read,
	.size = ahead_size,
	.close = ahead_close,
};

/* No signal of the process is to end up in a thread of ours. */
static void threads_start(struct ahead *a, unsigned int nr)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (a->nr_threads < nr && !pthread_create(&a->threads[a->nr_threads], NULL, reader, a))
		a->nr_threads++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static struct ahead *ahead_new(unsigned int threads)
{
	struct ahead *a = calloc(1, sizeof(*a));
	bool whole = a;

	if (!a)
		return NULL;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->ready, NULL);
	pthread_cond_init(&a->free, NULL);
	a->nr_ring = 2 * threads + 1;
	a->ring = calloc(a->nr_ring, sizeof(*a->ring));
	whole = a->ring;
	for (size_t i = 0; whole && i < a->nr_ring; i++) {
		a->ring[i].data = malloc(BLOCK);
		whole = a->ring[i].data;
	}
	if (whole)
		return a;
	ahead_close(a);
	return NULL;
}

struct img_source *img_source_ahead(struct img_source *src)
{
	int64_t size = img_source_size(src);
	unsigned int threads = processors();
	struct img_err none = IMG_ERR_INIT;
	struct img_source *all;
	struct ahead *a;

	if (!img_source_can_pread(src) || size < (int64_t)SIZE_MIN || threads < 2)
		return src;
	a = ahead_new(threads);
	if (!a)
		return src;
	all = img_source_new(&ahead_ops, a, &none);
	if (!all) {
		ahead_close(a);
		return src;
	}
	a->from = src;
	a->nr_blocks = ((uint64_t)size + BLOCK - 1) / BLOCK;
	threads_start(a, threads);
	if (a->nr_threads)
		return all;
	a->from = NULL;
	img_source_close(all);
	return src;
}
