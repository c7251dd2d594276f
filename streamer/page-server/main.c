/* streamer/page-server/main.c -- criu-page-server: memory of tasks, received over the network or served on demand. */

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "control/control.h"
#include "criuimg/cleanup.h"
#include "remote/server.h"
#include "remote/tls.h"
#include "streamer/page-server/server.h"

static void tell(const struct img_err *err)
{
	fprintf(stderr, "criu-page-server: %s\n", err->text);
}

/* The socket to serve at: listening, or connected. */
static int get_socket(struct page_server *s, int *fd, struct img_err *err)
{
	const struct options *opt = s->opt;
	int port = opt->port;

	if (opt->ps_socket >= 0) {
		*fd = opt->ps_socket;
		return 0;
	}
	if (remote_listen(opt->address, &port, fd, err) < 0)
		return -1;
	s->port = port ? port : opt->port;
	if (port && port != opt->port) {
		printf("%d\n", port);
		fflush(stdout);
	}
	return 0;
}

static int serve(struct page_server *s, int listener, struct img_err *err)
{
	int ret;

	if ((s->opt->tls && remote_tls_check(s->opt, err) < 0) || page_server_store_open(s, err) < 0 ||
		remote_tell_ready(s->opt, err) < 0)
		ret = -1;
	else
		ret = page_server_loop(s, listener, err);
	page_server_store_close(s);
	free(s->open);
	return ret;
}

static int run(struct page_server *s, int dir, struct img_err *err)
{
	cleanup_fd int listener = -1;
	pid_t pid = 0;
	int ret;

	if (get_socket(s, &listener, err) < 0)
		return -1;
	if (s->opt->daemon) {
		pid = remote_daemon(err);
		if (pid < 0)
			return -1;
		if (pid)
			return remote_pidfile(s->opt, dir, pid, err);
	} else if (remote_pidfile(s->opt, dir, getpid(), err) < 0) {
		return -1;
	}
	ret = serve(s, listener, err);
	if (s->opt->ps_socket < 0)
		remote_unlisten(steal_fd(&listener));
	return ret;
}

static int with_log(const struct options *opt, struct img_err *err)
{
	const char *workdir = opt->work_dir ? opt->work_dir : opt->images_dir;
	cleanup_fd int dir = open(workdir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct log log;
	struct page_server s = {
		.opt = opt, .log = &log, .lock = PTHREAD_MUTEX_INITIALIZER, .images_fd = -1, .stage_fd = -1
	};
	int ret;

	if (dir < 0)
		return img_fail_sys(err, "work directory %s", workdir);
	if (log_open(&log, dir, opt->log_file, opt->verbosity, err) < 0)
		return -1;
	ret = run(&s, dir, err);
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
	ret = options_parse(&opt, CMD_PAGE_SERVER, argc, argv, &err);
	control_keep(opt.control_fd);
	if (ret == 1)
		return 0;
	if (ret == 0 && opt.nr_args) {
		ret = img_fail(&err, IMG_USAGE, "\"%s\" is no option", opt.args[0]);
	} else if (ret == 0) {
		ret = with_log(&opt, &err);
	}
	if (ret < 0) {
		tell(&err);
		control_failed(opt.control_fd, &err);
		ret = img_exit_status(&err);
	}
	ret = options_exit_status(&opt, ret);
	options_free(&opt);
	return ret;
}
