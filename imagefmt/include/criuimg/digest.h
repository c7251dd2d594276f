/* criuimg/digest.h -- the digest of a member of a set, as its manifest has it (docs/format.md, "The manifest").
 *
 * XXH3-128 (canonical, that is big-endian) of the bytes, or, of more than IMG_DIGEST_BLOCK of them, of the digests of the blocks of
 * that size (the last one may be shorter), one after the other. So blocks can be digested in any order and by several threads.
 * It guards against what happens to files by accident; it is no signature.
 */
#ifndef CRIUIMG_DIGEST_H
#define CRIUIMG_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "criuimg/err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IMG_DIGEST_SIZE	 16
#define IMG_DIGEST_BLOCK ((size_t)1 << 20)

/* The digest of one block that is in memory as a whole. */
void img_digest_block(const void *data, size_t len, unsigned char digest[IMG_DIGEST_SIZE]);

/* The digest of bytes that come piece by piece, from the first on; also of one block. Not safe between threads. */
struct img_digest;

struct img_digest *img_digest_new(struct img_err *err);
/* Start again. */
void img_digest_reset(struct img_digest *d);
/* The next bytes. */
int img_digest_update(struct img_digest *d, const void *data, size_t len, struct img_err *err);
/* The next len bytes cannot be seen here. Blocks they are in have no digest unless img_digest_give() tells it. */
int img_digest_pass(struct img_digest *d, uint64_t len, struct img_err *err);
/* The digest of block number `block`, worked out elsewhere; before or after it passes. */
int img_digest_give(struct img_digest *d, uint64_t block, const unsigned char digest[IMG_DIGEST_SIZE], struct img_err *err);
/* The digest of all that passed; false when a block's is missing. Then only img_digest_reset() and img_digest_free(). */
bool img_digest_final(struct img_digest *d, unsigned char digest[IMG_DIGEST_SIZE]);
void img_digest_free(struct img_digest *d); /* NULL is fine */

#ifdef __cplusplus
}
#endif
#endif
