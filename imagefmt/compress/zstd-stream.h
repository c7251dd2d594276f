/* compress/zstd-stream.h -- zstd from front to end. */
#ifndef IMAGEFMT_COMPRESS_ZSTD_STREAM_H
#define IMAGEFMT_COMPRESS_ZSTD_STREAM_H

#include "criuimg/io.h"

/* Takes ownership of from on success. What we wrote is held against its digests and its table, which come last: the read that meets
 * the end fails where they are not there, or not true. */
struct img_source *img_zstd_stream_new(struct img_source *from, struct img_err *err);

#endif
