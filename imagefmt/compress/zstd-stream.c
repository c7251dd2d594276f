/* compress/zstd-stream.c -- zstd from front to end, as it comes out of a pipe.
 *
 * Frames and skippable frames are told apart here, and of each frame the stored bytes are digested as they pass: so the
 * digests and the table at the end can be held against what came, and a stream that promised them and ends without is cut.
 */

#include "compress/zstd-stream.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zstd.h>

#include "compress/seek-table.h"
#include "criuimg/cleanup.h"
#include "criuimg/compress.h"

/* Of skippable frames larger than what our own could be, nothing is kept. */
#define TRAILER_MAX ((size_t)1 << 30)

struct stream {
	struct img_source *from;
	ZSTD_DCtx *ctx;
	XXH3_state_t *hash;
	unsigned char *buf;
	size_t room;
	ZSTD_inBuffer in;
	bool inside; /* a frame was begun and is not at its end */
	bool ended;
	uint64_t stored, content; /* of the frame so far */
	struct img_seek_table table;
	bool promised, digested, closed;
};

static int corrupt(size_t code, struct img_err *err)
{
	return img_fail(err, IMG_CORRUPT, "zstd: %s", ZSTD_getErrorName(code));
}

/* More input: 1, 0 at the end, -1. */
static int fill(struct stream *s, struct img_err *err)
{
	ssize_t n;

	if (s->in.pos < s->in.size)
		return 1;
	n = img_source_read(s->from, s->buf, s->room, err);
	if (n < 0)
		return -1;
	s->in = (ZSTD_inBuffer){ .src = s->buf, .size = n };
	return n > 0;
}

/* Exactly len bytes of input; to may be NULL. */
static int take(struct stream *s, void *to, size_t len, struct img_err *err)
{
	while (len) {
		int ret = fill(s, err);
		size_t part = s->in.size - s->in.pos;

		if (ret <= 0)
			return ret < 0 ? -1
				       : img_fail(err, IMG_CORRUPT, "zstd: ends in the middle of a frame");
		if (part > len)
			part = len;
		if (to) {
			memcpy(to, (const char *)s->in.src + s->in.pos, part);
			to = (char *)to + part;
		}
		s->in.pos += part;
		len -= part;
	}
	return 0;
}

/* ---- skippable frames ---- */

static int trailer(struct stream *s, unsigned char *frame, uint32_t size, struct img_err *err)
{
	enum img_skippable what = img_skippable_is(frame, size);

	if (what == IMG_SKIPPABLE_PROMISE)
		s->promised = true;
	if (what == IMG_SKIPPABLE_DIGESTS) {
		if (!img_seek_table_same_digests(&s->table, frame, size))
			return img_fail(err, IMG_CORRUPT, "zstd: what came is not what was written: a digest differs");
		s->digested = true;
	}
	/* The tables of others may say more or less than we know. */
	if (what == IMG_SKIPPABLE_TABLE && (s->promised || s->digested)) {
		if (!img_seek_table_same(&s->table, frame, size))
			return img_fail(err, IMG_CORRUPT, "zstd: the seek table does not fit the frames");
		s->closed = true;
	}
	return img_seek_table_add(&s->table, frame, size, 0, err);
}

/* The frame that starts with these 4 bytes of magic; it ends with this call. */
static int skippable(struct stream *s, const unsigned char magic[4], struct img_err *err)
{
	cleanup_free unsigned char *frame = NULL;
	unsigned char head[8];
	uint32_t size;

	memcpy(head, magic, 4);
	if (take(s, head + 4, 4, err))
		return -1;
	size = head[4] | (uint32_t)head[5] << 8 | (uint32_t)head[6] << 16 | (uint32_t)head[7] << 24;
	/* Ours tell their length: by the frames there were. */
	if (size > TRAILER_MAX || size > 64 + 12 * ((uint64_t)s->table.nr + 2)) {
		if (s->promised)
			return img_fail(err, IMG_CORRUPT, "zstd: a frame of %u bytes that nobody wrote", size);
		return take(s, NULL, size, err);
	}
	frame = malloc((size_t)size + 8);
	if (!frame)
		return img_fail_nomem(err);
	memcpy(frame, head, 8);
	if (take(s, frame + 8, size, err))
		return -1;
	return trailer(s, frame, size + 8, err);
}

/* ---- frames ---- */

static int decode(struct stream *s, ZSTD_outBuffer *out, struct img_err *err)
{
	size_t from = s->in.pos, had = out->pos;
	size_t left = ZSTD_decompressStream(s->ctx, out, &s->in);

	if (ZSTD_isError(left))
		return corrupt(left, err);
	XXH3_64bits_update(s->hash, (const char *)s->in.src + from, s->in.pos - from);
	s->stored += s->in.pos - from;
	s->content += out->pos - had;
	s->inside = left != 0;
	if (s->inside)
		return 0;
	return img_seek_table_note(&s->table, XXH3_64bits_digest(s->hash), s->stored, s->content, err);
}

static void frame_begin(struct stream *s)
{
	XXH3_64bits_reset(s->hash);
	s->stored = s->content = 0;
	s->inside = true;
}

/* What begins here: 1 a frame, 0 nothing more, -1. Skippable frames are gone through. */
static int next_frame(struct stream *s, ZSTD_outBuffer *out, struct img_err *err)
{
	for (;;) {
		unsigned char magic[4];
		ZSTD_inBuffer rest;
		int ret = fill(s, err);

		if (ret < 0)
			return -1;
		if (ret == 0) {
			s->ended = true;
			return s->promised && !s->closed
				       ? img_fail(err, IMG_CORRUPT,
						 "zstd: ends before its seek table: the end was cut off")
				       : 0;
		}
		if (s->closed)
			return img_fail(err, IMG_CORRUPT, "zstd: something behind its end");
		if (take(s, magic, sizeof(magic), err))
			return -1;
		if ((magic[0] & 0xf0) == 0x50 && magic[1] == 0x2a && magic[2] == 0x4d && magic[3] == 0x18) {
			if (skippable(s, magic, err))
				return -1;
			continue;
		}
		/* The decoder wants the magic, too. */
		frame_begin(s);
		rest = s->in;
		s->in = (ZSTD_inBuffer){ .src = magic, .size = sizeof(magic) };
		ret = decode(s, out, err);
		s->in = rest;
		return ret ? -1 : 1;
	}
}

static ssize_t stream_read(void *self, void *buf, size_t len, struct img_err *err)
{
	ZSTD_outBuffer out = { .dst = buf, .size = len };
	struct stream *s = self;

	while (len && !out.pos && !s->ended) {
		int ret = s->inside ? 1 : next_frame(s, &out, err);

		if (ret <= 0)
			return ret;
		ret = fill(s, err);
		if (ret < 0)
			return -1;
		/* Without input the decoder may still have content that it did not hand out. */
		if (s->inside && decode(s, &out, err))
			return -1;
		if (ret == 0 && s->inside && !out.pos)
			return img_fail(err, IMG_CORRUPT, "zstd: ends in the middle of a frame");
	}
	return out.pos;
}

static void stream_close(void *self)
{
	struct stream *s = self;

	img_source_close(s->from);
	img_seek_table_free(&s->table);
	ZSTD_freeDCtx(s->ctx);
	XXH3_freeState(s->hash);
	free(s->buf);
	free(s);
}

static const struct img_source_ops stream_ops = {
	.read = stream_read,
	.close = stream_close,
};

struct img_source *img_zstd_stream_new(struct img_source *from, struct img_err *err)
{
	struct stream *s = calloc(1, sizeof(*s));
	struct img_source *src = NULL;

	if (s) {
		s->room = ZSTD_DStreamInSize();
		s->buf = malloc(s->room);
		s->ctx = ZSTD_createDCtx();
		s->hash = XXH3_createState();
	}
	if (s && s->buf && s->ctx && s->hash)
		src = img_source_new(&stream_ops, s, err);
	else
		img_fail_nomem(err);
	if (src)
		s->from = from;
	else if (s)
		stream_close(s);
	return src;
}
