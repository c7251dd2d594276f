/* criuimg/compress.h -- zstd between a source or a sink and its bytes (docs/format.md, "Compression").
 *
 * What is written is plain zstd: frames of bounded size, each with its content's checksum and size, compressed by several
 * threads, closed by the seek table of zstd's seekable format. `zstd -d` takes it; a reader that can read by position
 * decompresses only the frames it needs. Same bytes and options in, same bytes out, whatever the number of threads.
 */
#ifndef CRIUIMG_COMPRESS_H
#define CRIUIMG_COMPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "criuimg/err.h"
#include "criuimg/io.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IMG_ZSTD_LEVEL_MIN   1
#define IMG_ZSTD_LEVEL_MAX   19
#define IMG_ZSTD_THREADS_MAX 64
#define IMG_ZSTD_FRAME	     ((size_t)1 << 20) /* bytes of content in a frame */
#define IMG_ZSTD_FRAME_LONG                                                                                  \
	((size_t)32 << 20) /* in long mode: what repeats at a distance is found within a frame */
#define IMG_ZSTD_FRAME_LIMIT ((size_t)128 << 20) /* the largest frame that is read by position */

struct img_zstd_options {
	int level;	      /* 1 to 19; 0: 1 */
	unsigned int threads; /* 0: as many as the process may use processors */
	bool long_mode;	      /* better where pages repeat; a reader of one page decompresses 32 MiB then */
};

/* Bytes that go to `to`, compressed. Takes ownership of `to` on success; finishing this one finishes it. opt NULL: all 0.
 * Memory: about twice a frame for each thread. */
struct img_sink *img_zstd_sink_new(
	struct img_sink *to, const struct img_zstd_options *opt, struct img_err *err);

/* The content of zstd bytes, of whoever. Takes ownership of `from` on success. Where `from` can be read by position and
 * ends in a seek table, so can this, by several threads at once, and its size is known; else it comes from front to end.
 * IMG_CORRUPT for what does not decompress, ends early or has a seek table that is not true. */
struct img_source *img_zstd_source_new(struct img_source *from, struct img_err *err);

/* Do these first bytes of a file (4 are enough) begin a zstd frame? */
bool img_zstd_magic(const void *data, size_t len);

#ifdef __cplusplus
}
#endif
#endif
