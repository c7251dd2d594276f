/* criu-restore/net-lock.c -- a namespace that is made anew may be connected with others before its sockets are there, and a segment for a port
 * without one is answered by a reset. One that was there before may be locked by the dump: that lock ends here. */

#include "criu-restore/net-lock.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>

#include "criu-restore/files-own.h"
#include "criu-restore/join.h"
#include "criu-restore/namespaces.h"
#include "criuimg/cleanup.h"
#include "kernel/net-lock.h"

struct restore_net_lock {
	struct kern_net_lock how;
	unsigned made;
	bool locked;   /* by us */
	bool unlocked; /* one that is not ours */
};

static struct restore_net_lock *state(struct restore *r, struct img_err *err)
{
	if (!r->net_lock)
		r->net_lock = img_arena_alloc(&r->arena, sizeof(*r->net_lock));
	if (!r->net_lock)
		img_fail_nomem(err);
	else
		r->net_lock->how.run_id = r->inventory->dump_criu_run_id;
	return r->net_lock;
}

/* The root's; of one that is joined, the front's descriptor. */
static int open_namespace(struct restore *r, struct img_err *err)
{
	int joined = restore_join_fd(r, CLONE_NEWNET), fd;
	char path[64];

	if (joined >= 0) {
		fd = fcntl(joined, F_DUPFD_CLOEXEC, 3);
		return fd < 0 ? img_fail_sys(err, "duplicate a descriptor") : fd;
	}
	snprintf(path, sizeof(path), "/proc/%d/ns/net", restore_here(r->root));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? img_fail_sys(err, "%s", path) : fd;
}

/* Lock or unlock, inside. */
static int change(struct restore *r, bool lock, struct img_err *err)
{
	struct restore_net_lock *l = r->net_lock;
	cleanup_fd int own = restore_ns_open_own(r, CLONE_NEWNET, err), fd = own < 0 ? -1 : open_namespace(r, err);
	int ret;

	if (fd < 0)
		return -1;
	if (setns(fd, CLONE_NEWNET) < 0)
		return img_fail_sys(err, "enter the network namespace");
	ret = lock ? kern_netns_lock(&l->how, &l->made, err) : kern_netns_unlock(&l->how, l->made, err);
	if (setns(own, CLONE_NEWNET) < 0)
		return img_fail_sys(err, "back from the network namespace");
	return ret;
}

static bool has_inet(const struct restore *r)
{
	for (size_t i = 0; r->files && i < r->files->nr; i++)
		if (r->files->files[i].pub.rec->type == FD_TYPES__INETSK)
			return true;
	return false;
}

int restore_netns_lock(struct restore *r, struct img_err *err)
{
	static const enum kern_net_lock_method methods[] = { KERN_NET_LOCK_NFTABLES, KERN_NET_LOCK_IPTABLES };
	struct restore_net_lock *l;
	struct img_err why = IMG_ERR_INIT;

	if (!restore_ns_new(r, CLONE_NEWNET) || restore_join_fd(r, CLONE_NEWNET) >= 0 || !has_inet(r) ||
		r->inventory->network_lock_method == KERN_NET_LOCK_SKIP)
		return 0;
	l = state(r, err);
	if (!l)
		return -1;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]) && !l->locked; i++) {
		l->how.method = methods[i];
		if (methods[i] == KERN_NET_LOCK_NFTABLES && !l->how.run_id)
			continue;
		l->locked = change(r, true, &why) == 0;
		if (!l->locked && why.code != IMG_UNSUPPORTED) {
			*err = why;
			return -1;
		}
	}
	if (!l->locked)
		log_warn(r->log, "the network is not locked while sockets are made: %s", why.text);
	return 0;
}

int restore_netns_unlock(struct restore *r, struct img_err *err)
{
	struct restore_net_lock *l = r->net_lock;

	if (l && l->locked) {
		l->locked = false;
		return change(r, false, err);
	}
	if (!restore_ns_new(r, CLONE_NEWNET) || restore_join_fd(r, CLONE_NEWNET) < 0 ||
		r->inventory->network_lock_method == KERN_NET_LOCK_SKIP || !(l = state(r, err)))
		return 0;
	l->how.method = (enum kern_net_lock_method)r->inventory->network_lock_method;
	if (change(r, false, err) < 0)
		return err->code == IMG_UNSUPPORTED ? 0 : -1; /* without the program nobody has locked it that way */
	l->unlocked = true;
	return 0;
}

int restore_netns_undo(struct restore *r, struct img_err *err)
{
	if (!r->net_lock || !r->net_lock->unlocked)
		return 0;
	r->net_lock->unlocked = false;
	return change(r, true, err);
}
