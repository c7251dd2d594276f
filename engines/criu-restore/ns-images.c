/* engines/criu-restore/ns-images.c -- a directory of images that tasks in a user namespace may not search.
 *
 * They read their images themselves, and are nobody to a directory that its owner has closed to others (container engines make such). So
 * the directory is cloned as a mount that nobody sees, in which what belongs to a user of ours belongs to that user of the tree's
 * namespace (mount_setattr(2), MOUNT_ATTR_IDMAP). The namespace of the tree does not exist yet: one with the same maps will do.
 */

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "criu-restore/namespaces-own.h"
#include "criuimg/cleanup.h"
#include "kernel/clone.h"

/* The namespace of a process that waits to be killed. */
static int open_maps(struct restore *r, pid_t pid, struct img_err *err)
{
	char path[64];
	int fd;

	if (kern_idmap_write(pid, "uid_map", &r->ns->uids, err) < 0 || kern_idmap_write(pid, "gid_map", &r->ns->gids, err) < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? img_fail_sys(err, "%s", path) : fd;
}

static int map_like_tree(struct restore *r, struct img_err *err)
{
	pid_t pid = kern_clone(CLONE_NEWUSER, 0, SIGCHLD);
	int fd;

	if (pid < 0)
		return img_fail_sys(err, "make a user namespace");
	if (pid == 0)
		for (;;)
			pause();
	fd = open_maps(r, pid, err);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, __WALL);
	return fd;
}

static bool is_open(int dir)
{
	struct stat st;

	return fstat(dir, &st) < 0 || (st.st_mode & S_IXOTH);
}

int restore_ns_images(struct restore *r, struct img_err *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	int dir = r->stream ? -1 : img_set_dirfd(r->set);
	cleanup_fd int user = -1, mapped = -1;

	if (!restore_ns_new(r, CLONE_NEWUSER) || dir < 0 || is_open(dir))
		return 0;
	user = map_like_tree(r, err);
	if (user < 0)
		return -1;
	attr.userns_fd = user;
	mapped = (int)syscall(SYS_open_tree, dir, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (mapped < 0 || syscall(SYS_mount_setattr, mapped, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0 ||
		dup3(mapped, dir, O_CLOEXEC) < 0)
		return img_fail_sys(err, "open the directory of images to the tree's user namespace: is it closed to others, and");
	log_info(r->log, "the directory of images is closed to others: its ids are mapped for the tree");
	return 0;
}
