/* engines/ns/netdev/refuse-dump.c -- what a network namespace can have besides devices, addresses and filters, and what is not saved: named before
 * anything is touched. */

#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/if_bridge.h>
#include <linux/nexthop.h>
#include <linux/pkt_sched.h>

#include "criu-dump/net-own.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/rtnl-msg.h"
#include "kernel/rtnl.h"

struct looking {
	struct dump *d;
	const struct dump_namespace *ns;
};

static int block(const struct looking *l, unsigned index, const char *why, const char *of, struct img_err *err)
{
	char name[IF_NAMESIZE] = "?", what[64];

	if (index)
		if_indextoname(index, name);
	snprintf(what, sizeof(what), index ? "network device %s" : "network namespace", name);
	return dump_block(l->d, l->ns->task, what, "%s%s%s is not supported", why, *of ? " " : "", of) < 0 ? img_fail_nomem(err) : 0;
}

/* Those that the kernel has put there by itself have no handle. */
static int look_qdisc(void *arg, const struct nlmsghdr *msg, struct img_err *err)
{
	const struct tcmsg *tc = NLMSG_DATA(msg);
	const struct rtattr *at[TCA_MAX + 1];

	if (msg->nlmsg_type != RTM_NEWQDISC || !tc->tcm_handle ||
		!kern_attrs(TCA_RTA(tc), TCA_PAYLOAD(msg), at, ARRAY_SIZE(at), NULL))
		return 0;
	return block(arg, (unsigned)tc->tcm_ifindex, "the queueing discipline", kern_attr_text(at[TCA_KIND]), err);
}

static int look_nexthop(void *arg, const struct nlmsghdr *msg, struct img_err *err)
{
	return msg->nlmsg_type == RTM_NEWNEXTHOP ? block(arg, 0, "a nexthop object (ip nexthop)", "", err) : 0;
}

static int look_groups(void *arg, const struct nlmsghdr *msg, struct img_err *err)
{
	const struct br_port_msg *head = NLMSG_DATA(msg);
	const struct rtattr *at[MDBA_MAX + 1];
	int left;

	if (msg->nlmsg_type != RTM_NEWMDB && msg->nlmsg_type != RTM_GETMDB)
		return 0;
	if (!kern_attrs((const char *)head + NLMSG_ALIGN(sizeof(*head)), NLMSG_PAYLOAD(msg, sizeof(*head)), at, ARRAY_SIZE(at), NULL) ||
		!at[MDBA_MDB])
		return 0;
	left = (int)RTA_PAYLOAD(at[MDBA_MDB]);
	for (const struct rtattr *entry = RTA_DATA(at[MDBA_MDB]); RTA_OK(entry, left); entry = RTA_NEXT(entry, left)) {
		const struct rtattr *info = RTA_DATA(entry);
		const struct br_mdb_entry *e = RTA_DATA(info);

		if (RTA_PAYLOAD(entry) >= RTA_LENGTH(sizeof(*e)) && e->state == MDB_PERMANENT)
			return block(arg, head->ifindex, "a multicast group that was entered by hand (bridge mdb)", "", err);
	}
	return 0;
}

static const struct {
	int request, family;
	int (*look)(void *arg, const struct nlmsghdr *msg, struct img_err *err);
} lists[] = {
	{ RTM_GETQDISC, AF_UNSPEC, look_qdisc },
	{ RTM_GETNEXTHOP, AF_UNSPEC, look_nexthop },
	{ RTM_GETMDB, AF_BRIDGE, look_groups },
};

int net_refuse(struct dump *d, const struct dump_namespace *ns, int rtnl, struct img_err *err)
{
	struct looking l = { d, ns };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct img_err why = IMG_ERR_INIT;

		/* A kernel without such things has none of them. */
		if (kern_rtnl_dump(rtnl, lists[i].request, lists[i].family, 0, lists[i].look, &l, &why) == 0)
			continue;
		if (why.code != IMG_SYS) {
			*err = why;
			return -1;
		}
		log_debug(d->log, "network namespace %u: request %d: %s", ns->id, lists[i].request, why.text);
	}
	return 0;
}
