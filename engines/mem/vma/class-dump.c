/* engines/mem/vma/class-dump.c -- what a mapping is: told from the name, the device and the flags the
 * kernel shows.
 *
 * A name can be anything a file is called, so a name of the kernel's own counts only with what a file
 * cannot have: the device of shared memory, no inode at all, or the flag of huge pages.
 */

#include <string.h>
#include <sys/sysmacros.h>

#include "criu-dump/mem.h"
#include "criuimg/array.h"

/* Flags with which nothing can be done, whatever the mapping is. */
static const struct {
	uint64_t flags;
	const char *refused;
} refused_flags[] = {
	{ KERN_VM(UFFD_MISSING) | KERN_VM(UFFD_WP) | KERN_VM(UFFD_MINOR),
		"memory registered with userfaultfd is not supported" },
	{ KERN_VM(SHADOW_STACK), "shadow stacks are not supported" },
	{ KERN_VM(SYNC), "synchronous mappings of persistent memory (MAP_SYNC) are not supported" },
	{ KERN_VM(MTE) | KERN_VM(BTI), "memory tags and branch targets are not supported" },
};

/* What must be true beside the name. */
enum proof {
	NO_INODE, /* the kernel's own, or anonymous */
	SHMEM,	  /* on the device of shared memory */
	HUGE,	  /* of huge pages */
	NO_PATH,  /* on a device without a number of its own: anonymous inodes, sockets */
};

static const struct name_rule {
	const char *name;
	bool prefix; /* else the whole name */
	enum proof proof;
	struct dump_vma_class is;
} name_rules[] = {
	{ "", false, NO_INODE,
		{ .status = IMG_VMA_REGULAR | IMG_VMA_ANON_PRIVATE, .data = DUMP_VMA_PRIVATE } },
	{ "[heap]", false, NO_INODE,
		{ .status = IMG_VMA_REGULAR | IMG_VMA_HEAP | IMG_VMA_ANON_PRIVATE,
			.data = DUMP_VMA_PRIVATE } },
	{ "[stack]", false, NO_INODE,
		{ .status = IMG_VMA_REGULAR | IMG_VMA_ANON_PRIVATE, .data = DUMP_VMA_PRIVATE } },
	{ "[anon:", true, NO_INODE,
		{ .status = IMG_VMA_REGULAR | IMG_VMA_ANON_PRIVATE, .data = DUMP_VMA_PRIVATE } },
	{ "[vdso]", false, NO_INODE,
		{ .status = IMG_VMA_REGULAR | IMG_VMA_VDSO | IMG_VMA_ANON_PRIVATE, .data = DUMP_VMA_WHOLE } },
	{ "[vvar]", false, NO_INODE, { .status = IMG_VMA_REGULAR | IMG_VMA_ANON_PRIVATE | IMG_VMA_VVAR } },
	{ "[vvar_", true, NO_INODE,
		{ .status = IMG_VMA_REGULAR | IMG_VMA_ANON_PRIVATE | IMG_VMA_VVAR, .extends = true } },
	{ "[vsyscall]", false, NO_INODE, { .status = IMG_VMA_VSYSCALL | IMG_VMA_ANON_PRIVATE } },
	{ "[uprobes]", false, NO_INODE, { .refused = "uprobes are not supported" } },
	{ "[", true, NO_INODE, { .refused = "an area of the kernel that is not known" } },

	/* Shared anonymous memory is told as a memfd is, whose descriptor nobody has. */
	{ "/dev/zero (deleted)", false, SHMEM, { .status = IMG_VMA_REGULAR | IMG_VMA_MEMFD, .file = true } },
	{ "[anon_shmem:", true, SHMEM, { .status = IMG_VMA_REGULAR | IMG_VMA_MEMFD, .file = true } },
	{ "/memfd:", true, SHMEM, { .status = IMG_VMA_REGULAR | IMG_VMA_MEMFD, .file = true } },
	{ "/SYSV", true, SHMEM,
		{ .status = IMG_VMA_REGULAR | IMG_VMA_ANON_SHARED | IMG_VMA_SYSVIPC, .data = DUMP_VMA_SHARED } },
	{ "", true, SHMEM, { .refused = "shared memory of a driver is not supported" } },

	{ "/memfd:", true, HUGE, { .status = IMG_VMA_REGULAR | IMG_VMA_MEMFD, .file = true } },
	{ "/anon_hugepage (deleted)", false, HUGE,
		{ .status = IMG_VMA_REGULAR } }, /* which: see anon_huge() */
	{ "/SYSV", true, HUGE,
		{ .status = IMG_VMA_REGULAR | IMG_VMA_ANON_SHARED | IMG_VMA_SYSVIPC, .data = DUMP_VMA_SHARED } },

	{ "/[aio] (deleted)", false, NO_PATH, { .status = IMG_VMA_AIORING, .data = DUMP_VMA_WHOLE } },
	{ "/secretmem (deleted)", false, NO_PATH,
		{ .refused = "secret memory (memfd_secret) is not supported" } },
	{ "anon_inode:[io_uring]", false, NO_PATH, { .refused = "io_uring is not supported" } },
	{ "anon_inode:[perf_event]", false, NO_PATH, { .refused = "perf_event is not supported" } },
	{ "anon_inode:bpf-map", false, NO_PATH, { .refused = "mapped BPF maps are not supported" } },
	{ "anon_inode:", true, NO_PATH, { .refused = "a mapped anonymous inode is not supported" } },
	{ "socket:[", true, NO_PATH, { .refused = "a mapped packet socket is not supported" } },
};

static bool proven(const struct kern_vma *vma, enum proof proof, dev_t shmem_dev)
{
	switch (proof) {
	case NO_INODE:
		return !vma->ino && !vma->dev_major && !vma->dev_minor;
	case SHMEM:
		return makedev(vma->dev_major, vma->dev_minor) == shmem_dev;
	case HUGE:
		return vma->flags & KERN_VM(HUGETLB);
	case NO_PATH:
		return !vma->dev_major;
	}
	return false;
}

static struct dump_vma_class file_class(const struct kern_vma *vma, uint32_t status)
{
	struct dump_vma_class c = { .status = status, .file = true };

	c.status |= vma->shared ? IMG_VMA_FILE_SHARED : IMG_VMA_FILE_PRIVATE;
	c.data = vma->shared ? DUMP_VMA_SHARED : DUMP_VMA_PRIVATE;
	return c;
}

static struct dump_vma_class anon_huge(const struct kern_vma *vma)
{
	if (vma->shared)
		return file_class(vma, IMG_VMA_REGULAR | IMG_VMA_MEMFD);
	return (struct dump_vma_class){ .status = IMG_VMA_REGULAR | IMG_VMA_ANON_PRIVATE,
		.data = DUMP_VMA_PRIVATE };
}

static struct dump_vma_class by_name(const struct kern_vma *vma, dev_t shmem_dev)
{
	for (size_t i = 0; i < ARRAY_SIZE(name_rules); i++) {
		const struct name_rule *r = &name_rules[i];

		if (r->prefix ? strncmp(vma->name, r->name, strlen(r->name)) : strcmp(vma->name, r->name))
			continue;
		if (!proven(vma, r->proof, shmem_dev))
			continue;
		if (r->is.file)
			return file_class(vma, r->is.status);
		if (r->proof == HUGE && !(r->is.status & IMG_VMA_SYSVIPC))
			return anon_huge(vma);
		return r->is;
	}
	if (vma->name[0] == '/')
		return file_class(vma, IMG_VMA_REGULAR);
	return (struct dump_vma_class){ .refused = "a mapping that is not known" };
}

struct dump_vma_class dump_vma_class(const struct kern_vma *vma, dev_t shmem_dev)
{
	struct dump_vma_class c = by_name(vma, shmem_dev);

	if (vma->of_plugin)
		return (struct dump_vma_class){ .status = IMG_VMA_REGULAR | IMG_VMA_FILE_SHARED | IMG_VMA_EXT_PLUGIN, .file = true };

	for (size_t i = 0; i < ARRAY_SIZE(refused_flags) && !c.refused; i++)
		if (vma->flags & refused_flags[i].flags)
			c.refused = refused_flags[i].refused;
	if (!c.refused && !(c.status & (IMG_VMA_VDSO | IMG_VMA_VVAR | IMG_VMA_VSYSCALL)) &&
		vma->flags & (KERN_VM(PFNMAP) | KERN_VM(IO)))
		c.refused = "memory of a device is not supported";
	/* The kernel may take such pages away at any time: an empty mapping is as good. */
	if (vma->flags & KERN_VM(DROPPABLE))
		c.data = DUMP_VMA_NOTHING;
	return c;
}
