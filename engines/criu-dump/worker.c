/* criu-dump/worker.c -- two processes: one to wait in front, one to do the work.
 *
 * Stopped tasks must be let go and put right whatever happens to criu-dump, SIGKILL included, and only the
 * process that traces them can do that. So the work is done by a child that nothing aimed at the user's
 * process hits: it has a session of its own, out of reach of the terminal and of signals to the process
 * group, and a name of its own. The front process waits, and carries the exit status. A pipe tells the
 * worker when the front process is gone, or was told to stop (Ctrl-C, SIGTERM): its other end is closed
 * then. The worker looks between any two things it does, undoes all, and ends.
 */

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "criu-dump/spine.h"
#include "criuimg/cleanup.h"

static void signals_of_front(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGQUIT);
}

/* Until the worker has ended. The first signal to stop closes the pipe; nothing more can be done about it
 * then. */
static int wait_in_front(pid_t worker, int *pipe_end, struct img_err *err)
{
	sigset_t set;
	int status;

	signals_of_front(&set);
	for (;;) {
		pid_t got = waitpid(worker, &status, WNOHANG);
		int sig;

		if (got < 0)
			return img_fail_sys(err, "wait for the worker");
		if (got == worker)
			break;
		sig = sigwaitinfo(&set, NULL);
		if (sig > 0 && sig != SIGCHLD && *pipe_end >= 0)
			close(steal_fd(pipe_end));
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	img_fail(err, IMG_SYS, "the worker was killed by signal %d: the tasks run on, with some memory of ours mapped perhaps",
		WTERMSIG(status));
	return DUMP_EXIT_UNDO;
}

int worker_run(int (*work)(void *arg, int front), void *arg, struct img_err *err)
{
	cleanup_fd int ours = -1, theirs = -1;
	sigset_t set;
	pid_t worker;
	int ends[2];

	/* Before the fork: a signal that comes from now on is not lost. The worker has them blocked for
	 * good: SIGCHLD it waits for (kern_wait_stop), the others are not for it. */
	signals_of_front(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGCHLD, SIG_DFL);
	/* What cannot be written is an error like others. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);

	if (pipe2(ends, O_CLOEXEC) < 0)
		return img_fail_sys(err, "pipe");
	theirs = ends[0];
	ours = ends[1];
	worker = fork();
	if (worker < 0)
		return img_fail_sys(err, "fork");
	if (worker == 0) {
		close(steal_fd(&ours));
		setsid();
		prctl(PR_SET_NAME, "dump-worker");
		_exit(work(arg, theirs));
	}
	close(steal_fd(&theirs));
	return wait_in_front(worker, &ours, err);
}
