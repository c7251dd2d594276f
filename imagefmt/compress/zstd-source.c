/* compress/zstd-source.c -- bytes in, decompressed: by frames where a seek table tells them, from front to end elsewhere
 * (zstd-stream.c). */

#include "criuimg/compress.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "compress/seek-table.h"
#include "compress/zstd-stream.h"
#include "criuimg/cleanup.h"

/* Frames that are kept decompressed. A reader goes through few places at a time. */
#define SLOTS	 4
#define NO_FRAME SIZE_MAX

bool img_zstd_magic(const void *data, size_t len)
{
	const unsigned char *p = data;

	return len >= 4 && p[0] == 0x28 && p[1] == 0xb5 && p[2] == 0x2f && p[3] == 0xfd;
}

struct slot {
	size_t frame;	   /* NO_FRAME: none */
	bool busy;	   /* being decompressed by someone: wait */
	unsigned int used; /* readers copying from it */
	uint64_t age;
	unsigned char *data;
	size_t room;
};

/* What one decompression needs; kept for the next one. */
struct worker {
	struct worker *next;
	ZSTD_DCtx *ctx;
	unsigned char *buf;
	size_t room;
};

struct frames {
	struct img_source *from;
	struct img_seek_table table;
	uint64_t pos; /* of read() */

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	uint64_t clock;
	struct slot slots[SLOTS];
	struct worker *idle;
};

static size_t frame_content(const struct frames *f, size_t i)
{
	return f->table.frames[i + 1].content - f->table.frames[i].content;
}

static void worker_free(struct worker *w)
{
	if (!w)
		return;
	ZSTD_freeDCtx(w->ctx);
	free(w->buf);
	free(w);
}

static struct worker *worker_take(struct frames *f, struct img_err *err)
{
	struct worker *w;

	pthread_mutex_lock(&f->lock);
	w = f->idle;
	if (w)
		f->idle = w->next;
	pthread_mutex_unlock(&f->lock);
	if (w)
		return w;
	w = calloc(1, sizeof(*w));
	if (w)
		w->ctx = ZSTD_createDCtx();
	if (w && w->ctx)
		return w;
	free(w);
	img_fail_nomem(err);
	return NULL;
}

static void worker_give(struct frames *f, struct worker *w)
{
	pthread_mutex_lock(&f->lock);
	w->next = f->idle;
	f->idle = w;
	pthread_mutex_unlock(&f->lock);
}

static int frame_decode(struct frames *f, struct worker *w, size_t i, unsigned char *to, struct img_err *err)
{
	const struct img_frame_at *at = &f->table.frames[i];
	size_t stored = at[1].stored - at->stored, content = frame_content(f, i), got;
	ssize_t n;

	if (w->room < stored) {
		free(w->buf);
		w->room = 0;
		w->buf = malloc(stored);
		if (!w->buf)
			return img_fail_nomem(err);
		w->room = stored;
	}
	n = img_source_pread(f->from, w->buf, stored, at->stored, err);
	if (n < 0)
		return -1;
	if ((size_t)n != stored)
		return img_fail(err, IMG_CORRUPT, "zstd: frame %zu ends in the middle", i);
	if (!img_seek_table_check(&f->table, i, w->buf))
		return img_fail(
			err, IMG_CORRUPT, "zstd: frame %zu is not what was written: its digest differs", i);
	got = ZSTD_decompressDCtx(w->ctx, to, content, w->buf, stored);
	if (ZSTD_isError(got))
		return img_fail(err, IMG_CORRUPT, "zstd: frame %zu: %s", i, ZSTD_getErrorName(got));
	if (got != content)
		return img_fail(err, IMG_CORRUPT, "zstd: frame %zu has %zu bytes, the seek table says %zu", i,
			got, content);
	return 0;
}

static int frame_decode_to(struct frames *f, size_t i, unsigned char *to, struct img_err *err)
{
	struct worker *w = worker_take(f, err);
	int ret;

	if (!w)
		return -1;
	ret = frame_decode(f, w, i, to, err);
	worker_give(f, w);
	return ret;
}

/* A slot with the frame, in use; or one to fill, busy. The lock is held. */
static struct slot *slot_get(struct frames *f, size_t i)
{
	for (;;) {
		struct slot *oldest = NULL;
		bool wait = false;

		for (size_t n = 0; n < SLOTS; n++) {
			struct slot *s = &f->slots[n];

			if (s->frame == i && s->busy)
				wait = true;
			if (s->frame == i && !s->busy) {
				s->used++;
				s->age = ++f->clock;
				return s;
			}
			if (!s->busy && !s->used && (!oldest || s->age < oldest->age))
				oldest = s;
		}
		if (!wait && oldest) {
			oldest->frame = i;
			oldest->busy = true;
			oldest->age = ++f->clock;
			return oldest;
		}
		pthread_cond_wait(&f->changed, &f->lock);
	}
}

static int slot_fill(struct frames *f, struct slot *s, struct img_err *err)
{
	size_t content = frame_content(f, s->frame);

	if (s->room < content) {
		free(s->data);
		s->room = 0;
		s->data = malloc(content);
		if (!s->data)
			return img_fail_nomem(err);
		s->room = content;
	}
	return frame_decode_to(f, s->frame, s->data, err);
}

static int frame_copy(struct frames *f, size_t i, size_t offset, void *to, size_t len, struct img_err *err)
{
	struct slot *s;
	int ret = 0;

	pthread_mutex_lock(&f->lock);
	s = slot_get(f, i);
	if (s->busy) {
		pthread_mutex_unlock(&f->lock);
		ret = slot_fill(f, s, err);
		pthread_mutex_lock(&f->lock);
		s->busy = false;
		s->used++;
		if (ret)
			s->frame = NO_FRAME;
		pthread_cond_broadcast(&f->changed);
	}
	pthread_mutex_unlock(&f->lock);
	if (!ret)
		memcpy(to, s->data + offset, len);
	pthread_mutex_lock(&f->lock);
	if (--s->used == 0)
		pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
	return ret;
}

static ssize_t frames_pread(void *self, void *buf, size_t len, uint64_t offset, struct img_err *err)
{
	struct frames *f = self;
	size_t i = img_seek_table_find(&f->table, offset), have = 0;

	for (; have < len && i < f->table.nr; i++) {
		size_t in = offset + have - f->table.frames[i].content, part = frame_content(f, i) - in;
		int ret;

		if (part > len - have)
			part = len - have;
		/* Frames with nothing in them. */
		if (!part)
			continue;
		if (part == frame_content(f, i))
			ret = frame_decode_to(f, i, (unsigned char *)buf + have, err);
		else
			ret = frame_copy(f, i, in, (unsigned char *)buf + have, part, err);
		if (ret)
			return -1;
		have += part;
	}
	return have;
}

static ssize_t frames_read(void *self, void *buf, size_t len, struct img_err *err)
{
	struct frames *f = self;
	ssize_t n = frames_pread(self, buf, len, f->pos, err);

	if (n > 0)
		f->pos += n;
	return n;
}

static int64_t frames_size(void *self)
{
	struct frames *f = self;

	return f->table.frames[f->table.nr].content;
}

static int frames_skip(void *self, uint64_t len, struct img_err *err)
{
	struct frames *f = self;
	uint64_t left = frames_size(self) - f->pos;

	if (len > left)
		return img_fail(err, IMG_CORRUPT, "ends in the middle: %llu bytes are missing",
			(unsigned long long)(len - left));
	f->pos += len;
	return 0;
}

static void frames_close(void *self)
{
	struct frames *f = self;

	img_source_close(f->from);
	img_seek_table_free(&f->table);
	for (size_t n = 0; n < SLOTS; n++)
		free(f->slots[n].data);
	while (f->idle) {
		struct worker *w = f->idle;

		f->idle = w->next;
		worker_free(w);
	}
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->changed);
	free(f);
}

static const struct img_source_ops frames_ops = {
	.read = frames_read,
	.pread = frames_pread,
	.size = frames_size,
	.skip = frames_skip,
	.close = frames_close,
};

/* Takes over the table. */
static struct img_source *frames_new(
	struct img_source *from, struct img_seek_table *table, struct img_err *err)
{
	struct frames *f = calloc(1, sizeof(*f));
	struct img_source *src;

	if (!f) {
		img_fail_nomem(err);
		return NULL;
	}
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	for (size_t n = 0; n < SLOTS; n++)
		f->slots[n].frame = NO_FRAME;
	src = img_source_new(&frames_ops, f, err);
	if (!src) {
		frames_close(f);
		return NULL;
	}
	f->from = from;
	f->table = *table;
	*table = (struct img_seek_table){ 0 };
	return src;
}

struct img_source *img_zstd_source_new(struct img_source *from, struct img_err *err)
{
	struct img_seek_table table = { 0 };
	struct img_source *src = NULL;
	int ret = img_seek_table_read(&table, from, err);

	if (ret == 1)
		src = frames_new(from, &table, err);
	else if (ret == 0)
		src = img_zstd_stream_new(from, err);
	img_seek_table_free(&table);
	return src;
}
