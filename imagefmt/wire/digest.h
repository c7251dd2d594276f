/* wire/digest.h -- the digest of a member while its bytes pass by (criuimg/set.h says what it is). */
#ifndef IMAGEFMT_WIRE_DIGEST_H
#define IMAGEFMT_WIRE_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "criuimg/err.h"
#include "criuimg/set.h"

struct img_digest;

struct img_digest *img_digest_new(struct img_err *err);
/* The next bytes. */
int img_digest_update(struct img_digest *d, const void *data, size_t len, struct img_err *err);
/* The next len bytes cannot be seen here. Blocks they are in have no digest unless img_digest_give() tells it. */
int img_digest_pass(struct img_digest *d, uint64_t len, struct img_err *err);
int img_digest_give(struct img_digest *d, uint64_t block, const unsigned char *digest, struct img_err *err);
/* The digest of all that passed; false when a block's is missing. Ends the use of d but for img_digest_free(). */
bool img_digest_final(struct img_digest *d, unsigned char digest[IMG_DIGEST_SIZE]);
void img_digest_free(struct img_digest *d); /* NULL is fine */

#endif
