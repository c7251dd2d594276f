/* engines/fd/inet/lock-restore.c -- what the front does for all TCP connections of the tree together. */

#include <stdlib.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-restore/files-own.h"
#include "criu-restore/inet-own.h"
#include "criu-restore/join.h"
#include "criu-restore/namespaces.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/getfd.h"
#include "kernel/net-lock.h"

extern const struct fd_restore_ops inet_restore_ops;

static bool is_connection(const struct restore *r, const struct file_plan *p)
{
	return p->pub.ops == &inet_restore_ops && inet_carried(r, p->pub.rec->isk);
}

static bool is_tcp(const struct file_plan *p)
{
	return p->pub.ops == &inet_restore_ops && p->pub.rec->isk->type == SOCK_STREAM && p->maker && p->maker_fd >= 0;
}

struct connections {
	struct kern_connection *items;
	size_t nr, room;
};

static int collect(struct restore *r, struct connections *all, struct img_err *err)
{
	for (size_t i = 0; i < r->files->nr; i++) {
		const struct file_plan *p = &r->files->files[i];
		union inet_address src, dst;
		struct kern_connection *c;

		if (!is_connection(r, p))
			continue;
		if (!p->maker || p->maker_fd < 0)
			return img_fail(err, IMG_UNSUPPORTED,
				"inet socket %#x: a TCP connection on its way through a unix socket is not supported", p->pub.id);
		c = img_array_more(&all->items, all->nr, &all->room);
		if (!c)
			return img_fail_nomem(err);
		all->nr++;
		if (!inet_address(p->pub.rec->isk, false, &src, err) || !inet_address(p->pub.rec->isk, true, &dst, err) ||
		    kern_connection_of(&src.storage, &dst.storage, c, err) < 0)
			return img_wrap(err, "inet socket %#x", p->pub.id);
	}
	return 0;
}

typedef int change_fn(const struct kern_net_lock *how, const struct kern_connection *c, size_t nr, struct img_err *err);

/* By the method that the dump has used. In a network namespace that is made anew nobody is there to send anything. */
static int change(struct restore *r, change_fn *fn, struct img_err *err)
{
	struct kern_net_lock how = {
		.method = (enum kern_net_lock_method)r->inventory->network_lock_method,
		.run_id = r->inventory->dump_criu_run_id,
	};
	struct connections all = { 0 };
	int ret;

	if (!r->files || restore_ns_new(r, CLONE_NEWNET) || restore_join_fd(r, CLONE_NEWNET) >= 0)
		return 0;
	ret = collect(r, &all, err);
	if (ret == 0 && all.nr)
		ret = fn(&how, all.items, all.nr, err);
	free(all.items);
	return ret;
}

int restore_connections_lock(struct restore *r, struct img_err *err)
{
	int ret = change(r, kern_net_lock, err);

	if (ret > 0)
		r->files->net_locked = true;
	return ret < 0 ? -1 : 0;
}

int restore_connections_undo(struct restore *r, struct img_err *err)
{
	return r->files && r->files->net_locked ? change(r, kern_net_unlock, err) : 0;
}

static int resume_one(struct restore *r, const struct file_plan *p, struct img_err *err)
{
	pid_t pid = restore_here(p->maker->leader);
	cleanup_fd int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), fd = -1;

	if (pidfd < 0)
		return img_fail_sys(err, "pidfd_open %d", (int)pid);
	fd = kern_getfd(pidfd, p->maker_fd, err);
	if (fd < 0)
		return -1;
	return is_connection(r, p) ? inet_tcp_resume(r, fd, p->pub.rec->isk, err) : inet_own_reuse(fd, p->pub.rec->isk, err);
}

int restore_connections_unlock(struct restore *r, struct img_err *err)
{
	if (change(r, kern_net_unlock, err) < 0)
		return -1;
	if (r->files)
		r->files->net_locked = false;
	return 0;
}

int restore_connections_resume(struct restore *r, struct img_err *err)
{
	for (size_t i = 0; r->files && i < r->files->nr; i++) {
		const struct file_plan *p = &r->files->files[i];

		if (is_tcp(p) && resume_one(r, p, err) < 0)
			return img_wrap(err, "inet socket %#x", p->pub.id);
	}
	return 0;
}
