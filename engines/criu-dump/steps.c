/* criu-dump/steps.c -- THE ORDER: what a dump does, step by step, and the one place where it is undone.
 *
 * Nothing is written before `refuse`. Small images come before the bulk, so that a stream can carry them
 * first. The manifest is the last of the images; the tasks are held until it is there.
 */

#include <fcntl.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "criu-dump/cgroups.h"
#include "criu-dump/mem-lazy.h"
#include "criu-dump/mem-remote.h"
#include "criu-dump/irmap.h"
#include "criu-dump/spine.h"
#include "criu-dump/track.h"
#include "criuimg/array.h"

enum {
	LOOK_TRIES = 20,
};

struct step {
	const char *name;
	int (*run)(struct dump *d, struct img_err *err);
};

static int run_script_before(struct dump *d, struct img_err *err)
{
	return dump_script(d, "pre-dump", err);
}

static int run_script_after(struct dump *d, struct img_err *err)
{
	return dump_script(d, "post-dump", err);
}

static const struct step steps[] = {
	{ "rights", dump_rights },
	{ "images", dump_images_open },
	{ "chain", dump_track_begin },
	{ "page server", dump_remote_open },
	{ "lazy pages", dump_lazy_open },
	{ "plugins", dump_plugins_load },
	{ "pre-dump", run_script_before }, /* the tasks still run */
	{ "freeze", dump_freeze },
	{ "maps", dump_maps }, /* before anything of ours is mapped anywhere */
	{ "tracked", dump_track_look },
	{ "network-lock", dump_network_script }, /* clients know this order: before query-ext-files */
	{ "query-ext-files", dump_query_files },
	{ "ids", dump_ids }, /* before check: a table that is shared is looked at once */
	{ "namespaces", dump_namespaces },
	{ "control groups", dump_cgroups_begin },
	{ "check", dump_check },
	{ "refuse", dump_refuse },
	{ "network rules", dump_network_lock }, /* for trees that are dumped, and before anything of theirs is read */
	{ "devices", dump_plugins_checkpoint },
	{ "records", dump_cores },
	{ "ask", dump_ask }, /* the only step that touches the tasks */
	{ "inventory", dump_inventory },
	{ "pstree", dump_pstree },
	{ "timens", dump_timens },
	{ "cpuinfo", dump_cpuinfo },
	{ "tasks", dump_cores_write },
	{ "namespace images", dump_namespaces_write }, /* a tmpfs with the names that files were given */
	{ "pages of several tasks", dump_forked },
	{ "pages", dump_pages },
	{ "devices, late", dump_plugins_late },
	{ "page server has them", dump_remote_finish },
	{ "figures", dump_stats_member },
	{ "manifest", dump_seal },
	{ "modes", dump_namespaces_modes },
	{ "stream", dump_stream_settle }, /* the last moment for whoever reads it to be missed */
	{ "post-dump", run_script_after },
	{ "lazy pages served", dump_lazy_serve },
	{ "track", dump_track_arm },
	{ "finish", dump_finish },
	{ "keep tracking", dump_track_keep },
	{ "dedup", dump_dedup },
};

/* --snapshot: the same, but that the tasks run on while their memory is written. */
static const struct step snapshot_steps[] = {
	{ "rights", dump_rights },
	{ "images", dump_images_open },
	{ "chain", dump_track_begin },
	{ "page server", dump_remote_open },
	{ "lazy pages", dump_lazy_open },
	{ "pre-dump", run_script_before },
	{ "flags", dump_snap_look },
	{ "freeze", dump_freeze },
	{ "maps", dump_snap_maps },
	{ "tracked", dump_track_look },
	{ "query-ext-files", dump_query_files },
	{ "ids", dump_ids },
	{ "namespaces", dump_namespaces },
	{ "control groups", dump_cgroups_begin },
	{ "check", dump_check },
	{ "refuse", dump_refuse },
	{ "records", dump_cores },
	{ "ask", dump_ask },
	{ "inventory", dump_inventory },
	{ "pstree", dump_pstree },
	{ "timens", dump_timens },
	{ "cpuinfo", dump_cpuinfo },
	{ "tasks", dump_cores_write },
	{ "namespace images", dump_namespaces_write }, /* a tmpfs with the names that files were given */
	{ "shared memory", dump_snap_shared },
	{ "track", dump_track_arm },
	{ "snapshot", dump_snap_take },
	{ "let run", dump_snap_release },
	{ "the rest", dump_snap_rest },
	{ "pages", dump_snap_pages },
	{ "end of the snapshot", dump_snap_end },
	{ "page server has them", dump_remote_finish },
	{ "figures", dump_stats_member },
	{ "manifest", dump_seal },
	{ "modes", dump_namespaces_modes },
	{ "stream", dump_stream_settle },
	{ "post-dump", run_script_after },
	{ "finish", dump_finish },
	{ "keep tracking", dump_track_keep },
	{ "dedup", dump_dedup },
};

/* A pre-dump: what of the memory the next one may find unchanged. The tasks are held for as long as it takes to mark their pages. */
static const struct step pre_steps[] = {
	{ "rights", dump_rights },
	{ "images", dump_images_open },
	{ "chain", dump_track_begin },
	{ "page server", dump_remote_open },
	{ "pre-dump", run_script_before },
	{ "freeze", dump_freeze },
	{ "maps", dump_pre_maps },
	{ "tracked", dump_track_look },
	{ "ids", dump_ids },
	{ "namespaces", dump_namespaces },
	{ "irmap", dump_irmap_write },
	{ "pages by soft-dirty bits", dump_pre_memory },
	{ "track", dump_track_arm },
	{ "let run", dump_pre_release },
	{ "pages by marks", dump_pre_memory },
	{ "inventory", dump_pre_inventory },
	{ "pages", dump_pages },
	{ "page server has them", dump_remote_finish },
	{ "figures", dump_stats_member },
	{ "manifest", dump_seal },
	{ "stream", dump_stream_settle },
	{ "post-dump", run_script_after },
	{ "keep tracking", dump_track_keep },
	{ "dedup", dump_dedup },
};

/* --dry-run: what can be seen from outside, of tasks that run on. */
static const struct step looks[] = {
	{ "rights", dump_rights },
	{ "tree", dump_tree_look },
	{ "maps", dump_maps },
	{ "ids", dump_ids },
	{ "namespaces", dump_namespaces },
	{ "control groups", dump_cgroups_begin },
	{ "check", dump_check },
};

static int run_steps(struct dump *d, const struct step *list, size_t nr, struct img_err *err)
{
	for (size_t i = 0; i < nr; i++) {
		uint64_t start = dump_now_us();

		if (dump_go_on(d, err) < 0 || list[i].run(d, err) < 0)
			return -1;
		log_debug(d->log, "step %s: %llu us", list[i].name,
			(unsigned long long)(dump_now_us() - start));
	}
	return 0;
}

/* When somebody kills a task meanwhile, all sorts of things fail: say what it is really about. */
static void explain(struct dump *d, struct img_err *err)
{
	/* What says so may come a little before the end. */
	bool gone = err->sys_errno == ESRCH || err->sys_errno == ENOENT;
	int patience = gone ? 20 : 0; /* ms */

	/* Of tasks that run again some may end as they like, whatever it was that failed. */
	if (d->running && !gone)
		return;
	for_each_live_task(d, t) {
		struct pollfd p = { .fd = t->pidfd, .events = POLLIN };
		struct img_err why = *err;

		if (t->pidfd < 0 || poll(&p, 1, patience) <= 0) {
			patience = 0;
			continue;
		}
		img_fail(err, IMG_SYS, "pid %d has ended while it was dumped", t->pid);
		log_info(d->log, "pid %d has ended: %s", t->pid, why.text);
		return;
	}
}

int dump_run(struct dump *d, struct img_err *err)
{
	struct img_err undo_err = IMG_ERR_INIT;
	int ret;

	if (d->opt->command == CMD_PRE_DUMP)
		ret = run_steps(d, pre_steps, ARRAY_SIZE(pre_steps), err);
	else if (d->opt->snapshot)
		ret = run_steps(d, snapshot_steps, ARRAY_SIZE(snapshot_steps), err);
	else
		ret = run_steps(d, steps, ARRAY_SIZE(steps), err);

	if (ret < 0)
		explain(d, err);
	if (ret < 0)
		dump_plugins_resume(d, &undo_err);
	undo_err = (struct img_err)IMG_ERR_INIT;
	dump_plugins_end(d, ret);
	if (undo_all(d, ret < 0, &undo_err) < 0) {
		size_t len;

		if (ret == 0)
			*err = undo_err;
		len = strlen(err->text);
		if (ret < 0)
			snprintf(err->text + len, sizeof(err->text) - len, "; and then: %s", undo_err.text);
		return DUMP_EXIT_UNDO;
	}
	if (ret < 0)
		return img_exit_status(err);
	return dump_stats_write(d, err) < 0 ? img_exit_status(err) : 0;
}

/* The tree runs on while it is looked at: a task or a thread may be gone when its turn comes. Then from the start. */
int dump_look(struct dump *d, struct img_err *err)
{
	for (int tries = 1;; tries++) {
		struct img_err why = IMG_ERR_INIT;

		if (run_steps(d, looks, ARRAY_SIZE(looks), &why) == 0)
			return 0;
		if (tries == LOOK_TRIES || !d->tasks.nr || dump_unless_gone(&why, NULL) < 0) {
			*err = why;
			return -1;
		}
		dump_forget(d);
	}
}
