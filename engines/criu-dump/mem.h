/* criu-dump/mem.h -- memory of a tree: what the rooms of mem/ share, and how page data gets into images.
 *
 * Of each task: vma/ makes the records of its mappings, pages/ finds which pages are to be stored, mm/
 * writes mm-N.img with all of it; later, in the bulk phase, pages/ writes pagemap-N.img and its data.
 * Shared memory (anonymous segments, memfds) is noted here by whoever meets it, once for each inode, and
 * stored by shmem/ when all tasks are done.
 */
#ifndef CRIU_DUMP_MEM_H
#define CRIU_DUMP_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "criu-dump/dump.h"
#include "criuimg/pages.h"
#include "criuimg/vma.h"
#include "kernel/maps.h"
#include "kernel/pagemap.h"
#include "mm.pb-c.h"
#include "vma.pb-c.h"

struct inject_batch;

/* Where the pages of a mapping are stored. */
enum dump_vma_data {
	DUMP_VMA_NOTHING, /* nowhere: of the kernel, or may be dropped */
	DUMP_VMA_PRIVATE, /* what is private of it, with the task */
	DUMP_VMA_WHOLE,	  /* all of it, with the task */
	DUMP_VMA_SHARED,  /* with the file or the segment */
};

struct dump_vma {
	const struct kern_vma *map; /* the (first) mapping it is made of */
	VmaEntry rec;
	enum dump_vma_data data;
	bool lazy; /* its pages could be served on demand: IMG_RUN_LAZY */
};

struct dump_mem {
	struct dump_vma *vmas; /* ascending, as the records of mm-N.img */
	size_t nr_vmas, room_vmas;
	VmaEntry *guards; /* guard regions, which are records too, after the others */
	size_t nr_guards, room_guards;
	struct img_run *runs; /* pages to store; flags as dump_pages_write() has them */
	size_t nr_runs, room_runs;
	AioRingEntry **aios; /* rings of asynchronous I/O: aio/ */
	size_t nr_aios;

	pid_t copy; /* snapshot.c: a process, stopped, that has the memory as it was; 0: the task itself */

	/* track.h */
	int uffd;    /* that its memory is marked with; -1: it is not */
	bool marked; /* what is still marked was not written since the set before this one */
	bool armed;  /* marked anew in this run; pages that were not marked before: */
	struct kern_pages *fresh;
	size_t nr_fresh, room_fresh;
};

/* The task's, made when first asked for. NULL: no memory. */
struct dump_mem *dump_mem(struct dump_task *t);
void dump_mem_free(struct dump_task *t);

/* What a mapping is, by its name, device and flags alone (vma/). */
struct dump_vma_class {
	uint32_t status; /* IMG_VMA_* */
	enum dump_vma_data data;
	bool file;	     /* has a file that is dumped */
	bool extends;	     /* belongs to the mapping before it */
	const char *refused; /* why it cannot be dumped, or NULL */
};
struct dump_vma_class dump_vma_class(const struct kern_vma *vma, dev_t shmem_dev);

/* Policies of memory (mbind(2)) of a task's mappings: items[i] is that of t->maps->vmas[i] (vma/). */
struct dump_policy {
	long ret;
	int mode; /* MPOL_* and MPOL_F_* */
};
struct dump_policies {
	struct dump_policy *items;
};
int dump_policies_ask(struct dump_task *t, struct dump_policies *p, struct inject_batch *b, struct img_err *err);
/* Of two mappings. */
bool dump_policies_same(const struct dump_task *t, const struct dump_policies *p, const struct kern_vma *a,
	const struct kern_vma *b);
/* Into the records of the task's mappings, which stands still. */
int dump_policies_fill(struct dump *d, struct dump_task *t, const struct dump_policies *p, struct img_err *err);

/* ---- shared segments ---- */

/* The content of an inode of shared memory is to be stored as pagemap-shmem-<shmid>.img. path, a printf
 * format, opens it for as long as the tree is stopped: "/proc/7/map_files/...", "/proc/7/fd/3". The same
 * shmid again changes nothing. */
int dump_shmem_add(struct dump *d, uint64_t shmid, struct img_err *err, const char *path, ...)
	__attribute__((format(printf, 4, 5)));

struct dump_segment {
	uint64_t shmid;
	char path[64];
	void *held; /* a mapping of ours, where path leads; NULL: there is none */
	size_t held_len;
	struct img_run *runs; /* of what goes out in two passes: found in the first */
	size_t nr_runs;
	bool found; /* runs are those */
	bool gone;  /* in a pre-dump: nobody has it mapped any more */
};

struct dump_shmem {
	struct dump_segment *items;
	size_t nr, room;
};
void dump_shmem_free(struct dump *d);

/* ---- page data ---- */

/* Beside IMG_RUN_PRESENT (to be stored) and IMG_RUN_PARENT (not written since the set before: stored if that lacks it), of a run to
 * be stored: */
enum dump_run_flags {
	DUMP_RUN_COMPARE = 1 << 16, /* nobody knows: a page that the set before has just so is left to it */
	DUMP_RUN_KEEP = 1 << 17,    /* pages of zeros, too: what is not stored comes back as something else */
	DUMP_RUN_FORKED = 1 << 18,  /* with IMG_RUN_PARENT: in the set of pages that tasks share (mem-forked.c) */
};

struct dump_source {
	/* The bytes of nr pieces of memory, one after the other, into buf (len bytes in all). Called by
	 * several threads at once. */
	int (*read)(
		void *arg, const struct iovec *pieces, int nr, void *buf, size_t len, struct img_err *err);
	void *arg;
};

/* What became of the pages of a map. */
struct dump_pages_count {
	uint64_t written; /* stored here */
	uint64_t parent;  /* left to the set before */
	uint64_t zero;	  /* nowhere: found to be zero */
	uint64_t lazy;	  /* left in the task, to be served from there */
};

bool dump_page_is_zero(const char *page);

/* Store a page map (IMG_PAGEMAP of a task, IMG_SHMEM_PAGEMAP of a segment) and its data: in the set, or, with --page-server, there.
 * Runs ascend. */
int dump_pages_write(struct dump *d, enum img_kind kind, uint64_t id, const struct img_run *runs, size_t nr,
	const struct dump_source *src, struct dump_pages_count *count, struct img_err *err);

#endif
