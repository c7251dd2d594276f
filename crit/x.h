/* crit/x.h -- what the views of `crit x` share: a set of images, and the names of the files in it. */
#ifndef CRIT_X_H
#define CRIT_X_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "criuimg/err.h"
#include "criuimg/image.h"
#include "criuimg/set.h"
#include "core.pb-c.h"
#include "objects.h"
#include "fdinfo.pb-c.h"
#include "mm.pb-c.h"
#include "pstree.pb-c.h"

/* All tasks, in the order of pstree.img. */
struct x_tasks {
	PstreeEntry **entries;
	size_t nr, room;
};

/* A file that has a name to show. */
struct x_file {
	FdTypes type;
	uint32_t id;
	char *text; /* "/path", "pipe[5]", "unix[7 (8) name]" */
};

struct x_files {
	struct x_file *files; /* sorted by id, then type */
	size_t nr, room;
};

struct x {
	struct img_set *set;
	struct x_tasks tasks;
	struct x_files files;
	struct objects objects;
};

/* Open the set that DIR says. What else is needed is read when asked for. */
int x_open(struct x *x, const char *dir, struct img_err *err);
void x_close(struct x *x);

/* ---- x-tasks.c ---- */

/* Once. */
int x_tasks_read(struct x *x, struct img_err *err);
void x_tasks_free(struct x_tasks *tasks);
/* The task of this pid, or NULL. */
const PstreeEntry *x_task(const struct x *x, uint32_t pid);
/* Its threads. The number that is listed of a zombie means nothing: where there is one thread, it is the task's. */
static inline size_t x_thread_count(const PstreeEntry *task)
{
	return task->n_threads ? task->n_threads : 1;
}
static inline uint32_t x_thread_id(const PstreeEntry *task, size_t i)
{
	return task->n_threads > 1 ? task->threads[i] : task->pid;
}
/* Call add() for every thread of a task until it fails. */
int x_each_thread(struct x *x, struct rows *rows, const PstreeEntry *task,
	int (*add)(struct x *x, struct rows *rows, uint32_t pid, uint32_t tid, struct img_err *err), struct img_err *err);
/* The number that a person gave as PID must be a task's. */
int x_task_named(struct x *x, const char *text, const PstreeEntry **task, struct img_err *err);
/* The mm image of a task: 1 with *mm (img_message_free() it), 0 when it has none (a zombie). Of old sets, with the mappings from
 * their own image in it. */
int x_read_mm(struct x *x, uint32_t pid, MmEntry **mm, struct img_err *err);
/* The core image of a thread: 1, 0, -1. img_message_free(&core->base). */
int x_read_core(struct x *x, uint32_t tid, CoreEntry **core, struct img_err *err);
/* Its ids: 1 (img_message_free(*owner)), 0, -1. */
int x_read_ids(struct x *x, uint32_t pid, const TaskKobjIdsEntry **ids, ProtobufCMessage **owner, struct img_err *err);
/* The number of its descriptor table: 1, 0 when it has none (a zombie). */
int x_table_of(struct x *x, uint32_t pid, uint32_t *files_id, struct img_err *err);
/* Its name, "?" when there is none, into buf. */
int x_read_comm(struct x *x, uint32_t pid, char buf[static 64], struct img_err *err);
/* Which descriptors of which task lead to which file. Once. */
int x_uses_read(struct x *x, struct img_err *err);

/* ---- x-files.c ---- */

/* All the names of files.img and of the images of older versions that have a kind of file each. */
int x_files_read(struct x *x, struct img_err *err);
void x_files_free(struct x_files *files);
/* What to show of a file. Into buf where there is no name. */
#define X_NAME_MAX 64
const char *x_file_name(const struct x *x, FdTypes type, uint32_t id, char buf[static X_NAME_MAX]);

/* ---- the views ---- */

struct column;

struct x_view {
	const char *name, *summary;
	bool files; /* it needs the names of files, in the manner of CRIU's crit */
	int (*print)(struct x *x, struct img_err *err);	    /* text of a form of its own; NULL: a table of the rows */
	/* Adds the rows of one task; called in the order of the tree, each time maybe with rows of its own. */
	int (*task)(struct x *x, struct rows *rows, const PstreeEntry *task, struct img_err *err);
	json_t *(*rows)(struct x *x, struct img_err *err);  /* where they do not go by tasks: a list of objects; NULL on failure */
	const struct column *columns;			    /* of the table */
};

extern const struct x_view x_ps, x_fds, x_mems, x_rss, x_sk, x_mounts, x_ns, x_cgroups, x_signals, x_timers, x_creds, x_threads,
	x_open_files, x_env, x_args, x_tree;

/* All of them; ends with NULL. */
extern const struct x_view *const x_views[];
const struct x_view *x_view_called(const char *name);
/* All its rows, NULL on failure. */
json_t *x_view_rows(struct x *x, const struct x_view *view, struct img_err *err);

/* task_core_entry.task_state */
enum x_state { X_STATE_ALIVE = 1, X_STATE_ZOMBIE = 2, X_STATE_STOPPED = 3 };
const char *x_state_name(uint32_t state, char buf[static 16]);
/* "INT", "RTMIN+1", "0": the name of a signal, into buf. */
const char *x_signal_name(unsigned int signal, char buf[static 16]);

#endif
