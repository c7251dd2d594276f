/* engines/task/lsm/lsm-dump.c -- security modules (AppArmor, SELinux): the label of each thread. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "criu-dump/task_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/lsm.h"
#include "kernel/proc-file.h"

extern const struct task_dump_ops lsm_dump_ops;

/* Labels for what the thread is about to make: no record has a place for them. */
static const char *const not_carried[] = { "exec", "fscreate", "keycreate" };

/* /proc/PID/task/TID/attr/<name>: what stands there, or NULL when there is nothing; the caller frees. -1: it could not be read. */
static int label_of(const struct dump_thread *th, const char *name, char **label, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	char *text = kern_proc_read(NULL, &why, "/proc/%d/task/%d/attr/%s", th->task->pid, th->tid, name);

	*label = NULL;
	if (!text) {
		/* There is no such module, or it has no such label. */
		if (why.sys_errno == EINVAL || why.sys_errno == ENOENT || why.sys_errno == EOPNOTSUPP)
			return 0;
		*err = why;
		return -1;
	}
	text[strcspn(text, "\n")] = '\0';
	if (!*text) {
		free(text);
		return 0;
	}
	*label = text;
	return 0;
}

/* Held back by nobody: nothing to carry. AppArmor says a profile's mode behind it: "NAME (enforce)". */
static bool is_free(char *label, enum kern_lsm module)
{
	char *mode = strrchr(label, ' ');

	if (module == KERN_LSM_SELINUX)
		return false;
	if (mode && mode[1] == '(')
		*mode = '\0';
	return !strcmp(label, "unconfined");
}

/* Of a module that we do not know. */
static int check_unknown(struct dump *d, struct dump_thread *th, struct img_err *err)
{
	cleanup_free char *label = NULL;

	if (label_of(th, "current", &label, err) < 0)
		return -1;
	if (label && !is_free(label, KERN_LSM_NONE) && strcmp(label, "kernel") &&
		dump_block(d, th->task, "", "thread %d: security label \"%.100s\" is not supported", th->tid, label) < 0)
		return img_fail_nomem(err);
	return 0;
}

static int lsm_check(struct dump *d, struct dump_task *t, struct img_err *err)
{
	enum kern_lsm module = kern_lsm_active();
	bool stacked;

	for_each_thread(t, th) {
		cleanup_free char *label = NULL;

		if (module == KERN_LSM_NONE) {
			if (check_unknown(d, th, err) < 0)
				return -1;
			continue;
		}
		for (size_t i = 0; i < ARRAY_SIZE(not_carried); i++) {
			cleanup_free char *other = NULL;

			if (label_of(th, not_carried[i], &other, err) < 0)
				return -1;
			if (other && module == KERN_LSM_SELINUX &&
				dump_block(d, t, "", "thread %d: its label for %s, \"%.100s\", is not supported", th->tid,
					not_carried[i], other) < 0)
				return img_fail_nomem(err);
		}
		if (label_of(th, "current", &label, err) < 0)
			return -1;
		stacked = label && module == KERN_LSM_APPARMOR && (strstr(label, "//&") || *label == ':');
		if (stacked && dump_block(d, t, "", "thread %d: stacked profiles (\"%.100s\") are not supported", th->tid, label) < 0)
			return img_fail_nomem(err);
	}
	return 0;
}

static int lsm_thread(struct dump *d, struct dump_thread *th, struct img_err *err)
{
	CredsEntry *c = th->core->thread_core->creds;
	struct img_arena *arena = &th->task->arena;
	cleanup_free char *label = NULL, *sockets = NULL;
	enum kern_lsm module = kern_lsm_active();

	if (module == KERN_LSM_NONE)
		return 0;
	if (label_of(th, "current", &label, err) < 0 || label_of(th, "sockcreate", &sockets, err) < 0)
		return -1;
	if (label && !is_free(label, module) && !(c->lsm_profile = img_arena_memdup(arena, label, strlen(label) + 1)))
		return img_fail_nomem(err);
	if (sockets && module == KERN_LSM_SELINUX && !(c->lsm_sockcreate = img_arena_memdup(arena, sockets, strlen(sockets) + 1)))
		return img_fail_nomem(err);
	return 0;
}

/* After creds: its record is theirs. */
const struct task_dump_ops lsm_dump_ops = {
	.name = "lsm",
	.check = lsm_check,
	.thread = lsm_thread,
};
