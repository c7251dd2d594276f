/* criu-restore/file-attrs.c -- flags and signal owner of a file description that was just made. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-restore/files.h"
#include "criu-restore/restore.h"
#include "criu-restore/task_ops.h"
#include "kernel/self.h"

/* What F_SETFL takes: fcntl(2). O_ASYNC it takes only for what can send signals; where it does not, open(2) has set it. */
#define CHANGEABLE (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | O_ASYNC)

int restore_file_flags(int fd, uint32_t flags, struct img_err *err)
{
	int now = fcntl(fd, F_GETFL);

	if (now < 0)
		return img_fail_sys(err, "F_GETFL");
	if (((uint32_t)now & CHANGEABLE) == (flags & CHANGEABLE))
		return 0;
	if (fcntl(fd, F_SETFL, ((uint32_t)now & ~(uint32_t)CHANGEABLE) | (flags & CHANGEABLE)) < 0)
		return img_fail_sys(err, "set flags %#o", flags);
	return 0;
}

/* The kernel remembers who set the owner, and later asks whether he may send the signal. The system calls are made raw: libc
 * would change all threads. */
static int set_owner_as(int fd, const struct f_owner_ex *owner, uid_t uid, uid_t euid, struct img_err *err)
{
	uid_t was_uid = getuid(), was_euid = geteuid();
	int dumpable = prctl(PR_GET_DUMPABLE);
	int ret, saved;

	if (uid == was_uid && euid == was_euid)
		return fcntl(fd, F_SETOWN_EX, owner) < 0 ? img_fail_sys(err, "set owner pid %d", (int)owner->pid) : 0;
	if (syscall(SYS_setresuid, uid, euid, (uid_t)-1) < 0)
		return img_fail_sys(err, "become uid %u, effective %u, to set an owner", uid, euid);
	ret = fcntl(fd, F_SETOWN_EX, owner);
	saved = errno;
	/* The saved uid is still what it was, and that allows to go back. */
	if (syscall(SYS_setresuid, was_uid, was_euid, (uid_t)-1) < 0)
		return img_fail_sys(err, "become uid %u again", was_uid);
	if (dumpable == 1)
		prctl(PR_SET_DUMPABLE, 1);
	errno = saved;
	return ret < 0 ? img_fail_sys(err, "set owner pid %d", (int)owner->pid) : 0;
}

static bool has_thread(const struct restore_task *t, const FownEntry *fown)
{
	for (size_t i = 1; i < t->nr_threads; i++)
		if (t->threads[i].tid == (pid_t)fown->pid)
			return true;
	return false;
}

static bool is_thread(const struct restore *r, const FownEntry *fown)
{
	if (fown->pid_type != F_OWNER_TID)
		return false;
	for (size_t i = 0; i < r->nr_tasks; i++)
		if (has_thread(&r->tasks[i], fown))
			return true;
	return false;
}

/* A task that has the file, and the thread: in its tape, once its threads are there and while it is still all of root. */
static int owners_tape(struct restore *r, struct restore_task *t, struct restore_tape *tape, struct img_err *err)
{
	for (size_t i = 0; t->nr_threads > 1 && t->fdtable && i < t->fdtable->nr_fds; i++) {
		const FdinfoEntry *fd = t->fdtable->fds[i];
		const struct restore_file *f = restore_find_file(r, fd->id);
		const FownEntry *fown = f->ops->owner ? f->ops->owner(r, f) : NULL;
		struct f_owner_ex owner;

		if (!fown || fown->pid_type != F_OWNER_TID || !has_thread(t, fown))
			continue;
		owner = (struct f_owner_ex){ F_OWNER_TID, (pid_t)fown->pid };
		tape_step(tape, TAPE_TIMERS, "become who set an owner for signals", SYS_setresuid, fown->uid, fown->euid, (uid_t)-1);
		tape_step(tape, TAPE_TIMERS, "set a thread as owner for signals", SYS_fcntl, fd->fd, F_SETOWN_EX,
			tape_data(tape, &owner, sizeof(owner)));
		tape_step(tape, TAPE_TIMERS, "become root again", SYS_setresuid, 0, 0, (uid_t)-1);
	}
	return restore_locks_tape(r, t, tape, err);
}

const struct task_restore_ops files_restore_ops = {
	.name = "files",
	.tape = owners_tape,
};

int restore_file_owner(struct restore *r, int fd, const FownEntry *fown, struct img_err *err)
{
	struct f_owner_ex owner = { .type = (int)fown->pid_type, .pid = (pid_t)fown->pid };

	if (fown->signum && fcntl(fd, F_SETSIG, (int)fown->signum) < 0)
		return img_fail_sys(err, "set signal %u", fown->signum);
	if (fown->pid && !is_thread(r, fown)) {
		struct img_err why = IMG_ERR_INIT;

		if (set_owner_as(fd, &owner, fown->uid, fown->euid, &why) < 0) {
			if (why.sys_errno != ESRCH) {
				*err = why;
				return -1;
			}
			log_warn(r->log, "owner for signals: %s %d is not there", owner.type == F_OWNER_PGRP ? "group" : "task",
				(int)owner.pid);
		}
	}
	return 0;
}

int restore_reopen(int fd, int flags, struct img_err *err)
{
	char self[40];
	int again;

	kern_self_path(self, sizeof(self), "fd/%d", fd);
	again = open(self, flags | O_CLOEXEC | O_NOCTTY);
	return again < 0 ? img_fail_sys(err, "open it again with flags %#o", (unsigned)flags) : again;
}
