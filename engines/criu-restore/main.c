/* engines/criu-restore/main.c -- rebuild a tree of processes from images. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/control.h"
#include "criu-restore/cgroups.h"
#include "criu-restore/files.h"
#include "criu-restore/images.h"
#include "criu-restore/mem.h"
#include "criu-restore/namespaces.h"
#include "criu-restore/run.h"
#include "options/external.h"
#include "criu-restore/stream.h"

enum {
	EXIT_FAILED = 1,
	EXIT_NOT_UNDONE = 5,
};

static int open_log(struct restore *r, struct img_err *err)
{
	const struct options *opt = r->opt;
	char path[PATH_MAX];
	const char *dir = options_work_dir(opt, path);

	r->work_dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->work_dirfd < 0)
		return img_fail_sys(err, "%s directory %s", opt->work_dir ? "work" : "images", dir);
	if (log_open(r->log, r->work_dirfd, opt->log_file, opt->verbosity, err) < 0)
		return -1;
	r->log->with_pid = true;
	return 0;
}

static void tell(struct restore *r, const struct img_err *err)
{
	if (r->opt->log_file)
		log_error(r->log, "%s", err->text);
	fprintf(stderr, "criu-restore: %s\n", err->text);
	control_failed(r->opt->control_fd, err);
}

static void release(struct restore *r)
{
	restore_files_free(r);
	restore_mem_free(r);
	if (r->stream)
		restore_stream_free(r);
	else
		img_set_close(r->set);
	restore_cgroups_free(r);
	restore_ns_free(r);
	restore_images_free(r);
	img_arena_free(&r->arena);
	for (size_t i = 0; i < r->nr_lacks; i++)
		free(r->lacks[i]);
	free(r->lacks);
	if (r->images_dirfd >= 0)
		close(r->images_dirfd);
	if (r->archive_fd >= 0)
		close(r->archive_fd);
	for (size_t i = 0; i < r->nr_earlier; i++)
		close(r->earlier[i]);
	free(r->earlier);
	if (r->work_dirfd >= 0)
		close(r->work_dirfd);
}

/* The tree runs. What becomes of us: a parent that waits, or another program, or nothing. */
static int after(struct restore *r, struct img_err *err)
{
	control_done(r->opt->control_fd, restore_here(r->root), 0);
	if (r->opt->exec_cmd) {
		execvp(r->opt->exec_argv[0], r->opt->exec_argv);
		return img_fail_sys(err, "--exec-cmd: %s", r->opt->exec_argv[0]);
	}
	if (r->opt->restore_detached)
		return 0;
	for (;;) {
		int status = 0;
		pid_t pid = waitpid(restore_here(r->root), &status, __WALL | (r->opt->shell_job ? WUNTRACED : 0));

		if (pid < 0 && errno != EINTR)
			return img_fail_sys(err, "wait for pid %d", restore_here(r->root));
		if (pid > 0 && !WIFSTOPPED(status))
			break;
		if (pid > 0)
			restore_ttys_stop(r);
	}
	restore_ttys_leave(r);
	return 0;
}

static int run(const struct options *opt, struct img_err *err)
{
	struct log log = { .fd = -1 };
	struct restore r = { .opt = opt, .log = &log, .work_dirfd = -1, .images_dirfd = -1, .stream_fd = -1, .archive_fd = -1 };
	bool undone = true;
	int status = 0;

	if (open_log(&r, err) < 0 || options_supported(opt, err) < 0 || restore_run(&r, &undone, err) < 0 ||
		(!opt->plan && after(&r, err) < 0)) {
		tell(&r, err);
		status = undone ? img_exit_status(err) : EXIT_NOT_UNDONE;
	}
	release(&r);
	log_close(&log);
	return status;
}

int main(int argc, char **argv)
{
	struct img_err err = IMG_ERR_INIT;
	struct options opt;
	int status;

	status = options_parse(&opt, CMD_RESTORE, argc, argv, &err);
	control_keep(opt.control_fd);
	if (status == 1)
		return 0;
	if (status == 0)
		status = options_close_fds(&opt, &err);
	if (status == 0)
		status = options_inherit_check(&opt, &err);
	if (status < 0) {
		fprintf(stderr, "criu-restore: %s\n", err.text);
		control_failed(opt.control_fd, &err);
		status = img_exit_status(&err);
	} else {
		status = run(&opt, &err);
	}
	status = options_exit_status(&opt, status);
	options_free(&opt);
	return status;
}
