/* store/digest-source.c -- the digest of all bytes of a source: of a large one, block by block and several at a time, as nothing
 * else is done with them. */

#include "store/digest-source.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "criuimg/cleanup.h"

#define READ_SIZE   IMG_DIGEST_BLOCK
#define THREADS_MAX 4
/* Less than this is not worth a thread. */
#define SIZE_MIN (4 * IMG_DIGEST_BLOCK)

static int in_order(struct img_source *src, struct img_digest *d, uint64_t *size, struct img_err *err)
{
	cleanup_free unsigned char *buf = malloc(READ_SIZE);
	ssize_t n;

	if (!buf)
		return img_fail_nomem(err);
	*size = 0;
	while ((n = img_source_read(src, buf, READ_SIZE, err)) > 0) {
		*size += n;
		if (img_digest_update(d, buf, n, err))
			return -1;
	}
	return n;
}

struct work {
	struct img_source *src;
	uint64_t nr_blocks;
	pthread_mutex_t lock; /* of all below */
	struct img_digest *digest;
	uint64_t next;
	uint64_t size; /* of what there was */
	struct img_err err;
};

/* The next block that nobody has; false behind the last, and after a failure. */
static bool block_take(struct work *w, uint64_t *nr)
{
	bool more;

	pthread_mutex_lock(&w->lock);
	more = w->next < w->nr_blocks && w->err.code == IMG_OK;
	if (more)
		*nr = w->next++;
	pthread_mutex_unlock(&w->lock);
	return more;
}

static void *digester(void *arg)
{
	cleanup_free unsigned char *buf = malloc(READ_SIZE);
	unsigned char digest[IMG_DIGEST_SIZE];
	struct work *w = arg;
	uint64_t nr;

	while (buf && block_take(w, &nr)) {
		struct img_err err = IMG_ERR_INIT;
		ssize_t n = img_source_pread(w->src, buf, READ_SIZE, nr * READ_SIZE, &err);

		if (n > 0)
			img_digest_block(buf, n, digest);
		pthread_mutex_lock(&w->lock);
		if (n > 0) {
			w->size += n;
			n = img_digest_give(w->digest, nr, digest, &err);
		}
		if (n < 0 && w->err.code == IMG_OK)
			w->err = err;
		pthread_mutex_unlock(&w->lock);
	}
	return NULL;
}

static unsigned int processors(void)
{
	cpu_set_t cpus;
	int n = sched_getaffinity(0, sizeof(cpus), &cpus) ? 1 : CPU_COUNT(&cpus);

	return n < THREADS_MAX ? n : THREADS_MAX;
}

/* The caller's thread is one of them. No signal of the process is to end up in the others. */
static int in_parallel(struct img_source *src, struct img_digest *d, uint64_t total, uint64_t *size, struct img_err *err)
{
	struct work w = { .src = src, .digest = d, .nr_blocks = (total + READ_SIZE - 1) / READ_SIZE };
	unsigned int nr = 0, wanted = processors() - 1;
	pthread_t threads[THREADS_MAX];
	sigset_t all, old;

	if (img_digest_pass(d, total, err))
		return -1;
	pthread_mutex_init(&w.lock, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (nr < wanted && !pthread_create(&threads[nr], NULL, digester, &w))
		nr++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	digester(&w);
	while (nr)
		pthread_join(threads[--nr], NULL);
	pthread_mutex_destroy(&w.lock);
	if (w.err.code == IMG_OK && w.next < w.nr_blocks)
		return img_fail_nomem(err);
	if (w.err.code != IMG_OK) {
		if (err)
			*err = w.err;
		return -1;
	}
	*size = w.size;
	return 0;
}

int img_source_digest(struct img_source *src, uint64_t *size, unsigned char digest[IMG_DIGEST_SIZE], struct img_err *err)
{
	int64_t total = img_source_can_pread(src) ? img_source_size(src) : -1;
	struct img_digest *d = img_digest_new(err);
	int ret;

	if (!d)
		return -1;
	ret = total >= (int64_t)SIZE_MIN ? in_parallel(src, d, total, size, err) : in_order(src, d, size, err);
	/* Of a file that became shorter while it was read, blocks are missing: it has another size anyway. */
	if (!ret && !img_digest_final(d, digest) && *size == (uint64_t)total)
		ret = img_fail(err, IMG_CORRUPT, "changed while it was read");
	img_digest_free(d);
	return ret;
}
