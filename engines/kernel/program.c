/* engines/kernel/program.c -- files in memory take the place of pipes: nobody has to read while somebody writes. */

#include "kernel/program.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "criuimg/cleanup.h"

extern char **environ;

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return lseek(fd, 0, SEEK_SET) < 0 ? -1 : 0;
}

static char *read_all(int fd)
{
	struct stat st;
	char *text;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return NULL;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return NULL;
	n = pread(fd, text, (size_t)st.st_size, 0);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

/* No signal is blocked or ignored in the program that is none of its business. */
static int start(pid_t *pid, const char *const argv[], int in, int out, int complaints)
{
	posix_spawn_file_actions_t fds;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int ret = posix_spawn_file_actions_init(&fds);

	if (ret)
		return ret;
	ret = posix_spawnattr_init(&attr);
	if (ret) {
		posix_spawn_file_actions_destroy(&fds);
		return ret;
	}
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	ret = posix_spawn_file_actions_adddup2(&fds, in, 0);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(&fds, out, 1);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(&fds, complaints, 2);
	if (!ret)
		ret = posix_spawnp(pid, argv[0], &fds, &attr, (char *const *)argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&fds);
	return ret;
}

int kern_run_program(const char *const argv[], const char *input, size_t len, char **output, char *complaint, size_t size,
	struct img_err *err)
{
	cleanup_fd int in = memfd_create("input", MFD_CLOEXEC);
	cleanup_fd int out = memfd_create("output", MFD_CLOEXEC);
	cleanup_fd int complaints = memfd_create("complaints", MFD_CLOEXEC);
	int status, ret;
	pid_t pid;

	if (in < 0 || out < 0 || complaints < 0 || write_all(in, input, len) < 0)
		return img_fail_sys(err, "%s: its input", argv[0]);
	ret = start(&pid, argv, in, out, complaints);
	if (ret == ENOENT)
		return img_fail(err, IMG_UNSUPPORTED, "%s is not installed", argv[0]);
	if (ret) {
		errno = ret;
		return img_fail_sys(err, "run %s", argv[0]);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return img_fail_sys(err, "wait for %s", argv[0]);
	if (!WIFEXITED(status))
		return img_fail(err, IMG_SYS, "%s was killed by signal %d", argv[0], WTERMSIG(status));
	if (complaint) {
		cleanup_free char *text = read_all(complaints);

		if (!text)
			return img_fail_nomem(err);
		text[strcspn(text, "\n")] = '\0';
		strncpy(complaint, text, size - 1);
		complaint[size - 1] = '\0';
	}
	if (output && !(*output = read_all(out)))
		return img_fail_nomem(err);
	return WEXITSTATUS(status);
}
