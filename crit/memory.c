/* crit/memory.c -- the memory of a task, wherever its pages are. */

#include "memory.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "criuimg/vma.h"
#include "memfd.pb-c.h"
#include "objects.h"
#include "regfile.pb-c.h"

#define SHARED_OBJECT (IMG_VMA_ANON_SHARED | IMG_VMA_SYSVIPC | IMG_VMA_MEMFD)

bool memory_is_file(const VmaEntry *vma)
{
	return vma->status & (IMG_VMA_FILE_PRIVATE | IMG_VMA_FILE_SHARED) && !(vma->status & IMG_VMA_MEMFD);
}

bool memory_is_real(const VmaEntry *vma)
{
	return vma->status & IMG_VMA_REGULAR && !(vma->status & (IMG_VMA_GUARD | IMG_VMA_VSYSCALL | IMG_VMA_VVAR));
}

/* ---- open and close ---- */

/* Whole pages, and at least one: all that follows counts on it. */
static int check_mappings(const MmEntry *mm, struct img_err *err)
{
	for (size_t i = 0; i < mm->n_vmas; i++) {
		const VmaEntry *vma = mm->vmas[i];

		if (vma->start >= vma->end || (vma->start | vma->end | vma->pgoff) % IMG_PAGE || vma->pgoff + (vma->end - vma->start) < vma->pgoff)
			return img_fail(err, IMG_CORRUPT, "vmas[%zu]: 0x%" PRIx64 "-0x%" PRIx64 ": no range of pages", i, vma->start, vma->end);
	}
	return 0;
}

int memory_open(struct x *x, uint32_t pid, struct memory *memory, struct img_err *err)
{
	int ret;

	*memory = (struct memory){ .x = x, .pid = pid, .file = -1 };
	ret = x_read_mm(x, pid, &memory->mm, err);
	if (ret <= 0)
		return ret;
	if (check_mappings(memory->mm, err) < 0) {
		memory_close(memory);
		return img_wrap(err, "mm-%" PRIu32 ".img", pid);
	}
	if (img_pages_open(x->set, IMG_PAGEMAP, pid, &memory->pages, err) < 0) {
		memory_close(memory);
		return -1;
	}
	return 1;
}

static void look_away(struct memory *memory)
{
	img_pages_close(memory->shared);
	memory->shared = NULL;
	if (memory->file >= 0)
		close(memory->file);
	memory->file = -1;
	memory->vma = NULL;
}

void memory_close(struct memory *memory)
{
	look_away(memory);
	img_pages_close(memory->pages);
	if (memory->mm)
		img_message_free(&memory->mm->base);
	*memory = (struct memory){ .file = -1 };
}

int memory_open_task(struct x *x, const PstreeEntry *task, struct memory *memory, struct img_err *err)
{
	int ret;

	if (objects_read(&x->objects, x->set, err) < 0)
		return -1;
	ret = memory_open(x, task->pid, memory, err);
	if (ret == 0)
		return img_fail(err, IMG_USAGE, "task %" PRIu32 " has no memory: a zombie", task->pid);
	return ret < 0 ? -1 : 0;
}

size_t memory_find(const struct memory *memory, uint64_t addr)
{
	size_t low = 0, high = memory->mm->n_vmas;

	/* Guards come after the others, out of order: they are no memory. */
	while (high && memory->mm->vmas[high - 1]->status & IMG_VMA_GUARD)
		high--;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memory->mm->vmas[middle]->end > addr)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* ---- one mapping ---- */

/* The segment that a memfd keeps its content in: 1, 0, -1. */
static int memfd_segment(struct x *x, uint32_t file_id, uint64_t *segment, struct img_err *err)
{
	const struct object *object = objects_find(&x->objects, FD_TYPES__MEMFD, file_id);
	struct img_reader *r;
	ProtobufCMessage *msg;
	uint32_t inode_id;
	bool found = false;
	int ret;

	if (!object)
		return 0;
	inode_id = ((const MemfdFileEntry *)object->msg)->inode_id;
	ret = img_reader_open(x->set, IMG_MEMFD_INODE, 0, &r, err);
	if (ret <= 0)
		return ret;
	while (!found && (ret = img_read(r, &msg, err)) > 0) {
		const MemfdInodeEntry *inode = (const MemfdInodeEntry *)msg;

		found = inode->inode_id == inode_id;
		if (found)
			*segment = inode->shmid;
		img_message_free(msg);
	}
	img_reader_close(r);
	return ret < 0 ? -1 : found;
}

static int open_shared(struct memory *memory, const VmaEntry *vma, struct img_err *err)
{
	uint64_t segment = vma->shmid;
	int ret = 1;

	if (vma->status & IMG_VMA_MEMFD)
		ret = memfd_segment(memory->x, vma->shmid, &segment, err);
	if (ret <= 0)
		return ret;
	return img_pages_open(memory->x->set, IMG_SHMEM_PAGEMAP, segment, &memory->shared, err);
}

/* The file that is mapped, if it is here and is still the one: of the size that it had. */
static int open_file(struct memory *memory, const VmaEntry *vma)
{
	const struct object *object = objects_find(&memory->x->objects, FD_TYPES__REG, vma->shmid);
	const RegFileEntry *reg = object ? (const RegFileEntry *)object->msg : NULL;
	cleanup_fd int fd = -1;
	struct stat st;

	if (!reg || reg->name[0] != '/')
		return -1;
	/* Not to be stopped by a fifo that has the name now. */
	fd = open(reg->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || (reg->has_size && (uint64_t)st.st_size != reg->size))
		return -1;
	return steal_fd(&fd);
}

int memory_look(struct memory *memory, const VmaEntry *vma, struct img_err *err)
{
	look_away(memory);
	memory->vma = vma;
	if (vma->status & SHARED_OBJECT && open_shared(memory, vma, err) < 0)
		return -1;
	if (memory_is_file(vma))
		memory->file = open_file(memory, vma);
	return 0;
}

/* Offset in the shared object, or the file, of an address. */
static uint64_t offset_of(const VmaEntry *vma, uint64_t addr)
{
	return addr - vma->start + vma->pgoff;
}

static enum memory_where where_of(const struct img_run *run, enum memory_where stored)
{
	return run->flags & (IMG_RUN_PRESENT | IMG_RUN_PARENT) ? stored : MEMORY_MISSING;
}

/* The extent that starts at `at` of a page map, in its own addresses; false: nothing is stored, up to *end. */
static bool look_up(struct img_pages_reader *pages, uint64_t at, enum memory_where stored, uint64_t *end, enum memory_where *where)
{
	const struct img_run *runs;
	size_t nr, i;

	if (!pages)
		return false;
	runs = img_pages_runs(pages, &nr);
	i = img_pages_find(pages, at);
	if (i == nr)
		return false;
	if (runs[i].addr > at) {
		if (runs[i].addr < *end)
			*end = runs[i].addr;
		return false;
	}
	*where = where_of(&runs[i], stored);
	if (runs[i].addr + runs[i].nr_pages * IMG_PAGE < *end)
		*end = runs[i].addr + runs[i].nr_pages * IMG_PAGE;
	return true;
}

struct memory_extent memory_extent(const struct memory *memory, uint64_t addr)
{
	const VmaEntry *vma = memory->vma;
	struct memory_extent extent = { addr, vma->end, MEMORY_ZERO };
	uint64_t shared_end;

	if (look_up(memory->pages, addr, MEMORY_PAGES, &extent.end, &extent.where))
		return extent;
	extent.where = memory_is_file(vma) ? MEMORY_FILE : MEMORY_ZERO;
	if (!memory->shared)
		return extent;
	shared_end = offset_of(vma, extent.end);
	if (!look_up(memory->shared, offset_of(vma, addr), MEMORY_SHARED, &shared_end, &extent.where))
		extent.where = MEMORY_ZERO;
	extent.end = shared_end - vma->pgoff + vma->start;
	return extent;
}

static size_t read_file(const struct memory *memory, uint64_t addr, char *buf, size_t len)
{
	size_t have = 0;
	ssize_t n;

	if (memory->file < 0)
		return 0;
	while (have < len && (n = pread(memory->file, buf + have, len - have, offset_of(memory->vma, addr + have))) > 0)
		have += n;
	if (have) {
		/* What is behind the end of the file in its last page is zero. */
		memset(buf + have, 0, len - have);
		have = (have + IMG_PAGE - 1) / IMG_PAGE * IMG_PAGE;
	}
	return have < len ? have : len;
}

int memory_read(const struct memory *memory, const struct memory_extent *extent, uint64_t addr, void *buf, size_t *len,
	struct img_err *err)
{
	switch (extent->where) {
	case MEMORY_PAGES:
		return img_pages_read(memory->pages, addr, *len / IMG_PAGE, buf, err);
	case MEMORY_SHARED:
		return img_pages_read(memory->shared, offset_of(memory->vma, addr), *len / IMG_PAGE, buf, err);
	case MEMORY_FILE:
		*len = read_file(memory, addr, buf, *len);
		return 0;
	case MEMORY_MISSING:
		*len = 0;
		return 0;
	default:
		memset(buf, 0, *len);
		return 0;
	}
}

static int copy_page(struct memory *memory, uint64_t page, uint8_t *buf, struct img_err *err)
{
	size_t at = memory_find(memory, page), len = IMG_PAGE;
	struct memory_extent extent;

	memset(buf, 0, IMG_PAGE);
	if (at == memory->mm->n_vmas || memory->mm->vmas[at]->start > page)
		return 0;
	if (memory->vma != memory->mm->vmas[at] && memory_look(memory, memory->mm->vmas[at], err) < 0)
		return -1;
	extent = memory_extent(memory, page);
	return memory_read(memory, &extent, page, buf, &len, err);
}

int memory_copy(struct memory *memory, uint64_t addr, void *buf, size_t len, struct img_err *err)
{
	uint8_t page[IMG_PAGE], *to = buf;

	while (len) {
		uint64_t base = addr & ~(uint64_t)(IMG_PAGE - 1);
		size_t skip = addr - base, part = IMG_PAGE - skip;

		if (part > len)
			part = len;
		if (copy_page(memory, base, page, err) < 0)
			return -1;
		memcpy(to, page + skip, part);
		to += part;
		addr += part;
		len -= part;
	}
	return 0;
}

/* ---- names ---- */

void memory_prot(const VmaEntry *vma, char text[static 5])
{
	text[0] = vma->prot & 1 ? 'r' : '-';
	text[1] = vma->prot & 2 ? 'w' : '-';
	text[2] = vma->prot & 4 ? 'x' : '-';
	text[3] = vma->flags & IMG_MAP_SHARED ? 's' : 'p';
	text[4] = '\0';
}

static const struct {
	uint32_t status;
	const char *name;
} names[] = {
	{ IMG_VMA_GUARD, "[guard]" },
	{ IMG_VMA_VSYSCALL, "[vsyscall]" },
	{ IMG_VMA_VDSO, "[vdso]" },
	{ IMG_VMA_VVAR, "[vvar]" },
	{ IMG_VMA_HEAP, "[heap]" },
	{ IMG_VMA_AIORING, "[aio]" },
	{ IMG_VMA_SHSTK, "[shadow stack]" },
	{ IMG_VMA_UPROBES, "[uprobes]" },
	{ IMG_VMA_STACK, "[stack]" },
};

const char *memory_name(const struct x *x, const VmaEntry *vma, char buf[static X_NAME_MAX])
{
	if (memory_is_file(vma))
		return objects_path(&x->objects, vma->shmid);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (vma->status & names[i].status)
			return names[i].name;
	if (vma->status & IMG_VMA_MEMFD)
		snprintf(buf, X_NAME_MAX, "[memfd %" PRIu64 "]", vma->shmid);
	else if (vma->status & IMG_VMA_SYSVIPC)
		snprintf(buf, X_NAME_MAX, "[ipc %" PRIu64 "]", vma->shmid);
	else if (vma->status & IMG_VMA_ANON_SHARED)
		snprintf(buf, X_NAME_MAX, "[shared %" PRIu64 "]", vma->shmid);
	else if (vma->status & IMG_VMA_SOCKET)
		snprintf(buf, X_NAME_MAX, "[packet socket %" PRIu64 "]", vma->shmid);
	else
		snprintf(buf, X_NAME_MAX, vma->flags & IMG_MAP_GROWSDOWN ? "[stack]" : "[anon]");
	return buf;
}
