/* criu-dump/ask.c -- what only a task itself can tell: the batches of all rooms, run in each task. */

#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "criu-dump/spine.h"
#include "criu-dump/task_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/maps.h"
#include "parasite/arch/way-back.h"

enum {
	CODE_SEARCHED = 64 << 20, /* bytes of a task's code that are looked through, at most */
};

IMG_DEFINE_CLEANUP(struct inject_batch *, inject_batch_free);

static bool has_code(const struct kern_vma *v)
{
	return v->prot & PROT_EXEC && v->prot & PROT_READ && strcmp(v->name, "[vsyscall]") != 0;
}

/* A system call instruction in the memory of the task: that of the vdso, or any other. */
static int find_syscall(struct dump_task *t, struct img_err *err)
{
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < t->maps->nr; i++) {
			const struct kern_vma *v = &t->maps->vmas[i];
			int got;

			if (!has_code(v) || (pass == 0) != !strcmp(v->name, "[vdso]"))
				continue;
			got = inject_find(t->pid, t->compat ? INJECT_CODE_CALL_COMPAT : INJECT_CODE_CALL, v->start, v->end, &t->space.syscall_addr,
				pass ? NULL : err);
			if (got == 1)
				return 0;
			if (got < 0 && pass == 0)
				return -1;
		}
	}
	return img_fail(err, IMG_UNSUPPORTED, "no system call instruction in its memory");
}

/* Code that leads a thread back, should we die at a bad moment. In ld.so, which is at the end as a rule, or the libc; for a task
 * made by fork(2) it is where its parent has it. */
static uint64_t find_way(const struct dump_task *t, enum inject_code what, uint64_t hint)
{
	uint64_t left = CODE_SEARCHED, at;

	if (hint && inject_find(t->pid, what, hint, hint + ARCH_CODE_MAX, &at, NULL) == 1 && at == hint)
		for (size_t i = 0; i < t->maps->nr; i++)
			if (t->maps->vmas[i].start <= hint && t->maps->vmas[i].end >= hint + ARCH_CODE_MAX &&
				has_code(&t->maps->vmas[i]))
				return hint;
	for (size_t i = t->maps->nr; i-- > 0;) {
		const struct kern_vma *v = &t->maps->vmas[i];

		if (!has_code(v) || v->end - v->start > left)
			continue;
		left -= v->end - v->start;
		if (inject_find(t->pid, what, v->start, v->end, &at, NULL) == 1)
			return at;
	}
	return 0;
}

static void find_ways(struct dump_task *t)
{
	const struct dump_task *p = t->parent;

	t->space.compat = t->compat;
	if (t->compat)
		return; /* they are not looked for in 32-bit code */
	t->space.return_addr = find_way(t, INJECT_CODE_RETURN, p ? p->space.return_addr : 0);
	t->space.sigreturn_addr = find_way(t, INJECT_CODE_SIGRETURN, p ? p->space.sigreturn_addr : 0);
}

/* A signal that means nothing to the task: it is ignored by default, nobody has taken it over, and none is
 * waiting. */
static int quiet_signal(const struct dump_thread *th)
{
	static const int ignored[] = { SIGURG, SIGWINCH, SIGCHLD };
	const struct kern_status *s = &th->status;

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		if (!((s->sig_caught | s->sig_pending | s->sig_shared_pending) & 1ull << (ignored[i] - 1)))
			return ignored[i];
	return 0;
}

static struct inject_thread target_of(const struct dump_thread *th)
{
	const struct dump_task *t = th->task;

	return (struct inject_thread){
		.pid = t->pid,
		.tid = th->tid,
		.regs = &th->regs,
		.sigmask = th->sigmask,
		.seccomp = th->status.seccomp != 0,
		.own_stop = th->own_stop,
		.quiet_signo = quiet_signal(th),
	};
}

bool dump_ask_runs_blob(const struct dump_task *t)
{
	return t->space.exec && quiet_signal(&t->threads[0]);
}

int dump_ask_leader(struct dump *d, struct dump_task *t, struct inject_batch *b, struct img_err *err)
{
	struct inject_thread target = target_of(&t->threads[0]);

	if ((!t->space.syscall_addr && find_syscall(t, err) < 0) || inject_run(&t->space, &target, b, err) < 0)
		return -1;
	return inject_leave(&t->space, &target, err);
}

static int ask_thread(struct dump *d, struct dump_thread *th, struct img_err *err)
{
	struct dump_task *t = th->task;
	cleanup_with(inject_batch_free) struct inject_batch *b = inject_batch_new();
	struct inject_thread target = target_of(th);

	if (!b)
		return img_fail_nomem(err);
	for (const struct task_dump_ops *const *room = dump_task_rooms; *room; room++) {
		if (th == t->threads && (*room)->ask && (*room)->ask(d, t, b, err) < 0)
			return img_wrap(err, "%s", (*room)->name);
		if ((*room)->ask_thread && (*room)->ask_thread(d, th, b, err) < 0)
			return img_wrap(err, "%s", (*room)->name);
	}
	if (inject_run(&t->space, &target, b, err) < 0)
		return -1;
	/* The leader is asked last, and takes the area away. */
	return th == t->threads ? inject_leave(&t->space, &target, err) : 0;
}

int dump_ask(struct dump *d, struct img_err *err)
{
	for_each_live_task(d, t) {
		if (dump_go_on(d, err) < 0)
			return -1;
		if (find_syscall(t, err) < 0)
			return img_wrap(err, "pid %d", t->pid);
		find_ways(t);
		for (size_t i = t->nr_threads; i-- > 0;)
			if (ask_thread(d, &t->threads[i], err) < 0)
				return img_wrap(err, "pid %d", t->pid);
	}
	return 0;
}
