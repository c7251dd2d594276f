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
#include "kernel/ptrace.h"

extern const struct task_dump_ops prctl_dump_ops;

#ifndef MEMBARRIER_CMD_GET_REGISTRATIONS /* Linux 6.3 */
#define MEMBARRIER_CMD_GET_REGISTRATIONS (1 << 9)
#endif

struct prctl_state {
	long subreaper_ret, membarrier;
	int subreaper;
};

struct prctl_thread_state {
	long ret, slack;
	int pdeath_sig;
};

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

		if (got < 0)
			return -1;
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
	from_optional(t, tc);
	return from_proc(d, t, tc, err);
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
	return 0;
}

const struct task_dump_ops prctl_dump_ops = {
	.name = "prctl",
	.check = prctl_check,
	.ask = prctl_ask,
	.ask_thread = prctl_ask_thread,
	.task = prctl_task,
	.thread = prctl_thread,
};
