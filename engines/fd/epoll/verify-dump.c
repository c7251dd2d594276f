/* engines/fd/epoll/verify-dump.c -- thousands of watches: is each of the file that has its number now?
 *
 * kcmp(2) walks over all watches to find one. epoll_ctl(2) finds one at once, by the file and the number in the table of who calls:
 * so a process of ours, with a table of its own, takes one file after the other, under its number, and adds it to what is watched. Of
 * what is watched already the kernel says so, and nothing has changed; a watch that did not exist goes again. Nobody waits there
 * meanwhile: the tasks stand still.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "criu-dump/epoll-own.h"
#include "criuimg/cleanup.h"
#include "kernel/getfd.h"

enum {
	STACK = 64 << 10,
};

struct job {
	int pidfd, epfd; /* of the process; the epoll descriptor, ours */
	const int *numbers;
	size_t nr;
	bool *found;
	int highest; /* of the numbers */
};

static bool is_watched(int epfd, int pidfd, int number)
{
	struct epoll_event nothing = { 0 };
	int fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
	bool there;

	if (fd < 0)
		return false;
	if (fd != number) {
		if (dup2(fd, number) < 0) {
			close(fd);
			return false;
		}
		close(fd);
	}
	there = epoll_ctl(epfd, EPOLL_CTL_ADD, number, &nothing) < 0 && errno == EEXIST;
	if (!there)
		epoll_ctl(epfd, EPOLL_CTL_DEL, number, NULL);
	close(number);
	return there;
}

/* A process that shares our memory, and not our descriptors. */
static int look(void *arg)
{
	const struct job *job = arg;
	/* above all numbers */
	int epfd = fcntl(job->epfd, F_DUPFD, job->highest + 1), pidfd = fcntl(job->pidfd, F_DUPFD, job->highest + 1);

	if (epfd < 0 || pidfd < 0)
		return 1;
	for (size_t i = 0; i < job->nr; i++)
		job->found[i] = is_watched(epfd, pidfd, job->numbers[i]);
	return 0;
}

static int look_in_own_table(void *arg)
{
	const struct job *job = arg;
	int ends[2] = { job->epfd, job->pidfd };

	/* Ours, all of them: the numbers must be free. Of the two that are needed the lower one first. */
	if (ends[0] > ends[1]) {
		ends[0] = job->pidfd;
		ends[1] = job->epfd;
	}
	if (ends[0] > 0)
		close_range(0, ends[0] - 1, 0);
	if (ends[1] > ends[0] + 1)
		close_range(ends[0] + 1, ends[1] - 1, 0);
	close_range(ends[1] + 1, ~0u, 0);
	_exit(look(arg));
}

int epoll_verify(int pidfd, int fd, const int *numbers, size_t nr, bool *found, struct img_err *err)
{
	struct job job = { .pidfd = pidfd, .numbers = numbers, .nr = nr, .found = found };
	cleanup_fd int epfd = kern_getfd(pidfd, fd, err);
	char *stack;
	pid_t pid;

	if (epfd < 0)
		return -1;
	job.epfd = epfd;
	for (size_t i = 0; i < nr; i++)
		job.highest = numbers[i] > job.highest ? numbers[i] : job.highest;
	stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack == MAP_FAILED)
		return img_fail_nomem(err);
	memset(found, 0, nr * sizeof(*found));
	pid = clone(look_in_own_table, stack + STACK, CLONE_VM | CLONE_VFORK, &job);
	if (pid > 0)
		while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
			;
	munmap(stack, STACK);
	return pid < 0 ? img_fail_sys(err, "make a process") : 0;
}
