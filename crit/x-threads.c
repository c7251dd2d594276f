/* crit/x-threads.c -- crit x DIR threads: every thread, where it is and how it is scheduled. */

#include <inttypes.h>
#include <stdio.h>

#include "criuimg/array.h"
#include "rows.h"
#include "x.h"

static const char *const policies[] = { "other", "fifo", "rr", "batch", "iso", "idle", "deadline", "ext" };

/* Where it was, by architecture: program counter, stack, system call (-1: in none). */
struct place {
	uint64_t ip, sp;
	int64_t syscall;
	bool known;
};

static struct place place_of(const CoreEntry *core)
{
	if (core->thread_info && core->thread_info->gpregs) {
		const UserX86RegsEntry *regs = core->thread_info->gpregs;

		return (struct place){ regs->ip, regs->sp, (int64_t)regs->orig_ax, true };
	}
	if (core->ti_aarch64 && core->ti_aarch64->gpregs) {
		const UserAarch64RegsEntry *regs = core->ti_aarch64->gpregs;

		return (struct place){ regs->pc, regs->sp, -1, true };
	}
	return (struct place){ .syscall = -1 };
}

static const char *comm_of(const CoreEntry *core)
{
	if (core->thread_core && core->thread_core->comm)
		return core->thread_core->comm;
	return core->tc ? core->tc->comm : NULL;
}

static void add_thread(struct rows *rows, const PstreeEntry *task, uint32_t tid, uint32_t state, const CoreEntry *core)
{
	const ThreadCoreEntry *thread = core->thread_core;
	struct place place = place_of(core);
	char buf[16];

	rows_next(rows);
	rows_int(rows, "pid", task->pid);
	rows_int(rows, "tid", tid);
	rows_text(rows, "comm", comm_of(core));
	rows_text(rows, "state", x_state_name(state, buf));
	if (thread && thread->has_sched_policy) {
		if (thread->sched_policy < ARRAY_SIZE(policies))
			rows_text(rows, "policy", policies[thread->sched_policy]);
		else
			rows_int(rows, "policy", thread->sched_policy);
	}
	if (thread && thread->has_sched_prio)
		rows_int(rows, "prio", thread->sched_prio);
	if (thread && thread->has_sched_nice)
		rows_int(rows, "nice", thread->sched_nice);
	if (place.known) {
		rows_hex(rows, "ip", place.ip);
		rows_hex(rows, "sp", place.sp);
		if (place.syscall >= 0)
			rows_int(rows, "syscall", place.syscall);
	}
	if (thread && thread->has_seccomp_mode)
		rows_text(rows, "seccomp", thread->seccomp_mode == SECCOMP_MODE__filter ? "filter" :
						  thread->seccomp_mode == SECCOMP_MODE__strict ? "strict" : "off");
	if (thread && thread->has_pdeath_sig && thread->pdeath_sig)
		rows_text(rows, "pdeath_sig", x_signal_name(thread->pdeath_sig, buf));
}

static int add_task(struct x *x, struct rows *rows, const PstreeEntry *task, struct img_err *err)
{
	uint32_t state = X_STATE_ALIVE;
	CoreEntry *core;

	for (size_t i = 0; i < x_thread_count(task); i++) {
		uint32_t tid = x_thread_id(task, i);
		int ret = x_read_core(x, tid, &core, err);

		if (ret < 0)
			return -1;
		if (ret == 0)
			continue;
		/* The state is the whole task's, told with its first thread. */
		if (core->tc)
			state = core->tc->task_state;
		add_thread(rows, task, tid, state, core);
		img_message_free(&core->base);
	}
	return 0;
}

static const struct column columns[] = {
	{ "pid", "PID", true, '6' },	   { "tid", "TID", true, '6' },	      { "state", "STATE", false, '2' },
	{ "policy", "POLICY", false, 0 },  { "prio", "PRIO", true, 0 },	      { "nice", "NICE", true, 0 },
	{ "seccomp", "SECCOMP", false, 0 }, { "syscall", "SYSCALL", true, 0 }, { "ip", "IP", false, 0 },
	{ "sp", "SP", false, 0 },	   { "comm", "COMM", false, 0 },      { 0 },
};

const struct x_view x_threads = {
	.name = "threads",
	.summary = "every thread: where it was, how it is scheduled",
	.task = add_task,
	.columns = columns,
};
