/* crit/x-fds.c -- crit x DIR fds: the descriptors of each task, its working directory and its root. */

#include <inttypes.h>
#include <stdio.h>

#include "core.pb-c.h"
#include "fs.pb-c.h"
#include "x.h"

/* The descriptor table of a task: 1, 0 when it has none (a zombie). */
static int table_of(struct x *x, uint32_t pid, uint32_t *files_id, struct img_err *err)
{
	ProtobufCMessage *msg;
	int ret = img_read_single(x->set, IMG_IDS, pid, &msg, err);

	if (ret > 0) {
		*files_id = ((const TaskKobjIdsEntry *)msg)->files_id;
		img_message_free(msg);
	}
	return ret;
}

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

int x_fds(struct x *x, struct img_err *err)
{
	for (size_t i = 0; i < x->tasks.nr; i++) {
		uint32_t pid = x->tasks.entries[i]->pid, files_id;
		int ret = table_of(x, pid, &files_id, err);

		if (ret < 0)
			return -1;
		printf("%" PRIu32 "\n", pid);
		if (ret && (print_table(x, files_id, err) < 0 || print_fs(x, pid, err) < 0))
			return -1;
	}
	return 0;
}
