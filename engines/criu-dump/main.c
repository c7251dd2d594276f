/* criu-dump/main.c -- stop a tree of processes and write its images. */

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "criu-dump/freezer.h"
#include "criu-dump/mem-lazy.h"
#include "criu-dump/mem-remote.h"
#include "control/control.h"
#include "criu-dump/spine.h"
#include "criu-dump/track.h"
#include "criuimg/cleanup.h"

static void tell(const struct img_err *err)
{
	fprintf(stderr, "criu-dump: %s\n", err->text);
}

static void release(struct dump *d)
{
	dump_track_free(d);
	dump_forget(d);
	dump_remote_free(d);
	dump_lazy_free(d);
	img_set_close(d->set);
	free(d->undo.items);
	img_arena_free(&d->arena);
	if (d->workdir >= 0)
		close(d->workdir);
	if (d->stream >= 0)
		close(d->stream);
}

static int dry_run(struct dump *d, struct img_err *err)
{
	int ret = dump_look(d, err);

	if (ret < 0 || dump_blockers_print(d, err) < 0)
		return img_exit_status(err);
	return d->blockers.nr ? DUMP_EXIT_UNSUPPORTED : 0;
}

/* In the worker. */
static int work(void *arg, int front)
{
	const struct options *opt = arg;
	struct img_err err = IMG_ERR_INIT;
	struct log log = { .fd = -1 };
	struct dump d = { .opt = opt, .log = &log, .front = front, .stream = -1, .workdir = -1, .dry_run = opt->dry_run };
	char path[PATH_MAX];
	const char *workdir = options_work_dir(opt, path);
	int status = -1;

	dump_stats_entry__init(&d.stats);
	d.workdir = open(workdir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d.workdir < 0) {
		img_fail_sys(&err, "%s directory %s", opt->work_dir ? "work" : "images", workdir);
	} else if (log_open(&log, d.workdir, opt->log_file, opt->verbosity, &err) == 0 &&
		   options_supported(opt, &err) == 0 && dump_stream_take(&d, &err) == 0) {
		if (opt->dry_run)
			status = dry_run(&d, &err);
		else
			status = dump_run(&d, &err);
	}
	if (err.code != IMG_OK) {
		if (opt->log_file)
			log_error(&log, "%s", err.text);
		tell(&err);
		control_failed(opt->control_fd, &err);
	}
	if (status < 0)
		status = img_exit_status(&err);
	release(&d);
	log_close(&log);
	return status;
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

/* "criu-dump pre-dump -t ...": the first word may say which it is. It is taken out. */
static enum command command_of(int *argc, char **argv)
{
	enum command command = *argc > 1 ? options_command_by_name(argv[1]) : 0;

	if (command != CMD_DUMP && command != CMD_PRE_DUMP)
		return CMD_DUMP;
	memmove(argv + 1, argv + 2, (*argc - 1) * sizeof(*argv));
	(*argc)--;
	return command;
}

int main(int argc, char **argv)
{
	struct img_err err = IMG_ERR_INIT;
	struct freezer_before before = { 0 };
	enum command command;
	struct options opt;
	int status;

	keep_standard_descriptors();
	command = command_of(&argc, argv);
	status = options_parse(&opt, command, argc, argv, &err);
	control_keep(opt.control_fd);
	if (status == 1)
		return 0;
	if (status == 0)
		status = options_close_fds(&opt, &err);
	dump_freezer_look(&opt, &before);
	if (status == 0)
		status = worker_run(work, &opt, &err);
	/* Nobody else could have: it was killed. */
	if (status == DUMP_EXIT_UNDO)
		dump_freezer_put_back(&opt, &before);
	if (err.code != IMG_OK) {
		tell(&err);
		control_failed(opt.control_fd, &err);
		if (status < 0)
			status = img_exit_status(&err);
	}
	status = options_exit_status(&opt, status);
	options_free(&opt);
	return status;
}
