/* crit/x.h -- what the views of `crit x` share: a set of images, and the names of the files in it. */
#ifndef CRIT_X_H
#define CRIT_X_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "criuimg/err.h"
#include "criuimg/image.h"
#include "criuimg/set.h"
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
};

/* ---- x-tasks.c ---- */

int x_tasks_read(struct x *x, struct img_err *err);
void x_tasks_free(struct x_tasks *tasks);
/* The mm image of a task: 1 with *mm (img_message_free() it), 0 when it has none (a zombie). */
int x_read_mm(struct x *x, uint32_t pid, MmEntry **mm, struct img_err *err);

/* ---- x-files.c ---- */

/* All the names of files.img and of the images of older versions that have a kind of file each. */
int x_files_read(struct x *x, struct img_err *err);
void x_files_free(struct x_files *files);
/* What to show of a file. Into buf where there is no name. */
#define X_NAME_MAX 64
const char *x_file_name(const struct x *x, FdTypes type, uint32_t id, char buf[static X_NAME_MAX]);

/* ---- the views: each prints to standard output ---- */

int x_ps(struct x *x, struct img_err *err);
int x_fds(struct x *x, struct img_err *err);
int x_mems(struct x *x, struct img_err *err);
int x_rss(struct x *x, struct img_err *err);

#endif
