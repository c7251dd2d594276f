/* engines/ns/netaddr/netaddr-dump.c -- what criu-dump saves of a network namespace's addresses, routes and rules: the messages by
 * which the kernel lists them, behind a magic number, as `ip addr save` and its like write them. */

#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/neighbour.h>

#include "criu-dump/ns_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "kernel/rtnl-msg.h"
#include "kernel/rtnl.h"

extern const struct ns_dump_ops netaddr_dump_ops;

/* iproute2: ip/ipaddress.c, ip/iproute.c, ip/iprule.c. */
enum {
	IFADDR_MAGIC = 0x47361222,
	ROUTE_MAGIC = 0x45311224,
	RULE_MAGIC = 0x71706986,
	NEIGH_MAGIC = 0x4e454947, /* ours: iproute2 saves none */
};

static bool wanted_route(const struct nlmsghdr *msg);
static bool wanted_neighbour(const struct nlmsghdr *msg);

static const struct list {
	enum img_kind kind;
	uint32_t magic;
	int request;
	struct {
		int family;
		unsigned flags; /* of neighbours: ndm_flags */
	} ask[4];
	size_t nr;
	bool (*wanted)(const struct nlmsghdr *msg); /* NULL: all */
	bool may_miss;				    /* no image without any */
} lists[] = {
	{ .kind = IMG_IFADDR, .magic = IFADDR_MAGIC, .request = RTM_GETADDR, .ask = { { .family = AF_UNSPEC } }, .nr = 1 },
	{ .kind = IMG_ROUTE, .magic = ROUTE_MAGIC, .request = RTM_GETROUTE, .ask = { { .family = AF_INET } }, .nr = 1,
		.wanted = wanted_route },
	{ .kind = IMG_ROUTE6, .magic = ROUTE_MAGIC, .request = RTM_GETROUTE, .ask = { { .family = AF_INET6 } }, .nr = 1,
		.wanted = wanted_route },
	{ .kind = IMG_RULE, .magic = RULE_MAGIC, .request = RTM_GETRULE, .ask = { { .family = AF_INET }, { .family = AF_INET6 } },
		.nr = 2 },
	{ .kind = IMG_NEIGH, .magic = NEIGH_MAGIC, .request = RTM_GETNEIGH,
		.ask = { { .family = AF_INET }, { .family = AF_INET6 }, { .family = AF_UNSPEC, .flags = NTF_PROXY },
			{ .family = AF_BRIDGE } },
		.nr = 4, .wanted = wanted_neighbour, .may_miss = true },
};

/* The local table is the kernel's own: it follows from the addresses. So do routes that were cached. */
static bool wanted_route(const struct nlmsghdr *msg)
{
	const struct rtmsg *rt = NLMSG_DATA(msg);

	return rt->rtm_table != RT_TABLE_LOCAL && !(rt->rtm_flags & RTM_F_CLONED);
}

/* Addresses that a bridge forwards to a port, a vxlan to a host. Those that devices listen to are listed as well: they follow from
 * something else, as do those of a bridge itself. */
static bool wanted_forwarding(const struct nlmsghdr *msg)
{
	const struct ndmsg *n = NLMSG_DATA(msg);
	const struct rtattr *at[NDA_MAX + 1];

	if (!(n->ndm_state & (NUD_PERMANENT | NUD_NOARP)) ||
		!kern_attrs((const char *)n + NLMSG_ALIGN(sizeof(*n)), NLMSG_PAYLOAD(msg, sizeof(*n)), at, ARRAY_SIZE(at), NULL))
		return false;
	if (at[NDA_MASTER])
		return kern_attr_u32(at[NDA_MASTER]) != (uint32_t)n->ndm_ifindex;
	return at[NDA_DST];
}

/* Those that somebody has entered: what was learnt will be learnt again. */
static bool wanted_neighbour(const struct nlmsghdr *msg)
{
	const struct ndmsg *n = NLMSG_DATA(msg);

	if (n->ndm_flags & (NTF_PROXY | NTF_EXT_LEARNED))
		return n->ndm_flags & NTF_PROXY;
	return n->ndm_family == AF_BRIDGE ? wanted_forwarding(msg) : n->ndm_state & NUD_PERMANENT;
}

struct writing {
	struct dump *d;
	const struct list *list;
	const char *name;
	struct img_sink *sink; /* NULL until there is something to write */
};

static int begin(struct writing *w, struct img_err *err)
{
	w->sink = img_set_sink(w->d->set, w->name, err);
	return w->sink ? img_sink_write(w->sink, &w->list->magic, sizeof(w->list->magic), err) : -1;
}

static int each(void *arg, const struct nlmsghdr *msg, struct img_err *err)
{
	static const char zeros[NLMSG_ALIGNTO];
	struct writing *w = arg;

	if (w->list->wanted && !w->list->wanted(msg))
		return 0;
	if (!w->sink && begin(w, err) < 0)
		return -1;
	if (img_sink_write(w->sink, msg, msg->nlmsg_len, err) < 0)
		return -1;
	return img_sink_write(w->sink, zeros, NLMSG_ALIGN(msg->nlmsg_len) - msg->nlmsg_len, err);
}

static int write_list(int fd, struct writing *w, struct img_err *err)
{
	if (!w->list->may_miss && begin(w, err) < 0)
		return -1;
	for (size_t i = 0; i < w->list->nr; i++)
		if (kern_rtnl_dump(fd, w->list->request, w->list->ask[i].family, w->list->ask[i].flags, each, w, err) < 0)
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
		struct writing w = { d, &lists[i], img_kind_file_name(lists[i].kind, ns->id, name), NULL };

		if (write_list(fd, &w, err) < 0) {
			if (w.sink)
				img_sink_abort(w.sink);
			return img_wrap(err, "%s", name);
		}
		if (w.sink && img_sink_finish(w.sink, err) < 0)
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
