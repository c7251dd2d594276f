/* engines/mem/mm/addresses-restore.c -- how criu-restore sets what the kernel knows of an address space beside its mappings: where code,
 * data, heap, stack, arguments and environment are, the auxiliary vector, the exe link, dumpable. */

#include <fcntl.h>
#include <linux/prctl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-restore/files.h"
#include "criu-restore/task_ops.h"
#include "criuimg/vma.h"
#include "criuimg/cleanup.h"

#ifndef PR_SET_MEMORY_MERGE /* Linux 6.4 */
#define PR_SET_MEMORY_MERGE 67
#endif

#ifndef PR_THP_DISABLE_EXCEPT_ADVISED /* Linux 6.18 */
#define PR_THP_DISABLE_EXCEPT_ADVISED (1 << 1)
#endif

enum {
	AUXV_WORDS_MAX = 1024, /* the kernel has about 50 and refuses more than it has */
	SUID_DUMP_ROOT = 2,    /* include/linux/coredump.h */
};

static int mm_plan(struct restore *r, struct restore_task *t, struct img_err *err)
{
	if (t->mm->n_mm_saved_auxv > AUXV_WORDS_MAX)
		return img_fail(err, IMG_CORRUPT, "auxiliary vector of %zu words", t->mm->n_mm_saved_auxv);
	if (t->mm->has_dumpable && (t->mm->dumpable < 0 || t->mm->dumpable > SUID_DUMP_ROOT))
		return img_fail(err, IMG_CORRUPT, "dumpable %d", t->mm->dumpable);
	return 0;
}

/* 2 (root alone may read core files) cannot be asked for: it is what a change of identity leaves behind on a host that says so in
 * fs.suid_dumpable. There a change and back does it, before the identities that only do the same again; elsewhere 0 is the next
 * best, and lets nobody in that 2 does not. */
static void tape_dumpable(struct restore *r, const struct restore_task *t, struct restore_tape *tape)
{
	cleanup_file FILE *f = fopen("/proc/sys/fs/suid_dumpable", "re");
	gid_t gid = getegid();
	int left = 0;

	if (t->mm->dumpable != SUID_DUMP_ROOT) {
		tape_step(tape, TAPE_ARM, "dumpable", SYS_prctl, PR_SET_DUMPABLE, t->mm->dumpable);
		return;
	}
	if (!f || fscanf(f, "%d", &left) != 1 || left != SUID_DUMP_ROOT) {
		log_warn(r->log, "pid %d: dumpable 2 becomes 0: fs.suid_dumpable is not 2 here", t->pid);
		tape_step(tape, TAPE_ARM, "dumpable", SYS_prctl, PR_SET_DUMPABLE, 0);
		return;
	}
	tape_step(tape, TAPE_THREAD, "dumpable", SYS_prctl, PR_SET_DUMPABLE, 0);
	tape_step(tape, TAPE_THREAD, "dumpable", SYS_setfsgid, gid ^ 1);
	tape_step(tape, TAPE_THREAD, "dumpable", SYS_setfsgid, gid);
}

/* It makes all mappings such that may be merged: those that were not are none again. */
static void merge_all(const MmEntry *mm, struct restore_tape *tape)
{
	tape_step(tape, TAPE_MM, "merge memory", SYS_prctl, PR_SET_MEMORY_MERGE, 1);
	for (size_t i = 0; i < mm->n_vmas; i++) {
		const VmaEntry *e = mm->vmas[i];

		if (e->flags & IMG_MAP_PRIVATE && !(e->madv & IMG_MADV(MADV_MERGEABLE)) &&
			!(e->status & (IMG_VMA_GUARD | IMG_VMA_VSYSCALL | IMG_VMA_VVAR | IMG_VMA_VDSO)))
			tape_step(tape, TAPE_MM, "do not merge a mapping", SYS_madvise, e->start, e->end - e->start,
				MADV_UNMERGEABLE)
				->flags = BLOB_MAY_FAIL;
	}
}

static int mm_tape(struct restore *r, struct restore_task *t, struct restore_tape *tape, struct img_err *err)
{
	const MmEntry *mm = t->mm;
	struct prctl_mm_map map = {
		.start_code = mm->mm_start_code,
		.end_code = mm->mm_end_code,
		.start_data = mm->mm_start_data,
		.end_data = mm->mm_end_data,
		.start_brk = mm->mm_start_brk,
		.brk = mm->mm_brk,
		.start_stack = mm->mm_start_stack,
		.arg_start = mm->mm_arg_start,
		.arg_end = mm->mm_arg_end,
		.env_start = mm->mm_env_start,
		.env_end = mm->mm_env_end,
		.auxv_size = mm->n_mm_saved_auxv * sizeof(uint64_t),
	};
	int exe;

	/* Not O_PATH: the kernel wants a file that is open. */
	if (restore_open_file(r, t, mm->exe_file_id, O_RDONLY, &exe, err) < 0)
		return img_wrap(err, "exe");
	map.exe_fd = exe;
	if (mm->n_mm_saved_auxv)
		map.auxv = (__u64 *)tape_data(tape, mm->mm_saved_auxv, map.auxv_size);
	tape_step(tape, TAPE_MM, "set addresses, auxv and exe", SYS_prctl, PR_SET_MM, PR_SET_MM_MAP,
		tape_data(tape, &map, sizeof(map)), sizeof(map), 0);
	if (mm->thp_advised)
		tape_step(tape, TAPE_MM, "huge pages where they were asked for alone", SYS_prctl, PR_SET_THP_DISABLE, 1,
			PR_THP_DISABLE_EXCEPT_ADVISED);
	else if (mm->has_thp_disabled && prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) != mm->thp_disabled)
		tape_step(tape, TAPE_MM, "disable huge pages or not", SYS_prctl, PR_SET_THP_DISABLE, mm->thp_disabled);

	if (mm->memory_merge)
		merge_all(mm, tape);
	if (mm->has_dumpable)
		tape_dumpable(r, t, tape);
	return 0;
}

extern const struct task_restore_ops mm_restore_ops;

const struct task_restore_ops mm_restore_ops = {
	.name = "mm",
	.plan = mm_plan,
	.tape = mm_tape,
};
