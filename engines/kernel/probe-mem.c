/* engines/kernel/probe-mem.c -- probes of what is asked about memory: pagemap, userfaultfd(2), vDSO, huge pages, AIO. */

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "kernel/pagemap.h"
#include "kernel/probe.h"
#include "kernel/uffd.h"

enum {
	PAGE = 4096,
	GUARD_INSTALL = 102, /* MADV_GUARD_INSTALL, Linux 6.13 */
	MAP_VDSO_64 = 0x2003, /* ARCH_MAP_VDSO_64 */
};

/* One touched page, unmapped at the end of the scope. */
static void page_end(void **page)
{
	int saved = errno;

	if (*page != MAP_FAILED)
		munmap(*page, PAGE);
	errno = saved;
}

#define cleanup_page __attribute__((cleanup(page_end)))

static void *page_new(void)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page != MAP_FAILED)
		*(volatile char *)page = 1;
	return page;
}

/* The word of /proc/self/pagemap for an address; 0, -1 with errno. */
static int pagemap_word(const void *at, uint64_t *word)
{
	cleanup_fd int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	return pread(fd, word, sizeof(*word), (uintptr_t)at / PAGE * sizeof(*word)) == sizeof(*word) ? 0 : -1;
}

int probe_pagemap(struct img_err *err)
{
	cleanup_page void *page = page_new();
	uint64_t word;

	if (page == MAP_FAILED)
		return img_fail_sys(err, "mmap");
	if (pagemap_word(page, &word) < 0)
		return kern_probe_no(err, "/proc/self/pagemap");
	return word >> 63 ? 1 : (img_fail(err, IMG_UNSUPPORTED, "/proc/self/pagemap does not show a present page"), 0);
}

static int count(void *arg, const struct kern_pages *pages, struct img_err *err)
{
	*(int *)arg += 1;
	return 0;
}

static void pagemap_end(struct kern_pagemap *pm)
{
	kern_pagemap_close(pm);
}

int probe_pagemap_scan(struct img_err *err)
{
	__attribute__((cleanup(pagemap_end))) struct kern_pagemap pm = { .fd = -1 };
	struct kern_page_query present = { .any = KERN_PAGE_PRESENT };
	cleanup_page void *page = page_new();
	int found = 0;

	if (page == MAP_FAILED)
		return img_fail_sys(err, "mmap");
	if (kern_pagemap_open(getpid(), &pm, err) < 0)
		return -1;
	if (!pm.can_scan) {
		img_fail(err, IMG_UNSUPPORTED, "no ioctl(PAGEMAP_SCAN)");
		return 0;
	}
	if (kern_pagemap_scan(&pm, (uintptr_t)page, (uintptr_t)page + PAGE, &present, count, &found, err) < 0)
		return 0;
	return found == 1 ? 1 : (img_fail(err, IMG_UNSUPPORTED, "PAGEMAP_SCAN does not find a present page"), 0);
}

int probe_pagemap_scan_guard_pages(struct img_err *err)
{
	__attribute__((cleanup(pagemap_end))) struct kern_pagemap pm = { .fd = -1 };
	struct kern_page_query guarded = { .any = KERN_PAGE_GUARD };
	cleanup_page void *page = page_new();
	int found = 0;

	if (page == MAP_FAILED)
		return img_fail_sys(err, "mmap");
	if (madvise(page, PAGE, GUARD_INSTALL) < 0)
		return kern_probe_no(err, "madvise(MADV_GUARD_INSTALL)");
	if (kern_pagemap_open(getpid(), &pm, err) < 0)
		return -1;
	if (pm.can_guard &&
		kern_pagemap_scan(&pm, (uintptr_t)page, (uintptr_t)page + PAGE, &guarded, count, &found, err) < 0)
		return 0;
	return found == 1 ? 1 : (img_fail(err, IMG_UNSUPPORTED, "PAGEMAP_SCAN does not find a guard page"), 0);
}

int probe_mem_dirty_track(struct img_err *err)
{
	if ((kern_pagemap_has_protect() && kern_uffd_has_tracking()) || kern_pagemap_has_soft_dirty())
		return 1;
	img_fail(err, IMG_UNSUPPORTED,
		"no asynchronous write protection (userfaultfd and PAGEMAP_SCAN, Linux 6.7), no soft-dirty bits");
	return 0;
}

static int uffd_api(uint64_t features, struct img_err *err)
{
	cleanup_fd int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	struct uffdio_api api = { .api = UFFD_API };

	if (fd < 0)
		return kern_probe_no(err, "userfaultfd");
	if (ioctl(fd, UFFDIO_API, &api) < 0)
		return kern_probe_no(err, "ioctl(UFFDIO_API)");
	if ((api.features & features) != features) {
		img_fail(err, IMG_UNSUPPORTED, "userfaultfd lacks features %#llx",
			(unsigned long long)(features & ~api.features));
		return 0;
	}
	return 1;
}

int probe_uffd(struct img_err *err)
{
	return uffd_api(0, err);
}

int probe_uffd_noncoop(struct img_err *err)
{
	return uffd_api(UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_UNMAP |
				UFFD_FEATURE_EVENT_REMOVE,
		err);
}

int probe_can_map_vdso(struct img_err *err)
{
	/* This process has one already, so EEXIST is the answer of a kernel that could map one. */
	if (syscall(SYS_arch_prctl, MAP_VDSO_64, 0x10000) < 0 && errno != EEXIST)
		return kern_probe_no(err, "arch_prctl(ARCH_MAP_VDSO_64)");
	return 1;
}

int probe_memfd_hugetlb(struct img_err *err)
{
	cleanup_fd int fd = memfd_create("probe", MFD_CLOEXEC | MFD_HUGETLB);

	return fd >= 0 ? 1 : kern_probe_no(err, "memfd_create(MFD_HUGETLB)");
}

/* An AIO ring moved by mremap(2) must follow: its context is known by the new address. */
static int aio_moves(struct img_err *err)
{
	aio_context_t ctx = 0;
	void *place, *moved;
	struct io_event ev;
	struct timespec none = { 0, 0 };

	if (syscall(SYS_io_setup, 1, &ctx) < 0)
		return kern_probe_no(err, "io_setup");
	place = mmap(NULL, 64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (place == MAP_FAILED)
		return img_fail_sys(err, "mmap");
	moved = mremap((void *)ctx, PAGE, PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, place);
	if (moved == MAP_FAILED)
		return kern_probe_no(err, "mremap of an AIO ring");
	if (syscall(SYS_io_getevents, (aio_context_t)(uintptr_t)moved, 0, 1, &ev, &none) < 0)
		return kern_probe_no(err, "io_getevents of a moved AIO ring");
	return 1;
}

int probe_aio_remap(struct img_err *err)
{
	return kern_probe_in_child(aio_moves, err);
}
