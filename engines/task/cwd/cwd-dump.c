/* engines/task/cwd/cwd-dump.c -- what criu-dump saves of where a task is: working directory, root, umask
 * (fs-%d.img). */

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "fs.pb-c.h"

#include "criu-dump/files.h"
#include "criu-dump/task_ops.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"

extern const struct task_dump_ops cwd_dump_ops;

/* /proc/PID/<name>: a descriptor for what it refers to, and what readlink says of it. */
static int open_link(struct dump_task *t, const char *name, char link[PATH_MAX], struct img_err *err)
{
	cleanup_fd int fd = -1;
	char path[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/%s", t->pid, name);
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return img_fail_sys(err, "%s", path);
	len = readlink(path, link, PATH_MAX - 1);
	if (len < 0)
		return img_fail_sys(err, "%s", path);
	link[len] = '\0';
	return steal_fd(&fd);
}

static int check_one(struct dump *d, struct dump_task *t, const char *name, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	char link[PATH_MAX];
	cleanup_fd int fd = open_link(t, name, link, err);

	if (fd < 0)
		return -1;
	if (dump_file_check(d, t, fd, link, 0, &why) == 0)
		return 0;
	if (why.code != IMG_UNSUPPORTED) {
		*err = why;
		return img_wrap(err, "%s %s", name, link);
	}
	return dump_block(d, t, name, "%s: %s", link, why.text) < 0 ? img_fail_nomem(err) : 0;
}

static int cwd_check(struct dump *d, struct dump_task *t, struct img_err *err)
{
	return check_one(d, t, "cwd", err) < 0 ? -1 : check_one(d, t, "root", err);
}

static int dump_one(struct dump *d, struct dump_task *t, const char *name, uint32_t *id, struct img_err *err)
{
	char link[PATH_MAX];
	cleanup_fd int fd = open_link(t, name, link, err);

	if (fd < 0)
		return -1;
	if (dump_file_by_fd(d, t, fd, link, 0, id, err) < 0)
		return img_wrap(err, "%s %s", name, link);
	log_info(d->log, "pid %d: %s %s, file %#x", t->pid, name, link, *id);
	return 0;
}

static int cwd_task(struct dump *d, struct dump_task *t, struct img_err *err)
{
	FsEntry fs = FS_ENTRY__INIT;

	if (dump_one(d, t, "cwd", &fs.cwd_id, err) < 0 || dump_one(d, t, "root", &fs.root_id, err) < 0)
		return -1;
	fs.has_umask = 1;
	fs.umask = t->threads[0].status.umask;
	return img_write_single(d->set, IMG_FS, t->vpid, &fs.base, err);
}

const struct task_dump_ops cwd_dump_ops = {
	.name = "cwd",
	.check = cwd_check,
	.task = cwd_task,
};
