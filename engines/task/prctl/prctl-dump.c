/* engines/task/prctl/prctl-dump.c -- what criu-dump saves of the many small things that prctl(2) and /proc
 * set. */

#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "criu-dump/task_ops.h"
#include "criu-dump/ns_ops.h"
#include "criuimg/cleanup.h"
#include "kernel/proc-file.h"
#include "kernel/proc-stat.h"
#include "kernel/ptrace.h"

extern const struct task_dump_ops prctl_dump_ops;

#ifndef MEMBARRIER_CMD_GET_REGISTRATIONS /* Linux 6.3 */
#define MEMBARRIER_CMD_GET_REGISTRATIONS (1 << 9)
#endif

#ifndef PR_GET_MDWE /* Linux 6.3 */
#define PR_GET_MDWE 66
#endif

#ifndef PR_TIMER_CREATE_RESTORE_IDS /* Linux 6.15 */
#define PR_TIMER_CREATE_RESTORE_IDS 77
#define PR_TIMER_CREATE_RESTORE_IDS_GET 2
#endif

enum {
	SPECULATION_KINDS = PR_SPEC_L1D_FLUSH + 1,
};

struct prctl_state {
	long subreaper_ret, membarrier, mdwe, timer_ids;
	int subreaper;
};

struct prctl_thread_state {
	long ret, slack, mce_kill, speculation[SPECULATION_KINDS];
	int pdeath_sig;
};

/* PR_SET_IO_FLUSHER, as /proc/PID/stat shows it: PF_MEMALLOC_NOIO and PF_LOCAL_THROTTLE of include/linux/sched.h. */
#define PF_IO_FLUSHER (0x00080000u | 0x00100000u)

enum {
	SLACK_USUAL = 50000, /* ns; INIT_TASK of the kernel: init/init_task.c */
};

/* Files that are there with some kernels only: then nothing can be lost. */
static void from_optional(struct dump_task *t, TaskCoreEntry *tc)
{
	cleanup_free char *filter = kern_proc_read(NULL, NULL, "/proc/%d/coredump_filter", t->pid);
	cleanup_free char *group = kern_proc_read(NULL, NULL, "/proc/%d/autogroup", t->pid);
	const char *nice = group ? strstr(group, " nice ") : NULL;

	if (filter && *filter) {
		tc->has_coredump_filter = 1;
		tc->coredump_filter = strtoul(filter, NULL, 16);
	}
	if (nice && atoi(nice + strlen(" nice "))) {
		tc->has_autogroup_nice = 1;
		tc->autogroup_nice = atoi(nice + strlen(" nice "));
	}
}

static int prctl_check(struct dump *d, struct dump_task *t, struct img_err *err)
{
	if (d->dry_run) /* the rest asks for a task that stands still */
		return 0;
	for_each_thread(t, th) {
		int got = kern_ptrace_dispatches(th->tid, err);
		struct kern_stat stat;

		if (got < 0 || kern_stat_read_thread(t->pid, th->tid, &stat, err) < 0)
			return -1;
		if ((stat.flags & PF_IO_FLUSHER) == PF_IO_FLUSHER &&
			dump_block(d, t, "", "thread %d: PR_SET_IO_FLUSHER is not supported", th->tid) < 0)
			return img_fail_nomem(err);
		if (got && dump_block(d, t, "", "thread %d: system call user dispatch is not supported",
				   th->tid) < 0)
			return img_fail_nomem(err);
	}
	return 0;
}

static int prctl_ask(struct dump *d, struct dump_task *t, struct inject_batch *b, struct img_err *err)
{
	struct prctl_state *s = dump_keep(d, t, &prctl_dump_ops, sizeof(*s));

	if (!s)
		return img_fail_nomem(err);
	inject_call(b, &s->subreaper_ret, SYS_prctl, inj_val(PR_GET_CHILD_SUBREAPER),
		inj_out(&s->subreaper, sizeof(s->subreaper)));
	inject_call(b, &s->membarrier, SYS_membarrier, inj_val(MEMBARRIER_CMD_GET_REGISTRATIONS), inj_val(0),
		inj_val(0));
	inject_call(b, &s->mdwe, SYS_prctl, inj_val(PR_GET_MDWE), inj_val(0), inj_val(0), inj_val(0), inj_val(0));
	inject_call(b, &s->timer_ids, SYS_prctl, inj_val(PR_TIMER_CREATE_RESTORE_IDS), inj_val(PR_TIMER_CREATE_RESTORE_IDS_GET),
		inj_val(0), inj_val(0), inj_val(0));
	return 0;
}

static int prctl_ask_thread(
	struct dump *d, struct dump_thread *th, struct inject_batch *b, struct img_err *err)
{
	struct prctl_thread_state *s = dump_keep_thread(d, th, &prctl_dump_ops, sizeof(*s));

	if (!s)
		return img_fail_nomem(err);
	inject_call(b, &s->ret, SYS_prctl, inj_val(PR_GET_PDEATHSIG),
		inj_out(&s->pdeath_sig, sizeof(s->pdeath_sig)));
	inject_call(b, &s->slack, SYS_prctl, inj_val(PR_GET_TIMERSLACK));
	inject_call(b, &s->mce_kill, SYS_prctl, inj_val(PR_MCE_KILL_GET), inj_val(0), inj_val(0), inj_val(0), inj_val(0));
	for (int i = 0; i < SPECULATION_KINDS; i++)
		inject_call(b, &s->speculation[i], SYS_prctl, inj_val(PR_GET_SPECULATION_CTRL), inj_val(i), inj_val(0),
			inj_val(0), inj_val(0));
	return 0;
}

static int from_proc(struct dump *d, struct dump_task *t, TaskCoreEntry *tc, struct img_err *err)
{
	cleanup_free char *text = kern_proc_read(NULL, err, "/proc/%d/personality", t->pid);
	long long value;

	if (!text)
		return -1;
	tc->personality = strtoul(text, NULL, 16);

	if (kern_proc_read_long(&value, err, "/proc/%d/oom_score_adj", t->pid) < 0)
		return -1;
	tc->has_oom_score_adj = 1;
	tc->oom_score_adj = value;

	/* There with CONFIG_AUDIT only. */
	if (access("/proc/self/loginuid", F_OK) < 0)
		return 0;
	if (kern_proc_read_long(&value, err, "/proc/%d/loginuid", t->pid) < 0)
		return -1;
	tc->has_loginuid = 1;
	tc->loginuid = dump_uid(d, (uint32_t)value);
	return 0;
}

static int prctl_task(struct dump *d, struct dump_task *t, struct img_err *err)
{
	struct prctl_state *s = dump_keep(d, t, &prctl_dump_ops, sizeof(*s));
	TaskCoreEntry *tc = t->threads[0].core->tc;

	if (s->subreaper_ret < 0) {
		errno = -s->subreaper_ret;
		return img_fail_sys(err, "prctl(PR_GET_CHILD_SUBREAPER)");
	}
	tc->has_child_subreaper = 1;
	tc->child_subreaper = s->subreaper;
	if (s->membarrier > 0) { /* a kernel that cannot tell says EINVAL */
		tc->has_membarrier_registration_mask = 1;
		tc->membarrier_registration_mask = s->membarrier;
	}
	/* Kernels that do not know of these fail. */
	if (s->mdwe > 0) {
		tc->has_mdwe = 1;
		tc->mdwe = s->mdwe;
	}
	if (s->timer_ids > 0)
		tc->has_timer_restore_ids = tc->timer_restore_ids = 1;
	from_optional(t, tc);
	return from_proc(d, t, tc, err);
}

/* Of what the CPU guesses: written down where the thread has asked for anything. */
static int speculation(struct dump_thread *th, const struct prctl_thread_state *s, struct img_err *err)
{
	ThreadCoreEntry *tc = th->core->thread_core;
	bool asked = false;

	for (int i = 0; i < SPECULATION_KINDS; i++) {
		long usual = prctl(PR_GET_SPECULATION_CTRL, i, 0, 0, 0);

		if (s->speculation[i] > 0 && s->speculation[i] & PR_SPEC_PRCTL && s->speculation[i] != usual)
			asked = true;
	}
	if (!asked)
		return 0;
	tc->speculation = img_arena_array(&th->task->arena, SPECULATION_KINDS, sizeof(*tc->speculation));
	if (!tc->speculation)
		return img_fail_nomem(err);
	tc->n_speculation = SPECULATION_KINDS;
	for (int i = 0; i < SPECULATION_KINDS; i++)
		tc->speculation[i] = s->speculation[i] > 0 ? s->speculation[i] : 0;
	return 0;
}

static int prctl_thread(struct dump *d, struct dump_thread *th, struct img_err *err)
{
	struct prctl_thread_state *s = dump_keep_thread(d, th, &prctl_dump_ops, sizeof(*s));

	if (s->ret < 0) {
		errno = -s->ret;
		return img_fail_sys(err, "prctl(PR_GET_PDEATHSIG)");
	}
	if (s->pdeath_sig) {
		th->core->thread_core->has_pdeath_sig = 1;
		th->core->thread_core->pdeath_sig = s->pdeath_sig;
	}
	if (s->slack < 0) {
		errno = -s->slack;
		return img_fail_sys(err, "prctl(PR_GET_TIMERSLACK)");
	}
	/* 0 is that of real-time policies, which bring it with them: it cannot be asked for. */
	if (s->slack && s->slack != SLACK_USUAL) {
		th->core->thread_core->has_timer_slack = 1;
		th->core->thread_core->timer_slack = s->slack;
	}
	if (s->mce_kill >= 0 && s->mce_kill != PR_MCE_KILL_DEFAULT) {
		th->core->thread_core->has_mce_kill = 1;
		th->core->thread_core->mce_kill = s->mce_kill;
	}
	return speculation(th, s, err);
}

const struct task_dump_ops prctl_dump_ops = {
	.name = "prctl",
	.check = prctl_check,
	.ask = prctl_ask,
	.ask_thread = prctl_ask_thread,
	.task = prctl_task,
	.thread = prctl_thread,
};
