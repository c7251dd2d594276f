/* streamer/lazy-pages/main.c -- criu-lazy-pages: gives a restored tree its memory while it runs. */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "remote/lazy-wire.h"
#include "streamer/lazy-pages/lazy.h"

static void tell(const struct img_err *err)
{
	fprintf(stderr, "criu-lazy-pages: %s\n", err->text);
}

static int write_pidfile(const struct options *opt, int dir, pid_t pid, struct img_err *err)
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

static int tell_ready(const struct options *opt, struct img_err *err)
{
	if (opt->status_fd < 0)
		return 0;
	if (write(opt->status_fd, "", 1) != 1)
		return img_fail_sys(err, "--status-fd %d", opt->status_fd);
	close(opt->status_fd);
	return 0;
}

/* By way of the directory's descriptor: its own name may be too long for the name of a socket. */
static int listen_in(int dir, int *fd, struct img_err *err)
{
	char path[64];
	mode_t old = umask(077);
	int port = 0, ret;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/" LAZY_SOCKET, dir);
	ret = remote_listen(path, &port, fd, err);
	umask(old);
	return ret;
}

/* 0 in the daemon, its pid in who started it. */
static pid_t become_daemon(struct img_err *err)
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

static int serve(struct lazy *l, int dir, struct img_err *err)
{
	cleanup_fd int listener = -1;
	pid_t pid = 0;
	int ret;

	if (listen_in(dir, &listener, err) < 0)
		return -1;
	if (l->opt->daemon)
		pid = become_daemon(err);
	if (pid < 0)
		return -1;
	if (pid || !l->opt->daemon)
		if (write_pidfile(l->opt, dir, pid ? pid : getpid(), err) < 0)
			return -1;
	if (pid)
		return 0;
	ret = tell_ready(l->opt, err);
	if (ret == 0)
		ret = lazy_run(l, listener, err);
	unlinkat(dir, LAZY_SOCKET, 0);
	return ret;
}

static int with_log(const struct options *opt, struct img_err *err)
{
	struct lazy l = { .opt = opt };
	struct log log;
	struct stat st;
	/* Where the images are in an archive, the socket is here. */
	const char *workdir = opt->work_dir ? opt->work_dir
			      : stat(opt->images_dir, &st) == 0 && !S_ISDIR(st.st_mode) ? "."
											: opt->images_dir;
	cleanup_fd int dir = open(workdir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret;

	if (dir < 0)
		return img_fail_sys(err, "work directory %s", workdir);
	if (log_open(&log, dir, opt->log_file, opt->verbosity, err) < 0)
		return -1;
	l.log = &log;
	ret = lazy_source_open(&l.source, opt, err);
	if (ret == 0)
		ret = serve(&l, dir, err);
	lazy_source_close(&l.source);
	if (ret < 0 && opt->log_file)
		log_error(&log, "%s", err->text);
	log_close(&log);
	return ret;
}

/* We may have been started without them; what is printed must not end up in a file of ours. */
static void keep_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	struct img_err err = IMG_ERR_INIT;
	struct options opt;
	int ret;

	keep_standard_descriptors();
	signal(SIGPIPE, SIG_IGN);
	remote_many_files();
	ret = options_parse(&opt, CMD_LAZY_PAGES, argc, argv, &err);
	if (ret == 1)
		return 0;
	if (ret == 0 && opt.nr_args)
		ret = img_fail(&err, IMG_USAGE, "\"%s\" is no option", opt.args[0]);
	else if (ret == 0)
		ret = with_log(&opt, &err);
	if (ret < 0) {
		tell(&err);
		ret = img_exit_status(&err);
	}
	options_free(&opt);
	return ret;
}
