/* engines/remote/server.c -- what all servers do before they serve. */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "remote/server.h"

static void keep_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

void remote_server_begin(void)
{
	struct rlimit limit;

	keep_standard_descriptors();
	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit); /* what is not given will be missed when it is needed */
	}
}

pid_t remote_daemon(struct img_err *err)
{
	cleanup_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid;

	if (null < 0)
		return img_fail_sys(err, "/dev/null");
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return img_fail_sys(err, "fork");
	if (pid == 0) {
		setsid();
		for (int fd = 0; fd <= STDERR_FILENO; fd++)
			dup2(null, fd);
	}
	return pid;
}

int remote_pidfile(const struct options *opt, int dir, pid_t pid, struct img_err *err)
{
	cleanup_fd int fd = -1;
	char text[16];
	int len = snprintf(text, sizeof(text), "%d\n", pid);

	if (!opt->pidfile)
		return 0;
	fd = openat(dir, opt->pidfile, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, len) != len)
		return img_fail_sys(err, "pid file %s", opt->pidfile);
	return 0;
}

int remote_tell_ready(const struct options *opt, struct img_err *err)
{
	if (opt->status_fd < 0)
		return 0;
	if (write(opt->status_fd, "", 1) != 1)
		return img_fail_sys(err, "--status-fd %d", opt->status_fd);
	close(opt->status_fd);
	return 0;
}
