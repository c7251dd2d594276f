/* engines/mem/shmem/shmem-restore.c -- shared memory: each segment made once, by the front, with its
 * content.
 *
 * A segment is a mapping of the front's own (MAP_SHARED | MAP_ANONYMOUS), which /proc/self/map_files gives
 * a descriptor of: so the tasks' mappings of it have the name that they had, "/dev/zero (deleted)".
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criu-restore/mem.h"
#include "criu-restore/stream.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"

/* Where shmid is, or belongs. */
static size_t place(const struct restore_mem *mem, uint64_t shmid)
{
	size_t low = 0, high = mem->nr_segments;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (mem->segments[mid].shmid < shmid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct restore_segment *restore_segment_find(const struct restore *r, uint64_t shmid)
{
	size_t at = place(r->mem, shmid);

	return at < r->mem->nr_segments && r->mem->segments[at].shmid == shmid ? &r->mem->segments[at] : NULL;
}

static int note_mapping(struct restore_mem *mem, const VmaEntry *e, struct img_err *err)
{
	uint64_t size = e->pgoff + (e->end - e->start);
	uint32_t huge = e->flags & IMG_MAP_HUGETLB
				? e->flags & (IMG_MAP_HUGETLB | IMG_MAP_HUGE_MASK << IMG_MAP_HUGE_SHIFT)
				: 0;
	size_t at = place(mem, e->shmid);
	struct restore_segment *s;

	if (size < e->pgoff || size > INT64_MAX)
		return img_fail(err, IMG_CORRUPT, "offset %#" PRIx64, e->pgoff);
	if (at == mem->nr_segments || mem->segments[at].shmid != e->shmid) {
		if (!img_array_more(&mem->segments, mem->nr_segments, &mem->room_segments))
			return img_fail_nomem(err);
		memmove(mem->segments + at + 1, mem->segments + at,
			(mem->nr_segments - at) * sizeof(*mem->segments));
		mem->nr_segments++;
		mem->segments[at] = (struct restore_segment){
			.shmid = e->shmid, .flags = huge | (e->flags & IMG_MAP_NORESERVE), .fd = -1
		};
	}
	s = &mem->segments[at];
	if ((s->flags & ~(uint32_t)IMG_MAP_NORESERVE) != huge)
		return img_fail(
			err, IMG_CORRUPT, "shared memory %#" PRIx64 " with pages of two sizes", e->shmid);
	if (size > s->size)
		s->size = size;
	return 0;
}

int restore_shmem_plan(struct restore *r, struct img_err *err)
{
	for (size_t i = 0; i < r->nr_tasks; i++) {
		const MmEntry *mm = r->tasks[i].mm;

		for (size_t k = 0; mm && k < mm->n_vmas; k++)
			if (mm->vmas[k]->status & IMG_VMA_ANON_SHARED && !(mm->vmas[k]->status & IMG_VMA_SYSVIPC) &&
				note_mapping(r->mem, mm->vmas[k], err) < 0)
				return img_wrap(err, "pid %d: mapping %#" PRIx64, r->tasks[i].pid,
					mm->vmas[k]->start);
	}
	return 0;
}

/* Without the right to use map_files: the same but for its name. */
static int shmem_as_memfd(uint64_t size, unsigned huge, bool hugetlb, struct img_err *err)
{
	cleanup_fd int fd = memfd_create(
		"dev/zero", MFD_CLOEXEC | (hugetlb ? MFD_HUGETLB | huge << IMG_MAP_HUGE_SHIFT : 0));

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		return img_fail_sys(err, "making %" PRIu64 " bytes of shared memory", size);
	return steal_fd(&fd);
}

int restore_anon_shmem(uint64_t size, uint32_t flags, int *fd, struct img_err *err)
{
	unsigned huge = flags >> IMG_MAP_HUGE_SHIFT & IMG_MAP_HUGE_MASK;
	uint64_t page = flags & IMG_MAP_HUGETLB && huge ? 1ull << huge : IMG_PAGE,
		 len = (size + page - 1) & ~(page - 1);
	void *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | flags, -1, 0);
	char path[96];

	/* Whether it was accounted for is not always known. */
	if (at == MAP_FAILED && errno == ENOMEM)
		at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE | flags,
			-1, 0);
	if (at == MAP_FAILED)
		return img_fail_sys(err, "mapping %" PRIu64 " bytes of shared memory", size);
	snprintf(path, sizeof(path), "/proc/self/map_files/%" PRIxPTR "-%" PRIxPTR, (uintptr_t)at,
		(uintptr_t)at + (size_t)len);
	*fd = open(path, O_RDWR | O_CLOEXEC);
	if (*fd < 0 && (errno == EPERM || errno == EACCES))
		*fd = shmem_as_memfd(len, huge, flags & IMG_MAP_HUGETLB, err);
	else if (*fd < 0)
		img_fail_sys(err, "%s", path);
	munmap(at, len);
	return *fd < 0 ? -1 : 0;
}

static int fill(
	struct restore *r, struct img_pages_reader *pages, char *at, uint64_t size, struct img_err *err)
{
	struct restore_pieces pieces = { 0 };
	size_t nr_runs;
	const struct img_run *runs = img_pages_runs(pages, &nr_runs);
	uint64_t nr_pages = 0;
	int ret = 0;

	for (size_t i = 0; i < nr_runs && !ret; i++) {
		uint64_t addr = runs[i].addr, nr = runs[i].nr_pages;

		if (addr >= size || nr > (size - addr + IMG_PAGE - 1) / IMG_PAGE)
			ret = img_fail(err, IMG_CORRUPT, "a page at %#" PRIx64 ", behind its end", addr);
		else
			ret = restore_add_pages(pages, addr, nr, at + addr, &pieces, err);
		nr_pages += nr;
	}
	if (!ret)
		ret = restore_stream_take(r, pages, &pieces, err);
	if (!ret)
		ret = restore_read_pieces(r, pieces.items, pieces.nr, err);
	free(pieces.items);
	if (!ret)
		__atomic_fetch_add(&r->counts->pages_restored, nr_pages, __ATOMIC_RELAXED);
	return ret;
}

int restore_shmem_fill(struct restore *r, uint64_t shmid, int fd, uint64_t size, struct img_err *err)
{
	struct img_pages_reader *pages;
	struct stat st;
	uint64_t len;
	void *at;
	int ret;

	ret = restore_stream_fill_later(r, shmid, fd, size, err);
	if (ret)
		return ret < 0 ? -1 : 0;
	ret = img_pages_open(r->set, IMG_SHMEM_PAGEMAP, shmid, &pages, err);
	if (ret <= 0)
		return ret;
	if (!size || fstat(fd, &st) < 0) {
		img_pages_close(pages);
		return size ? img_fail_sys(err, "its descriptor") : 0;
	}
	/* A mapping of huge pages ends with one. */
	len = (size + st.st_blksize - 1) & ~((uint64_t)st.st_blksize - 1);
	at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED) {
		ret = img_fail_sys(err, "mapping it");
	} else {
		ret = fill(r, pages, at, size, err);
		munmap(at, len);
	}
	img_pages_close(pages);
	return ret;
}

int restore_shmem_fill_at(struct restore *r, uint64_t shmid, void *at, uint64_t size, struct img_err *err)
{
	struct img_pages_reader *pages;
	int ret = img_pages_open(r->set, IMG_SHMEM_PAGEMAP, shmid, &pages, err);

	if (ret <= 0)
		return ret;
	ret = fill(r, pages, at, size, err);
	img_pages_close(pages);
	return ret;
}

int restore_shmem_start(struct restore *r, struct img_err *err)
{
	for (size_t i = 0; i < r->mem->nr_segments; i++) {
		struct restore_segment *s = &r->mem->segments[i];

		if (restore_anon_shmem(s->size, s->flags, &s->fd, err) < 0 ||
			restore_shmem_fill(r, s->shmid, s->fd, s->size, err) < 0)
			return img_wrap(err, "shared memory %#" PRIx64, s->shmid);
		log_info(r->log, "shared memory %#" PRIx64 ": %" PRIu64 " bytes", s->shmid, s->size);
	}
	return 0;
}
