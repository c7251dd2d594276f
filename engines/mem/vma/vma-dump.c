/* engines/mem/vma/vma-dump.c -- the mappings of a task: what criu-dump saves of each, and which it
 * refuses. */

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criu-dump/files.h"
#include "criu-dump/mem.h"
#include "criu-dump/task_ops.h"
#include "criu-dump/ns_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/anon-dev.h"
#include "plugin/plugin.h"

extern const struct task_dump_ops vma_dump_ops;

/* What madvise(2), mmap(2) and mlock(2) left in a mapping, and the way to say so in a record. */
static const struct {
	uint64_t flag;
	uint32_t map;
} map_flags[] = {
	{ KERN_VM(GROWSDOWN), IMG_MAP_GROWSDOWN },
	{ KERN_VM(LOCKED), IMG_MAP_LOCKED },
	{ KERN_VM(NORESERVE), IMG_MAP_NORESERVE },
};

static const struct {
	uint64_t flag;
	uint64_t madv;
} madv_flags[] = {
	{ KERN_VM(RAND_READ), IMG_MADV(MADV_RANDOM) },
	{ KERN_VM(SEQ_READ), IMG_MADV(MADV_SEQUENTIAL) },
	{ KERN_VM(DONTCOPY), IMG_MADV(MADV_DONTFORK) },
	{ KERN_VM(MERGEABLE), IMG_MADV(MADV_MERGEABLE) },
	{ KERN_VM(HUGEPAGE), IMG_MADV(MADV_HUGEPAGE) },
	{ KERN_VM(NOHUGEPAGE), IMG_MADV(MADV_NOHUGEPAGE) },
	{ KERN_VM(DONTDUMP), IMG_MADV(MADV_DONTDUMP) },
	{ KERN_VM(WIPEONFORK), IMG_MADV(MADV_WIPEONFORK) },
};

static void what_mapping(char *buf, size_t size, const struct kern_vma *vma)
{
	snprintf(buf, size, "mapping %" PRIx64 "-%" PRIx64 " %.24s", vma->start, vma->end, vma->name);
}

/* ---- files of mappings ---- */

/* A mapped file, met once or more: neighbours are mostly of the same. */
struct mapped_file {
	const struct kern_vma *first;
	uint32_t id;
};

struct mapped_files {
	int dir; /* /proc/PID/map_files */
	struct mapped_file *items;
	size_t nr, room;
	uint32_t *slots; /* number of an item, from 1: a hash table; a power of two of them */
	size_t nr_slots;
};

static void mapped_files_free(struct mapped_files *files)
{
	if (files->dir >= 0)
		close(files->dir);
	free(files->items);
	free(files->slots);
}

static int mapped_files_open(struct mapped_files *files, pid_t pid, struct img_err *err)
{
	char path[64];

	*files = (struct mapped_files){ .dir = -1 };
	snprintf(path, sizeof(path), "/proc/%d/map_files", pid);
	files->dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return files->dir < 0 ? img_fail_sys(err, "%s", path) : 0;
}

static uint32_t hash_of(const struct kern_vma *vma)
{
	return (uint32_t)((vma->ino * 31 + vma->dev_major) * 31 + vma->dev_minor) * 2654435761u;
}

static bool of_same_file(const struct kern_vma *a, const struct kern_vma *b)
{
	return a->ino == b->ino && a->dev_major == b->dev_major && a->dev_minor == b->dev_minor && !strcmp(a->name, b->name);
}

static uint32_t *slot_of(const struct mapped_files *files, const struct kern_vma *vma)
{
	size_t at = hash_of(vma) & (files->nr_slots - 1);

	while (files->slots[at] && !of_same_file(files->items[files->slots[at] - 1].first, vma))
		at = (at + 1) & (files->nr_slots - 1);
	return &files->slots[at];
}

static struct mapped_file *mapped_file_find(const struct mapped_files *files, const struct kern_vma *vma)
{
	uint32_t *slot = files->nr_slots ? slot_of(files, vma) : NULL;

	return slot && *slot ? &files->items[*slot - 1] : NULL;
}

static int more_slots(struct mapped_files *files, struct img_err *err)
{
	free(files->slots);
	files->nr_slots = files->nr_slots ? files->nr_slots * 4 : 256;
	files->slots = calloc(files->nr_slots, sizeof(*files->slots));
	if (!files->slots)
		return img_fail_nomem(err);
	for (size_t i = 0; i < files->nr; i++)
		*slot_of(files, files->items[i].first) = (uint32_t)i + 1;
	return 0;
}

static struct mapped_file *mapped_file_add(struct mapped_files *files, const struct kern_vma *vma, struct img_err *err)
{
	struct mapped_file *f = img_array_more(&files->items, files->nr, &files->room);

	if (!f) {
		img_fail_nomem(err);
		return NULL;
	}
	if (files->nr * 2 >= files->nr_slots && more_slots(files, err) < 0)
		return NULL;
	f->first = vma;
	files->nr++;
	*slot_of(files, vma) = (uint32_t)files->nr;
	return f;
}

static void link_name(char *buf, size_t size, const struct kern_vma *vma)
{
	snprintf(buf, size, "%" PRIx64 "-%" PRIx64, vma->start, vma->end);
}

/* O_PATH descriptor and link text (PATH_MAX bytes) of a mapping's file. */
static int open_mapped(
	const struct mapped_files *files, const struct kern_vma *vma, char *link, struct img_err *err)
{
	char name[64];
	ssize_t len;
	int fd;

	link_name(name, sizeof(name), vma);
	len = readlinkat(files->dir, name, link, PATH_MAX - 1);
	if (len < 0)
		return img_fail_sys(err, "the file of mapping %s", name);
	link[len] = '\0';
	fd = openat(files->dir, name, O_PATH | O_CLOEXEC);
	return fd < 0 ? img_fail_sys(err, "the file of mapping %s", name) : fd;
}

/* The record of a mapping's file. */
static int file_id(struct dump *d, struct dump_task *t, struct mapped_files *files,
	const struct kern_vma *vma, uint32_t *id, struct img_err *err)
{
	struct mapped_file *f = mapped_file_find(files, vma);
	char link[PATH_MAX];
	cleanup_fd int fd = -1;

	if (!f) {
		fd = open_mapped(files, vma, link, err);
		if (fd < 0)
			return -1;
		f = mapped_file_add(files, vma, err);
		if (!f || dump_file_by_fd(d, t, fd, link, 0, &f->id, err) < 0)
			return -1;
	}
	*id = f->id;
	return 0;
}

/* How the file was opened: the permissions of its link in map_files. */
static int file_flags(
	const struct mapped_files *files, const struct kern_vma *vma, uint32_t *flags, struct img_err *err)
{
	struct stat st;
	char name[64];

	link_name(name, sizeof(name), vma);
	if (fstatat(files->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return img_fail_sys(err, "the file of mapping %s", name);
	*flags = !(st.st_mode & S_IWUSR) ? O_RDONLY : st.st_mode & S_IRUSR ? O_RDWR : O_WRONLY;
	return 0;
}

/* ---- check ---- */

static int check_file(struct dump *d, struct dump_task *t, struct mapped_files *files,
	const struct kern_vma *vma, const char *what, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	char link[PATH_MAX];
	cleanup_fd int fd = -1;

	if (mapped_file_find(files, vma))
		return 0;
	fd = open_mapped(files, vma, link, &why);
	/* Under --dry-run the task runs, and the mapping may be gone by now. */
	if (fd < 0)
		return d->dry_run ? 0 : dump_block(d, t, what, "%s", why.text);
	if (!mapped_file_add(files, vma, err))
		return -1;
	if (dump_file_check(d, t, fd, link, 0, &why) < 0)
		return dump_block(d, t, what, "%s", why.text);
	return 0;
}

/* Memory of a device that a plugin knows what to do with: 1, 0 for none, -1. */
static int ask_plugins(struct dump *d, const struct mapped_files *files, const struct kern_vma *vma, struct img_err *err)
{
	char link[PATH_MAX];
	cleanup_fd int fd = -1;
	struct stat st;
	int ret;

	if (!vma->shared || vma->name[0] != '/' || !(vma->flags & (KERN_VM(PFNMAP) | KERN_VM(IO))) || d->dry_run ||
		!plugins_hook(d->plugins, CR_PLUGIN_HOOK__HANDLE_DEVICE_VMA, 0))
		return 0;
	fd = open_mapped(files, vma, link, err);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return img_fail_sys(err, "stat '%s'", link);
	ret = plugins_ask(d->plugins, CR_PLUGIN_HOOK__HANDLE_DEVICE_VMA, fd, &st);
	if (ret >= 0 || ret == -ENOTSUP)
		return ret >= 0;
	errno = -ret;
	return img_fail_sys(err, "'%s': a plugin fails", link);
}

static int check_vma(struct dump *d, struct dump_task *t, struct mapped_files *files,
	struct kern_vma *vma, dev_t shmem_dev, struct img_err *err)
{
	struct dump_vma_class class = dump_vma_class(vma, shmem_dev);
	char what[64];
	int plugin;

	what_mapping(what, sizeof(what), vma);
	plugin = class.refused ? ask_plugins(d, files, vma, err) : 0;
	if (plugin < 0)
		return img_wrap(err, "%s", what);
	if (plugin) {
		vma->of_plugin = true;
		class = dump_vma_class(vma, shmem_dev);
	}
	if (class.refused)
		return dump_block(d, t, what, "%s", class.refused);
	if (vma->pkey)
		return dump_block(d, t, what, "protection key %d is not supported", vma->pkey);
	if (class.status & IMG_VMA_SYSVIPC && !dump_ns_of(d, t, CLONE_NEWIPC))
		return dump_block(d, t, what, "System V shared memory of an IPC namespace that is not the tree's own is not supported");
	return class.file ? check_file(d, t, files, vma, what, err) : 0;
}

static int vma_check(struct dump *d, struct dump_task *t, struct img_err *err)
{
	struct mapped_files files;
	dev_t shmem_dev;
	int ret = 0;

	for (size_t i = 0; i < t->maps->nr_unknown; i++)
		if (dump_unknown(d, t, "memory", "'%s' in VmFlags is not known", t->maps->unknown[i]) < 0)
			return img_fail_nomem(err);
	if (kern_shmem_dev(&shmem_dev, err) < 0 || mapped_files_open(&files, t->pid, err) < 0)
		return -1;
	for (size_t i = 0; i < t->maps->nr && !ret; i++)
		ret = check_vma(d, t, &files, &t->maps->vmas[i], shmem_dev, err);
	mapped_files_free(&files);
	return ret;
}

static int vma_ask(struct dump *d, struct dump_task *t, struct inject_batch *b, struct img_err *err)
{
	struct dump_policies *p = dump_keep(d, t, &vma_dump_ops, sizeof(*p));

	return p ? dump_policies_ask(t, p, b, err) : img_fail_nomem(err);
}

/* ---- the records ---- */

static unsigned int log2_of(uint64_t size)
{
	return size ? 63 - __builtin_clzll(size) : 0;
}

static void fill_record(VmaEntry *rec, const struct kern_vma *vma, const struct dump_vma_class *class)
{
	vma_entry__init(rec);
	rec->start = vma->start;
	rec->end = vma->end;
	rec->pgoff = class->file || class->status & IMG_VMA_SYSVIPC ? vma->offset : 0;
	rec->prot = vma->prot;
	rec->status = class->status;
	rec->fd = -1;

	rec->flags = vma->shared		       ? IMG_MAP_SHARED
		     : vma->flags & KERN_VM(DROPPABLE) ? IMG_MAP_DROPPABLE
						       : IMG_MAP_PRIVATE;
	if (!class->file && !(class->status & IMG_VMA_AIORING))
		rec->flags |= IMG_MAP_ANON;
	if (vma->flags & KERN_VM(HUGETLB))
		rec->flags |= IMG_MAP_HUGETLB | log2_of(vma->page_size) << IMG_MAP_HUGE_SHIFT;
	for (size_t i = 0; i < ARRAY_SIZE(map_flags); i++)
		if (vma->flags & map_flags[i].flag)
			rec->flags |= map_flags[i].map;

	for (size_t i = 0; i < ARRAY_SIZE(madv_flags); i++)
		if (vma->flags & madv_flags[i].flag)
			rec->madv |= madv_flags[i].madv;
	rec->has_madv = rec->madv != 0;
	rec->has_lock_on_fault = rec->lock_on_fault = (vma->flags & KERN_VM(LOCKONFAULT)) != 0;
	/* The kernel's own areas may be sealed from the start. */
	rec->has_sealed = rec->sealed = vma->flags & KERN_VM(SEALED) &&
					!(class->status & (IMG_VMA_VDSO | IMG_VMA_VVAR | IMG_VMA_VSYSCALL));
}

/* Could a restore leave the pages for later? As CRIU has it. */
static bool can_be_lazy(const VmaEntry *rec)
{
	return rec->flags & IMG_MAP_ANON && rec->flags & IMG_MAP_PRIVATE &&
	       !(rec->flags & (IMG_MAP_LOCKED | IMG_MAP_HUGETLB)) && !(rec->status & IMG_VMA_VDSO);
}

/* Is it one with the mapping before it, but for marks of ours? */
static bool join(struct dump_task *t, const struct dump_policies *policies, const struct kern_vma *vma)
{
	struct dump_mem *mem = t->mem;
	struct dump_vma *last = mem->nr_vmas ? &mem->vmas[mem->nr_vmas - 1] : NULL;

	if (!vma->continues || !last || !dump_policies_same(t, policies, last->map, vma))
		return false;
	last->rec.end = vma->end;
	t->maps->vmas[last->map - t->maps->vmas].others += vma->others;
	return true;
}

static int add_vma(struct dump *d, struct dump_task *t, struct mapped_files *files,
	const struct kern_vma *vma, dev_t shmem_dev, struct img_err *err)
{
	struct dump_vma_class class = dump_vma_class(vma, shmem_dev);
	struct dump_mem *mem = t->mem;
	struct dump_vma *last = mem->nr_vmas ? &mem->vmas[mem->nr_vmas - 1] : NULL, *v;

	if (class.refused)
		return img_fail(err, IMG_UNSUPPORTED, "%s", class.refused);
	/* One record for all vvar areas. */
	if (class.extends && last && last->rec.end == vma->start && last->rec.status == class.status) {
		last->rec.end = vma->end;
		return 0;
	}
	v = img_array_more(&mem->vmas, mem->nr_vmas, &mem->room_vmas);
	if (!v)
		return img_fail_nomem(err);
	mem->nr_vmas++;
	v->map = vma;
	v->data = class.data;
	fill_record(&v->rec, vma, &class);
	v->lazy = can_be_lazy(&v->rec);
	if (class.status & IMG_VMA_AIORING) {
		v->rec.has_fdflags = true;
		v->rec.fdflags = O_RDWR;
	}

	if (class.status & IMG_VMA_SYSVIPC) {
		v->rec.shmid = vma->ino; /* its identifier: ipc/shm.c */
		v->rec.has_fdflags = true;
		v->rec.fdflags = vma->flags & KERN_VM(MAYWRITE) ? O_RDWR : O_RDONLY; /* how it was attached */
	}
	if (class.file) {
		uint32_t id;

		v->rec.has_fdflags = true;
		if (file_flags(files, vma, &v->rec.fdflags, err) < 0 ||
			file_id(d, t, files, vma, &id, err) < 0)
			return -1;
		v->rec.shmid = id;
	}
	if (class.status & IMG_VMA_MEMFD &&
		dump_shmem_add(d, vma->ino, err, "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, t->pid,
			vma->start, vma->end) < 0)
		return -1;
	log_debug(d->log, "pid %d: mapping %" PRIx64 "-%" PRIx64 ": prot %#x flags %#x status %#x %s", t->pid,
		v->rec.start, v->rec.end, v->rec.prot, v->rec.flags, v->rec.status, vma->name);
	return 0;
}

static int vma_task(struct dump *d, struct dump_task *t, struct img_err *err)
{
	const struct dump_policies *policies = dump_keep(d, t, &vma_dump_ops, sizeof(*policies));
	struct mapped_files files;
	dev_t shmem_dev;
	int ret = 0;

	if (!policies || !dump_mem(t))
		return img_fail_nomem(err);
	if (kern_shmem_dev(&shmem_dev, err) < 0 || mapped_files_open(&files, t->pid, err) < 0)
		return -1;
	for (size_t i = 0; i < t->maps->nr && !ret; i++) {
		const struct kern_vma *vma = &t->maps->vmas[i];

		if (join(t, policies, vma))
			continue;
		ret = add_vma(d, t, &files, vma, shmem_dev, err);
		if (ret < 0)
			img_wrap(err, "mapping %" PRIx64 "-%" PRIx64, vma->start, vma->end);
	}
	mapped_files_free(&files);
	return ret < 0 ? -1 : dump_policies_fill(d, t, policies, err);
}

const struct task_dump_ops vma_dump_ops = {
	.name = "vma",
	.check = vma_check,
	.ask = vma_ask,
	.task = vma_task,
};
