/* engines/ns/user/user-restore.c -- how criu-restore sets up a user namespace: the front writes its maps, the root becomes its user 0. */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-restore/namespaces.h"
#include "criu-restore/ns_ops.h"
#include "kernel/idmap.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "userns.pb-c.h"

extern const struct ns_restore_ops user_restore_ops;

enum {
	EXTENTS_MAX = 340, /* include/linux/user_namespace.h: UID_GID_MAP_MAX_EXTENTS */
};

static int check(const char *what, UidGidExtent **list, size_t nr, struct img_err *err)
{
	if (nr > EXTENTS_MAX)
		return img_fail(err, IMG_CORRUPT, "%zu ranges of %s", nr, what);
	for (size_t i = 0; i < nr; i++)
		if (!list[i]->count || list[i]->first + list[i]->count < list[i]->first ||
			list[i]->lower_first + list[i]->count < list[i]->lower_first)
			return img_fail(err, IMG_CORRUPT, "a range of %u %s from %u on", list[i]->count, what, list[i]->first);
	return 0;
}

static int user_plan(struct restore *r, uint32_t id, struct img_err *err)
{
	UsernsEntry *e;
	int ret = img_read_single(r->set, IMG_USERNS, id, (ProtobufCMessage **)&e, err);

	if (ret == 0)
		return img_fail(err, IMG_CORRUPT, "userns-%u.img is missing", id);
	if (ret < 0)
		return -1;
	ret = check("uids", e->uid_map, e->n_uid_map, err);
	if (ret == 0)
		ret = check("gids", e->gid_map, e->n_gid_map, err);
	if (ret == 0)
		ret = restore_ns_idmaps(r, e, err);
	img_message_free(&e->base);
	return ret;
}

static int user_born(struct restore *r, uint32_t id, struct img_err *err)
{
	const struct kern_idmap *uids, *gids;

	restore_ns_get_idmaps(r, &uids, &gids);
	if (kern_idmap_write(restore_here(r->root), "uid_map", uids, err) < 0)
		return -1;
	return kern_idmap_write(restore_here(r->root), "gid_map", gids, err);
}

/* A new namespace gives all capabilities; the ids of whoever made it mean nothing inside. */
static int user_make(struct restore *r, uint32_t id, struct img_err *err)
{
	/* The system calls themselves: this process has one thread, and no ids to keep for others. */
	if (syscall(SYS_setgroups, 0, NULL) < 0 || syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setresuid, 0, 0, 0) < 0)
		return img_fail_sys(err, "become its user 0");
	/* Lost with the change, and needed by those who take descriptors from us. */
	if (prctl(PR_SET_DUMPABLE, 1) < 0)
		return img_fail_sys(err, "stay dumpable");
	return 0;
}

const struct ns_restore_ops user_restore_ops = {
	.name = "user",
	.flag = CLONE_NEWUSER,
	.plan = user_plan,
	.born = user_born,
	.make = user_make,
};
