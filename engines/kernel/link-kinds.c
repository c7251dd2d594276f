/* kernel/link-kinds.c -- numbers that are younger than the headers of today's distributions stand as numbers, with their names. */

#include "kernel/link-kinds.h"

#include <string.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>

#include "criuimg/array.h"

/* ---- the device itself ---- */

enum {
	DEVLINK_PORT = 62,
	GSO_IPV4_MAX_SIZE = 63,
	GRO_IPV4_MAX_SIZE = 64,
	DPLL_PIN = 65,
	MAX_PACING_OFFLOAD_HORIZON = 66,
	NETNS_IMMUTABLE = 67,
	HEADROOM = 68,
	TAILROOM = 69,
};

static const uint8_t link_keep[] = { IFLA_BROADCAST, IFLA_TXQLEN, IFLA_LINKMODE, IFLA_IFALIAS, IFLA_GROUP, IFLA_PROTO_DOWN,
	IFLA_GSO_MAX_SEGS, IFLA_GSO_MAX_SIZE, IFLA_GRO_MAX_SIZE, GSO_IPV4_MAX_SIZE, GRO_IPV4_MAX_SIZE, 0 };
/* Or has a field of its own in an image, or a check of its own (XDP). */
static const uint8_t link_state[] = { IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_QDISC, IFLA_STATS, IFLA_COST,
	IFLA_PRIORITY, IFLA_MASTER, IFLA_PROTINFO, IFLA_MAP, IFLA_WEIGHT, IFLA_OPERSTATE, IFLA_LINKINFO, IFLA_NUM_VF,
	IFLA_STATS64, IFLA_AF_SPEC, IFLA_EXT_MASK, IFLA_PROMISCUITY, IFLA_NUM_TX_QUEUES, IFLA_NUM_RX_QUEUES, IFLA_CARRIER,
	IFLA_PHYS_PORT_ID, IFLA_CARRIER_CHANGES, IFLA_PHYS_SWITCH_ID, IFLA_LINK_NETNSID, IFLA_PHYS_PORT_NAME, IFLA_PAD, IFLA_XDP,
	IFLA_EVENT, IFLA_NEW_NETNSID, IFLA_TARGET_NETNSID, IFLA_CARRIER_UP_COUNT, IFLA_CARRIER_DOWN_COUNT, IFLA_NEW_IFINDEX,
	IFLA_MIN_MTU, IFLA_MAX_MTU, IFLA_PROP_LIST, IFLA_PERM_ADDRESS, IFLA_PROTO_DOWN_REASON, IFLA_PARENT_DEV_NAME,
	IFLA_PARENT_DEV_BUS_NAME, IFLA_TSO_MAX_SIZE, IFLA_TSO_MAX_SEGS, IFLA_ALLMULTI, DEVLINK_PORT, DPLL_PIN, MAX_PACING_OFFLOAD_HORIZON,
	NETNS_IMMUTABLE, HEADROOM, TAILROOM, 0 };

const struct kern_attr_roles kern_link_roles = { .keep = link_keep, .state = link_state };

/* ---- bridge ---- */

enum {
	BR_FDB_N_LEARNED = 48,
	BR_FDB_MAX_LEARNED = 49,
};

static const uint8_t bridge_keep[] = { IFLA_BR_FORWARD_DELAY, IFLA_BR_HELLO_TIME, IFLA_BR_MAX_AGE, IFLA_BR_AGEING_TIME,
	IFLA_BR_STP_STATE, IFLA_BR_PRIORITY, IFLA_BR_VLAN_FILTERING, IFLA_BR_VLAN_PROTOCOL, IFLA_BR_GROUP_FWD_MASK,
	IFLA_BR_GROUP_ADDR, IFLA_BR_MCAST_ROUTER, IFLA_BR_MCAST_SNOOPING, IFLA_BR_MCAST_QUERY_USE_IFADDR, IFLA_BR_MCAST_QUERIER,
	IFLA_BR_MCAST_HASH_MAX, IFLA_BR_MCAST_LAST_MEMBER_CNT, IFLA_BR_MCAST_STARTUP_QUERY_CNT, IFLA_BR_MCAST_LAST_MEMBER_INTVL,
	IFLA_BR_MCAST_MEMBERSHIP_INTVL, IFLA_BR_MCAST_QUERIER_INTVL, IFLA_BR_MCAST_QUERY_INTVL,
	IFLA_BR_MCAST_QUERY_RESPONSE_INTVL, IFLA_BR_MCAST_STARTUP_QUERY_INTVL, IFLA_BR_NF_CALL_IPTABLES,
	IFLA_BR_NF_CALL_IP6TABLES, IFLA_BR_NF_CALL_ARPTABLES, IFLA_BR_VLAN_DEFAULT_PVID, IFLA_BR_VLAN_STATS_ENABLED,
	IFLA_BR_MCAST_STATS_ENABLED, IFLA_BR_MCAST_IGMP_VERSION, IFLA_BR_MCAST_MLD_VERSION, IFLA_BR_VLAN_STATS_PER_PORT,
	IFLA_BR_MULTI_BOOLOPT, BR_FDB_MAX_LEARNED, 0 };
static const uint8_t bridge_state[] = { IFLA_BR_ROOT_ID, IFLA_BR_BRIDGE_ID, IFLA_BR_ROOT_PORT, IFLA_BR_ROOT_PATH_COST,
	IFLA_BR_TOPOLOGY_CHANGE, IFLA_BR_TOPOLOGY_CHANGE_DETECTED, IFLA_BR_HELLO_TIMER, IFLA_BR_TCN_TIMER,
	IFLA_BR_TOPOLOGY_CHANGE_TIMER, IFLA_BR_GC_TIMER, IFLA_BR_FDB_FLUSH, IFLA_BR_MCAST_HASH_ELASTICITY, IFLA_BR_PAD,
	IFLA_BR_MCAST_QUERIER_STATE, BR_FDB_N_LEARNED, 0 };

enum {
	BRPORT_MAB = 40,
	BRPORT_MCAST_N_GROUPS = 41,
	BRPORT_MCAST_MAX_GROUPS = 42,
	BRPORT_NEIGH_VLAN_SUPPRESS = 43,
};

static const uint8_t brport_keep[] = { IFLA_BRPORT_PRIORITY, IFLA_BRPORT_COST, IFLA_BRPORT_MODE, IFLA_BRPORT_GUARD,
	IFLA_BRPORT_PROTECT, IFLA_BRPORT_FAST_LEAVE, IFLA_BRPORT_LEARNING, IFLA_BRPORT_UNICAST_FLOOD, IFLA_BRPORT_PROXYARP,
	IFLA_BRPORT_PROXYARP_WIFI, IFLA_BRPORT_MULTICAST_ROUTER, IFLA_BRPORT_MCAST_FLOOD, IFLA_BRPORT_MCAST_TO_UCAST,
	IFLA_BRPORT_VLAN_TUNNEL, IFLA_BRPORT_BCAST_FLOOD, IFLA_BRPORT_GROUP_FWD_MASK, IFLA_BRPORT_NEIGH_SUPPRESS,
	IFLA_BRPORT_ISOLATED, IFLA_BRPORT_MCAST_EHT_HOSTS_LIMIT, IFLA_BRPORT_LOCKED, BRPORT_MAB, BRPORT_MCAST_MAX_GROUPS,
	BRPORT_NEIGH_VLAN_SUPPRESS, 0 };
/* A backup port is not among either. */
static const uint8_t brport_state[] = { IFLA_BRPORT_STATE, IFLA_BRPORT_LEARNING_SYNC, IFLA_BRPORT_ROOT_ID, IFLA_BRPORT_BRIDGE_ID,
	IFLA_BRPORT_DESIGNATED_PORT, IFLA_BRPORT_DESIGNATED_COST, IFLA_BRPORT_ID, IFLA_BRPORT_NO,
	IFLA_BRPORT_TOPOLOGY_CHANGE_ACK, IFLA_BRPORT_CONFIG_PENDING, IFLA_BRPORT_MESSAGE_AGE_TIMER,
	IFLA_BRPORT_FORWARD_DELAY_TIMER, IFLA_BRPORT_HOLD_TIMER, IFLA_BRPORT_FLUSH, IFLA_BRPORT_PAD, IFLA_BRPORT_MRP_RING_OPEN,
	IFLA_BRPORT_MRP_IN_OPEN, IFLA_BRPORT_MCAST_EHT_HOSTS_CNT, BRPORT_MCAST_N_GROUPS, 0 };

_Static_assert(IFLA_ALLMULTI == DEVLINK_PORT - 1 && IFLA_BR_MCAST_QUERIER_STATE == BR_FDB_N_LEARNED - 1 &&
		       IFLA_BRPORT_LOCKED == BRPORT_MAB - 1,
	"numbers that follow those of the headers");

/* ---- others ---- */

enum {
	MACVLAN_BC_CUTOFF = 9,
	VXLAN_LOCALBYPASS = 31,
	VXLAN_LABEL_POLICY = 32,
	VXLAN_RESERVED_BITS = 33,
};

_Static_assert(IFLA_MACVLAN_BC_QUEUE_LEN_USED == MACVLAN_BC_CUTOFF - 1 && IFLA_VXLAN_VNIFILTER == VXLAN_LOCALBYPASS - 1,
	"numbers that follow those of the headers");

static const uint8_t none[] = { 0 };
static const uint8_t macvlan_keep[] = { IFLA_MACVLAN_MODE, IFLA_MACVLAN_FLAGS, IFLA_MACVLAN_BC_QUEUE_LEN, MACVLAN_BC_CUTOFF, 0 };
/* The addresses of mode "source" are not among either. */
static const uint8_t macvlan_state[] = { IFLA_MACVLAN_MACADDR_COUNT, IFLA_MACVLAN_BC_QUEUE_LEN_USED, 0 };
static const uint8_t vlan_keep[] = { IFLA_VLAN_ID, IFLA_VLAN_FLAGS, IFLA_VLAN_EGRESS_QOS, IFLA_VLAN_INGRESS_QOS,
	IFLA_VLAN_PROTOCOL, 0 };
static const uint8_t ipvlan_keep[] = { IFLA_IPVLAN_MODE, IFLA_IPVLAN_FLAGS, 0 };
static const uint8_t vrf_keep[] = { IFLA_VRF_TABLE, 0 };
static const uint8_t vxlan_keep[] = { IFLA_VXLAN_ID, IFLA_VXLAN_GROUP, IFLA_VXLAN_LINK, IFLA_VXLAN_LOCAL, IFLA_VXLAN_TTL,
	IFLA_VXLAN_TOS, IFLA_VXLAN_LEARNING, IFLA_VXLAN_AGEING, IFLA_VXLAN_LIMIT, IFLA_VXLAN_PORT_RANGE, IFLA_VXLAN_PROXY,
	IFLA_VXLAN_RSC, IFLA_VXLAN_L2MISS, IFLA_VXLAN_L3MISS, IFLA_VXLAN_PORT, IFLA_VXLAN_GROUP6, IFLA_VXLAN_LOCAL6,
	IFLA_VXLAN_UDP_CSUM, IFLA_VXLAN_UDP_ZERO_CSUM6_TX, IFLA_VXLAN_UDP_ZERO_CSUM6_RX, IFLA_VXLAN_REMCSUM_TX,
	IFLA_VXLAN_REMCSUM_RX, IFLA_VXLAN_GBP, IFLA_VXLAN_REMCSUM_NOPARTIAL, IFLA_VXLAN_COLLECT_METADATA, IFLA_VXLAN_LABEL,
	IFLA_VXLAN_GPE, IFLA_VXLAN_DF, IFLA_VXLAN_VNIFILTER, VXLAN_LOCALBYPASS, VXLAN_LABEL_POLICY, 0 };
/* What the kernel says of them it does not take back. */
static const uint8_t vxlan_state[] = { VXLAN_RESERVED_BITS, 0 };
static const uint8_t vxlan_flag[] = { IFLA_VXLAN_TTL_INHERIT, 0 };
static const uint8_t tun_keep[] = { IFLA_TUN_OWNER, IFLA_TUN_GROUP, IFLA_TUN_TYPE, IFLA_TUN_PI, IFLA_TUN_VNET_HDR,
	IFLA_TUN_PERSIST, IFLA_TUN_MULTI_QUEUE, 0 };
static const uint8_t tun_state[] = { IFLA_TUN_NUM_QUEUES, IFLA_TUN_NUM_DISABLED_QUEUES, 0 };
static const uint8_t sit_keep[] = { IFLA_IPTUN_LINK, IFLA_IPTUN_LOCAL, IFLA_IPTUN_REMOTE, IFLA_IPTUN_TTL, IFLA_IPTUN_TOS,
	IFLA_IPTUN_FLAGS, IFLA_IPTUN_PROTO, IFLA_IPTUN_PMTUDISC, IFLA_IPTUN_6RD_PREFIX, IFLA_IPTUN_6RD_RELAY_PREFIX,
	IFLA_IPTUN_6RD_PREFIXLEN, IFLA_IPTUN_6RD_RELAY_PREFIXLEN, IFLA_IPTUN_ENCAP_TYPE, IFLA_IPTUN_ENCAP_FLAGS,
	IFLA_IPTUN_ENCAP_SPORT, IFLA_IPTUN_ENCAP_DPORT, IFLA_IPTUN_FWMARK, 0 };
/* Which of its ports a bond likes best is said by an index: not carried. */
static const uint8_t bond_keep[] = { IFLA_BOND_MODE, IFLA_BOND_MIIMON, IFLA_BOND_UPDELAY, IFLA_BOND_DOWNDELAY,
	IFLA_BOND_USE_CARRIER, IFLA_BOND_ARP_INTERVAL, IFLA_BOND_ARP_IP_TARGET, IFLA_BOND_ARP_VALIDATE, IFLA_BOND_ARP_ALL_TARGETS,
	IFLA_BOND_PRIMARY_RESELECT, IFLA_BOND_FAIL_OVER_MAC, IFLA_BOND_XMIT_HASH_POLICY, IFLA_BOND_RESEND_IGMP,
	IFLA_BOND_NUM_PEER_NOTIF, IFLA_BOND_ALL_SLAVES_ACTIVE, IFLA_BOND_MIN_LINKS, IFLA_BOND_LP_INTERVAL,
	IFLA_BOND_PACKETS_PER_SLAVE, IFLA_BOND_AD_LACP_RATE, IFLA_BOND_AD_SELECT, IFLA_BOND_AD_ACTOR_SYS_PRIO,
	IFLA_BOND_AD_USER_PORT_KEY, IFLA_BOND_AD_ACTOR_SYSTEM, IFLA_BOND_TLB_DYNAMIC_LB, IFLA_BOND_PEER_NOTIF_DELAY,
	IFLA_BOND_AD_LACP_ACTIVE, IFLA_BOND_MISSED_MAX, 0 };
static const uint8_t bond_state[] = { IFLA_BOND_ACTIVE_SLAVE, IFLA_BOND_AD_INFO, 0 };
static const uint8_t bond_port_keep[] = { IFLA_BOND_SLAVE_QUEUE_ID, IFLA_BOND_SLAVE_PRIO, 0 };
static const uint8_t bond_port_state[] = { IFLA_BOND_SLAVE_STATE, IFLA_BOND_SLAVE_MII_STATUS, IFLA_BOND_SLAVE_LINK_FAILURE_COUNT,
	IFLA_BOND_SLAVE_PERM_HWADDR, IFLA_BOND_SLAVE_AD_AGGREGATOR_ID, IFLA_BOND_SLAVE_AD_ACTOR_OPER_PORT_STATE,
	IFLA_BOND_SLAVE_AD_PARTNER_OPER_PORT_STATE, 0 };
static const uint8_t vrf_port_state[] = { IFLA_VRF_PORT_TABLE, 0 };

static const struct kern_link_kind kinds[] = {
	{ .kind = "veth", .data = { .keep = none, .state = none }, .pair = true },
	{ .kind = "bridge", .data = { .keep = bridge_keep, .state = bridge_state }, .later = true },
	{ .kind = "tun", .data = { .keep = tun_keep, .state = tun_state } },
	{ .kind = "macvlan", .data = { .keep = macvlan_keep, .state = macvlan_state }, .lower = true },
	{ .kind = "macvtap", .data = { .keep = macvlan_keep, .state = macvlan_state }, .lower = true },
	{ .kind = "vlan", .data = { .keep = vlan_keep, .state = none }, .lower = true },
	{ .kind = "ipvlan", .data = { .keep = ipvlan_keep, .state = none }, .lower = true },
	{ .kind = "vxlan", .data = { .keep = vxlan_keep, .state = vxlan_state, .flag = vxlan_flag } },
	{ .kind = "dummy", .data = { .keep = none, .state = none } },
	{ .kind = "ifb", .data = { .keep = none, .state = none } },
	{ .kind = "vrf", .data = { .keep = vrf_keep, .state = none } },
	{ .kind = "sit", .data = { .keep = sit_keep, .state = none } },
	{ .kind = "bond", .data = { .keep = bond_keep, .state = bond_state }, .later = true, .first = IFLA_BOND_MODE },
};

static const struct {
	const char *kind;
	struct kern_attr_roles roles;
} slave_kinds[] = {
	{ "bridge", { .keep = brport_keep, .state = brport_state } },
	{ "bond", { .keep = bond_port_keep, .state = bond_port_state } },
	{ "vrf", { .keep = none, .state = vrf_port_state } },
};

const struct kern_link_kind *kern_link_kind(const char *kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].kind, kind))
			return &kinds[i];
	return NULL;
}

const struct kern_attr_roles *kern_slave_kind(const char *kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(slave_kinds); i++)
		if (!strcmp(slave_kinds[i].kind, kind))
			return &slave_kinds[i].roles;
	return NULL;
}

static bool among(const uint8_t *types, int type)
{
	while (*types && *types != type)
		types++;
	return *types;
}

enum kern_attr_role kern_attr_role(const struct kern_attr_roles *roles, int type)
{
	if (among(roles->keep, type))
		return KERN_ATTR_KEEP;
	if (roles->flag && among(roles->flag, type))
		return KERN_ATTR_FLAG;
	return among(roles->state, type) ? KERN_ATTR_STATE : KERN_ATTR_UNKNOWN;
}
