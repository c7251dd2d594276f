/* engines/task/regs/regs-dump.c -- what criu-dump saves of a thread's registers: thread_info.
 *
 * The values are those with which the thread goes on in user mode: a system call that was interrupted is
 * made again after the restore, as the kernel would have it (arch_regs_restart). The rest is the
 * architecture's: <arch>-dump.c.
 */

#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "criu-dump/arch.h"
#include "criu-dump/task_ops.h"

extern const struct task_dump_ops regs_dump_ops;

struct regs_state {
	long ret;
	uint64_t clear_tid;
	struct dump_arch_asked asked;
};

static int regs_check(struct dump *d, struct dump_task *t, struct img_err *err)
{
	for_each_thread(t, th)
		if (dump_arch_check(d, th, err) < 0 || dump_arch_check_modes(d, th, err) < 0)
			return -1;
	return 0;
}

static int regs_ask_thread(
	struct dump *d, struct dump_thread *th, struct inject_batch *b, struct img_err *err)
{
	struct regs_state *s = dump_keep_thread(d, th, &regs_dump_ops, sizeof(*s));

	if (!s)
		return img_fail_nomem(err);
	inject_call(b, &s->ret, SYS_prctl, inj_val(PR_GET_TID_ADDRESS),
		inj_out(&s->clear_tid, sizeof(s->clear_tid)));
	dump_arch_ask(th, &s->asked, b);
	return 0;
}

static int regs_thread(struct dump *d, struct dump_thread *th, struct img_err *err)
{
	struct regs_state *s = dump_keep_thread(d, th, &regs_dump_ops, sizeof(*s));

	if (s->ret < 0) {
		errno = -s->ret;
		return img_fail_sys(err, "prctl(PR_GET_TID_ADDRESS)");
	}
	return dump_arch_regs(th, s->clear_tid, err) < 0 ? -1 : dump_arch_modes(th, &s->asked, err);
}

const struct task_dump_ops regs_dump_ops = {
	.name = "regs",
	.check = regs_check,
	.ask_thread = regs_ask_thread,
	.thread = regs_thread,
};
