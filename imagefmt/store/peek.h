/* store/peek.h -- the first bytes of a stream, seen before they are read. */
#ifndef IMAGEFMT_STORE_PEEK_H
#define IMAGEFMT_STORE_PEEK_H

#include "criuimg/io.h"

#define PEEK_SIZE 512

/* Up to PEEK_SIZE first bytes of src, *len of them, and a source that starts with them. Takes ownership of src on success. */
struct img_source *img_peek(struct img_source *src, unsigned char first[PEEK_SIZE], size_t *len, struct img_err *err);

#endif
