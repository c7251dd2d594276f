/* kernel/run.c -- another program. */

#include "kernel/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "criuimg/cleanup.h"

#define SYSTEM_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum {
	EXEC_FAILED = 127,
};

static void become(const char *const *argv, int in, int out, int said) __attribute__((noreturn));
static void become(const char *const *argv, int in, int out, int said)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR);

	sigemptyset(&none);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* The way through high numbers: any of the three may be among 0, 1 and 2. */
	in = fcntl(in >= 0 ? in : null, F_DUPFD, 3);
	out = fcntl(out >= 0 ? out : null, F_DUPFD, 3);
	said = fcntl(said, F_DUPFD, 3);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(said, STDERR_FILENO);
	close_range(3, ~0u, 0);
	setenv("PATH", SYSTEM_PATH, 1);
	execvp(argv[0], (char *const *)argv);
	_exit(errno == ENOENT ? EXEC_FAILED : 126);
}

int kern_run(const char *const *argv, int in, int out, struct img_err *err)
{
	cleanup_fd int ours = -1, theirs = -1;
	char text[512] = "";
	size_t len = 0;
	int ends[2], status;
	ssize_t got;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return img_fail_sys(err, "pipe");
	ours = ends[0];
	theirs = ends[1];
	pid = fork();
	if (pid < 0)
		return img_fail_sys(err, "fork");
	if (pid == 0)
		become(argv, in, out, theirs);
	close(steal_fd(&theirs));
	for (;;) {
		char more[512];

		got = read(ours, more, sizeof(more));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		for (ssize_t i = 0; i < got && len < sizeof(text) - 1; i++)
			text[len++] = more[i] == '\n' ? ' ' : more[i];
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return img_fail_sys(err, "%s: wait", argv[0]);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXEC_FAILED && !len) {
		errno = ENOENT;
		return img_fail_sys(err, "%s", argv[0]);
	}
	return img_fail(err, IMG_SYS, "%s: status %#x: %s", argv[0], status, text);
}
