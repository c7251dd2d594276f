/* crit/x-fds.c -- crit x DIR fds: the descriptors of each task, its working directory and its root. */

#include <inttypes.h>
#include <stdio.h>

#include "core.pb-c.h"
#include "fs.pb-c.h"
#include "rows.h"
#include "x.h"

static int print_table(struct x *x, uint32_t files_id, struct img_err *err)
{
	char buf[X_NAME_MAX];
	struct img_reader *r;
	ProtobufCMessage *msg;
	int ret = img_reader_open(x->set, IMG_FDINFO, files_id, &r, err);

	if (ret <= 0)
		return ret;
	while ((ret = img_read(r, &msg, err)) > 0) {
		const FdinfoEntry *fd = (const FdinfoEntry *)msg;

		printf("\t%7" PRIu32 ": %s\n", fd->fd, x_file_name(x, fd->type, fd->id, buf));
		img_message_free(msg);
	}
	img_reader_close(r);
	return ret;
}

static int print_fs(struct x *x, uint32_t pid, struct img_err *err)
{
	char buf[X_NAME_MAX];
	ProtobufCMessage *msg;
	int ret = img_read_single(x->set, IMG_FS, pid, &msg, err);

	if (ret > 0) {
		const FsEntry *fs = (const FsEntry *)msg;

		printf("\t%7s: %s\n", "cwd", x_file_name(x, FD_TYPES__REG, fs->cwd_id, buf));
		printf("\t%7s: %s\n", "root", x_file_name(x, FD_TYPES__REG, fs->root_id, buf));
		img_message_free(msg);
	}
	return ret < 0 ? -1 : 0;
}

static int print(struct x *x, struct img_err *err)
{
	for (size_t i = 0; i < x->tasks.nr; i++) {
		uint32_t pid = x->tasks.entries[i]->pid, files_id;
		int ret = x_table_of(x, pid, &files_id, err);

		if (ret < 0)
			return -1;
		printf("%" PRIu32 "\n", pid);
		if (ret && (print_table(x, files_id, err) < 0 || print_fs(x, pid, err) < 0))
			return -1;
	}
	return 0;
}

/* ---- as rows ---- */

static json_t *rows(struct x *x, struct img_err *err)
{
	struct objects *objects = &x->objects;
	struct rows rows;

	if (x_uses_read(x, err) < 0)
		return NULL;
	rows_init(&rows);
	for (size_t i = 0; i < objects->nr_uses; i++) {
		const struct object_use *use = &objects->uses[i];
		char buf[X_NAME_MAX];

		rows_next(&rows);
		rows_int(&rows, "pid", use->pid);
		rows_int(&rows, "fd", use->fd);
		rows_text(&rows, "type", objects_type_name(use->type));
		rows_int(&rows, "id", use->id);
		rows_bool(&rows, "close_on_exec", use->flags & 1);
		rows_text(&rows, "name", x_file_name(x, use->type, use->id, buf));
	}
	return rows_sorted(rows_done(&rows, err), "pid", "fd");
}

const struct x_view x_fds = {
	.name = "fds",
	.summary = "the descriptors of each task, its working directory and root",
	.files = true,
	.print = print,
	.rows = rows,
};
