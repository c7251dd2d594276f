/* engines/criu-restore/outcome.c -- what a run tells the outside: scripts, the pid file, figures.
 *
 * Names are relative to the work directory. Facts: criu(8), --action-script, --pidfile, --display-stats.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "control/control.h"
#include "criu-restore/made.h"
#include "criu-restore/outcome.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "stats.pb-c.h"

/* ---- scripts ---- */

static void become_script(struct restore *r, const char *action, const char *command, int fd)
	__attribute__((noreturn));
static void become_script(struct restore *r, const char *action, const char *command, int fd)
{
	char text[64];

	sigprocmask(SIG_SETMASK, &r->old_mask, NULL);
	setenv("CRTOOLS_SCRIPT_ACTION", action, 1);
	if (r->images_dirfd >= 0) {
		snprintf(text, sizeof(text), "/proc/%d/fd/%d", r->front_pid, r->images_dirfd);
		setenv("CRTOOLS_IMAGE_DIR", text, 1);
	}
	if (restore_made_get(r->root) == MADE_RUNS) {
		snprintf(text, sizeof(text), "%d", restore_here(r->root));
		setenv("CRTOOLS_INIT_PID", text, 1);
	}
	if (fd >= 0) {
		snprintf(text, sizeof(text), "%d", fd);
		setenv("CRTOOLS_SCRIPT_FD", text, 1);
		fcntl(fd, F_SETFD, 0);
	}
	if (fchdir(r->work_dirfd) < 0)
		_exit(126);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static int run_script(struct restore *r, const char *action, const char *command, int fd, struct img_err *err)
{
	int status;
	pid_t pid;

	log_info(r->log, "script %s: %s", command, action);
	pid = fork();
	if (pid < 0)
		return img_fail_sys(err, "action script %s: fork", command);
	if (pid == 0)
		become_script(r, action, command, fd);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return img_fail_sys(err, "action script %s: wait", command);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return img_fail(err, IMG_SYS, "action script %s: %s: %s %d", command, action,
		WIFEXITED(status) ? "exit status" : "killed by signal",
		WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

int restore_script_fd(struct restore *r, const char *action, int fd, struct img_err *err)
{
	for (size_t i = 0; i < r->opt->action_scripts.nr; i++)
		if (run_script(r, action, r->opt->action_scripts.items[i], fd, err) < 0)
			return -1;
	return control_script(r->opt->control_fd, action, restore_made_get(r->root) == MADE_RUNS ? restore_here(r->root) : 0, fd, err);
}

int restore_script(struct restore *r, const char *action, struct img_err *err)
{
	return restore_script_fd(r, action, -1, err);
}

/* ---- pid file ---- */

int restore_pidfile_check(struct restore *r, struct img_err *err)
{
	if (!r->opt->pidfile || faccessat(r->work_dirfd, r->opt->pidfile, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	errno = EEXIST;
	return img_fail_sys(err, "pid file %s", r->opt->pidfile);
}

int restore_pidfile(struct restore *r, struct img_err *err)
{
	cleanup_fd int fd = -1;

	if (!r->opt->pidfile)
		return 0;
	fd = openat(r->work_dirfd, r->opt->pidfile, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return img_fail_sys(err, "pid file %s", r->opt->pidfile);
	r->pidfile_made = true;
	if (dprintf(fd, "%d", restore_here(r->root)) < 0)
		return img_fail_sys(err, "pid file %s", r->opt->pidfile);
	return 0;
}

void restore_pidfile_remove(struct restore *r)
{
	if (r->pidfile_made)
		unlinkat(r->work_dirfd, r->opt->pidfile, 0);
	r->pidfile_made = false;
}

/* ---- figures ---- */

static uint32_t us_since_begin(const struct restore *r)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - r->began.tv_sec) * 1000000ll + (now.tv_nsec - r->began.tv_nsec) / 1000;
}

void restore_outcome_begin(struct restore *r)
{
	clock_gettime(CLOCK_MONOTONIC, &r->began);
}

void restore_outcome_forked(struct restore *r)
{
	r->forking_us = us_since_begin(r);
}

static void display(const RestoreStatsEntry *s)
{
	printf("Displaying restore stats:\n"
	       "Pages compared: %" PRIu64 " (0x%" PRIx64 ")\n"
	       "Pages skipped COW: %" PRIu64 " (0x%" PRIx64 ")\n",
		s->pages_compared, s->pages_compared, s->pages_skipped_cow, s->pages_skipped_cow);
	if (s->has_pages_restored)
		printf("Pages restored: %" PRIu64 " (0x%" PRIx64 ")\n", s->pages_restored, s->pages_restored);
	printf("Restore time: %u us\n"
	       "Forking time: %u us\n",
		s->restore_time, s->forking_time);
	fflush(stdout);
}

int restore_outcome_stats(struct restore *r, struct img_err *err)
{
	RestoreStatsEntry restore = RESTORE_STATS_ENTRY__INIT;
	StatsEntry stats = STATS_ENTRY__INIT;
	struct img_writer *writer;
	struct img_sink *sink;
	int fd;

	stats.restore = &restore;
	restore.pages_compared = r->counts->pages_compared;
	restore.pages_skipped_cow = r->counts->pages_skipped_cow;
	restore.has_pages_restored = true;
	restore.pages_restored = r->counts->pages_restored;
	restore.forking_time = r->forking_us;
	restore.restore_time = us_since_begin(r);
	if (r->opt->display_stats)
		display(&restore);
	/* Beside an archive or a stream there is no place for it, unless one was named. */
	if (r->images_dirfd < 0 && !r->opt->work_dir)
		return 0;

	fd = openat(r->work_dirfd, "stats-restore", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return img_fail_sys(err, "stats-restore");
	sink = img_sink_fd_new(fd, err);
	if (!sink) {
		close(fd);
		return -1;
	}
	writer = img_writer_to_sink(sink, IMG_STATS, err);
	if (!writer) {
		img_sink_abort(sink);
		return -1;
	}
	if (img_write(writer, &stats.base, err) < 0) {
		img_writer_abort(writer);
		return -1;
	}
	return img_writer_finish(writer, err);
}
