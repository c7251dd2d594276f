/* crit/memory.h -- the memory of a task, wherever its pages are: its own page map, that of a shared segment or a memfd, through
 * parents, or (clean pages of a mapped file) the file itself on this machine.
 */
#ifndef CRIT_MEMORY_H
#define CRIT_MEMORY_H

#include "criuimg/pages.h"
#include "x.h"

enum memory_where {
	MEMORY_ZERO,	/* never touched, or all zero: not stored */
	MEMORY_PAGES,	/* in the task's page map */
	MEMORY_SHARED,	/* in that of the shared object */
	MEMORY_FILE,	/* not stored: the content of the file that is mapped */
	MEMORY_MISSING, /* lazy pages that are not in the set */
};

/* A run of pages that are in one place. */
struct memory_extent {
	uint64_t start, end;
	enum memory_where where;
};

struct memory {
	struct x *x;
	uint32_t pid;
	MmEntry *mm;			/* owned */
	struct img_pages_reader *pages; /* NULL: the task has no page map */
	/* Of the mapping last looked at: */
	const VmaEntry *vma;
	struct img_pages_reader *shared; /* of the shared object, or NULL */
	int file;			 /* opened read-only, or -1 */
};

/* 1 with *memory, 0 when the task has none (a zombie), -1. Needs x's objects. */
int memory_open(struct x *x, uint32_t pid, struct memory *memory, struct img_err *err);
/* The same where a task without memory is a failure, and with x's objects read. */
int memory_open_task(struct x *x, const PstreeEntry *task, struct memory *memory, struct img_err *err);
void memory_close(struct memory *memory);

/* The first mapping that ends behind addr, as a number of mm->vmas (n_vmas if there is none). */
size_t memory_find(const struct memory *memory, uint64_t addr);
/* Look at a mapping: all calls below are about addresses in it. */
int memory_look(struct memory *memory, const VmaEntry *vma, struct img_err *err);
/* Where addr and what follows it is, up to the end of the mapping. */
struct memory_extent memory_extent(const struct memory *memory, uint64_t addr);
/* The bytes of whole pages of one extent. Of a file, what cannot be read (*len says how much could), of what is missing,
 * nothing. */
int memory_read(const struct memory *memory, const struct memory_extent *extent, uint64_t addr, void *buf, size_t *len,
	struct img_err *err);

/* Any bytes, whatever they are in: zeros where nothing is mapped or known. */
int memory_copy(struct memory *memory, uint64_t addr, void *buf, size_t len, struct img_err *err);

/* Can the content be in the core, is it memory at all? (The kernel's own vsyscall page and guards are not.) */
bool memory_is_real(const VmaEntry *vma);
/* "rwxs" */
void memory_prot(const VmaEntry *vma, char text[static 5]);
/* What people call a mapping: a path, "[heap]", "[stack]", "[anon]"... Into buf where there is no other name. */
const char *memory_name(const struct x *x, const VmaEntry *vma, char buf[static X_NAME_MAX]);
/* Does it map a file (no memfd), of x's objects? */
bool memory_is_file(const VmaEntry *vma);

#endif
