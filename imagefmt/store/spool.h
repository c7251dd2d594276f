/* store/spool.h -- bytes that have to wait, or to be read by position where they came in a stream.
 *
 * Small ones wait in memory; the rest in one file without a name, which goes with the last of them, however the program
 * ends. Any number of them can be written at the same time, each by its own thread.
 */
#ifndef IMAGEFMT_STORE_SPOOL_H
#define IMAGEFMT_STORE_SPOOL_H

#include "criuimg/io.h"

struct img_spool;
struct img_spooled; /* some bytes of it */

/* dirfd: where the file without a name is to be, kept open; -1: $TMPDIR or /var/tmp. Made when it is needed. */
struct img_spool *img_spool_new(int dirfd, struct img_err *err);
void img_spool_put(struct img_spool *spool); /* NULL is fine; what is spooled stays until it is put, too */

struct img_spooled *img_spooled_new(struct img_spool *spool, struct img_err *err);
void img_spooled_put(struct img_spooled *s); /* NULL is fine */
int img_spooled_write(struct img_spooled *s, const void *buf, size_t len, struct img_err *err);
/* No more comes. */
int img_spooled_end(struct img_spooled *s, struct img_err *err);
uint64_t img_spooled_size(const struct img_spooled *s);
/* After the end; by position too, by several threads. The bytes live as long as the last source. */
struct img_source *img_spooled_source(struct img_spooled *s, struct img_err *err);
/* All that is left of src, to be read by position. src is closed on success. */
struct img_source *img_spool_all(struct img_source *src, struct img_err *err);

#endif
