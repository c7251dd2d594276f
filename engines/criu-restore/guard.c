/* engines/criu-restore/guard.c -- a process that clears away what the front leaves behind when it is killed.
 *
 * As long as tasks are held, they die with the front, SIGKILL included: the kernel sees to it (stage.c, resume.c). Two things it does
 * not see to: those that were let go when the front dies in the middle of that, and names of deleted files. So a copy of the front
 * waits for its end. What tasks and names there are it learns from shared memory.
 */

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "criu-restore/cgroups.h"
#include "criu-restore/files.h"
#include "criu-restore/guard.h"
#include "criu-restore/made.h"
#include "criu-restore/namespaces.h"
#include "criu-restore/plan-tree.h"
#include "criu-restore/steps.h"
#include "criuimg/cleanup.h"
#include "kernel/clone.h"

enum {
	NAMES_SIZE = 1 << 20, /* of thousands of deleted files; what is beyond is left where it is */
};

struct restore_guard {
	uint32_t over; /* nothing is to be done */
	uint32_t pidfile;
	uint32_t used; /* of names: each with a zero byte behind it */
	char names[NAMES_SIZE];
};

static uint32_t load(uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void store(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

void restore_guard_name(struct restore *r, const char *path)
{
	size_t len = strlen(path) + 1;
	uint32_t used = r->guard ? load(&r->guard->used) : NAMES_SIZE;

	if (len > NAMES_SIZE - used)
		return;
	memcpy(r->guard->names + used, path, len);
	store(&r->guard->used, used + len);
}

void restore_guard_names_done(struct restore *r)
{
	store(&r->guard->used, 0);
}

/* The last one first: what is in a directory goes before it. */
static void remove_names(struct restore_guard *g)
{
	size_t end = load(&g->used);

	while (end) {
		size_t at = end - 1;

		while (at && g->names[at - 1])
			at--;
		if (unlink(g->names + at) < 0 && (errno == EISDIR || errno == EPERM))
			rmdir(g->names + at);
		end = at;
	}
}

/* All signals are blocked, as they were in the front. */
static void watch(struct restore *r, int front) __attribute__((noreturn));
static void watch(struct restore *r, int front)
{
	struct pollfd p = { .fd = front, .events = POLLIN };

	setsid();
	prctl(PR_SET_NAME, "restore-guard");
	while (poll(&p, 1, -1) <= 0)
		;
	if (load(&r->guard->over))
		_exit(0);
	restore_files_stop(r);
	restore_made_kill(r, NULL);
	restore_cgroups_undo(r, NULL);
	/* In mounts of the tree's own, names went with those. */
	if (!restore_ns_new(r, CLONE_NEWNS | CLONE_NEWPID)) {
		restore_steps_whole(r, MOMENT_UNDO, NULL);
		remove_names(r->guard);
	}
	if (load(&r->guard->pidfile))
		unlinkat(r->work_dirfd, r->opt->pidfile, 0);
	_exit(0);
}

int restore_guard_start(struct restore *r, struct img_err *err)
{
	cleanup_fd int front = (int)syscall(SYS_pidfd_open, getpid(), 0);
	/* No pid that a task needs. */
	pid_t pid = restore_pid_free(r);

	r->guard = restore_shared_alloc(r, sizeof(*r->guard), err);
	if (!r->guard)
		return -1;
	if (front < 0)
		return img_fail_sys(err, "pidfd_open");
	r->guard_pid = kern_clone(0, pid, SIGCHLD);
	if (r->guard_pid == 0)
		watch(r, front);
	if (r->guard_pid < 0)
		return img_fail_sys(err, "fork");
	return 0;
}

void restore_guard_pidfile(struct restore *r, bool ours)
{
	store(&r->guard->pidfile, ours);
}

void restore_guard_end(struct restore *r)
{
	if (!r->guard || r->guard_pid <= 0)
		return;
	store(&r->guard->over, 1);
	kill(r->guard_pid, SIGKILL);
	while (waitpid(r->guard_pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	r->guard_pid = 0;
}
