/* streamer/lazy-pages/guard.c -- what happens to the tasks when criu-lazy-pages is killed.
 *
 * A userfaultfd that nobody holds open any more is as if it had never been: the kernel would give zeros for every page that did not
 * come yet, and the tasks would go on with them. So a second process shares our memory and our descriptors (not our thread group, which
 * is what SIGKILL ends). It does nothing but wait for the end of the first; then it poisons all that is missing.
 */

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "streamer/lazy-pages/lazy.h"

enum { STACK = 64 << 10 };

struct lazy_guard {
	struct lazy *l;
	char *stack;
	pid_t pid;
	int watched; /* a pidfd of the first process */
	uint32_t stop;
};

/* No libc but for system calls: its data is that of the other process. */
static int guard_main(void *arg)
{
	struct lazy_guard *g = arg;
	struct pollfd p = { .fd = g->watched, .events = POLLIN };

	while (!__atomic_load_n(&g->stop, __ATOMIC_SEQ_CST)) {
		if (poll(&p, 1, -1) <= 0)
			continue;
		for (struct lazy_task *t = g->l->tasks; t; t = t->next)
			if (t->uffd >= 0)
				lazy_task_poison(t);
		break;
	}
	syscall(SYS_exit_group, 0);
	return 0;
}

struct lazy_guard *lazy_guard_start(struct lazy *l, struct img_err *err)
{
	cleanup_free struct lazy_guard *g = calloc(1, sizeof(*g));

	if (!g) {
		img_fail_nomem(err);
		return NULL;
	}
	g->l = l;
	g->watched = syscall(SYS_pidfd_open, getpid(), 0);
	if (g->watched < 0) {
		img_fail_sys(err, "pidfd");
		return NULL;
	}
	g->stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	/* With its own end it says nothing: no signal. It has ours blocked, too: what ends us is not for it. */
	g->pid = g->stack == MAP_FAILED
			 ? -1
			 : clone(guard_main, g->stack + STACK, CLONE_VM | CLONE_FILES | CLONE_FS, g);
	if (g->pid < 0) {
		img_fail_sys(err, "a process to guard");
		close(g->watched);
		return NULL;
	}
	return steal_ptr(&g);
}

void lazy_guard_stop(struct lazy_guard *g)
{
	if (!g)
		return;
	__atomic_store_n(&g->stop, 1, __ATOMIC_SEQ_CST);
	kill(g->pid, SIGKILL);
	waitpid(g->pid, NULL, __WALL);
	munmap(g->stack, STACK);
	close(g->watched);
	free(g);
}
