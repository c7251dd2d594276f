/* engines/criu-restore/steps.c -- THE ORDER of a restore.
 *
 * One row for each thing that is done, in the order it is done within its moment (restore.h says when the
 * moments are). What the blob does has an order of its own: enum tape_phase in tape.h.
 */

#include <sched.h>

#include "criu-restore/cgroups.h"
#include "criu-restore/files.h"
#include "criu-restore/mem.h"
#include "criu-restore/namespaces.h"
#include "criu-restore/net-own.h"
#include "criu-restore/plan.h"
#include "criu-restore/steps.h"
#include "criu-restore/stream.h"
#include "criu-restore/task_ops.h"
#include "criuimg/array.h"

static int rooms_plan(struct restore *r, struct img_err *err)
{
	for (size_t i = 0; i < r->nr_tasks; i++) {
		struct restore_task *t = &r->tasks[i];

		for (size_t k = 0; restore_task_lives(t) && k < restore_nr_task_rooms; k++) {
			const struct task_restore_ops *room = restore_task_rooms[k];

			if (!room->plan || room->plan(r, t, err) == 0)
				continue;
			img_wrap(err, "pid %d: %s", t->pid, room->name);
			if (err->code != IMG_UNSUPPORTED || restore_plan_lack(r, err) < 0)
				return -1;
		}
	}
	return 0;
}

static int rooms_task(struct restore *r, struct restore_task *t, struct img_err *err)
{
	for (size_t k = 0; k < restore_nr_task_rooms; k++) {
		const struct task_restore_ops *room = restore_task_rooms[k];

		if (room->task && room->task(r, t, err) < 0)
			return img_wrap(err, "%s", room->name);
	}
	return 0;
}

/* With a mount or pid namespace of its own the tree's files can be prepared only when that is there. */
static bool lives_inside(const struct restore *r)
{
	return restore_ns_new(r, CLONE_NEWNS | CLONE_NEWPID);
}

static int prepare_files_here(struct restore *r, struct img_err *err)
{
	return lives_inside(r) ? 0 : restore_files_prepare(r, err);
}

static int prepare_files_inside(struct restore *r, struct img_err *err)
{
	return lives_inside(r) ? restore_files_prepare(r, err) : 0;
}

static const struct restore_step steps[] = {
	{ MOMENT_PLAN, "task", .whole = rooms_plan, .why = "cheap checks first" },
	{ MOMENT_PLAN, "cgroup", .whole = restore_cgroups_plan, .why = "what there is of them is known before anybody is made" },
	{ MOMENT_PLAN, "fd", .whole = restore_files_plan, .why = "all files have a maker" },
	{ MOMENT_PLAN, "mem", .whole = restore_mem_plan, .why = "looks for the files that are mapped" },
	{ MOMENT_PLAN, "stream", .whole = restore_stream_plan, .why = "all memory is known" },

	{ MOMENT_START, "user", .whole = restore_ns_images, .why = "all inherit the descriptor" },
	{ MOMENT_START, "cgroup", .whole = restore_cgroups_make, .why = "tasks move there as soon as they live" },
	{ MOMENT_START, "ns", .whole = restore_ns_start,
		.why = "mounts of ours are taken as we see them, not as the tree's user namespace does" },
	{ MOMENT_START, "fd", .whole = prepare_files_here,
		.why = "deleted files have a name while they may be opened" },
	{ MOMENT_START, "mem", .whole = restore_mem_start,
		.why = "shared segments: every task inherits their descriptors" },
	{ MOMENT_START, "stream", .whole = restore_stream_start,
		.why = "segments are there to be filled; their content comes before that of tasks" },

	{ MOMENT_START, "inet", .whole = restore_connections_lock,
		.why = "no segment comes to a port whose socket is not there yet: it would be answered by a reset" },

	{ MOMENT_NAMESPACES, "cgroup", .whole = restore_cgroups_control,
		.why = "a group that hands controllers down has no tasks, and the root was in such ones for its namespace" },
	{ MOMENT_NAMESPACES, "fd", .whole = prepare_files_inside, .why = "the same, where the tree has mounts of its own" },

	{ MOMENT_BEFORE_FORK, "tty", .task = restore_ttys_make,
		.why = "inherited by all; leaders of sessions attach before they have children" },
	{ MOMENT_BEFORE_FORK, "mem", .task = restore_mem_premap,
		.why = "children share these pages copy-on-write" },

	/* Between this moment and the one before: descriptors, in three steps with barriers between them
	 * (tree.c). They take their final numbers while nobody else opens anything, and mem's memfds are
	 * there to be mapped. */

	{ MOMENT_AFTER_FORK, "mem", .task = restore_mem_rest,
		.why = "opens mapped files; the list of mappings for the blob" },
	{ MOMENT_AFTER_FORK, "task", .task = rooms_task, .why = "needs nothing of the others" },

	{ MOMENT_RESUME, "mem", .whole = restore_mem_resume, .why = "seals: all that is mapped is mapped" },
	{ MOMENT_RESUME, "fd", .whole = restore_files_done,
		.why = "no task opens anything any more; what is left on disk goes" },

	{ MOMENT_RESUME, "cgroup", .whole = restore_cgroups_settle, .why = "limits: nobody is made any more" },

	{ MOMENT_RESUME, "inet", .whole = restore_connections_resume,
		.why = "the last thing: from here on the peers hear of us" },

	{ MOMENT_UNDO, "inet", .whole = restore_connections_undo, .why = "the connections are gone" },
	{ MOMENT_UNDO, "net", .whole = restore_net_undo, .why = "devices of the host, made or moved for the tree" },
	{ MOMENT_UNDO, "cgroup", .whole = restore_cgroups_undo, .why = "nobody is in them" },
	{ MOMENT_UNDO, "fd", .whole = restore_files_undo, .why = "no process of ours is left to open them" },
};

int restore_steps_whole(struct restore *r, enum restore_moment moment, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (steps[i].moment == moment && steps[i].whole && steps[i].whole(r, err) < 0)
			return -1;
	return 0;
}

int restore_steps_task(
	struct restore *r, enum restore_moment moment, struct restore_task *t, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (steps[i].moment == moment && steps[i].task && steps[i].task(r, t, err) < 0)
			return -1;
	return 0;
}
