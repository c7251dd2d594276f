/* criuimg/vma.h -- the bits in the record of a mapping (vma_entry), for both who write and who read it. */
#ifndef CRIUIMG_VMA_H
#define CRIUIMG_VMA_H

#include <stdint.h>

/* vma_entry.status: what the mapping is. */
enum img_vma_status {
	IMG_VMA_REGULAR = 1u << 0, /* to be mapped again */
	IMG_VMA_STACK = 1u << 1,   /* old images */
	IMG_VMA_VSYSCALL = 1u << 2,
	IMG_VMA_VDSO = 1u << 3,
	IMG_VMA_HEAP = 1u << 5,
	IMG_VMA_FILE_PRIVATE = 1u << 6, /* shmid is the id of a record in files.img */
	IMG_VMA_FILE_SHARED = 1u << 7,	/* likewise */
	IMG_VMA_ANON_SHARED = 1u << 8,	/* shmid names the segment: pagemap-shmem-<shmid>.img */
	IMG_VMA_ANON_PRIVATE = 1u << 9,
	IMG_VMA_SYSVIPC = 1u << 10,
	IMG_VMA_SOCKET = 1u << 11,
	IMG_VMA_VVAR = 1u << 12, /* all vvar areas of the kernel, as one */
	IMG_VMA_AIORING = 1u << 13,
	IMG_VMA_MEMFD = 1u << 14, /* beside FILE_*: the file is a memfd */
	IMG_VMA_SHSTK = 1u << 15,
	/* No mapping: a guard region (MADV_GUARD_INSTALL) inside of others, and after them in the list. */
	IMG_VMA_GUARD = 1u << 16,
	IMG_VMA_UPROBES = 1u << 17,
	IMG_VMA_EXT_PLUGIN = 1u << 27, /* beside FILE_SHARED: of a device, mapped again with the help of a plugin */
	IMG_VMA_UNSUPPORTED = 1u << 31,
};
#define IMG_VMA_STATUS_ALL (0x8803ffffu & ~(1u << 4)) /* what we know the meaning of */

/* vma_entry.flags: those of mmap(2), the x86 and generic values on every architecture. MAP_HUGETLB comes
 * with the size of a page: its binary logarithm << 26. */
enum img_vma_flags {
	IMG_MAP_SHARED = 0x01,
	IMG_MAP_PRIVATE = 0x02,
	IMG_MAP_DROPPABLE = 0x08, /* in place of PRIVATE (Linux 6.11) */
	IMG_MAP_ANON = 0x20,
	IMG_MAP_GROWSDOWN = 0x100,
	IMG_MAP_LOCKED = 0x2000,
	IMG_MAP_NORESERVE = 0x4000,
	IMG_MAP_HUGETLB = 0x40000,
};
#define IMG_MAP_HUGE_SHIFT 26
#define IMG_MAP_HUGE_MASK  0x3fu

/* vma_entry.madv: bit n is advice n of madvise(2). */
#define IMG_MADV(advice) (1ull << (advice))

#endif
