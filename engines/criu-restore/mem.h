/* criu-restore/mem.h -- memory of a tree: how it comes back, in the order of the moments of restore.h.
 *
 *	plan		every record of a mapping is checked; shared segments are listed (mm/, shmem/)
 *	start		the front makes the segments and reads their content; all tasks inherit the descriptors
 *	before fork	private memory that has content is mapped into the scratch and filled (pages/). The
 *			children inherit it: a child looks for its own mappings among what it inherited,
 *			compares instead of copying, and drops the rest. So pages that parent and child
 *			share stay shared.
 *	after fork	the list for the blob: what to move from the scratch, what to map afresh (vma/)
 *	tape		what the list has no place for: guard regions, seals
 */
#ifndef CRIU_RESTORE_MEM_H
#define CRIU_RESTORE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "criu-restore/restore.h"
#include "criuimg/pages.h"
#include "criuimg/vma.h"
#include "kernel/raw-thread.h"
#include "memfd.pb-c.h"

struct restore_tape;
struct restore_pieces;

/* While records are read: the mappings of old images, which have an image of their own, become part of
 * t->mm. */
int restore_mem_records(struct restore *r, struct restore_task *t, struct img_err *err);

int restore_mem_plan(struct restore *r, struct img_err *err);
int restore_mem_start(struct restore *r, struct img_err *err);
int restore_mem_premap(struct restore *r, struct restore_task *t, struct img_err *err);
/* Front, resume: all mappings are in place. */
int restore_mem_resume(struct restore *r, struct img_err *err);
int restore_mem_rest(struct restore *r, struct restore_task *t, struct img_err *err);
int restore_mem_tape(
	struct restore *r, struct restore_task *t, struct restore_tape *tape, struct img_err *err);
void restore_mem_free(struct restore *r);

/* ---- for the rooms of mem/, and memfds ---- */

/* Shared anonymous memory. The front makes each once. */
struct restore_segment {
	uint64_t shmid;
	uint64_t size;	/* bytes: as far as any mapping reaches */
	uint32_t flags; /* IMG_MAP_HUGETLB with the size, IMG_MAP_NORESERVE */
	int fd;		/* open in the front, and so in all tasks; -1 before "start" */
};

/* A private mapping that lies in the scratch of this process: filled here or by the one who made this
 * process. */
struct restore_premapped {
	VmaEntry is; /* the record it was made for, of whoever it was: no pointer in it is used */
	uint64_t at; /* where is.start lies */
};

/* The file of a memfd (a record of memfd.img). The front makes it too. */
struct restore_memfd {
	MemfdInodeEntry *rec;
	int fd;		   /* open in the front, and so in all tasks; -1 before "start" */
	uint32_t first_id; /* in files.img: of the description that it was made with; 0: none has that */
};

struct restore_mem {
	struct restore_segment *segments; /* ascending by shmid */
	size_t nr_segments, room_segments;
	struct restore_memfd *memfds;
	size_t nr_memfds, room_memfds;
	bool memfds_read;
	struct restore_premapped *here; /* ascending by is.start */
	size_t nr_here, room_here;
	int *worker_tids; /* numbers that no task of the image has: for threads of our own */
	size_t nr_worker_tids;
};

/* r->mem, made when first asked for. */
struct restore_mem *restore_mem_get(struct restore *r, struct img_err *err);

/* Read memfd.img, if that was not done yet. */
int restore_memfds_read(struct restore *r, struct img_err *err);
struct restore_memfd *restore_memfd_find(const struct restore *r, uint32_t inode_id);
int restore_memfds_start(struct restore *r, struct img_err *err);
/* A descriptor of memfd inode_id, FD_CLOEXEC: of the description it was made with (first), or of a new one.
 * From "start" on. */
int restore_memfd_open(
	struct restore *r, uint32_t inode_id, int flags, bool first, int *fd, struct img_err *err);
int restore_memfds_seal(struct restore *r, struct img_err *err);

struct restore_segment *restore_segment_find(const struct restore *r, uint64_t shmid);
int restore_shmem_plan(struct restore *r, struct img_err *err);
int restore_shmem_start(struct restore *r, struct img_err *err);
/* New shared memory of the kind that mmap(MAP_SHARED | MAP_ANONYMOUS | flags) makes, as a descriptor
 * (O_RDWR, FD_CLOEXEC). */
int restore_anon_shmem(uint64_t size, uint32_t flags, int *fd, struct img_err *err);
/* Put the content of segment shmid into fd, a file of shared memory of that size; before it is sealed. No
 * content in the set is fine: it stays empty. */
/* The same into a mapping of it that the caller has. */
int restore_shmem_fill_at(struct restore *r, uint64_t shmid, void *at, uint64_t size, struct img_err *err);
int restore_shmem_fill(struct restore *r, uint64_t shmid, int fd, uint64_t size, struct img_err *err);

/* Map and fill the private mappings of a task; what was inherited and is not the task's goes. */
int restore_pages_premap(struct restore *r, struct restore_task *t, struct img_err *err);
/* Could pages of a lie in the place of b's, were they inherited? */
bool restore_same_kind(const VmaEntry *a, const VmaEntry *b);
/* Where the private mapping that starts there lies in the scratch of this process, or 0. */
uint64_t restore_premapped_at(const struct restore *r, uint64_t start);
/* For a mapping that was inherited from another task and lies at `at`: make its pages what the page map
 * says. Pages that were not there are added to pieces. */
int restore_cow_update(struct restore *r, struct img_pages_reader *pages, const VmaEntry *e, uint64_t at,
	struct restore_pieces *pieces, struct img_err *err);

/* Data to read: from fd at offset to memory. */
enum {
	RESTORE_PIECE_PASSES = -1,   /* fd: it comes in a stream (stream.h); offset is in the page image */
	RESTORE_PIECE_COMPARED = -2, /* the same, and others have the page, too: only what differs is written */
	RESTORE_PIECE_PACKED = -3,   /* it is compressed: `pages` has it, and offset is the address there */
};
struct restore_piece {
	int fd;
	uint64_t offset;
	struct img_pages_reader *pages;
	void *to;
	size_t len;
};
struct restore_pieces {
	struct restore_piece *items;
	size_t nr, room;
};
/* nr_pages pages of the page map from addr on, to memory: as pieces, which are good for as long as pages is open. */
int restore_add_pages(struct img_pages_reader *pages, uint64_t addr, uint64_t nr_pages, void *to,
	struct restore_pieces *pieces, struct img_err *err);
/* Read them all, with several threads where it pays. Pieces that follow each other in the file are one
 * read. */
int restore_read_pieces(
	struct restore *r, const struct restore_piece *pieces, size_t nr, struct img_err *err);

/* Those of them that are compressed. mem-packed.c */
int restore_read_packed(
	struct restore *r, const struct restore_piece *pieces, size_t nr, struct img_err *err);
/* How many threads such an amount of data is worth, the caller's own included. */
int restore_threads_wanted(uint64_t bytes);
/* One more (kernel/raw-thread.h), the nr-th of this process, under a number that no task of the image has, whichever is free: other
 * tasks of the run take from the same ones at the same time. 0 or -1: then there is none. */
int restore_thread_start(const struct restore *r, struct kern_raw_thread *th, unsigned nr, void (*fn)(void *), void *arg);

/* A few pages, now. Of a stream: those that belong to no private mapping, once the task has its memory. */
int restore_get_pages(struct restore *r, struct img_pages_reader *pages, uint64_t addr, uint64_t nr_pages, void *to,
	struct img_err *err);

/* ---- facts of a record ---- */

static inline bool restore_vma_private(const VmaEntry *e)
{
	return e->status & (IMG_VMA_ANON_PRIVATE | IMG_VMA_FILE_PRIVATE) &&
	       !(e->status & (IMG_VMA_VVAR | IMG_VMA_VSYSCALL));
}

#endif
