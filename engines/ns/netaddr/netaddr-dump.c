/* engines/ns/netaddr/netaddr-dump.c -- what criu-dump saves of a network namespace's addresses, routes and rules: the messages by
 * which the kernel lists them, behind a magic number, as `ip addr save` and its like write them. */

#include <sched.h>
#include <string.h>
#include <sys/socket.h>

#include "criu-dump/ns_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "kernel/rtnl.h"

extern const struct ns_dump_ops netaddr_dump_ops;

/* iproute2: ip/ipaddress.c, ip/iproute.c, ip/iprule.c. */
enum {
	IFADDR_MAGIC = 0x47361222,
	ROUTE_MAGIC = 0x45311224,
	RULE_MAGIC = 0x71706986,
};

static const struct list {
	enum img_kind kind;
	uint32_t magic;
	int request;
	int families[2];
} lists[] = {
	{ IMG_IFADDR, IFADDR_MAGIC, RTM_GETADDR, { AF_UNSPEC, 0 } },
	{ IMG_ROUTE, ROUTE_MAGIC, RTM_GETROUTE, { AF_INET, 0 } },
	{ IMG_ROUTE6, ROUTE_MAGIC, RTM_GETROUTE, { AF_INET6, 0 } },
	{ IMG_RULE, RULE_MAGIC, RTM_GETRULE, { AF_INET, AF_INET6 } },
};

/* The local table is the kernel's own: it follows from the addresses. So do routes that were cached. */
static bool wanted(const struct nlmsghdr *msg)
{
	const struct rtmsg *rt = NLMSG_DATA(msg);

	if (msg->nlmsg_type != RTM_NEWROUTE)
		return true;
	return rt->rtm_table != RT_TABLE_LOCAL && !(rt->rtm_flags & RTM_F_CLONED);
}

static int each(void *arg, const struct nlmsghdr *msg, struct img_err *err)
{
	static const char zeros[NLMSG_ALIGNTO];
	struct img_sink *sink = arg;

	if (!wanted(msg))
		return 0;
	if (img_sink_write(sink, msg, msg->nlmsg_len, err) < 0)
		return -1;
	return img_sink_write(sink, zeros, NLMSG_ALIGN(msg->nlmsg_len) - msg->nlmsg_len, err);
}

static int write_list(int fd, const struct list *l, struct img_sink *sink, struct img_err *err)
{
	if (img_sink_write(sink, &l->magic, sizeof(l->magic), err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(l->families) && (i == 0 || l->families[i]); i++)
		if (kern_rtnl_dump(fd, l->request, l->families[i], each, sink, err) < 0)
			return -1;
	return 0;
}

static int netaddr_dump(struct dump *d, const struct dump_namespace *ns, struct img_err *err)
{
	cleanup_fd int fd = kern_rtnl_open(err);

	if (fd < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		char name[IMG_NAME_MAX];
		struct img_sink *sink = img_set_sink(d->set, img_kind_file_name(lists[i].kind, ns->id, name), err);

		if (!sink)
			return -1;
		if (write_list(fd, &lists[i], sink, err) < 0) {
			img_sink_abort(sink);
			return img_wrap(err, "%s", name);
		}
		if (img_sink_finish(sink, err) < 0)
			return -1;
	}
	return 0;
}

const struct ns_dump_ops netaddr_dump_ops = {
	.name = "netaddr",
	.flag = CLONE_NEWNET,
	.inside = true,
	.dump = netaddr_dump,
};
