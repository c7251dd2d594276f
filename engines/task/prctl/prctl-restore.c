/* engines/task/prctl/prctl-restore.c -- how criu-restore sets the many small things that prctl(2) and /proc
 * set. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-restore/task_ops.h"
#include "criuimg/cleanup.h"
#include "kernel/self.h"

enum {
	COMM_SIZE = 16,
	SLACK_USUAL = 50000, /* ns; INIT_TASK of the kernel: init/init_task.c */
	OOM_SCORE_ADJ_MAX = 1000,
	MEMBARRIER_BITS = 31,
	NICE_MAX = 20, /* 19 and -20 */
};

#ifndef PR_SET_MDWE /* Linux 6.3 */
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif

#ifndef PR_TIMER_CREATE_RESTORE_IDS /* Linux 6.15 */
#define PR_TIMER_CREATE_RESTORE_IDS 77
#define PR_TIMER_CREATE_RESTORE_IDS_ON 1
#endif

enum {
	MDWE_KNOWN = 3, /* PR_MDWE_REFUSE_EXEC_GAIN, PR_MDWE_NO_INHERIT */
};

/* The flags that there are, and the numbers of systems (include/uapi/linux/personality.h). */
#define PERSONALITY_KNOWN 0x0ffe00ffu

/* CRIU 4.2 takes the kernel's hexadecimal digits for decimal ones: 0x40000 is 40000 in its images. No such
 * number is made of known bits alone: the decimal ones from 10000 up that are multiples of 65536 have digits
 * that no personality has. */
static uint32_t personality_of(const TaskCoreEntry *tc)
{
	char digits[16];

	if (!(tc->personality & ~PERSONALITY_KNOWN))
		return tc->personality;
	snprintf(digits, sizeof(digits), "%u", tc->personality);
	return strtoul(digits, NULL, 16);
}

/* What a thread has asked the kernel to see to, that this host must be able to do. */
static int plan_thread(const struct restore_thread *th, struct img_err *err)
{
	const ThreadCoreEntry *tc = th->core->thread_core;

	if (tc->has_mce_kill && tc->mce_kill > PR_MCE_KILL_DEFAULT)
		return img_fail(err, IMG_CORRUPT, "thread %d: PR_MCE_KILL %u", th->tid, tc->mce_kill);
	for (size_t i = 0; i < tc->n_speculation; i++) {
		long here = prctl(PR_GET_SPECULATION_CTRL, i, 0, 0, 0);

		/* What does not hurt this CPU needs no switch. */
		if (tc->speculation[i] & PR_SPEC_PRCTL && here != PR_SPEC_NOT_AFFECTED && !(here > 0 && here & PR_SPEC_PRCTL))
			return img_fail(err, IMG_UNSUPPORTED, "thread %d: PR_SET_SPECULATION_CTRL of kind %zu: not on this host",
				th->tid, i);
	}
	return 0;
}

static int prctl_plan(struct restore *r, struct restore_task *t, struct img_err *err)
{
	uint32_t p = personality_of(t->core->tc);

	if (p & ~PERSONALITY_KNOWN)
		return img_fail(err, IMG_UNSUPPORTED, "personality %#x", t->core->tc->personality);
	if (t->core->tc->has_oom_score_adj && abs(t->core->tc->oom_score_adj) > OOM_SCORE_ADJ_MAX)
		return img_fail(err, IMG_CORRUPT, "oom_score_adj %d", t->core->tc->oom_score_adj);
	if (abs(t->core->tc->autogroup_nice) > NICE_MAX)
		return img_fail(err, IMG_CORRUPT, "autogroup nice %d", t->core->tc->autogroup_nice);
	if (t->core->tc->mdwe & ~MDWE_KNOWN)
		return img_fail(err, IMG_UNSUPPORTED, "PR_SET_MDWE %#x", t->core->tc->mdwe);
	if (t->core->tc->mdwe && prctl(PR_GET_MDWE, 0, 0, 0, 0) < 0)
		return img_fail(err, IMG_UNSUPPORTED, "PR_SET_MDWE: not with this kernel");
	for (size_t i = 0; i < t->nr_threads; i++)
		if (plan_thread(&t->threads[i], err) < 0)
			return -1;
	return 0;
}

/* A number in a file of our own /proc directory, behind `prefix` where it has one: written only where it is
 * another. Where the file is not there nothing can be lost. */
static int set_number(const char *name, const char *prefix, int base, int64_t value, struct img_err *err)
{
	char path[64];
	cleanup_fd int fd = open(kern_self_path(path, sizeof(path), "%s", name), O_RDWR | O_CLOEXEC);
	const char *at;
	char text[64];
	ssize_t len;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return img_fail_sys(err, "%s", path);
	len = read(fd, text, sizeof(text) - 1);
	if (len < 0)
		return img_fail_sys(err, "%s", path);
	text[len] = 0;
	at = strstr(text, prefix);
	if (at && strtoll(at + strlen(prefix), NULL, base) == value)
		return 0;
	len = snprintf(text, sizeof(text), "%" PRId64, value);
	/* loginuid wants the start of the file, autogroup knows no places in it. */
	if (pwrite(fd, text, len, 0) != len && (errno != ESPIPE || write(fd, text, len) != len))
		return img_fail_sys(err, "%s: %s", path, text);
	return 0;
}

/* What counts for the session as a whole. One that the tree does not bring along has its own. */
static int set_autogroup(struct restore *r, const TaskCoreEntry *tc, const struct restore_task *t, struct img_err *err)
{
	if (!tc->has_autogroup_nice || t->sid == 0 || (t->sid == r->root->sid && !r->root->leads_session))
		return 0;
	return set_number("autogroup", " nice ", 10, tc->autogroup_nice, err);
}

static int prctl_task(struct restore *r, struct restore_task *t, struct img_err *err)
{
	const TaskCoreEntry *tc = t->core->tc;

	if (tc->has_oom_score_adj && set_number("oom_score_adj", "", 10, tc->oom_score_adj, err) < 0)
		return -1;
	if (tc->has_loginuid && set_number("loginuid", "", 10, tc->loginuid, err) < 0)
		return -1;
	if (tc->has_coredump_filter &&
		set_number("coredump_filter", "", 16, tc->coredump_filter, err) < 0)
		return -1;
	return set_autogroup(r, tc, t, err);
}

static int prctl_tape(
	struct restore *r, struct restore_task *t, struct restore_tape *tape, struct img_err *err)
{
	const TaskCoreEntry *tc = t->core->tc;

	/* Not before the mappings are made: some personalities change what mmap(2) does. Threads inherit
	 * it. */
	if (personality(0xffffffff) != (int)personality_of(tc))
		tape_step(tape, TAPE_MM, "personality", SYS_personality, personality_of(tc));
	for (int bit = 0; tc->has_membarrier_registration_mask && bit < MEMBARRIER_BITS; bit++)
		if (tc->membarrier_registration_mask & 1u << bit)
			tape_step(tape, TAPE_MM, "register for membarrier", SYS_membarrier, 1u << bit, 0, 0);
	if (tc->child_subreaper || t->adopts)
		tape_step(tape, TAPE_ARM, "be a reaper or not", SYS_prctl, PR_SET_CHILD_SUBREAPER,
			tc->child_subreaper);
	if (tc->mdwe) /* nothing becomes executable any more */
		tape_step(tape, TAPE_ARM, "no new executable memory", SYS_prctl, PR_SET_MDWE, tc->mdwe);
	/* A kernel without it numbers timers itself, whatever they ask for. */
	if (tc->timer_restore_ids)
		tape_step(tape, TAPE_ARM, "numbers of timers", SYS_prctl, PR_TIMER_CREATE_RESTORE_IDS,
			PR_TIMER_CREATE_RESTORE_IDS_ON)
			->flags = BLOB_MAY_FAIL;
	return 0;
}

static int prctl_thread(struct restore *r, struct restore_task *t, struct restore_thread *th,
	struct restore_tape *tape, struct img_err *err)
{
	const ThreadCoreEntry *tc = th->core->thread_core;
	const char *comm = tc->comm ? tc->comm : t->core->tc->comm;
	long slack = tc->has_timer_slack ? (long)tc->timer_slack : SLACK_USUAL;
	char name[COMM_SIZE];

	snprintf(name, sizeof(name), "%s", comm);
	tape_step(tape, TAPE_THREAD, "set name", SYS_prctl, PR_SET_NAME, tape_data(tape, name, sizeof(name)));
	if (prctl(PR_GET_TIMERSLACK) != slack)
		tape_step(tape, TAPE_THREAD, "timer slack", SYS_prctl, PR_SET_TIMERSLACK, slack);
	if (tc->has_mce_kill)
		tape_step(tape, TAPE_THREAD, "broken memory", SYS_prctl, PR_MCE_KILL, PR_MCE_KILL_SET, tc->mce_kill);
	for (size_t i = 0; i < tc->n_speculation; i++)
		if (tc->speculation[i] & PR_SPEC_PRCTL && tc->speculation[i] != (uint32_t)prctl(PR_GET_SPECULATION_CTRL, i, 0, 0, 0))
			tape_step(tape, TAPE_THREAD_LAST, "speculation", SYS_prctl, PR_SET_SPECULATION_CTRL, i,
				tc->speculation[i] & ~PR_SPEC_PRCTL);
	if (tc->pdeath_sig)
		tape_step(tape, TAPE_THREAD_LAST, "parent-death signal", SYS_prctl, PR_SET_PDEATHSIG,
			tc->pdeath_sig);
	return 0;
}

extern const struct task_restore_ops prctl_restore_ops;

const struct task_restore_ops prctl_restore_ops = {
	.name = "prctl",
	.plan = prctl_plan,
	.task = prctl_task,
	.tape = prctl_tape,
	.thread = prctl_thread,
};
