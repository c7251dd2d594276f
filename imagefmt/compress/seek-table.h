/* compress/seek-table.h -- the table that closes a seekable zstd file: where each frame starts. */
#ifndef IMAGEFMT_COMPRESS_SEEK_TABLE_H
#define IMAGEFMT_COMPRESS_SEEK_TABLE_H

#include <stdbool.h>

#include "criuimg/io.h"

struct img_frame_at {
	uint64_t stored;  /* offset of the frame in the file */
	uint64_t content; /* offset of what is in it */
	uint64_t digest;  /* XXH3-64 of the frame as stored, where the table has digests */
};

struct img_seek_table {
	struct img_frame_at *frames; /* nr, and one more for the ends */
	size_t nr, room;
	bool digested;
};

/* Append a frame, digested. */
int img_seek_table_add(struct img_seek_table *table, const void *frame, uint32_t stored, uint32_t content,
	struct img_err *err);
/* Is this what frame i was when it was written? True too where nothing says so. */
bool img_seek_table_check(const struct img_seek_table *table, size_t i, const void *frame);
/* The same of a frame whose digest is known. */
int img_seek_table_note(struct img_seek_table *table, uint64_t digest, uint64_t stored, uint64_t content, struct img_err *err);
/* The first two frames of a file: one without content, and the promise that a table will come. */
int img_seek_table_lead(struct img_seek_table *table, struct img_sink *sink, struct img_err *err);
/* And the digests. */
int img_seek_table_write(struct img_seek_table *table, struct img_sink *sink, struct img_err *err);
/* From the end of src: 1; 0 when it has none; -1 when it has one that is not true. */
int img_seek_table_read(struct img_seek_table *table, struct img_source *src, struct img_err *err);
/* The frame that has the byte at `content`; nr when it is behind the end. */
size_t img_seek_table_find(const struct img_seek_table *table, uint64_t content);
/* For who reads from front to end: what a skippable frame (with its header) is, and whether it says of the frames before it what
 * was seen of them. */
enum img_skippable { IMG_SKIPPABLE_OTHER, IMG_SKIPPABLE_PROMISE, IMG_SKIPPABLE_DIGESTS, IMG_SKIPPABLE_TABLE };
enum img_skippable img_skippable_is(const unsigned char *frame, size_t size);
bool img_seek_table_same_digests(const struct img_seek_table *table, const unsigned char *frame, size_t size);
bool img_seek_table_same(const struct img_seek_table *table, const unsigned char *frame, size_t size);
void img_seek_table_free(struct img_seek_table *table);

#endif
