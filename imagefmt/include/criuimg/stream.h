/* criuimg/stream.h -- an archive that comes through a pipe, once, and is used as it comes.
 *
 * Of an archive in the order of its use (criuimg/set.h: what img_set_create_archive() writes) everything up to the first
 * page image is held in memory, as a set. Then the page images pass, one after the other, in the order of the archive;
 * whoever takes their bytes tells their digests. At the end the manifest says whether all of it is what was written. Memory
 * is that of the small images, however much passes.
 */
#ifndef CRIUIMG_STREAM_H
#define CRIUIMG_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "criuimg/digest.h"
#include "criuimg/err.h"
#include "criuimg/set.h"

#ifdef __cplusplus
extern "C" {
#endif

struct img_stream;

/* Begin to read at fd, a pipe, socket or file, plain or in zstd: up to the first page image. fd stays the caller's and must stay
 * open. NULL on failure. */
struct img_stream *img_stream_open(int fd, struct img_err *err);
/* The same from an image streamer that serves a set at sock (proto/img-streamer.proto; docs/format.md): images are asked for
 * when they are needed, page images by img_stream_ask() in place of img_stream_next(): 1, or 0 when there is none. Of these the
 * size is not known: they are read until 0. Processes that are copies of each other may use the set at the same time. */
struct img_stream *img_stream_served(int sock, struct img_err *err);
int img_stream_ask(struct img_stream *s, uint32_t pages_id, struct img_err *err);
/* Is it in the order of use? If not, nothing of it was taken yet that img_stream_spool() cannot give back, and that is all
 * that can be done with it. */
bool img_stream_ordered(const struct img_stream *s);
/* What came before the first page image. It is the stream's, and closed with it. img_pages_open() takes its page maps;
 * where their data is to come img_pages_locate() says IMG_PAGES_PASS. */
struct img_set *img_stream_set(struct img_stream *s);

/* Where the set's parent was when it was written, as its link says: a path relative to the place of the archive; NULL: it has
 * none, or none that is told so. */
const char *img_stream_parent(const struct img_stream *s);

/* The next page image: 1, with its number and size; 0: all have passed, and the archive came to its end; -1. What was left
 * of the one before is an error. */
int img_stream_next(struct img_stream *s, uint32_t *pages_id, uint64_t *size, struct img_err *err);
/* Bytes of it, at least one; 0 at its end. */
ssize_t img_stream_read(struct img_stream *s, void *buf, size_t len, struct img_err *err);
/* The same into a pipe, without a copy where the kernel can do that. */
ssize_t img_stream_move(struct img_stream *s, int pipe, size_t len, struct img_err *err);
/* The digest of the page image, whoever worked it out: before img_stream_verify(). */
int img_stream_digest(struct img_stream *s, uint32_t pages_id, const unsigned char digest[IMG_DIGEST_SIZE],
	struct img_err *err);

/* All has passed: hold it against the manifest, which is in the set now: 1; 0: the archive has no manifest (v1.1); -1. */
int img_stream_verify(struct img_stream *s, struct img_err *err);

/* Archives may follow each other: a set behind those it was made on. At the end of one: 1 when another one has begun, in place
 * of it: its set is another; 0; -1. */
int img_stream_another(struct img_stream *s, struct img_err *err);

/* In place of all that: everything, to its end, as an archive in a file without a name, below $TMPDIR. Verified, if it has a
 * manifest. A descriptor for img_set_open_archive(), FD_CLOEXEC, or -1. */
int img_stream_spool(struct img_stream *s, struct img_err *err);

/* fd has a new number. */
void img_stream_moved(struct img_stream *s, int fd);
void img_stream_close(struct img_stream *s); /* NULL is fine */

#ifdef __cplusplus
}
#endif
#endif
