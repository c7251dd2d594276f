/* criu-dump/net-lock.c -- the network of the tree is cut off, where it has one of its own: no packet comes in or goes out while the tasks
 * are saved, and none after that, so that no peer is answered by a kernel that has lost the sockets. A tree that runs on gets its
 * network back; otherwise the lock lasts as long as the namespace does, and who restores into it takes it away.
 */

#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criu-dump/ns_ops.h"
#include "criu-dump/spine.h"
#include "criu-dump/track.h"
#include "kernel/net-lock.h"

struct lock {
	const struct dump_namespace *ns;
	struct kern_net_lock how;
	unsigned made;
};

static int unlock(struct dump *d, void *obj, struct img_err *err)
{
	struct lock *l = obj;
	int own = -1, ret;

	if (dump_ns_enter(d, l->ns->task, CLONE_NEWNET, &own, err) < 0)
		return -1;
	ret = kern_netns_unlock(&l->how, l->made, err);
	return dump_ns_leave(CLONE_NEWNET, &own, err) < 0 ? -1 : ret;
}

/* Without a program for it a tree is saved all the same, unless the user has asked for that very way. */
static int lock_one(struct dump *d, struct lock *l, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	int own = -1, ret;

	if (dump_ns_enter(d, l->ns->task, CLONE_NEWNET, &own, err) < 0)
		return -1;
	ret = kern_netns_lock(&l->how, &l->made, &why);
	if (dump_ns_leave(CLONE_NEWNET, &own, err) < 0)
		return -1;
	if (ret == 0) {
		log_info(d->log, "network namespace %u is locked", l->ns->id);
	} else if (why.code == IMG_UNSUPPORTED && !d->opt->network_lock) {
		log_warn(d->log, "network namespace %u: %s: it is not locked", l->ns->id, why.text);
		ret = 0;
	} else {
		*err = why;
	}
	return ret;
}

static bool own_network(pid_t pid)
{
	struct stat ours, theirs;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	return stat("/proc/self/ns/net", &ours) == 0 && stat(path, &theirs) == 0 && ours.st_ino != theirs.st_ino;
}

static int network_unlock_script(struct dump *d, void *unused, struct img_err *err)
{
	return dump_script(d, "network-unlock", err);
}

int dump_network_script(struct dump *d, struct img_err *err)
{
	if (!own_network(d->opt->tree))
		return 0;
	if (undo_push(&d->undo, UNDO_TO_RUN, "network-unlock", network_unlock_script, NULL, err) < 0)
		return -1;
	return dump_script(d, "network-lock", err);
}

int dump_network_lock(struct dump *d, struct img_err *err)
{
	const struct dump_namespace *ns;
	uint32_t method;

	if (kern_net_lock_method(d->opt->network_lock, &method, err) < 0)
		return -1;
	if (method == KERN_NET_LOCK_SKIP)
		return 0;
	if (dump_namespaces_unlocked(d, err) < 0)
		return -1;
	for (size_t i = 0; (ns = dump_ns_nth(d, CLONE_NEWNET, i)); i++) {
		struct lock *l = img_arena_alloc(&d->arena, sizeof(*l));

		if (!l)
			return img_fail_nomem(err);
		*l = (struct lock){ ns, { (enum kern_net_lock_method)method, d->track->id }, 0 };
		if (undo_push(&d->undo, UNDO_TO_RUN, "unlock a network namespace", unlock, l, err) < 0 || lock_one(d, l, err) < 0)
			return -1;
	}
	return 0;
}
