/* engines/ns/netdev/nsid-dump.c -- the names that a network namespace has for the others of the tree: RTM_GETNSID. */

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <linux/net_namespace.h>

#include "criu-dump/net-own.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/rtnl-msg.h"
#include "kernel/rtnl.h"

/* -1: it has none. */
static int nsid_of(int rtnl, int fd, int32_t *nsid, struct img_err *err)
{
	const struct rtgenmsg head = { .rtgen_family = AF_UNSPEC };
	cleanup_msg struct kern_msg m = { 0 };
	const struct rtattr *at[NETNSA_MAX + 1];
	char answer[512] __attribute__((aligned(8)));
	const struct nlmsghdr *msg = (void *)answer;

	kern_msg_begin(&m, RTM_GETNSID, 0, &head, sizeof(head));
	kern_msg_u32(&m, NETNSA_FD, (uint32_t)fd);
	if (kern_msg_ask(&m, rtnl, answer, sizeof(answer), err) < 0)
		return -1;
	*nsid = -1;
	if (msg->nlmsg_type == RTM_NEWNSID &&
		kern_attrs((const char *)NLMSG_DATA(msg) + NLMSG_ALIGN(sizeof(head)), NLMSG_PAYLOAD(msg, sizeof(head)), at,
			ARRAY_SIZE(at), NULL))
		*nsid = (int32_t)kern_attr_u32(at[NETNSA_NSID]);
	return 0;
}

int net_names_read(struct dump *d, int rtnl, struct net_names *names, struct img_err *err)
{
	const struct dump_namespace *n;

	for (size_t i = 0; (n = dump_ns_nth(d, CLONE_NEWNET, i)); i++) {
		cleanup_fd int fd = -1;
		struct net_name *at;
		char path[64];
		int32_t nsid;

		snprintf(path, sizeof(path), "/proc/%d/ns/net", n->task->pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return img_fail_sys(err, "%s", path);
		if (nsid_of(rtnl, fd, &nsid, err) < 0)
			return img_wrap(err, "name of network namespace %u", n->id);
		if (nsid < 0)
			continue;
		at = img_array_more(&names->items, names->nr, &names->room);
		if (!at)
			return img_fail_nomem(err);
		*at = (struct net_name){ nsid, n->id };
		names->nr++;
	}
	return 0;
}
