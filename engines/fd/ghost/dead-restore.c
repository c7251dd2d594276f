/* engines/fd/ghost/dead-restore.c -- how criu-restore opens files of /proc of a process that was gone: while a process with that
 * pid lives. It does nothing, and ends when the tree has opened all it opens.
 */

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "criu-restore/files-own.h"
#include "criu-restore/namespaces.h"
#include "criuimg/array.h"
#include "kernel/clone.h"

/* The pid in "/proc/PID" and "/proc/PID/...", 0 for any other path. */
static pid_t pid_of(const char *path)
{
	char *end;
	long pid;

	if (strncmp(path, "/proc/", 6) || path[6] < '1' || path[6] > '9')
		return 0;
	pid = strtol(path + 6, &end, 10);
	return (*end && *end != '/') || pid > INT_MAX ? 0 : (pid_t)pid;
}

int restore_dead_add(struct restore *r, struct restore_dead *dead, uint32_t pid, const char *name, struct img_err *err)
{
	pid_t *at;

	if (!pid || (uint32_t)pid_of(name) != pid)
		return img_fail(err, IMG_CORRUPT, "'%s' is no file of process %u", name, pid);
	if (restore_task_by_pid(r, (pid_t)pid))
		return img_fail(err, IMG_CORRUPT, "'%s' is of a process that is gone, and not (%u)", name, pid);
	for (size_t i = 0; i < dead->nr; i++)
		if (dead->pids[i] == (pid_t)pid)
			return 0;
	at = img_array_more(&dead->pids, dead->nr, &dead->room);
	if (!at)
		return img_fail_nomem(err);
	*at = (pid_t)pid;
	dead->nr++;
	return 0;
}

static void stand_in(pid_t front) __attribute__((noreturn));
static void stand_in(pid_t front)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == front)
		pause();
	_exit(0);
}

int restore_dead_start(struct restore *r, struct restore_dead *dead, struct img_err *err)
{
	/* Where the tree has a pid namespace of its own its parent is outside, and has no number. */
	pid_t front = restore_ns_new(r, CLONE_NEWPID) ? 0 : getpid();

	dead->here = calloc(dead->nr + 1, sizeof(*dead->here));
	if (!dead->here)
		return img_fail_nomem(err);
	for (; dead->nr_started < dead->nr; dead->nr_started++) {
		pid_t pid = kern_clone(0, dead->pids[dead->nr_started], SIGCHLD);

		if (pid == 0)
			stand_in(front);
		if (pid < 0)
			return img_fail_sys(err, "pid %d: stand in for a process that was gone", (int)dead->pids[dead->nr_started]);
		dead->here[dead->nr_started] = pid;
		log_info(r->log, "pid %d: stands in for a process that was gone", (int)dead->pids[dead->nr_started]);
	}
	return 0;
}

void restore_dead_end(struct restore_dead *dead)
{
	for (size_t i = 0; i < dead->nr_started; i++)
		kill(dead->here[i], SIGKILL);
	for (size_t i = 0; i < dead->nr_started; i++)
		while (waitpid(dead->here[i], NULL, __WALL) < 0 && errno == EINTR)
			;
	free(dead->pids);
	free(dead->here);
	*dead = (struct restore_dead){ 0 };
}
