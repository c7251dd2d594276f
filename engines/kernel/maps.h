/* kernel/maps.h -- the mappings of a task: /proc/PID/maps and the VmFlags of /proc/PID/smaps.
 *
 * One parser reads both files: smaps is maps with lines of details after each mapping. What smaps costs is
 * a walk over the page tables (about 8 ms a GiB of 4 KiB pages) and, with tens of thousands of mappings,
 * printing all those lines; it is the only place where the kernel shows what madvise(2), mlock(2) and
 * mmap(2) left behind in a mapping.
 *
 * Facts: proc_pid_maps(5), proc_pid_smaps(5), fs/proc/task_mmu.c (show_smap_vma_flags).
 */
#ifndef ENGINES_KERNEL_MAPS_H
#define ENGINES_KERNEL_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "criuimg/err.h"

/* The words of a VmFlags line, as bits: the two letters the kernel prints are in maps.c. */
enum kern_vm_flag {
	KERN_VM_READ,
	KERN_VM_WRITE,
	KERN_VM_EXEC,
	KERN_VM_SHARED,
	KERN_VM_MAYREAD,
	KERN_VM_MAYWRITE,
	KERN_VM_MAYEXEC,
	KERN_VM_MAYSHARE,
	KERN_VM_GROWSDOWN,
	KERN_VM_PFNMAP,
	KERN_VM_LOCKED,
	KERN_VM_LOCKONFAULT,
	KERN_VM_IO,
	KERN_VM_SEQ_READ,
	KERN_VM_RAND_READ,
	KERN_VM_DONTCOPY,
	KERN_VM_DONTEXPAND,
	KERN_VM_ACCOUNT,
	KERN_VM_NORESERVE,
	KERN_VM_HUGETLB,
	KERN_VM_SYNC,
	KERN_VM_ARCH_1,
	KERN_VM_WIPEONFORK,
	KERN_VM_DONTDUMP,
	KERN_VM_BTI,
	KERN_VM_MTE,
	KERN_VM_SOFTDIRTY,
	KERN_VM_MIXEDMAP,
	KERN_VM_HUGEPAGE,
	KERN_VM_NOHUGEPAGE,
	KERN_VM_MERGEABLE,
	KERN_VM_UFFD_MISSING,
	KERN_VM_UFFD_WP,
	KERN_VM_UFFD_MINOR,
	KERN_VM_SHADOW_STACK,
	KERN_VM_SEALED,
	KERN_VM_DROPPABLE,
	KERN_VM_GUARD,
	KERN_VM_FLAG_NR,
};
#define KERN_VM(flag) (1ull << KERN_VM_##flag)

struct kern_vma {
	uint64_t start, end;
	uint64_t offset; /* in the file, bytes */
	uint64_t ino;
	uint32_t dev_major, dev_minor;
	int prot;	    /* PROT_* */
	bool shared;	    /* 's' */
	uint64_t flags;	    /* KERN_VM() bits; 0 when read from maps */
	uint64_t page_size; /* KernelPageSize, bytes; 0 when read from maps */
	int pkey;	    /* ProtectionKey; 0 when there is none */
	uint64_t others; /* Shared_*: bytes of it that other tasks have mapped too; 0 when read from maps */
	/* Never set here: for who knows what keeps it apart from the one before it that looks the same. */
	bool continues;
	bool of_plugin; /* likewise: a plugin knows what to do with it */
	/* "" for none; as the kernel shows it: "/a b (deleted)", "[heap]"; newline as \012. Of struct kern_maps. */
	const char *name;
};

struct kern_maps {
	struct kern_vma *vmas; /* ascending */
	size_t nr, room;
	char unknown[8][4]; /* words of VmFlags that we don't know, each once */
	size_t nr_unknown;
	struct kern_names *names;
};

#define KERN_MAPS_INIT                                                                                       \
	{                                                                                                    \
		NULL, 0, 0, { "" }, 0, NULL                                                                  \
	}

/* Read /proc/<pid>/smaps (with_flags) or /proc/<pid>/maps. *maps must be empty; free it also after a
 * failure. Fails IMG_SYS (ESRCH, ENOENT: no such task), IMG_UNSUPPORTED where a line does not look as it
 * should. */
int kern_maps_read(pid_t pid, bool with_flags, struct kern_maps *maps, struct img_err *err);
/* The same from a descriptor; `what` names it in errors. */
int kern_maps_read_fd(int fd, const char *what, struct kern_maps *maps, struct img_err *err);
void kern_maps_free(struct kern_maps *maps);

/* The mapping that holds addr, or NULL. O(log n). */
const struct kern_vma *kern_maps_find(const struct kern_maps *maps, uint64_t addr);

/* The kernel's two letters for a bit (the enum's value): "ht". */
const char *kern_vm_flag_word(enum kern_vm_flag flag);

#endif
