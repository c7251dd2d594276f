/* engines/criu-restore/run.c -- a restore from start to end: the front process. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "criu-restore/cgroups.h"
#include "criu-restore/files.h"
#include "criu-restore/floor.h"
#include "criu-restore/guard.h"
#include "criu-restore/handoff.h"
#include "criu-restore/images.h"
#include "criu-restore/lazy.h"
#include "criu-restore/made.h"
#include "criu-restore/namespaces.h"
#include "criu-restore/net-lock.h"
#include "criu-restore/outcome.h"
#include "criu-restore/plan-tree.h"
#include "criu-restore/plan.h"
#include "criu-restore/plugins.h"
#include "criu-restore/resume.h"
#include "criu-restore/run.h"
#include "criu-restore/scratch.h"
#include "criu-restore/stage.h"
#include "criu-restore/steps.h"
#include "criu-restore/stop.h"
#include "criu-restore/stream.h"
#include "criu-restore/tree.h"
#include "criuimg/array.h"
#include "kernel/self.h"
#include "kernel/sigaction.h"

/* ---- plan ---- */

/* In a directory, an archive, or a stream. */
static int find_images(struct restore *r, struct img_err *err)
{
	bool zstd;

	if (r->opt->stream)
		return restore_stream_open(r, err);
	if (options_images_archive(r->opt, &zstd)) {
		r->archive_fd = open(r->opt->images_dir, O_RDONLY | O_NOCTTY | O_CLOEXEC);
		return r->archive_fd < 0 ? img_fail_sys(err, "images: %s", r->opt->images_dir) : 0;
	}
	r->images_dirfd = open(r->opt->images_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return r->images_dirfd < 0 ? img_fail_sys(err, "images directory %s", r->opt->images_dir) : 0;
}

static int open_set(struct restore *r, struct img_err *err)
{
	if (r->stream)
		return 0;
	r->set = r->archive_fd >= 0 ? img_set_open_archive(r->archive_fd, err)
				    : img_set_open_dir(r->images_dirfd, NULL, err);
	return r->set ? 0 : -1;
}

static void close_set(struct restore *r)
{
	if (!r->stream)
		img_set_close(r->set);
	if (!r->stream)
		r->set = NULL;
}

static int use_parent(struct restore *r, struct img_set *parent, struct img_err *err)
{
	if (img_set_use_parent(r->set, parent, err) == 0)
		return restore_images_parent(r->set, err);
	img_set_close(parent);
	return -1;
}

/* Of images that come without it: the parent is found by whoever restores, and known by its identity. */
static int find_parent(struct restore *r, struct img_err *err)
{
	const char *given = r->opt->prev_images_dir, *path = given ? given : restore_stream_parent(r);
	char full[2 * PATH_MAX], dir[PATH_MAX];
	struct options where = *r->opt;
	struct img_set *parent;

	if (restore_stream_earlier(r, &parent, err) < 0)
		return img_wrap(err, "earlier in the stream");
	if (parent)
		return use_parent(r, parent, err);
	where.work_dir = NULL;
	if (!path)
		return 0;
	snprintf(full, sizeof(full), "%s%s%s", *path == '/' ? "" : options_work_dir(&where, dir), *path == '/' ? "" : "/", path);
	/* Where the link leads there may be nothing here; whether that matters the page maps know. */
	if (!given && access(full, F_OK) < 0)
		return 0;
	parent = img_set_open(full, err);
	if (!parent)
		return img_wrap(err, "--prev-images-dir %s", path);
	return use_parent(r, parent, err);
}

/* The set is opened twice: what it keeps open must have numbers that no task uses, and those are in the
 * set. */
static int open_images(struct restore *r, struct img_err *err)
{
	if (find_images(r, err) < 0 || open_set(r, err) < 0 || restore_images_read(r, err) < 0)
		return -1;
	close_set(r);
	if (restore_stream_or_file(r, err) < 0 || restore_floor(r, &r->images_dirfd, err) < 0)
		return -1;
	restore_stream_moved(r);
	return open_set(r, err) < 0 ? -1 : find_parent(r, err);
}

/* What all processes share: for each task whether it exists, for each table who still needs it. */
static int share(struct restore *r, struct img_err *err)
{
	uint32_t *words;

	r->shared = restore_shared_alloc(r, sizeof(*r->shared), err);
	r->counts = r->shared ? restore_shared_alloc(r, sizeof(*r->counts), err) : NULL;
	words = r->counts ? restore_shared_alloc(r, (2 * r->nr_tasks + r->nr_fdtables) * sizeof(*words), err)
			  : NULL;
	if (!words)
		return -1;
	for (size_t i = 0; i < r->nr_tasks; i++) {
		r->tasks[i].made = words++;
		r->tasks[i].here = words++;
		if (!restore_ns_new(r, CLONE_NEWPID))
			*r->tasks[i].here = (uint32_t)r->tasks[i].pid;
	}
	for (size_t i = 0; i < r->nr_fdtables; i++) {
		r->fdtables[i].unmapped = words++;
		*r->fdtables[i].unmapped = r->fdtables[i].nr_users;
	}
	return 0;
}

static int plan(struct restore *r, struct img_err *err)
{
	if (restore_pidfile_check(r, err) < 0 || open_images(r, err) < 0 ||
		restore_plugins_load(r, err) < 0 || restore_plan_host(r, err) < 0 ||
		restore_scratch_find(r, err) < 0 || restore_ns_plan(r, err) < 0 || restore_plan_tree(r, err) < 0 ||
		restore_plan_pids(r, err) < 0 || share(r, err) < 0)
		return -1;
	if (restore_stop_plan(r, err) < 0)
		return -1;
	return restore_steps_whole(r, MOMENT_PLAN, err);
}

/* ---- the front while processes are made ---- */

/* Those with which a user stops a program. */
static const int stop_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

/* Tasks are copies of the front: they start with all signals blocked and at their defaults, so that nothing
 * sent to our group or terminal, and no child's end, disturbs them. */
static int calm(struct restore *r, struct img_err *err)
{
	sigemptyset(&r->ignored);
	for (int sig = 1; sig < NSIG; sig++) {
		sighandler_t was = SIG_DFL;

		if (kern_signal_swap(sig, SIG_DFL, &was) == 0 && was == SIG_IGN)
			sigaddset(&r->ignored, sig);
	}
	sigemptyset(&r->stop_signals);
	for (size_t i = 0; i < ARRAY_SIZE(stop_signals); i++)
		if (!sigismember(&r->ignored, stop_signals[i]))
			sigaddset(&r->stop_signals, stop_signals[i]);
	if (sigprocmask(SIG_BLOCK, NULL, &r->old_mask) < 0 || kern_signal_block_all() < 0)
		return img_fail_sys(err, "block signals");
	/* So that nobody made by us can get lost when its parent dies in a failure. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return img_fail_sys(err, "become a reaper");
	return 0;
}

/* The front as it was. What was sent to it meanwhile comes now, save what came too late to stop anything. */
static void uncalm(struct restore *r)
{
	struct img_err none;

	for (int sig = 1; sig < NSIG; sig++)
		if (sigismember(&r->ignored, sig))
			kern_signal_set(sig, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	while (restore_interrupted(r, &none) < 0)
		;
	sigprocmask(SIG_SETMASK, &r->old_mask, NULL);
}

static size_t live_tasks(const struct restore *r, size_t *threads)
{
	size_t nr = 0;

	*threads = 0;
	for (size_t i = 0; i < r->nr_tasks; i++)
		if (restore_task_lives(&r->tasks[i])) {
			nr++;
			*threads += r->tasks[i].nr_threads;
		}
	return nr;
}

static int stage(
	struct restore *r, enum restore_stage which, const char *name, size_t nr, struct img_err *err)
{
	log_debug(r->log, "stage %s: %zu", name, nr);
	restore_stage_open(r, which, nr);
	return restore_stage_await(r, err);
}

static int build(struct restore *r, struct img_err *err)
{
	size_t threads, live = live_tasks(r, &threads);

	restore_stage_open(r, STAGE_BORN, 1);
	kern_self_compact(); /* each task begins as a copy of us */
	if (restore_tree_start(r, err) < 0 || restore_stage_await(r, err) < 0 || restore_ns_born(r, err) < 0 ||
		stage(r, STAGE_NS, "namespaces", 1, err) < 0 ||
		restore_ns_made(r, err) < 0)
		return -1;
	if (stage(r, STAGE_FORK, "fork", r->nr_tasks + restore_stream_parts(r), err) < 0 ||
		restore_ttys_orphans(r, err) < 0 || stage(r, STAGE_JOIN, "join", r->nr_tasks, err) < 0 ||
		(r->moves && stage(r, STAGE_MOVE, "move", r->nr_tasks, err) < 0))
		return -1;
	restore_outcome_forked(r);
	if (restore_plugins_forked(r, err) < 0)
		return -1;
	if (stage(r, STAGE_END, "make", live, err) < 0 || stage(r, STAGE_FETCH, "fetch", live, err) < 0 ||
		stage(r, STAGE_FINISH, "finish", threads, err) < 0)
		return -1;
	log_debug(r->log, "hold: %zu", threads);
	return restore_hold(r, err);
}

/* Everything is there and held: what may still refuse, then the point of no return. */
static int let_run(struct restore *r, struct img_err *err)
{
	/* Before it is there: whoever is killed in between leaves none. */
	restore_guard_pidfile(r, r->opt->pidfile != NULL);
	if (restore_pidfile(r, err) < 0) {
		restore_guard_pidfile(r, r->pidfile_made);
		return -1;
	}
	if (restore_script(r, "post-restore", err) < 0 ||
		(restore_ns_new(r, CLONE_NEWNET) && restore_script(r, "network-unlock", err) < 0) ||
		restore_netns_unlock(r, err) < 0 || restore_connections_unlock(r, err) < 0 || restore_ns_whole(r, MOMENT_RESUME, err) < 0 || restore_outcome_stats(r, err) < 0 || restore_plugins_resume(r, err) < 0 ||
		restore_script(r, "pre-resume", err) < 0 || restore_interrupted(r, err) < 0)
		return -1;
	restore_guard_names_done(r);
	log_info(r->log, "all is there: let go");
	if (restore_release(r, err) < 0)
		return -1;
	if (restore_lazy_release(r, err) < 0 || restore_cgroups_last(r, err) < 0)
		return -1;
	restore_guard_end(r);
	restore_ttys_redraw(r);
	return 0;
}

static int fail(struct restore *r, bool *undone, struct img_err *err)
{
	struct img_err more = IMG_ERR_INIT;

	restore_guard_end(r);
	restore_files_stop(r);
	restore_stream_stop(r);
	*undone = restore_made_kill(r, &more) == 0;
	if (!*undone) {
		log_error(r->log, "%s", more.text);
		more = (struct img_err)IMG_ERR_INIT;
	}
	if (restore_netns_undo(r, &more) < 0 || restore_ns_whole(r, MOMENT_UNDO, &more) < 0) {
		log_error(r->log, "%s", more.text);
		*undone = false;
	}
	restore_pidfile_remove(r);
	uncalm(r);
	return -1;
}

static int run_all(struct restore *r, bool *undone, struct img_err *err)
{
	struct img_err script = IMG_ERR_INIT;

	*undone = true;
	r->front_pid = getpid();
	r->front_pgid = getpgrp();
	restore_outcome_begin(r);
	if (plan(r, err) < 0)
		return -1;
	if (r->opt->plan)
		return restore_plan_print(r, err);
	if (restore_script(r, "pre-restore", err) < 0)
		return -1;
	if (calm(r, err) < 0 || restore_front_watch(r, err) < 0 || restore_blob_map(r, err) < 0 ||
		restore_guard_start(r, err) < 0 || restore_plugins_init(r, err) < 0 || restore_steps_whole(r, MOMENT_START, err) < 0 || build(r, err) < 0 || let_run(r, err) < 0)
		return fail(r, undone, err);
	restore_stream_stop(r);
	uncalm(r);
	/* The tree runs: nothing that a script says can change that. */
	if (restore_script(r, "post-resume", &script) < 0)
		log_warn(r->log, "%s", script.text);
	return 0;
}

int restore_run(struct restore *r, bool *undone, struct img_err *err)
{
	int ret = run_all(r, undone, err);

	restore_plugins_end(r, ret);
	return ret;
}
