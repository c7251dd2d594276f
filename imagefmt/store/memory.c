/* store/memory.c -- a set in memory: for tests, fuzzers, and images that never touch a disk. */

#include "store/set.h"

#include <stdlib.h>
#include <string.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "io/sink.h"
#include "io/source.h"

/* The bytes of a member; a source may still read what the set has replaced since. */
struct blob {
	unsigned int users;
	size_t size;
	unsigned char data[];
};

struct file {
	char *name;
	struct blob *blob;
};

struct memory {
	struct img_set set;
	pthread_mutex_t lock; /* of the list */
	struct file *files;   /* sorted by name */
	size_t nr, room;
};

static struct memory *memory_of(struct img_set *set)
{
	return (struct memory *)set;
}

static void blob_put(void *p)
{
	struct blob *blob = p;

	if (__atomic_sub_fetch(&blob->users, 1, __ATOMIC_ACQ_REL) == 0)
		free(blob);
}

/* Where name is, or belongs. The list is locked. */
static size_t slot(const struct memory *m, const char *name, bool *found)
{
	size_t lo = 0, hi = m->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(m->files[mid].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*found = lo < m->nr && !strcmp(m->files[lo].name, name);
	return lo;
}

static int memory_has(struct img_set *set, const char *name, struct img_err *err)
{
	struct memory *m = memory_of(set);
	bool found;

	pthread_mutex_lock(&m->lock);
	slot(m, name, &found);
	pthread_mutex_unlock(&m->lock);
	return found;
}

static int memory_source(
	struct img_set *set, const char *name, struct img_source **src_out, struct img_err *err)
{
	struct memory *m = memory_of(set);
	struct blob *blob = NULL;
	bool found;
	size_t at;

	pthread_mutex_lock(&m->lock);
	at = slot(m, name, &found);
	if (found) {
		blob = m->files[at].blob;
		__atomic_add_fetch(&blob->users, 1, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&m->lock);
	if (!blob)
		return 0;
	*src_out = img_source_memory_owned(blob->data, blob->size, blob_put, blob, err);
	if (!*src_out) {
		blob_put(blob);
		return -1;
	}
	return 1;
}

static int memory_each(struct img_set *set, int (*fn)(void *arg, const char *name, struct img_err *err),
	void *arg, struct img_err *err)
{
	struct memory *m = memory_of(set);
	struct img_arena arena = IMG_ARENA_INIT;
	int ret = 0;
	char **names;
	size_t nr;

	/* A copy: fn may add and replace. */
	pthread_mutex_lock(&m->lock);
	nr = m->nr;
	names = img_arena_array(&arena, nr + 1, sizeof(*names));
	for (size_t i = 0; names && i < nr; i++) {
		names[i] = img_arena_strdup(&arena, m->files[i].name);
		if (!names[i])
			names = NULL;
	}
	pthread_mutex_unlock(&m->lock);

	if (!names)
		ret = img_fail_nomem(err);
	for (size_t i = 0; !ret && i < nr; i++)
		ret = fn(arg, names[i], err);
	img_arena_free(&arena);
	return ret;
}

static int memory_add(struct memory *m, const char *name, struct blob *blob, struct img_err *err)
{
	cleanup_free char *copy = strdup(name);
	int ret = 0;
	bool found;
	size_t at;

	if (!copy)
		return img_fail_nomem(err);
	pthread_mutex_lock(&m->lock);
	at = slot(m, name, &found);
	if (found) {
		blob_put(m->files[at].blob);
		m->files[at].blob = blob;
	} else if (img_array_more(&m->files, m->nr, &m->room)) {
		memmove(&m->files[at + 1], &m->files[at], (m->nr - at) * sizeof(*m->files));
		m->files[at] = (struct file){ .name = steal_ptr(&copy), .blob = blob };
		m->nr++;
	} else {
		ret = img_fail_nomem(err);
	}
	pthread_mutex_unlock(&m->lock);
	return ret;
}

static int memory_remove(struct img_set *set, const char *name, struct img_err *err)
{
	struct memory *m = memory_of(set);
	bool found;
	size_t at;

	pthread_mutex_lock(&m->lock);
	at = slot(m, name, &found);
	if (found) {
		free(m->files[at].name);
		blob_put(m->files[at].blob);
		m->nr--;
		memmove(&m->files[at], &m->files[at + 1], (m->nr - at) * sizeof(*m->files));
	}
	pthread_mutex_unlock(&m->lock);
	return 0;
}

/* ---- writing ---- */

struct blob_sink {
	struct memory *memory;
	struct img_sink *bytes;
	char name[256];
};

static int blob_write(void *self, const void *buf, size_t len, struct img_err *err)
{
	return img_sink_write(((struct blob_sink *)self)->bytes, buf, len, err);
}

static int blob_finish(void *self, struct img_err *err)
{
	struct blob_sink *s = self;
	struct blob *blob;
	const void *data;
	size_t size;

	data = img_sink_memory(s->bytes, &size);
	blob = malloc(sizeof(*blob) + size);
	if (!blob)
		return img_fail_nomem(err);
	blob->users = 1;
	blob->size = size;
	if (size)
		memcpy(blob->data, data, size);
	if (!memory_add(s->memory, s->name, blob, err))
		return 0;
	free(blob);
	return -1;
}

static void blob_close(void *self)
{
	struct blob_sink *s = self;

	img_sink_abort(s->bytes);
	free(s);
}

static const struct img_sink_ops blob_sink_ops = {
	.write = blob_write,
	.finish = blob_finish,
	.close = blob_close,
};

static struct img_sink *memory_sink(struct img_set *set, const char *name, struct img_err *err)
{
	struct blob_sink *s = calloc(1, sizeof(*s));
	struct img_sink *sink;

	if (!s) {
		img_fail_nomem(err);
		return NULL;
	}
	s->memory = memory_of(set);
	strncpy(s->name, name, sizeof(s->name) - 1);
	s->bytes = img_sink_memory_new(err);
	if (!s->bytes) {
		free(s);
		return NULL;
	}
	sink = img_sink_new_unbuffered(&blob_sink_ops, s, err);
	if (!sink)
		blob_close(s);
	return sink;
}

static void memory_close(struct img_set *set)
{
	struct memory *m = memory_of(set);

	for (size_t i = 0; i < m->nr; i++) {
		free(m->files[i].name);
		blob_put(m->files[i].blob);
	}
	free(m->files);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static const struct img_set_ops memory_ops = {
	.has = memory_has,
	.each = memory_each,
	.source = memory_source,
	.sink = memory_sink,
	.remove = memory_remove,
	.close = memory_close,
};

struct img_set *img_set_create_memory(struct img_err *err)
{
	struct memory *m = calloc(1, sizeof(*m));

	if (!m) {
		img_fail_nomem(err);
		return NULL;
	}
	img_set_init(&m->set, &memory_ops, true);
	pthread_mutex_init(&m->lock, NULL);
	return &m->set;
}
