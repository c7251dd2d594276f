/* criuimg/pages.h -- memory in images: a page map and its page data, read through parents.
 *
 * All addresses and lengths are bytes and multiples of IMG_PAGE. A page map (kind IMG_PAGEMAP of a task's pid, or
 * IMG_SHMEM_PAGEMAP of a shared segment's id) lists runs of pages in ascending order; a run is present (its data is next
 * in pages-N.img), in the parent set, or lazy. Addresses not listed are zero pages.
 */
#ifndef CRIUIMG_PAGES_H
#define CRIUIMG_PAGES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "criuimg/err.h"
#include "criuimg/image.h"
#include "criuimg/set.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IMG_PAGE 4096u

/* Flags of a run; the same bits as pagemap_entry.flags on the wire. */
enum img_run_flags {
	IMG_RUN_PARENT = 1,
	IMG_RUN_LAZY = 2,
	IMG_RUN_PRESENT = 4,
};

struct img_run {
	uint64_t addr;	   /* for a shared segment: offset in it */
	uint64_t nr_pages;
	uint32_t flags;	   /* old images' in_parent is shown as IMG_RUN_PARENT */
	uint64_t data_off; /* present: byte offset of the first page in the page data of this set */
};

/* ---- writing ---- */

struct img_pages_writer;

/* Runs and their data are two streams: img_pages_run() may be called in one thread and the calls about data in another.
 *
 * Where page data goes: one pages-N.img can serve several page maps one after the other; each map gets an image of its
 * own here (N is chosen by the set, counted from 1, and recorded in the map's head). */
struct img_pages_writer *img_pages_create(struct img_set *set, enum img_kind kind, uint64_t id, struct img_err *err);
/* In two passes (img_set_pages_pass()): all calls are made twice, but those about data only when this is true: in the
 * first pass there is a map and no data, in the second one the runs must be those of the first, and the data is written. */
bool img_pages_wants_data(const struct img_pages_writer *w);
/* Append a run. Runs ascend and do not overlap. flags: PRESENT or PARENT or LAZY, LAZY also with one of the others. A run that continues the one before with the same flags is merged. */
int img_pages_run(struct img_pages_writer *w, uint64_t addr, uint64_t nr_pages, uint32_t flags, struct img_err *err);
/* Append data of present runs, in the order of the runs; the total must match when finished. Several buffers at once. */
int img_pages_data(struct img_pages_writer *w, const struct iovec *iov, int nr, struct img_err *err);
/* For writers that move bytes themselves (splice, io_uring, several threads with pwrite): the descriptor of the page
 * data, or -1 (IMG_UNSUPPORTED) when it is not a plain file; *offset is where the next byte belongs. After moving len bytes there, say so. */
int img_pages_data_fd(struct img_pages_writer *w, uint64_t *offset, struct img_err *err);
int img_pages_data_moved(struct img_pages_writer *w, uint64_t len, struct img_err *err);
/* Data that was moved is not digested here, and the manifest then has no digest for all of it, unless the mover tells the
 * digest of each block of IMG_DIGEST_BLOCK bytes of the page data (criuimg/digest.h; the last one is shorter) that is not
 * wholly from img_pages_data(): in any order, before or after saying that it was moved. */
int img_pages_block_digest(
	struct img_pages_writer *w, uint64_t block, const unsigned char digest[IMG_DIGEST_SIZE], struct img_err *err);
uint64_t img_pages_written(const struct img_pages_writer *w); /* pages present so far */
/* N of pages-N.img. */
uint32_t img_pages_id(const struct img_pages_writer *w);
int img_pages_finish(struct img_pages_writer *w, struct img_err *err);
void img_pages_abort(struct img_pages_writer *w);

/* ---- reading ---- */

struct img_pages_reader;

/* 1 with *r_out, 0 when the set has no such page map, -1. Opens the parents too where the map needs them. */
int img_pages_open(struct img_set *set, enum img_kind kind, uint64_t id, struct img_pages_reader **r_out, struct img_err *err);
/* The runs of this set's map, in order. The array is the reader's. */
const struct img_run *img_pages_runs(const struct img_pages_reader *r, size_t *nr);
/* The first run that ends after addr, as an index (nr if there is none). O(log n). */
size_t img_pages_find(const struct img_pages_reader *r, uint64_t addr);
/* Which page image of this set has the data of this map, and how many bytes of it the runs claim. */
void img_pages_data_of(const struct img_pages_reader *r, uint32_t *pages_id, uint64_t *bytes);
/* Read nr pages of [addr, ...) into buf, whatever holds them: this set, a parent, compressed or not. Pages that are in no
 * run come as zeros. Pages that are only lazy fail IMG_UNSUPPORTED; pages that a set has from its parent and the parent has
 * not, IMG_CORRUPT. May be called from several threads at once. */
int img_pages_read(struct img_pages_reader *r, uint64_t addr, uint64_t nr_pages, void *buf, struct img_err *err);
/* For readers that move bytes themselves: the file and the byte offset where the data of [addr, ...) is, and for how many
 * pages (at most max) it goes on there. Follows parents. 1; 0 when not a plain file or not stored (use img_pages_read();
 * *nr_pages still says for how many pages that is so); IMG_PAGES_PASS when the page image comes in a stream (criuimg/stream.h):
 * *offset is in it, and img_pages_read() fails; -1 as img_pages_read(). */
#define IMG_PAGES_PASS 2
int img_pages_locate(struct img_pages_reader *r, uint64_t addr, uint64_t max, int *fd, uint64_t *offset, uint64_t *nr_pages,
	struct img_err *err);
void img_pages_close(struct img_pages_reader *r); /* NULL is fine */

#ifdef __cplusplus
}
#endif
#endif
