/* engines/ns/mnt/root-restore.c -- the trees that were put together, each as the root of a mount namespace of its own.
 *
 * The namespace in which they were built becomes that of the root of the tasks; the others are copies of it, made before. In each
 * the tree that belongs there gets over the old root (pivot_root(2)), and all else goes.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-restore/mnt-own.h"
#include "criu-restore/namespaces.h"
#include "criuimg/cleanup.h"
#include "kernel/mountctl.h"

/* A mount and all below it, gone from this namespace alone: what is in peer groups elsewhere stays. */
static int take_away(const char *path, struct img_err *err)
{
	if (mount(NULL, path, NULL, MS_REC | MS_PRIVATE, NULL) < 0 || umount2(path, MNT_DETACH) < 0)
		return img_fail_sys(err, "take '%s' away", path);
	return 0;
}

/* The new root over the old one, which then goes with the yard and all. The working directory is the yard. */
static int pivot(const char *name, struct img_err *err)
{
	cleanup_fd int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (old < 0 || chdir(name) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || fchdir(old) < 0)
		return img_fail_sys(err, "change the root");
	if (take_away(".", err) < 0)
		return -1;
	return chdir("/") < 0 ? img_fail_sys(err, "change to the root") : 0;
}

/* A root that is shared cannot have the old one on it, even for a moment: so the yard becomes the root, is emptied, and the new
 * root is moved over it. */
static int pivot_shared(const char *name, struct img_err *err)
{
	cleanup_fd int fd = -1, yard = -1;
	cleanup_dir DIR *dir = NULL;
	struct dirent *de;

	if ((mkdir("old", 0700) < 0 && errno != EEXIST) || syscall(SYS_pivot_root, ".", "old") < 0 || take_away("old", err) < 0)
		return img_fail_sys(err, "make the yard the root");
	dir = opendir(".");
	if (!dir)
		return img_fail_sys(err, "read the yard");
	while ((de = readdir(dir)))
		if (de->d_name[0] != '.' && strcmp(de->d_name, name) && mount(NULL, de->d_name, NULL, MS_REC | MS_PRIVATE, NULL) == 0)
			umount2(de->d_name, MNT_DETACH);
	fd = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	yard = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || yard < 0)
		return img_fail_sys(err, "the new root");
	if (kern_mount_move(fd, yard, err) < 0)
		return -1;
	if (fchdir(fd) < 0 || chroot(".") < 0)
		return img_fail_sys(err, "change the root");
	return 0;
}

static int change_root(struct restore *r, struct mnt_plan *p, const struct mnt_mount *root, struct img_err *err)
{
	char name[32];
	int fd;

	mnt_yard_name(root, name);
	if ((root->entry->shared_id ? pivot_shared(name, err) : pivot(name, err)) < 0)
		return -1;
	fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return img_fail_sys(err, "the new root");
	restore_ns_keep_root(r, root->ns, fd);
	return 0;
}

/* One more mount namespace: a copy of this one, of which its tree is kept. Peers of what is copied are peers of the copy. */
static int make_namespace(struct restore *r, struct mnt_plan *p, const struct mnt_mount *root, struct img_err *err)
{
	cleanup_fd int back = restore_ns_open_own(r, CLONE_NEWNS, err), fd = -1;

	if (back < 0)
		return -1;
	/* The working directory follows into the copy. */
	if (fchdir(p->yard) < 0 || unshare(CLONE_NEWNS) < 0)
		return img_fail_sys(err, "copy the mount namespace");
	if (change_root(r, p, root, err) < 0)
		return -1;
	fd = restore_ns_open_own(r, CLONE_NEWNS, err);
	if (fd < 0)
		return -1;
	if (setns(back, CLONE_NEWNS) < 0)
		return img_fail_sys(err, "back from mount namespace %u", root->ns);
	restore_ns_keep(r, CLONE_NEWNS, root->ns, steal_fd(&fd));
	return 0;
}

int mnt_make_namespaces(struct restore *r, struct mnt_plan *p, struct img_err *err)
{
	for (size_t i = 1; i < p->nr_ns; i++)
		if (make_namespace(r, p, p->roots[i], err) < 0)
			return img_wrap(err, "namespace %u", p->roots[i]->ns);
	if (fchdir(p->yard) < 0)
		return img_fail_sys(err, "the yard");
	return change_root(r, p, p->root, err);
}
