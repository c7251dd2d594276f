/* engines/task/cwd/cwd-restore.c -- how criu-restore puts a task where it was: working directory, root,
 * umask. */

#include <fcntl.h>
#include <sys/syscall.h>

#include "criu-restore/files.h"
#include "criu-restore/task_ops.h"

extern const struct task_restore_ops cwd_restore_ops;

/* In the blob: nothing has to be found by its path there. chroot(2) wants one, "." will do. */
static int cwd_tape(struct restore *r, struct restore_task *t, struct restore_tape *tape, struct img_err *err)
{
	int cwd, root;

	if (t->share_first[RESTORE_SHARE_FS] && t->share_first[RESTORE_SHARE_FS] != t)
		return 0; /* whoever it shares these with sets them */
	if (restore_open_file(r, t, t->fs->root_id, O_PATH | O_DIRECTORY, &root, err) < 0)
		return img_wrap(err, "root");
	if (restore_open_file(r, t, t->fs->cwd_id, O_PATH | O_DIRECTORY, &cwd, err) < 0)
		return img_wrap(err, "cwd");
	tape_step(tape, TAPE_MM, "change to the root", SYS_fchdir, root);
	tape_step(tape, TAPE_MM, "set root", SYS_chroot, tape_data(tape, ".", 2));
	tape_step(tape, TAPE_MM, "set cwd", SYS_fchdir, cwd);
	if (t->fs->has_umask)
		tape_step(tape, TAPE_MM, "set umask", SYS_umask, t->fs->umask);
	return 0;
}

const struct task_restore_ops cwd_restore_ops = {
	.name = "cwd",
	.tape = cwd_tape,
};
