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

static int prctl_plan(struct restore *r, struct restore_task *t, struct img_err *err)
{
	uint32_t p = personality_of(t->core->tc);

	if (p & ~PERSONALITY_KNOWN)
		return img_fail(err, IMG_UNSUPPORTED, "personality %#x", t->core->tc->personality);
	if (t->core->tc->has_oom_score_adj && abs(t->core->tc->oom_score_adj) > OOM_SCORE_ADJ_MAX)
		return img_fail(err, IMG_CORRUPT, "oom_score_adj %d", t->core->tc->oom_score_adj);
	if (abs(t->core->tc->autogroup_nice) > NICE_MAX)
		return img_fail(err, IMG_CORRUPT, "autogroup nice %d", t->core->tc->autogroup_nice);
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
