/* engines/fd/netlink/netlink-restore.c -- how criu-restore makes netlink sockets. netlink(7). */

#include <linux/netlink.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "criu-restore/files.h"
#include "criu-restore/restore.h"

static int netlink_plan(struct restore *r, const struct restore_file *f, struct img_err *err)
{
	const NetlinkSkEntry *nl = f->rec->nlsk;

	if (!nl)
		return img_fail(err, IMG_CORRUPT, "has no netlink socket record");
	if (nl->id != f->id)
		return img_fail(err, IMG_CORRUPT, "calls itself %#x", nl->id);
	if (nl->dst_group > 32)
		return img_fail(err, IMG_CORRUPT, "is connected to group %u", nl->dst_group);
	return 0;
}

/* An address names 32 groups; membership in the others is had one by one. */
static int join_groups(int fd, const NetlinkSkEntry *nl, struct img_err *err)
{
	for (size_t i = 1; i < nl->n_groups; i++)
		for (uint32_t bit = 0; bit < 32; bit++) {
			int group = (int)(i * 32 + bit + 1);

			if ((nl->groups[i] >> bit & 1) &&
			    setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
				return img_fail_sys(err, "join group %d", group);
		}
	return 0;
}

static int address_it(int fd, const NetlinkSkEntry *nl, struct img_err *err)
{
	struct sockaddr_nl own = { .nl_family = AF_NETLINK, .nl_pid = nl->portid, .nl_groups = nl->n_groups ? nl->groups[0] : 0 };
	struct sockaddr_nl peer = { .nl_family = AF_NETLINK, .nl_pid = nl->dst_portid };

	if ((nl->portid || own.nl_groups) && bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0)
		return img_fail_sys(err, "bind to port %u, groups %#x", nl->portid, own.nl_groups);
	if (join_groups(fd, nl, err) < 0)
		return -1;
	if (!nl->dst_portid && !nl->dst_group)
		return 0;
	peer.nl_groups = nl->dst_group ? 1u << (nl->dst_group - 1) : 0;
	if (connect(fd, (struct sockaddr *)&peer, sizeof(peer)) < 0)
		return img_fail_sys(err, "connect to port %u, group %u", nl->dst_portid, nl->dst_group);
	return 0;
}

static int set_options(int fd, const NetlinkSkEntry *nl, struct img_err *err)
{
	for (size_t i = 0; i < nl->n_more_opts; i++) {
		const SkIntOptEntry *o = nl->more_opts[i];

		if (setsockopt(fd, (int)o->level, (int)o->name, &o->value, sizeof(o->value)) < 0)
			return img_fail_sys(err, "option %u of level %u", o->name, o->level);
	}
	return restore_sock_opts(fd, nl->opts, err);
}

static int netlink_make(struct restore *r, struct restore_task *t, const struct restore_file *const *files, size_t nr, int *fds,
	struct img_err *err)
{
	const NetlinkSkEntry *nl = files[0]->rec->nlsk;
	int type = nl->has_type ? (int)nl->type : SOCK_RAW;

	fds[0] = socket(AF_NETLINK, type | SOCK_CLOEXEC, (int)nl->protocol);
	if (fds[0] < 0)
		return img_fail_sys(err, "make a socket of protocol %u", nl->protocol);
	if (set_options(fds[0], nl, err) < 0 || address_it(fds[0], nl, err) < 0 || restore_file_flags(fds[0], nl->flags, err) < 0)
		return -1;
	return restore_file_owner(r, fds[0], nl->fown, err);
}

static const FownEntry *netlink_owner(const struct restore *r, const struct restore_file *f)
{
	return f->rec->nlsk->fown;
}

const struct fd_restore_ops netlink_restore_ops = {
	.name = "netlink socket",
	.type = FD_TYPES__NETLINKSK,
	.plan = netlink_plan,
	.make = netlink_make,
	.owner = netlink_owner,
};
