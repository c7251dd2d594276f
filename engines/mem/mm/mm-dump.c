/* engines/mem/mm/mm-dump.c -- the address space of a task: mm-N.img, with the records that vma/ and pages/
 * made. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-dump/files.h"
#include "criu-dump/mem.h"
#include "criu-dump/task_ops.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "kernel/proc-file.h"
#include "mm.pb-c.h"

#ifndef PR_SET_MEMORY_MERGE /* Linux 6.4 */
#define PR_SET_MEMORY_MERGE 67
#define PR_GET_MEMORY_MERGE 68
#endif

#ifndef PR_THP_DISABLE_EXCEPT_ADVISED /* Linux 6.18 */
#define PR_THP_DISABLE_EXCEPT_ADVISED (1 << 1)
#endif

/* A page that is mapped and taken away again: is it locked, by what mlockall(2) was told about the future? Nothing shows that. */
struct probe {
	long mapped, looked, invalidated;
	unsigned char there;
};

/* What the task itself was asked. */
struct answers {
	long brk, dumpable, merge, thp;
	struct probe probe;
	MmEntry *later; /* what is to be written when the tasks run again */
};

extern const struct task_dump_ops mm_dump_ops;

enum {
	PAGE = 4096,
	MUCH = 64 << 20, /* a gap that is left for the task, and for areas of ours */
};

/* An address that is free, in the middle of the first large gap: the kernel takes them from the ends. */
static uint64_t free_page(const struct kern_maps *maps)
{
	for (size_t i = 0; i + 1 < maps->nr; i++) {
		uint64_t from = maps->vmas[i].end, size = maps->vmas[i + 1].start - from;

		if (size >= MUCH && from < INT64_MAX)
			return (from + size / 2) & ~(uint64_t)(PAGE - 1);
	}
	return 0;
}

static void ask_probe(const struct dump_task *t, struct probe *p, struct inject_batch *b)
{
	uint64_t at = free_page(t->maps);

	if (!at)
		return;
	inject_call(b, &p->mapped, SYS_mmap, inj_val(at), inj_val(PAGE), inj_val(PROT_READ | PROT_WRITE),
		inj_val(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE), inj_val(-1), inj_val(0));
	inject_call(b, &p->looked, SYS_mincore, inj_val(at), inj_val(PAGE), inj_out(&p->there, sizeof(p->there)));
	inject_call(b, &p->invalidated, SYS_msync, inj_val(at), inj_val(PAGE), inj_val(MS_INVALIDATE));
	inject_call(b, NULL, SYS_munmap, inj_val(at), inj_val(PAGE));
}

/* Flags for mlockall(2), or 0. */
static uint32_t lock_future(const struct probe *p)
{
	if (p->mapped == -EAGAIN) /* locked, and over its limit */
		return MCL_FUTURE;
	if (p->mapped <= 0 || p->invalidated != -EBUSY)
		return 0;
	return p->looked == 0 && p->there & 1 ? MCL_FUTURE : MCL_FUTURE | MCL_ONFAULT;
}

static int mm_ask(struct dump *d, struct dump_task *t, struct inject_batch *b, struct img_err *err)
{
	struct answers *a = dump_keep(d, t, &mm_dump_ops, sizeof(*a));

	if (!a)
		return img_fail_nomem(err);
	inject_call(b, &a->brk, SYS_brk, inj_val(0));
	inject_call(b, &a->merge, SYS_prctl, inj_val(PR_GET_MEMORY_MERGE), inj_val(0), inj_val(0), inj_val(0), inj_val(0));
	inject_call(b, &a->thp, SYS_prctl, inj_val(PR_GET_THP_DISABLE), inj_val(0), inj_val(0), inj_val(0), inj_val(0));
	ask_probe(t, &a->probe, b);
	inject_call(b, &a->dumpable, SYS_prctl, inj_val(PR_GET_DUMPABLE));
	return 0;
}

static int exe_id(struct dump *d, struct dump_task *t, uint32_t *id, struct img_err *err)
{
	char path[32], link[PATH_MAX];
	cleanup_fd int fd = -1;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/exe", t->pid);
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0)
		return img_fail_sys(err, "%s", path);
	link[len] = '\0';
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return img_fail_sys(err, "%s", path);
	return dump_file_by_fd(d, t, fd, link, 0, id, err);
}

/* Pairs of words; the last of the kernel's file is AT_NULL, which is not stored. */
static int fill_auxv(MmEntry *mm, struct dump_task *t, struct img_err *err)
{
	size_t len, nr;
	cleanup_free char *text = kern_proc_read(&len, err, "/proc/%d/auxv", t->pid);

	if (!text)
		return -1;
	nr = len / sizeof(unsigned long);
	mm->mm_saved_auxv = img_arena_array(&t->arena, nr + 1, sizeof(*mm->mm_saved_auxv));
	if (!mm->mm_saved_auxv)
		return img_fail_nomem(err);
	/* Of 32-bit code: a pair is a word. Records have an even number of words. */
	for (size_t i = 0; t->compat && i < nr; i++) {
		unsigned long pair;

		memcpy(&pair, text + i * sizeof(pair), sizeof(pair));
		if (!pair && mm->n_mm_saved_auxv % 2 == 0)
			return 0;
		mm->mm_saved_auxv[mm->n_mm_saved_auxv++] = pair;
		if (!pair)
			return 0;
	}
	for (size_t i = 0; i + 1 < nr; i += 2) {
		unsigned long pair[2];

		memcpy(pair, text + i * sizeof(pair[0]), sizeof(pair));
		if (!pair[0])
			break;
		mm->mm_saved_auxv[mm->n_mm_saved_auxv++] = pair[0];
		mm->mm_saved_auxv[mm->n_mm_saved_auxv++] = pair[1];
	}
	return 0;
}

static int fill_vmas(MmEntry *mm, struct dump_task *t, struct img_err *err)
{
	struct dump_mem *mem = t->mem;

	mm->vmas = img_arena_array(&t->arena, mem->nr_vmas + mem->nr_guards, sizeof(*mm->vmas));
	if (!mm->vmas)
		return img_fail_nomem(err);
	for (size_t i = 0; i < mem->nr_vmas; i++)
		mm->vmas[mm->n_vmas++] = &mem->vmas[i].rec;
	for (size_t i = 0; i < mem->nr_guards; i++)
		mm->vmas[mm->n_vmas++] = &mem->guards[i];
	return 0;
}

static int write_mm(struct dump *d, struct dump_task *t, MmEntry *mm, struct img_err *err)
{
	if (fill_vmas(mm, t, err) < 0)
		return -1;
	log_info(d->log, "pid %d: %zu mappings, brk %#llx", t->pid, mm->n_vmas, (unsigned long long)mm->mm_brk);
	return img_write_single(d->set, IMG_MM, t->vpid, &mm->base, err);
}

static int mm_task(struct dump *d, struct dump_task *t, struct img_err *err)
{
	struct answers *a = dump_keep(d, t, &mm_dump_ops, sizeof(*a));
	const struct kern_stat *st = &t->stat;
	MmEntry mm = MM_ENTRY__INIT, *kept;

	if (!a)
		return img_fail_nomem(err);
	if (a->dumpable < 0)
		return img_fail(err, IMG_SYS, "PR_GET_DUMPABLE: %s", strerror(-a->dumpable));
	mm.mm_start_code = st->start_code;
	mm.mm_end_code = st->end_code;
	mm.mm_start_data = st->start_data;
	mm.mm_end_data = st->end_data;
	mm.mm_start_stack = st->start_stack;
	mm.mm_start_brk = st->start_brk;
	mm.mm_brk = a->brk;
	mm.mm_arg_start = st->arg_start;
	mm.mm_arg_end = st->arg_end;
	mm.mm_env_start = st->env_start;
	mm.mm_env_end = st->env_end;
	mm.has_dumpable = true;
	mm.dumpable = a->dumpable;
	mm.has_memory_merge = mm.memory_merge = a->merge == 1;
	mm.lock_future = lock_future(&a->probe);
	mm.has_lock_future = mm.lock_future != 0;
	mm.has_thp_disabled = true;
	mm.thp_disabled = !t->threads[0].status.thp_enabled;
	mm.has_thp_advised = mm.thp_advised = a->thp > 0 && a->thp & PR_THP_DISABLE_EXCEPT_ADVISED;

	mm.aios = t->mem->aios;
	mm.n_aios = t->mem->nr_aios;
	if (exe_id(d, t, &mm.exe_file_id, err) < 0 || fill_auxv(&mm, t, err) < 0)
		return -1;
	if (!d->snap)
		return write_mm(d, t, &mm, err);
	/* The pages, and with them the guard regions, are looked for later. */
	kept = img_arena_alloc(&t->arena, sizeof(*kept));
	if (!kept)
		return img_fail_nomem(err);
	*kept = mm;
	a->later = kept;
	return 0;
}

static int mm_late(struct dump *d, struct dump_task *t, struct img_err *err)
{
	struct answers *a = dump_keep(d, t, &mm_dump_ops, sizeof(*a));

	return a && a->later ? write_mm(d, t, a->later, err) : 0;
}

const struct task_dump_ops mm_dump_ops = {
	.name = "mm",
	.ask = mm_ask,
	.task = mm_task,
	.late = mm_late,
};
