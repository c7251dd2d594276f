/* engines/criu-restore/ns-inside.c -- the front inside: steps of a moment, run where the tree's files are.
 *
 * It goes into the tree's mount namespace (and has what it forks born in the tree's pid namespace), and back to its own,
 * with its root and working directory, whether the steps worked or not.
 */

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "criu-restore/namespaces-own.h"
#include "criuimg/cleanup.h"

struct outside {
	int mnt, pid, root, cwd;
};

static void forget_outside(struct outside *o)
{
	img_cleanup_fd(&o->mnt);
	img_cleanup_fd(&o->pid);
	img_cleanup_fd(&o->root);
	img_cleanup_fd(&o->cwd);
}

static int remember_outside(struct restore *r, struct outside *o, struct img_err *err)
{
	o->mnt = openat(r->ns->proc, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
	o->pid = openat(r->ns->proc, "self/ns/pid", O_RDONLY | O_CLOEXEC);
	o->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	o->cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (o->mnt < 0 || o->pid < 0 || o->root < 0 || o->cwd < 0)
		return img_fail_sys(err, "our own namespaces");
	return 0;
}

static int go_back(struct restore *r, const struct outside *o, struct img_err *err)
{
	r->ns->front_in = 0;
	if (setns(o->mnt, CLONE_NEWNS) < 0 || fchdir(o->root) < 0 || chroot(".") < 0 || fchdir(o->cwd) < 0 ||
		(restore_ns_new(r, CLONE_NEWPID) && setns(o->pid, CLONE_NEWPID) < 0))
		return img_fail_sys(err, "back to our own namespaces");
	return 0;
}

/* With the pid namespace for what we fork inside: only as long as the root lives. */
static int go_in(struct restore *r, enum restore_moment moment, struct img_err *err)
{
	if (moment == MOMENT_NAMESPACES && restore_ns_new(r, CLONE_NEWPID) &&
		setns(r->ns->root_pidfd, CLONE_NEWPID) < 0)
		return img_fail_sys(err, "enter the tree's pid namespace");
	if (r->ns->mnt >= 0 && setns(r->ns->mnt, CLONE_NEWNS) < 0)
		return img_fail_sys(err, "enter the tree's mount namespace");
	r->ns->front_in = r->ns->mnt >= 0 ? restore_ns_id(r, CLONE_NEWNS) : 0;
	return 0;
}

int restore_ns_whole(struct restore *r, enum restore_moment moment, struct img_err *err)
{
	struct outside o = { -1, -1, -1, -1 };
	struct img_err back = IMG_ERR_INIT;
	int ret;

	if (!r->ns || (r->ns->mnt < 0 && !restore_ns_new(r, CLONE_NEWPID)))
		return restore_steps_whole(r, moment, err);
	ret = remember_outside(r, &o, err);
	if (ret == 0) {
		ret = go_in(r, moment, err);
		if (ret == 0)
			ret = restore_steps_whole(r, moment, err);
		if (go_back(r, &o, &back) < 0 && ret == 0) {
			*err = back;
			ret = -1;
		}
	}
	forget_outside(&o);
	return ret;
}
