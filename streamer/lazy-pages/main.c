/* streamer/lazy-pages/main.c -- criu-lazy-pages: gives a restored tree its memory while it runs. */

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "remote/lazy-wire.h"
#include "remote/server.h"
#include "streamer/lazy-pages/lazy.h"

static void tell(const struct img_err *err)
{
	fprintf(stderr, "criu-lazy-pages: %s\n", err->text);
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

static int serve(struct lazy *l, int dir, struct img_err *err)
{
	cleanup_fd int listener = -1;
	pid_t pid = 0;
	int ret;

	if (listen_in(dir, &listener, err) < 0)
		return -1;
	if (l->opt->daemon)
		pid = remote_daemon(err);
	if (pid < 0)
		return -1;
	if (pid || !l->opt->daemon)
		if (remote_pidfile(l->opt, dir, pid ? pid : getpid(), err) < 0)
			return -1;
	if (pid)
		return 0;
	ret = remote_tell_ready(l->opt, err);
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
	const char *workdir = opt->work_dir						? opt->work_dir
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

int main(int argc, char **argv)
{
	struct img_err err = IMG_ERR_INIT;
	struct options opt;
	int ret;

	remote_server_begin();
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
