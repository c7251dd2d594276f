/* store/digest-source.h -- the digest of all bytes of a source. */
#ifndef IMAGEFMT_STORE_DIGEST_SOURCE_H
#define IMAGEFMT_STORE_DIGEST_SOURCE_H

#include "criuimg/digest.h"
#include "criuimg/io.h"

/* From where src is to its end: their number and digest. By several threads where src is large and can be read by position (then it must be at
 * its start). */
int img_source_digest(struct img_source *src, uint64_t *size, unsigned char digest[IMG_DIGEST_SIZE], struct img_err *err);

#endif
