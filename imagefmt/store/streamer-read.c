/* store/streamer-read.c -- a set that an image streamer serves: small images are asked for when they are needed, and stay in memory;
 * page images pass (criuimg/stream.h).
 *
 * A streamer gives each file once. Several processes, copies of each other, may ask through the same socket: one at a time.
 */

#include "store/stream.h"
#include "store/streamer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "criuimg/cleanup.h"

#define COPY_SIZE ((size_t)64 << 10)

struct served {
	struct img_set set;
	struct img_set *memory; /* what came */
	struct img_stream *stream;
	pthread_mutex_t *lock; /* of the socket, between processes; in memory that they share */
};

static struct served *served_of(const struct img_set *set)
{
	return (struct served *)set;
}

/* 1 with the end of a pipe, 0, -1. */
static int ask(struct served *v, const char *name, int *pipe, struct img_err *err)
{
	int ret;

	pthread_mutex_lock(v->lock);
	ret = img_streamer_ask(v->stream->sock, name, true, pipe, err);
	pthread_mutex_unlock(v->lock);
	return ret;
}

/* All bytes of it, into memory. */
static int fetch(struct served *v, const char *name, int pipe, struct img_err *err)
{
	struct img_sink *store = v->memory->ops->sink(v->memory, name, err);
	struct img_sink *sink = store ? img_member_sink(&v->set, name, store, err) : NULL;
	struct img_source *src = sink ? img_source_fd_new(pipe, err) : NULL;
	unsigned char *buf = malloc(COPY_SIZE);
	ssize_t n = -1;

	if (!src)
		close(pipe);
	if (!buf)
		img_fail_nomem(err);
	while (src && buf && (n = img_source_read(src, buf, COPY_SIZE, err)) > 0)
		if (img_sink_write(sink, buf, n, err)) {
			n = -1;
			break;
		}
	img_source_close(src);
	free(buf);
	if (sink && n == 0)
		return img_sink_finish(sink, err);
	if (sink)
		img_sink_abort(sink);
	else
		img_sink_abort(store);
	return img_wrap(err, "%s", name);
}

/* Have it in memory: 1, 0, -1. */
static int have(struct served *v, const char *name, struct img_err *err)
{
	int ret = v->memory->ops->has(v->memory, name, err), pipe;

	if (ret || img_is_page_image(name))
		return ret;
	ret = ask(v, name, &pipe, err);
	if (ret == 1 && fetch(v, name, pipe, err))
		return -1;
	return ret;
}

static int served_has(struct img_set *set, const char *name, struct img_err *err)
{
	return have(served_of(set), name, err);
}

static int served_source(struct img_set *set, const char *name, struct img_source **src_out, struct img_err *err)
{
	struct served *v = served_of(set);
	int ret = have(v, name, err);

	return ret == 1 ? v->memory->ops->source(v->memory, name, src_out, err) : ret;
}

static int served_each(struct img_set *set, int (*fn)(void *arg, const char *name, struct img_err *err), void *arg,
	struct img_err *err)
{
	return img_set_each(served_of(set)->memory, fn, arg, err);
}

static void served_close(struct img_set *set)
{
	struct served *v = served_of(set);

	img_set_close(v->memory);
	if (v->lock)
		munmap(v->lock, sizeof(*v->lock));
	free(v);
}

static const struct img_set_ops served_ops = {
	.has = served_has,
	.each = served_each,
	.source = served_source,
	.close = served_close,
};

static struct img_set *served_new(struct img_stream *s, struct img_err *err)
{
	struct served *v = calloc(1, sizeof(*v));
	pthread_mutexattr_t attr;

	if (!v) {
		img_fail_nomem(err);
		return NULL;
	}
	img_set_init(&v->set, &served_ops, false);
	v->set.streams = true;
	v->stream = s;
	v->memory = img_set_create_memory(err);
	v->lock = mmap(NULL, sizeof(*v->lock), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (v->lock == MAP_FAILED) {
		v->lock = NULL;
		img_fail_nomem(err);
	}
	if (!v->memory || !v->lock) {
		img_set_close(&v->set);
		return NULL;
	}
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(v->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return &v->set;
}

struct img_stream *img_stream_served(int sock, struct img_err *err)
{
	struct img_stream *s = calloc(1, sizeof(*s));

	if (!s) {
		img_fail_nomem(err);
		return NULL;
	}
	s->fd = -1;
	s->sock = sock;
	s->served = s->ordered = s->ended = true;
	s->set = served_new(s, err);
	if (s->set)
		return s;
	free(s);
	return NULL;
}

int img_stream_ask(struct img_stream *s, uint32_t pages_id, struct img_err *err)
{
	char name[IMG_NAME_MAX];
	int ret;

	if (!s->served)
		return img_fail(err, IMG_USAGE, "archive: comes in its own order");
	if (s->left)
		return img_fail(err, IMG_USAGE, "image streamer: a page image was not taken to its end");
	img_kind_file_name(IMG_PAGES, pages_id, name);
	ret = ask(served_of(s->set), name, &s->fd, err);
	if (ret != 1)
		return ret;
	s->raw = true;
	s->left = UINT64_MAX;
	return img_stream_passes(s, pages_id, err) ? 1 : -1;
}
