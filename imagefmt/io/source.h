/* io/source.h -- what sources inside the library need beside criuimg/io.h. */
#ifndef IMAGEFMT_IO_SOURCE_H
#define IMAGEFMT_IO_SOURCE_H

#include "criuimg/io.h"

/* Memory that is released with the source: release(owner). */
struct img_source *img_source_memory_owned(
	const void *data, size_t size, void (*release)(void *owner), void *owner, struct img_err *err);

/* The same bytes from front to end (not by position any more), read ahead by several threads where src can be read by position and is
 * large; else src itself. Owns src. Whoever forks closes it before. */
struct img_source *img_source_ahead(struct img_source *src);

#endif
