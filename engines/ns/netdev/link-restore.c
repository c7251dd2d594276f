/* engines/ns/netdev/link-restore.c -- a record of a network device as requests of rtnetlink(7). */

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/if_link.h>
#include <linux/veth.h>

#include "criu-restore/net-own.h"
#include "criuimg/array.h"
#include "kernel/link-kinds.h"
#include "kernel/rtnl.h"

enum {
	ATTRS = 128,
	LINK_ATTRS = 128,
	ANSWER = 16384,
	/* What of the flags can be set. */
	FLAGS = IFF_UP | IFF_PROMISC | IFF_ALLMULTI | IFF_NOARP | IFF_MULTICAST | IFF_DYNAMIC | IFF_DEBUG | IFF_NOTRAILERS,
};

const char *net_link_kind(const NetDeviceEntry *e)
{
	switch ((int)e->type) {
	case ND_TYPE__VETH:
		return "veth";
	case ND_TYPE__TUN:
		return "tun";
	case ND_TYPE__BRIDGE:
		return "bridge";
	case ND_TYPE__MACVLAN:
		return "macvlan";
	case ND_TYPE__SIT:
		return "sit";
	case ND_TYPE__OTHER:
		return e->kind ? e->kind : "";
	default:
		return NULL;
	}
}

/* ---- making one ---- */

static void put_address(struct kern_msg *m, const NetDeviceEntry *e)
{
	if (e->has_address)
		kern_msg_put(m, IFLA_ADDRESS, e->address.data, e->address.len);
	kern_msg_u32(m, IFLA_MTU, e->mtu);
	if (e->has_tx_queues)
		kern_msg_u32(m, IFLA_NUM_TX_QUEUES, e->tx_queues);
	if (e->has_rx_queues)
		kern_msg_u32(m, IFLA_NUM_RX_QUEUES, e->rx_queues);
}

static const struct rtattr *data_attr(const NetDeviceEntry *e, int type)
{
	const struct rtattr *at[ATTRS];

	return e->has_info_data && kern_attrs(e->info_data.data, e->info_data.len, at, ATTRS, NULL) ? at[type] : NULL;
}

static void put_data(struct kern_msg *m, const NetDeviceEntry *e, const struct kern_link_kind *k)
{
	if (k->later) {
		const struct rtattr *first = k->first ? data_attr(e, k->first) : NULL;

		if (first)
			kern_msg_put(m, first->rta_type, RTA_DATA(first), RTA_PAYLOAD(first));
	} else if (e->has_info_data) {
		kern_msg_raw(m, e->info_data.data, e->info_data.len);
	} else if (e->macvlan) {
		uint16_t flags = (uint16_t)e->macvlan->flags;

		kern_msg_u32(m, IFLA_MACVLAN_MODE, e->macvlan->mode);
		if (e->macvlan->has_flags)
			kern_msg_put(m, IFLA_MACVLAN_FLAGS, &flags, sizeof(flags));
	} else if (e->sit) {
		net_sit_put(m, e->sit);
	}
}

static void put_kind(struct kern_msg *m, const NetDeviceEntry *e)
{
	const char *kind = net_link_kind(e);
	size_t info = kern_msg_nest(m, IFLA_LINKINFO), data;

	kern_msg_text(m, IFLA_INFO_KIND, kind);
	data = kern_msg_nest(m, IFLA_INFO_DATA);
	put_data(m, e, kern_link_kind(kind));
	kern_msg_end(m, data);
	kern_msg_end(m, info);
}

void net_link_put_own(struct kern_msg *m, const NetDeviceEntry *e)
{
	kern_msg_text(m, IFLA_IFNAME, e->name);
	put_address(m, e);
}

void net_link_put(struct kern_msg *m, const NetDeviceEntry *e, uint32_t lower)
{
	net_link_put_own(m, e);
	if (lower)
		kern_msg_u32(m, IFLA_LINK, lower);
	put_kind(m, e);
}

/* drivers/net/veth.c: VETH_INFO_PEER is a request of its own. */
void net_link_put_pair(struct kern_msg *m, const NetDeviceEntry *peer, int fd)
{
	struct ifinfomsg head = { .ifi_index = (int)peer->ifindex };
	size_t info, data, other;

	info = kern_msg_nest(m, IFLA_LINKINFO);
	kern_msg_text(m, IFLA_INFO_KIND, "veth");
	data = kern_msg_nest(m, IFLA_INFO_DATA);
	other = kern_msg_nest(m, VETH_INFO_PEER);
	kern_msg_raw(m, &head, sizeof(head));
	net_link_put_own(m, peer);
	if (fd >= 0)
		kern_msg_u32(m, IFLA_NET_NS_FD, (uint32_t)fd);
	kern_msg_end(m, other);
	kern_msg_end(m, data);
	kern_msg_end(m, info);
}

/* ---- what it is then ---- */

struct now {
	char answer[ANSWER] __attribute__((aligned(8)));
	const struct ifinfomsg *head;
	const struct rtattr *at[LINK_ATTRS], *data[ATTRS], *slave[ATTRS];
	const char *slave_kind; /* that of its master */
};

static void inner(const struct rtattr *a, const struct rtattr **at)
{
	if (!a || !kern_attrs(RTA_DATA(a), RTA_PAYLOAD(a), at, ATTRS, NULL))
		memset(at, 0, ATTRS * sizeof(*at));
}

static int look(int fd, const NetDeviceEntry *e, struct now *now, struct img_err *err)
{
	const struct ifinfomsg head = { .ifi_family = AF_UNSPEC };
	const struct rtattr *info[IFLA_INFO_MAX + 1] = { NULL };
	const struct nlmsghdr *msg = (void *)now->answer;
	cleanup_msg struct kern_msg m = { 0 };

	kern_msg_begin(&m, RTM_GETLINK, 0, &head, sizeof(head));
	kern_msg_text(&m, IFLA_IFNAME, e->name);
	if (kern_msg_ask(&m, fd, now->answer, sizeof(now->answer), err) < 0)
		return -1;
	now->head = NLMSG_DATA(msg);
	if (msg->nlmsg_type != RTM_NEWLINK || !kern_attrs(IFLA_RTA(now->head), IFLA_PAYLOAD(msg), now->at, LINK_ATTRS, NULL))
		return img_fail(err, IMG_SYS, "what the kernel says of it is cut");
	if (now->at[IFLA_LINKINFO])
		kern_attrs(RTA_DATA(now->at[IFLA_LINKINFO]), RTA_PAYLOAD(now->at[IFLA_LINKINFO]), info, ARRAY_SIZE(info), NULL);
	inner(info[IFLA_INFO_DATA], now->data);
	inner(info[IFLA_INFO_SLAVE_DATA], now->slave);
	now->slave_kind = kern_attr_text(info[IFLA_INFO_SLAVE_KIND]);
	return 0;
}

/* Those of a list that are different now, where the kernel has them at all. Returns how many. */
static size_t put_differing(struct kern_msg *m, const ProtobufCBinaryData *list, const struct rtattr *const *at)
{
	int left = (int)list->len;
	size_t nr = 0;

	for (const struct rtattr *a = (const void *)list->data; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		int type = a->rta_type & NLA_TYPE_MASK;
		const struct rtattr *now = type < ATTRS ? at[type] : NULL;

		if (now && RTA_PAYLOAD(now) == RTA_PAYLOAD(a) && !memcmp(RTA_DATA(now), RTA_DATA(a), RTA_PAYLOAD(a)))
			continue;
		kern_msg_put(m, a->rta_type, RTA_DATA(a), RTA_PAYLOAD(a));
		nr++;
	}
	return nr;
}

static void begin_change(struct kern_msg *m, const struct now *now)
{
	const struct ifinfomsg head = { .ifi_index = now->head->ifi_index };

	kern_msg_begin(m, RTM_NEWLINK, 0, &head, sizeof(head));
}

static int settle_own(int fd, const NetDeviceEntry *e, const struct now *now, struct img_err *err)
{
	cleanup_msg struct kern_msg m = { 0 };
	const struct rtattr *address = now->at[IFLA_ADDRESS];
	size_t changes = 0;

	begin_change(&m, now);
	if (kern_attr_u32(now->at[IFLA_MTU]) != e->mtu) {
		kern_msg_u32(&m, IFLA_MTU, e->mtu);
		changes++;
	}
	if (e->has_address && (!address || RTA_PAYLOAD(address) != e->address.len ||
				      memcmp(RTA_DATA(address), e->address.data, e->address.len))) {
		kern_msg_put(&m, IFLA_ADDRESS, e->address.data, e->address.len);
		changes++;
	}
	if (e->has_attrs)
		changes += put_differing(&m, &e->attrs, now->at);
	return changes ? kern_msg_send(&m, fd, err) : 0;
}

static int settle_kind(int fd, const NetDeviceEntry *e, const struct now *now, struct img_err *err)
{
	const char *kind = net_link_kind(e);
	const struct kern_link_kind *k = kind ? kern_link_kind(kind) : NULL;
	cleanup_msg struct kern_msg m = { 0 };
	size_t info, data, changes;

	if (!k || !k->later || !e->has_info_data)
		return 0;
	begin_change(&m, now);
	info = kern_msg_nest(&m, IFLA_LINKINFO);
	kern_msg_text(&m, IFLA_INFO_KIND, kind);
	data = kern_msg_nest(&m, IFLA_INFO_DATA);
	changes = put_differing(&m, &e->info_data, now->data);
	kern_msg_end(&m, data);
	kern_msg_end(&m, info);
	return changes ? kern_msg_send(&m, fd, err) : 0;
}

static int settle_master(int fd, const NetDeviceEntry *e, struct now *now, struct img_err *err)
{
	cleanup_msg struct kern_msg m = { 0 };
	size_t info, data, changes;

	if (!e->has_master)
		return 0;
	if (kern_attr_u32(now->at[IFLA_MASTER]) != e->master) {
		begin_change(&m, now);
		kern_msg_u32(&m, IFLA_MASTER, e->master);
		if (kern_msg_send(&m, fd, err) < 0)
			return img_wrap(err, "make it a port of device %u", e->master);
	}
	if (!e->has_slave_data || look(fd, e, now, err) < 0)
		return e->has_slave_data ? -1 : 0;
	begin_change(&m, now);
	info = kern_msg_nest(&m, IFLA_LINKINFO);
	kern_msg_text(&m, IFLA_INFO_SLAVE_KIND, now->slave_kind);
	data = kern_msg_nest(&m, IFLA_INFO_SLAVE_DATA);
	changes = put_differing(&m, &e->slave_data, now->slave);
	kern_msg_end(&m, data);
	kern_msg_end(&m, info);
	return changes && kern_msg_send(&m, fd, err) < 0 ? img_wrap(err, "its options as a port") : 0;
}

static int settle_alt_names(int fd, const NetDeviceEntry *e, const struct now *now, struct img_err *err)
{
	for (size_t i = 0; i < e->n_alt_name; i++) {
		const struct ifinfomsg head = { .ifi_index = now->head->ifi_index };
		cleanup_msg struct kern_msg m = { 0 };
		struct img_err why = IMG_ERR_INIT;
		size_t list;

		kern_msg_begin(&m, RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND, &head, sizeof(head));
		list = kern_msg_nest(&m, IFLA_PROP_LIST);
		kern_msg_text(&m, IFLA_ALT_IFNAME, e->alt_name[i]);
		kern_msg_end(&m, list);
		if (kern_msg_send(&m, fd, &why) < 0 && why.sys_errno != EEXIST) {
			*err = why;
			return img_wrap(err, "another name, %s", e->alt_name[i]);
		}
	}
	return 0;
}

/* Addresses that come about by themselves are in the images as well: none shall come when it goes up. */
static int set_addr_gen_mode(int fd, const struct now *now, uint8_t mode, struct img_err *err)
{
	cleanup_msg struct kern_msg m = { 0 };
	struct img_err why = IMG_ERR_INIT;
	size_t spec, inet6;

	begin_change(&m, now);
	spec = kern_msg_nest(&m, IFLA_AF_SPEC);
	inet6 = kern_msg_nest(&m, AF_INET6);
	kern_msg_put(&m, IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof(mode));
	kern_msg_end(&m, inet6);
	kern_msg_end(&m, spec);
	if (kern_msg_send(&m, fd, &why) == 0 || why.sys_errno == EOPNOTSUPP || why.sys_errno == EAFNOSUPPORT || why.sys_errno == EINVAL)
		return 0; /* a device without IPv6 */
	*err = why;
	return img_wrap(err, "way to its link-local addresses");
}

static int set_flags(int fd, const NetDeviceEntry *e, const struct now *now, struct img_err *err)
{
	const struct ifinfomsg head = { .ifi_index = now->head->ifi_index, .ifi_flags = e->flags & FLAGS, .ifi_change = FLAGS };
	cleanup_msg struct kern_msg m = { 0 };

	if ((now->head->ifi_flags & FLAGS) == (e->flags & FLAGS))
		return 0;
	kern_msg_begin(&m, RTM_NEWLINK, 0, &head, sizeof(head));
	return kern_msg_send(&m, fd, err) < 0 ? img_wrap(err, "flags %#x", e->flags) : 0;
}

int net_link_settle(struct restore *r, int fd, const NetDeviceEntry *e, struct img_err *err)
{
	struct now now;

	if (look(fd, e, &now, err) < 0 || settle_own(fd, e, &now, err) < 0 || settle_kind(fd, e, &now, err) < 0 ||
		settle_master(fd, e, &now, err) < 0 || settle_alt_names(fd, e, &now, err) < 0)
		return -1;
	if (e->has_addr_gen_mode && set_addr_gen_mode(fd, &now, IN6_ADDR_GEN_MODE_NONE, err) < 0)
		return -1;
	/* Being a port has changed some. */
	if (net_settings_of_device(r, e, err) < 0 || look(fd, e, &now, err) < 0 || set_flags(fd, e, &now, err) < 0)
		return -1;
	if (e->has_addr_gen_mode && set_addr_gen_mode(fd, &now, (uint8_t)e->addr_gen_mode, err) < 0)
		return -1;
	return net_settings_again(r, e, err);
}
