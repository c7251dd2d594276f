/* compress/seek-table.c -- the table that closes a seekable zstd file, as "Zstandard Seekable Format" 0.1.0 describes it:
 *
 *	u32 magic of a skippable frame, u32 size of the rest
 *	per frame: u32 stored size, u32 content size [, u32 checksum]
 *	u32 number of frames, u8 descriptor (bit 7: with checksums, bits 6-2: 0), u32 magic of the format
 *
 * We write no checksums there: each frame has one of its own, of its content. Some bits of a frame mean nothing to a
 * decoder, and a damaged one may go unnoticed; so in front of the table is another skippable frame (the last one that the
 * table lists, without content) with a digest of each frame as it is stored:
 *
 *	u32 magic of a skippable frame, u32 size of the rest
 *	8 bytes "criuimgD"
 *	per frame: u64 XXH3-64 of its stored bytes
 *
 * A file that was cut in front of these looks as one that never had them. So a file begins with a frame of no content (its
 * first bytes are those of any zstd file) and a skippable frame that promises them:
 *
 *	u32 magic of a skippable frame, u32 8
 *	8 bytes "criuimgS"
 */

#include "compress/seek-table.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/compress.h"

#define SKIPPABLE_MAGIC 0x184D2A5Eu
#define SEEKABLE_MAGIC	0x8F92EAB1u
#define DIGEST_MAGIC	0x184D2A5Du
#define DIGEST_TAG	"criuimgD"
#define PROMISE_TAG	"criuimgS"
#define TAG_SIZE	8
#define HEADER_SIZE	8
#define FOOTER_SIZE	9
#define WITH_CHECKSUMS	0x80
#define RESERVED	0x7f /* the lowest two are for others to use: we know of none that does */

static void put32(unsigned char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = v >> (8 * i);
}

static uint32_t get32(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put64(unsigned char *p, uint64_t v)
{
	put32(p, v);
	put32(p + 4, v >> 32);
}

static uint64_t get64(const unsigned char *p)
{
	return get32(p) | (uint64_t)get32(p + 4) << 32;
}

/* frames[nr] is there from the first on: the ends. */
static int add(struct img_seek_table *table, uint32_t stored, uint32_t content, struct img_err *err)
{
	struct img_frame_at *end;

	if (!table->frames && !img_array_more(&table->frames, 0, &table->room))
		return img_fail_nomem(err);
	if (!img_array_more(&table->frames, table->nr + 1, &table->room))
		return img_fail_nomem(err);
	end = &table->frames[++table->nr];
	end->stored = end[-1].stored + stored;
	end->content = end[-1].content + content;
	return 0;
}

int img_seek_table_note(struct img_seek_table *table, uint64_t digest, uint64_t stored, uint64_t content, struct img_err *err)
{
	/* No frame of a table is larger; one that is never compares equal. */
	if (add(table, stored > UINT32_MAX ? UINT32_MAX : stored, content > UINT32_MAX ? UINT32_MAX : content, err))
		return -1;
	table->frames[table->nr - 1].digest = digest;
	return 0;
}

int img_seek_table_add(struct img_seek_table *table, const void *frame, uint32_t stored, uint32_t content,
	struct img_err *err)
{
	if (add(table, stored, content, err))
		return -1;
	table->frames[table->nr - 1].digest = XXH3_64bits(frame, stored);
	return 0;
}

bool img_seek_table_check(const struct img_seek_table *table, size_t i, const void *frame)
{
	const struct img_frame_at *f = &table->frames[i];

	return !table->digested || XXH3_64bits(frame, f[1].stored - f->stored) == f->digest;
}

/* What zstd makes of nothing: single segment, with the checksum; one raw block of no bytes, the last. */
static const unsigned char empty_frame[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x24, 0, 1, 0, 0, 0x99, 0xe9, 0xd8, 0x51 };

int img_seek_table_lead(struct img_seek_table *table, struct img_sink *sink, struct img_err *err)
{
	unsigned char promise[HEADER_SIZE + TAG_SIZE];

	put32(promise, DIGEST_MAGIC);
	put32(promise + 4, TAG_SIZE);
	memcpy(promise + HEADER_SIZE, PROMISE_TAG, TAG_SIZE);
	if (img_seek_table_add(table, empty_frame, sizeof(empty_frame), 0, err) ||
		img_seek_table_add(table, promise, sizeof(promise), 0, err))
		return -1;
	return img_sink_write(sink, empty_frame, sizeof(empty_frame), err) ||
			       img_sink_write(sink, promise, sizeof(promise), err)
		       ? -1
		       : 0;
}

static int digests_write(struct img_seek_table *table, struct img_sink *sink, struct img_err *err)
{
	uint32_t size = TAG_SIZE + table->nr * 8;
	unsigned char buf[8];

	put32(buf, DIGEST_MAGIC);
	put32(buf + 4, size);
	if (img_sink_write(sink, buf, HEADER_SIZE, err) || img_sink_write(sink, DIGEST_TAG, TAG_SIZE, err))
		return -1;
	for (size_t i = 0; i < table->nr; i++) {
		put64(buf, table->frames[i].digest);
		if (img_sink_write(sink, buf, 8, err))
			return -1;
	}
	return add(table, HEADER_SIZE + size, 0, err);
}

int img_seek_table_write(struct img_seek_table *table, struct img_sink *sink, struct img_err *err)
{
	unsigned char buf[FOOTER_SIZE];
	uint64_t size = ((uint64_t)table->nr + 1) * 8 + FOOTER_SIZE;

	if (size > UINT32_MAX)
		return img_fail(
			err, IMG_UNSUPPORTED, "%zu frames are more than a seek table holds", table->nr);
	if (digests_write(table, sink, err))
		return -1;
	put32(buf, SKIPPABLE_MAGIC);
	put32(buf + 4, size);
	if (img_sink_write(sink, buf, HEADER_SIZE, err))
		return -1;
	for (size_t i = 0; i < table->nr; i++) {
		const struct img_frame_at *f = &table->frames[i];

		put32(buf, f[1].stored - f->stored);
		put32(buf + 4, f[1].content - f->content);
		if (img_sink_write(sink, buf, 8, err))
			return -1;
	}
	put32(buf, table->nr);
	buf[4] = 0;
	put32(buf + 5, SEEKABLE_MAGIC);
	return img_sink_write(sink, buf, FOOTER_SIZE, err);
}

/* Nobody reads the frames of no content that a file begins with: here they are looked at. */
static int lead_check(const struct img_seek_table *table, struct img_source *src, struct img_err *err)
{
	for (size_t i = 0; i < 2 && i < table->nr; i++) {
		const struct img_frame_at *f = &table->frames[i];
		unsigned char frame[64];
		size_t size = f[1].stored - f->stored;
		ssize_t n;

		if (f[1].content != f->content || size > sizeof(frame))
			break;
		n = img_source_pread(src, frame, size, f->stored, err);
		if (n < 0)
			return -1;
		if ((size_t)n != size || !img_seek_table_check(table, i, frame))
			return img_fail(err, IMG_CORRUPT, "zstd: frame %zu is not what was written: its digest differs", i);
	}
	return 0;
}

/* What has the shape of a frame of digests is one. */
static int digests_read(struct img_seek_table *table, struct img_source *src, struct img_err *err)
{
	cleanup_free unsigned char *all = NULL;
	const struct img_frame_at *last;
	uint64_t size;
	bool empty, tagged;
	size_t nr;
	ssize_t n;

	if (!table->nr)
		return 0;
	nr = table->nr - 1;
	last = &table->frames[nr];
	size = last[1].stored - last->stored;
	if (size != HEADER_SIZE + TAG_SIZE + (uint64_t)nr * 8)
		return 0;
	all = malloc(size);
	if (!all)
		return img_fail_nomem(err);
	n = img_source_pread(src, all, size, last->stored, err);
	if (n < 0)
		return -1;
	empty = last[1].content == last->content;
	tagged = (uint64_t)n == size && get32(all) == DIGEST_MAGIC && get32(all + 4) == size - HEADER_SIZE &&
		 !memcmp(all + HEADER_SIZE, DIGEST_TAG, TAG_SIZE);
	if (!empty && !tagged)
		return 0;
	if (!empty || !tagged)
		return img_fail(err, IMG_CORRUPT, "seek table: the digests in front of it are damaged");
	for (size_t i = 0; i < nr; i++)
		table->frames[i].digest = get64(all + HEADER_SIZE + TAG_SIZE + i * 8);
	table->digested = true;
	/* Nothing else reads it. */
	table->nr = nr;
	return lead_check(table, src, err);
}

static int entries_take(
	struct img_seek_table *table, const unsigned char *p, uint32_t nr, size_t each, struct img_err *err)
{
	for (uint32_t i = 0; i < nr; i++, p += each) {
		uint32_t stored = get32(p), content = get32(p + 4);

		if (content > IMG_ZSTD_FRAME_LIMIT || !stored)
			return img_fail(err, IMG_UNSUPPORTED, "seek table: frame %u of %u bytes, %u stored",
				i, content, stored);
		if (add(table, stored, content, err))
			return -1;
	}
	/* A file of no content has a table all the same. */
	if (!nr && !img_array_more(&table->frames, 0, &table->room))
		return img_fail_nomem(err);
	return 0;
}

int img_seek_table_read(struct img_seek_table *table, struct img_source *src, struct img_err *err)
{
	cleanup_free unsigned char *all = NULL;
	unsigned char foot[FOOTER_SIZE], head[HEADER_SIZE];
	int64_t size = img_source_size(src);
	uint64_t table_size;
	ssize_t n;
	size_t each;
	uint32_t nr;

	if (!img_source_can_pread(src) || size < HEADER_SIZE + FOOTER_SIZE)
		return 0;
	n = img_source_pread(src, foot, sizeof(foot), size - FOOTER_SIZE, err);
	if (n < 0)
		return -1;
	if (n != FOOTER_SIZE)
		return 0;
	nr = get32(foot);
	each = foot[4] & WITH_CHECKSUMS ? 12 : 8;
	table_size = HEADER_SIZE + (uint64_t)nr * each + FOOTER_SIZE;
	if (get32(foot + 5) != SEEKABLE_MAGIC) {
		/* No table; or one whose last bytes are damaged, if it starts where it would. */
		if (table_size > (uint64_t)size ||
			img_source_pread(src, head, HEADER_SIZE, size - table_size, err) != HEADER_SIZE ||
			get32(head) != SKIPPABLE_MAGIC || get32(head + 4) != table_size - HEADER_SIZE)
			return 0;
		return img_fail(err, IMG_CORRUPT, "seek table: its last bytes are damaged");
	}
	if ((foot[4] & RESERVED) || table_size > (uint64_t)size)
		return img_fail(err, IMG_CORRUPT, "seek table: %u frames do not fit into %lld bytes", nr,
			(long long)size);
	all = malloc(table_size);
	if (!all)
		return img_fail_nomem(err);
	n = img_source_pread(src, all, table_size, size - table_size, err);
	if (n < 0)
		return -1;
	if ((uint64_t)n != table_size || get32(all) != SKIPPABLE_MAGIC ||
		get32(all + 4) != table_size - HEADER_SIZE)
		return img_fail(err, IMG_CORRUPT, "seek table: not where its end says");
	if (entries_take(table, all + HEADER_SIZE, nr, each, err))
		return -1;
	if (table->frames[nr].stored != size - table_size)
		return img_fail(err, IMG_CORRUPT, "seek table: frames of %llu bytes, there are %llu",
			(unsigned long long)table->frames[nr].stored,
			(unsigned long long)(size - table_size));
	return digests_read(table, src, err) ? -1 : 1;
}

/* ---- for who reads from front to end ---- */

enum img_skippable img_skippable_is(const unsigned char *frame, size_t size)
{
	bool tag = size >= HEADER_SIZE + TAG_SIZE && get32(frame) == DIGEST_MAGIC;

	if (tag && !memcmp(frame + HEADER_SIZE, PROMISE_TAG, TAG_SIZE))
		return IMG_SKIPPABLE_PROMISE;
	if (tag && !memcmp(frame + HEADER_SIZE, DIGEST_TAG, TAG_SIZE))
		return IMG_SKIPPABLE_DIGESTS;
	return size >= HEADER_SIZE + FOOTER_SIZE && get32(frame) == SKIPPABLE_MAGIC &&
			       get32(frame + size - 4) == SEEKABLE_MAGIC
		       ? IMG_SKIPPABLE_TABLE
		       : IMG_SKIPPABLE_OTHER;
}

bool img_seek_table_same_digests(const struct img_seek_table *table, const unsigned char *frame, size_t size)
{
	if (size != HEADER_SIZE + TAG_SIZE + (uint64_t)table->nr * 8)
		return false;
	for (size_t i = 0; i < table->nr; i++)
		if (get64(frame + HEADER_SIZE + TAG_SIZE + i * 8) != table->frames[i].digest)
			return false;
	return true;
}

bool img_seek_table_same(const struct img_seek_table *table, const unsigned char *frame, size_t size)
{
	const unsigned char *foot = frame + size - FOOTER_SIZE;
	size_t each = foot[4] & WITH_CHECKSUMS ? 12 : 8;

	if ((foot[4] & RESERVED) || get32(foot) != table->nr ||
		size != HEADER_SIZE + (uint64_t)table->nr * each + FOOTER_SIZE)
		return false;
	for (size_t i = 0; i < table->nr; i++) {
		const struct img_frame_at *f = &table->frames[i];
		const unsigned char *p = frame + HEADER_SIZE + i * each;

		if (get32(p) != f[1].stored - f->stored || get32(p + 4) != f[1].content - f->content)
			return false;
	}
	return true;
}

size_t img_seek_table_find(const struct img_seek_table *table, uint64_t content)
{
	size_t lo = 0, hi = table->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (table->frames[mid + 1].content <= content)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void img_seek_table_free(struct img_seek_table *table)
{
	free(table->frames);
	*table = (struct img_seek_table){ 0 };
}
