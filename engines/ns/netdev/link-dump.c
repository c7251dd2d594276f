/* engines/ns/netdev/link-dump.c -- a network device as rtnetlink(7) lists it, and the record that is made of it. */

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>

#include "criu-dump/net-own.h"
#include "criuimg/array.h"
#include "kernel/link-kinds.h"
#include "kernel/rtnl-msg.h"
#include "kernel/rtnl.h"
#include "options/external.h"
#include "plugin/plugin.h"

enum {
	ATTRS = 128,	  /* more than the kernel has of any kind */
	LINK_ATTRS = 128,
};

struct link {
	struct dump *d;
	const struct dump_namespace *ns;
	const struct net_names *names;
	struct img_arena *arena;
	const struct ifinfomsg *head;
	const struct rtattr *at[LINK_ATTRS], *info[IFLA_INFO_MAX + 1];
	const char *name, *kind;
	char what[64]; /* "network device eth0", for messages */
	NetDeviceEntry *e;
};

static int copy_bytes(struct img_arena *arena, ProtobufCBinaryData *out, protobuf_c_boolean *has, const void *data, size_t len,
	struct img_err *err)
{
	out->data = img_arena_memdup(arena, data, len);
	out->len = len;
	*has = 1;
	return out->data ? 0 : img_fail_nomem(err);
}

static uint8_t byte_of(const struct rtattr *a)
{
	return a && RTA_PAYLOAD(a) ? *(const uint8_t *)RTA_DATA(a) : 0;
}

/* Of these attributes those that are kept; unknown ones are named. */
static int keep(struct link *l, const struct kern_attr_roles *roles, const char *of, const void *data, size_t len,
	ProtobufCBinaryData *out, protobuf_c_boolean *has, struct img_err *err)
{
	cleanup_msg struct kern_msg m = { 0 };
	int left = (int)len;

	for (const struct rtattr *a = data; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		int type = a->rta_type & NLA_TYPE_MASK;
		enum kern_attr_role role = kern_attr_role(roles, type);

		if (role == KERN_ATTR_KEEP)
			kern_msg_put(&m, a->rta_type, RTA_DATA(a), RTA_PAYLOAD(a));
		else if (role == KERN_ATTR_FLAG && byte_of(a))
			kern_msg_put(&m, a->rta_type, NULL, 0);
		else if (role == KERN_ATTR_UNKNOWN &&
			 dump_unknown(l->d, l->ns->task, l->what, "attribute %d of %s is not known", type, of) < 0)
			return img_fail_nomem(err);
	}
	if (kern_msg_ok(&m, err) < 0)
		return -1;
	return m.len ? copy_bytes(l->arena, out, has, m.data, m.len, err) : 0;
}

/* ---- kinds that have a message of their own ---- */

static int macvlan_record(struct link *l, const struct rtattr *const *data, struct img_err *err)
{
	MacvlanLinkEntry *mv = img_arena_message(l->arena, MacvlanLinkEntry, macvlan_link_entry);

	if (!mv)
		return img_fail_nomem(err);
	if (data[IFLA_MACVLAN_MACADDR_DATA] && RTA_PAYLOAD(data[IFLA_MACVLAN_MACADDR_DATA]) &&
		dump_block(l->d, l->ns->task, l->what, "a macvlan with a list of source addresses is not supported") < 0)
		return img_fail_nomem(err);
	mv->mode = kern_attr_u32(data[IFLA_MACVLAN_MODE]);
	if (data[IFLA_MACVLAN_FLAGS]) {
		uint16_t flags = *(const uint16_t *)RTA_DATA(data[IFLA_MACVLAN_FLAGS]);

		mv->has_flags = flags != 0;
		mv->flags = flags;
	}
	l->e->macvlan = mv;
	return 0;
}

/* vnethdr and sndbuf only a file of the device tells: tun-link-dump.c. */
static int tun_record(struct link *l, const struct rtattr *const *data, struct img_err *err)
{
	TunLinkEntry *tun = img_arena_message(l->arena, TunLinkEntry, tun_link_entry);

	if (!tun)
		return img_fail_nomem(err);
	tun->flags = byte_of(data[IFLA_TUN_TYPE]);
	tun->flags |= byte_of(data[IFLA_TUN_PI]) ? 0 : IFF_NO_PI;
	tun->flags |= byte_of(data[IFLA_TUN_VNET_HDR]) ? IFF_VNET_HDR : 0;
	tun->flags |= byte_of(data[IFLA_TUN_MULTI_QUEUE]) ? IFF_MULTI_QUEUE : 0;
	tun->flags |= byte_of(data[IFLA_TUN_PERSIST]) ? IFF_PERSIST : 0;
	tun->owner = data[IFLA_TUN_OWNER] ? (int32_t)dump_uid(l->d, kern_attr_u32(data[IFLA_TUN_OWNER])) : -1;
	tun->group = data[IFLA_TUN_GROUP] ? (int32_t)dump_gid(l->d, kern_attr_u32(data[IFLA_TUN_GROUP])) : -1;
	tun->vnethdr = 10;
	tun->sndbuf = INT32_MAX;
	l->e->tun = tun;
	return 0;
}

static int sit_record(struct link *l, const struct rtattr *const *data, struct img_err *err)
{
	l->e->sit = net_sit_record(l->arena, data);
	return l->e->sit ? 0 : img_fail_nomem(err);
}

static int bridge_record(struct link *l, const struct rtattr *const *data, struct img_err *err)
{
	if (byte_of(data[IFLA_BR_VLAN_FILTERING]) &&
		dump_block(l->d, l->ns->task, l->what, "a bridge that filters VLANs is not supported") < 0)
		return img_fail_nomem(err);
	return 0;
}

static const struct own_record {
	const char *kind;
	NdType type;
	int (*record)(struct link *l, const struct rtattr *const *data, struct img_err *err);
} own_records[] = {
	{ "veth", ND_TYPE__VETH, NULL },
	{ "bridge", ND_TYPE__BRIDGE, bridge_record },
	{ "tun", ND_TYPE__TUN, tun_record },
	{ "macvlan", ND_TYPE__MACVLAN, macvlan_record },
	{ "sit", ND_TYPE__SIT, sit_record },
};

static int of_kind(struct link *l, const struct kern_link_kind *k, struct img_err *err)
{
	const struct rtattr *info = l->info[IFLA_INFO_DATA], *data[ATTRS] = { NULL };
	const struct own_record *own = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(own_records); i++)
		if (!strcmp(own_records[i].kind, k->kind))
			own = &own_records[i];
	l->e->type = own ? own->type : ND_TYPE__OTHER;
	if (!own && !(l->e->kind = img_arena_strdup(l->arena, k->kind)))
		return img_fail_nomem(err);
	if (info && !kern_attrs(RTA_DATA(info), RTA_PAYLOAD(info), data, ATTRS, NULL))
		return img_fail(err, IMG_SYS, "%s: what the kernel says of it is cut", l->what);
	if (own && own->record && own->record(l, data, err) < 0)
		return img_wrap(err, "%s", l->what);
	if (!info || l->e->tun)
		return 0;
	return keep(l, &k->data, k->kind, RTA_DATA(info), RTA_PAYLOAD(info), &l->e->info_data, &l->e->has_info_data, err);
}

/* ---- where it belongs ---- */

/* A plugin's device: it will see to it at restore. */
static bool of_plugin(struct link *l)
{
	return plugins_ask(l->d->plugins, CR_PLUGIN_HOOK__DUMP_EXT_LINK, l->head->ifi_index, l->head->ifi_type, (char *)l->kind) == 0;
}

static int set_type(struct link *l, struct img_err *err)
{
	const struct kern_link_kind *k = kern_link_kind(l->kind);

	if (l->head->ifi_type == ARPHRD_LOOPBACK && !*l->kind) {
		l->e->type = ND_TYPE__LOOPBACK;
		return 0;
	}
	if (options_external(l->d->opt, "netdev[%s]", l->name)) {
		l->e->type = ND_TYPE__EXTLINK;
		return 0;
	}
	if (k)
		return of_kind(l, k, err);
	l->e->type = ND_TYPE__EXTLINK;
	if (of_plugin(l))
		return 0;
	if (dump_block(l->d, l->ns->task, l->what, "a device of kind %s is not supported: --external netdev[%s] leaves it to the restore",
		    *l->kind ? l->kind : "hardware", l->name) < 0)
		return img_fail_nomem(err);
	return 0;
}

/* IFLA_LINK, and where that is. Without it a device is said to be its own peer. */
static void set_peer(struct link *l)
{
	NetDeviceEntry *e = l->e;
	uint32_t id = l->ns->id;

	e->has_peer_ifindex = 1;
	e->peer_ifindex = l->at[IFLA_LINK] ? kern_attr_u32(l->at[IFLA_LINK]) : e->ifindex;
	if (l->at[IFLA_LINK_NETNSID]) {
		int32_t nsid = (int32_t)kern_attr_u32(l->at[IFLA_LINK_NETNSID]);

		id = 0;
		for (size_t i = 0; l->names && i < l->names->nr; i++)
			if (l->names->items[i].nsid == nsid)
				id = l->names->items[i].id;
	}
	e->has_peer_nsid = id != 0;
	e->peer_nsid = id;
}

static int set_port(struct link *l, struct img_err *err)
{
	const struct rtattr *kind = l->info[IFLA_INFO_SLAVE_KIND], *data = l->info[IFLA_INFO_SLAVE_DATA];
	const struct kern_attr_roles *roles;

	if (l->at[IFLA_MASTER]) {
		l->e->has_master = 1;
		l->e->master = kern_attr_u32(l->at[IFLA_MASTER]);
	}
	if (!kind)
		return 0;
	roles = kern_slave_kind(kern_attr_text(kind));
	if (!roles)
		return dump_block(l->d, l->ns->task, l->what, "a port of kind %s is not supported", kern_attr_text(kind)) < 0 ? img_fail_nomem(err) : 0;
	return data ? keep(l, roles, "its place as a port", RTA_DATA(data), RTA_PAYLOAD(data), &l->e->slave_data, &l->e->has_slave_data, err)
		    : 0;
}

/* ---- what all have ---- */

static int set_alt_names(struct link *l, struct img_err *err)
{
	const struct rtattr *list = l->at[IFLA_PROP_LIST];
	int left = list ? (int)RTA_PAYLOAD(list) : 0;
	size_t nr = 0;

	if (!list)
		return 0;
	l->e->alt_name = img_arena_array(l->arena, RTA_PAYLOAD(list) / sizeof(struct rtattr), sizeof(char *));
	if (!l->e->alt_name)
		return img_fail_nomem(err);
	for (const struct rtattr *a = RTA_DATA(list); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if ((a->rta_type & NLA_TYPE_MASK) != IFLA_ALT_IFNAME)
			continue;
		l->e->alt_name[nr] = img_arena_strdup(l->arena, kern_attr_text(a));
		if (!l->e->alt_name[nr++])
			return img_fail_nomem(err);
	}
	l->e->n_alt_name = nr;
	return 0;
}

static void set_addr_gen_mode(struct link *l)
{
	const struct rtattr *families[AF_INET6 + 1], *inet6[IFLA_INET6_MAX + 1], *spec = l->at[IFLA_AF_SPEC];

	if (!spec || !kern_attrs(RTA_DATA(spec), RTA_PAYLOAD(spec), families, ARRAY_SIZE(families), NULL) || !families[AF_INET6] ||
		!kern_attrs(RTA_DATA(families[AF_INET6]), RTA_PAYLOAD(families[AF_INET6]), inet6, ARRAY_SIZE(inet6), NULL) ||
		!inet6[IFLA_INET6_ADDR_GEN_MODE])
		return;
	l->e->has_addr_gen_mode = 1;
	l->e->addr_gen_mode = byte_of(inet6[IFLA_INET6_ADDR_GEN_MODE]);
}

static int check_xdp(struct link *l, struct img_err *err)
{
	const struct rtattr *xdp[IFLA_XDP_MAX + 1], *a = l->at[IFLA_XDP];

	if (!a || !kern_attrs(RTA_DATA(a), RTA_PAYLOAD(a), xdp, ARRAY_SIZE(xdp), NULL) || !byte_of(xdp[IFLA_XDP_ATTACHED]))
		return 0;
	return dump_block(l->d, l->ns->task, l->what, "an XDP program on it is not supported") < 0 ? img_fail_nomem(err) : 0;
}

static int set_rest(struct link *l, size_t len, struct img_err *err)
{
	NetDeviceEntry *e = l->e;
	const struct rtattr *address = l->at[IFLA_ADDRESS];

	e->ifindex = (uint32_t)l->head->ifi_index;
	e->flags = l->head->ifi_flags;
	e->mtu = kern_attr_u32(l->at[IFLA_MTU]);
	e->name = img_arena_strdup(l->arena, l->name);
	if (!e->name)
		return img_fail_nomem(err);
	if (e->type != ND_TYPE__LOOPBACK && address && RTA_PAYLOAD(address) &&
		copy_bytes(l->arena, &e->address, &e->has_address, RTA_DATA(address), RTA_PAYLOAD(address), err) < 0)
		return -1;
	e->tx_queues = kern_attr_u32(l->at[IFLA_NUM_TX_QUEUES]);
	e->rx_queues = kern_attr_u32(l->at[IFLA_NUM_RX_QUEUES]);
	e->has_tx_queues = e->tx_queues > 1;
	e->has_rx_queues = e->rx_queues > 1;
	set_addr_gen_mode(l);
	if (set_alt_names(l, err) < 0 || check_xdp(l, err) < 0)
		return -1;
	return keep(l, &kern_link_roles, "network devices", IFLA_RTA(l->head), len, &e->attrs, &e->has_attrs, err);
}

NetDeviceEntry *net_link_record(struct dump *d, const struct dump_namespace *ns, const struct net_names *names, struct img_arena *arena,
	const struct nlmsghdr *msg, struct img_err *err)
{
	struct link l = { .d = d, .ns = ns, .names = names, .arena = arena, .head = NLMSG_DATA(msg), .kind = "" };
	size_t len = IFLA_PAYLOAD(msg);

	l.e = img_arena_message(arena, NetDeviceEntry, net_device_entry);
	if (!l.e) {
		img_fail_nomem(err);
		return NULL;
	}
	if (!kern_attrs(IFLA_RTA(l.head), len, l.at, ARRAY_SIZE(l.at), NULL) ||
		(l.at[IFLA_LINKINFO] && !kern_attrs(RTA_DATA(l.at[IFLA_LINKINFO]), RTA_PAYLOAD(l.at[IFLA_LINKINFO]), l.info,
						ARRAY_SIZE(l.info), NULL))) {
		img_fail(err, IMG_SYS, "a list of network devices that is cut");
		return NULL;
	}
	l.name = kern_attr_text(l.at[IFLA_IFNAME]);
	l.kind = kern_attr_text(l.info[IFLA_INFO_KIND]);
	snprintf(l.what, sizeof(l.what), "network device %s", l.name);
	if (set_type(&l, err) < 0 || set_rest(&l, len, err) < 0 || set_port(&l, err) < 0)
		return NULL;
	set_peer(&l);
	return l.e;
}
