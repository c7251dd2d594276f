/* imagefmt/convert/json-netlink.c -- what the messages in netlink dumps mean: rtnetlink(7), and conntrack's.
 *
 * Facts: linux/if_addr.h, linux/rtnetlink.h, linux/fib_rules.h, linux/netfilter/nfnetlink_conntrack.h.
 */

#include "convert/json-netlink.h"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "criuimg/array.h"

#define TABLE(rows)	       { 0, rows, ARRAY_SIZE(rows) }
#define STRUCT(size, rows)     { size, rows, ARRAY_SIZE(rows) }
#define FIELD(type, member)    offsetof(type, member)

/* ---- names ---- */

static const struct json_name families[] = { { AF_UNSPEC, "any" }, { AF_INET, "inet" }, { AF_INET6, "inet6" },
	{ AF_BRIDGE, "bridge" }, { AF_MPLS, "mpls" }, { RTNL_FAMILY_IPMR, "ipmr" }, { RTNL_FAMILY_IP6MR, "ip6mr" }, { 0, NULL } };

static const struct json_name scopes[] = { { RT_SCOPE_UNIVERSE, "global" }, { RT_SCOPE_SITE, "site" },
	{ RT_SCOPE_LINK, "link" }, { RT_SCOPE_HOST, "host" }, { RT_SCOPE_NOWHERE, "nowhere" }, { 0, NULL } };

static const struct json_name route_types[] = { { RTN_UNSPEC, "none" }, { RTN_UNICAST, "unicast" }, { RTN_LOCAL, "local" },
	{ RTN_BROADCAST, "broadcast" }, { RTN_ANYCAST, "anycast" }, { RTN_MULTICAST, "multicast" },
	{ RTN_BLACKHOLE, "blackhole" }, { RTN_UNREACHABLE, "unreachable" }, { RTN_PROHIBIT, "prohibit" },
	{ RTN_THROW, "throw" }, { RTN_NAT, "nat" }, { RTN_XRESOLVE, "xresolve" }, { 0, NULL } };

static const struct json_name protocols[] = { { RTPROT_UNSPEC, "unspec" }, { RTPROT_REDIRECT, "redirect" },
	{ RTPROT_KERNEL, "kernel" }, { RTPROT_BOOT, "boot" }, { RTPROT_STATIC, "static" }, { RTPROT_RA, "ra" },
	{ RTPROT_DHCP, "dhcp" }, { RTPROT_BIRD, "bird" }, { RTPROT_ZEBRA, "zebra" }, { RTPROT_BGP, "bgp" },
	{ RTPROT_OSPF, "ospf" }, { 0, NULL } };

static const struct json_name tables[] = { { RT_TABLE_DEFAULT, "default" }, { RT_TABLE_MAIN, "main" },
	{ RT_TABLE_LOCAL, "local" }, { 0, NULL } };

static const struct json_name actions[] = { { FR_ACT_TO_TBL, "lookup" }, { FR_ACT_GOTO, "goto" }, { FR_ACT_NOP, "nop" },
	{ FR_ACT_BLACKHOLE, "blackhole" }, { FR_ACT_UNREACHABLE, "unreachable" }, { FR_ACT_PROHIBIT, "prohibit" }, { 0, NULL } };

static const struct json_name ip_protocols[] = { { 1, "icmp" }, { 6, "tcp" }, { 17, "udp" }, { 33, "dccp" }, { 47, "gre" },
	{ 58, "icmpv6" }, { 132, "sctp" }, { 136, "udplite" }, { 0, NULL } };

static const struct json_name tcp_states[] = { { 0, "NONE" }, { 1, "SYN_SENT" }, { 2, "SYN_RECV" }, { 3, "ESTABLISHED" },
	{ 4, "FIN_WAIT" }, { 5, "CLOSE_WAIT" }, { 6, "LAST_ACK" }, { 7, "TIME_WAIT" }, { 8, "CLOSE" }, { 9, "SYN_SENT2" }, { 0, NULL } };

static const struct json_name address_flags[] = { { IFA_F_SECONDARY, "secondary" }, { IFA_F_NODAD, "nodad" },
	{ IFA_F_OPTIMISTIC, "optimistic" }, { IFA_F_DADFAILED, "dadfailed" }, { IFA_F_HOMEADDRESS, "home" },
	{ IFA_F_DEPRECATED, "deprecated" }, { IFA_F_TENTATIVE, "tentative" }, { IFA_F_PERMANENT, "permanent" },
	{ IFA_F_MANAGETEMPADDR, "mngtmpaddr" }, { IFA_F_NOPREFIXROUTE, "noprefixroute" }, { IFA_F_MCAUTOJOIN, "autojoin" },
	{ IFA_F_STABLE_PRIVACY, "stable-privacy" }, { 0, NULL } };

static const struct json_name hop_flags[] = { { RTNH_F_DEAD, "dead" }, { RTNH_F_PERVASIVE, "pervasive" },
	{ RTNH_F_ONLINK, "onlink" }, { RTNH_F_OFFLOAD, "offload" }, { RTNH_F_LINKDOWN, "linkdown" },
	{ RTM_F_NOTIFY, "notify" }, { RTM_F_CLONED, "cloned" }, { RTM_F_EQUALIZE, "equalize" }, { RTM_F_PREFIX, "prefix" }, { 0, NULL } };

/* enum ip_conntrack_status of linux/netfilter/nf_conntrack_common.h. */
static const struct json_name status_flags[] = { { 1 << 0, "EXPECTED" }, { 1 << 1, "SEEN_REPLY" }, { 1 << 2, "ASSURED" },
	{ 1 << 3, "CONFIRMED" }, { 1 << 4, "SRC_NAT" }, { 1 << 5, "DST_NAT" }, { 1 << 6, "SEQ_ADJUST" },
	{ 1 << 7, "SRC_NAT_DONE" }, { 1 << 8, "DST_NAT_DONE" }, { 1 << 9, "DYING" }, { 1 << 10, "FIXED_TIMEOUT" },
	{ 1 << 11, "TEMPLATE" }, { 1 << 12, "UNTRACKED" }, { 1 << 13, "HELPER" }, { 1 << 14, "OFFLOAD" },
	{ 1 << 15, "HW_OFFLOAD" }, { 0, NULL } };

/* ---- addresses ---- */

static const struct nl_row ifaddr_header_rows[] = {
	{ FIELD(struct ifaddrmsg, ifa_family), "family", .form = NL_U8, .names = families },
	{ FIELD(struct ifaddrmsg, ifa_prefixlen), "prefixlen", .form = NL_U8 },
	{ FIELD(struct ifaddrmsg, ifa_scope), "scope", .form = NL_U8, .names = scopes },
	{ FIELD(struct ifaddrmsg, ifa_index), "index", .form = NL_U32 },
};
static const struct nl_table ifaddr_header = STRUCT(sizeof(struct ifaddrmsg), ifaddr_header_rows);

static const struct nl_row ifa_cacheinfo_rows[] = {
	{ 0, "prefered", .form = NL_U32 }, { 4, "valid", .form = NL_U32 }, { 8, "cstamp", .form = NL_U32 }, { 12, "tstamp", .form = NL_U32 },
};
static const struct nl_table ifa_cacheinfo = STRUCT(16, ifa_cacheinfo_rows);

static const struct nl_row ifaddr_rows[] = {
	{ IFA_ADDRESS, "address", .form = NL_ADDRESS },
	{ IFA_LOCAL, "local", .form = NL_ADDRESS },
	{ IFA_LABEL, "label", .form = NL_TEXT },
	{ IFA_BROADCAST, "broadcast", .form = NL_ADDRESS },
	{ IFA_ANYCAST, "anycast", .form = NL_ADDRESS },
	{ IFA_CACHEINFO, "cacheinfo", .form = NL_STRUCT, .inside = &ifa_cacheinfo },
	{ IFA_MULTICAST, "multicast", .form = NL_ADDRESS },
	{ IFA_FLAGS, "flags", .form = NL_U32, .flags = address_flags },
	{ IFA_RT_PRIORITY, "metric", .form = NL_U32 },
	{ IFA_TARGET_NETNSID, "target_netnsid", .form = NL_U32 },
	{ 11, "protocol", .form = NL_U8 }, /* IFA_PROTO, Linux 5.18 */
};
static const struct nl_table ifaddr = TABLE(ifaddr_rows);

/* ---- routes ---- */

static const struct nl_row route_header_rows[] = {
	{ FIELD(struct rtmsg, rtm_family), "family", .form = NL_U8, .names = families },
	{ FIELD(struct rtmsg, rtm_dst_len), "dst_len", .form = NL_U8 },
	{ FIELD(struct rtmsg, rtm_src_len), "src_len", .form = NL_U8 },
	{ FIELD(struct rtmsg, rtm_tos), "tos", .form = NL_U8 },
	{ FIELD(struct rtmsg, rtm_protocol), "protocol", .form = NL_U8, .names = protocols },
	{ FIELD(struct rtmsg, rtm_scope), "scope", .form = NL_U8, .names = scopes },
	{ FIELD(struct rtmsg, rtm_type), "route_type", .form = NL_U8, .names = route_types },
	{ FIELD(struct rtmsg, rtm_flags), "flags", .form = NL_U32, .flags = hop_flags },
};
static const struct nl_table route_header = STRUCT(sizeof(struct rtmsg), route_header_rows);

static const struct nl_row metrics_rows[] = {
	{ RTAX_LOCK, "lock", .form = NL_U32 }, { RTAX_MTU, "mtu", .form = NL_U32 }, { RTAX_WINDOW, "window", .form = NL_U32 },
	{ RTAX_RTT, "rtt", .form = NL_U32 }, { RTAX_RTTVAR, "rttvar", .form = NL_U32 }, { RTAX_SSTHRESH, "ssthresh", .form = NL_U32 },
	{ RTAX_CWND, "cwnd", .form = NL_U32 }, { RTAX_ADVMSS, "advmss", .form = NL_U32 }, { RTAX_REORDERING, "reordering", .form = NL_U32 },
	{ RTAX_HOPLIMIT, "hoplimit", .form = NL_U32 }, { RTAX_INITCWND, "initcwnd", .form = NL_U32 }, { RTAX_FEATURES, "features", .form = NL_U32 },
	{ RTAX_RTO_MIN, "rto_min", .form = NL_U32 }, { RTAX_INITRWND, "initrwnd", .form = NL_U32 }, { RTAX_QUICKACK, "quickack", .form = NL_U32 },
	{ RTAX_CC_ALGO, "congctl", .form = NL_TEXT }, { RTAX_FASTOPEN_NO_COOKIE, "fastopen_no_cookie", .form = NL_U32 },
};
static const struct nl_table metrics = TABLE(metrics_rows);

static const struct nl_row route_cacheinfo_rows[] = {
	{ 0, "clntref", .form = NL_U32 }, { 4, "lastuse", .form = NL_U32 }, { 8, "expires", .form = NL_U32 }, { 12, "error", .form = NL_U32 },
	{ 16, "used", .form = NL_U32 }, { 20, "id", .form = NL_U32 }, { 24, "ts", .form = NL_U32 }, { 28, "tsage", .form = NL_U32 },
};
static const struct nl_table route_cacheinfo = STRUCT(sizeof(struct rta_cacheinfo), route_cacheinfo_rows);

static const struct nl_table route;

static const struct nl_row route_rows[] = {
	{ RTA_DST, "dst", .form = NL_ADDRESS },
	{ RTA_SRC, "src", .form = NL_ADDRESS },
	{ RTA_IIF, "iif", .form = NL_U32 },
	{ RTA_OIF, "oif", .form = NL_U32 },
	{ RTA_GATEWAY, "gateway", .form = NL_ADDRESS },
	{ RTA_PRIORITY, "priority", .form = NL_U32 },
	{ RTA_PREFSRC, "prefsrc", .form = NL_ADDRESS },
	{ RTA_METRICS, "metrics", .form = NL_NESTED, .inside = &metrics },
	{ RTA_MULTIPATH, "multipath", .form = NL_MULTIPATH, .inside = &route },
	{ RTA_FLOW, "flow", .form = NL_U32 },
	{ RTA_CACHEINFO, "cacheinfo", .form = NL_STRUCT, .inside = &route_cacheinfo },
	{ RTA_TABLE, "table", .form = NL_U32, .names = tables },
	{ RTA_MARK, "mark", .form = NL_U32 },
	{ RTA_VIA, "via", .form = NL_VIA },
	{ RTA_NEWDST, "newdst", .form = NL_ADDRESS },
	{ RTA_PREF, "pref", .form = NL_U8 },
	{ RTA_ENCAP_TYPE, "encap_type", .form = NL_U16 },
	{ RTA_EXPIRES, "expires", .form = NL_U32 },
	{ RTA_UID, "uid", .form = NL_U32 },
	{ RTA_TTL_PROPAGATE, "ttl_propagate", .form = NL_U8 },
	{ RTA_IP_PROTO, "ip_proto", .form = NL_U8, .names = ip_protocols },
	{ RTA_SPORT, "sport", .form = NL_BE16 },
	{ RTA_DPORT, "dport", .form = NL_BE16 },
	{ RTA_NH_ID, "nhid", .form = NL_U32 },
};
static const struct nl_table route = TABLE(route_rows);

/* ---- rules ---- */

static const struct nl_row rule_header_rows[] = {
	{ FIELD(struct fib_rule_hdr, family), "family", .form = NL_U8, .names = families },
	{ FIELD(struct fib_rule_hdr, dst_len), "dst_len", .form = NL_U8 },
	{ FIELD(struct fib_rule_hdr, src_len), "src_len", .form = NL_U8 },
	{ FIELD(struct fib_rule_hdr, tos), "tos", .form = NL_U8 },
	{ FIELD(struct fib_rule_hdr, action), "action", .form = NL_U8, .names = actions },
	{ FIELD(struct fib_rule_hdr, flags), "flags", .form = NL_U32 },
};
static const struct nl_table rule_header = STRUCT(sizeof(struct fib_rule_hdr), rule_header_rows);

static const struct nl_row uid_range_rows[] = { { 0, "start", .form = NL_U32 }, { 4, "end", .form = NL_U32 } };
static const struct nl_table uid_range = STRUCT(8, uid_range_rows);
static const struct nl_row port_range_rows[] = { { 0, "start", .form = NL_U16 }, { 2, "end", .form = NL_U16 } };
static const struct nl_table port_range = STRUCT(4, port_range_rows);

static const struct nl_row rule_rows[] = {
	{ FRA_DST, "dst", .form = NL_ADDRESS },
	{ FRA_SRC, "src", .form = NL_ADDRESS },
	{ FRA_IIFNAME, "iif", .form = NL_TEXT },
	{ FRA_GOTO, "goto", .form = NL_U32 },
	{ FRA_PRIORITY, "priority", .form = NL_U32 },
	{ FRA_FWMARK, "fwmark", .form = NL_U32 },
	{ FRA_FLOW, "flow", .form = NL_U32 },
	{ FRA_TUN_ID, "tun_id", .form = NL_BE64 },
	{ FRA_SUPPRESS_IFGROUP, "suppress_ifgroup", .form = NL_U32 },
	{ FRA_SUPPRESS_PREFIXLEN, "suppress_prefixlen", .form = NL_U32 },
	{ FRA_TABLE, "table", .form = NL_U32, .names = tables },
	{ FRA_FWMASK, "fwmask", .form = NL_U32 },
	{ FRA_OIFNAME, "oif", .form = NL_TEXT },
	{ FRA_L3MDEV, "l3mdev", .form = NL_U8 },
	{ FRA_UID_RANGE, "uid_range", .form = NL_STRUCT, .inside = &uid_range },
	{ FRA_PROTOCOL, "protocol", .form = NL_U8, .names = protocols },
	{ FRA_IP_PROTO, "ip_proto", .form = NL_U8, .names = ip_protocols },
	{ FRA_SPORT_RANGE, "sport_range", .form = NL_STRUCT, .inside = &port_range },
	{ FRA_DPORT_RANGE, "dport_range", .form = NL_STRUCT, .inside = &port_range },
};
static const struct nl_table rule = TABLE(rule_rows);

/* ---- conntrack ---- */

static const struct nl_row nfgen_rows[] = {
	{ FIELD(struct nfgenmsg, nfgen_family), "family", .form = NL_U8, .names = families },
	{ FIELD(struct nfgenmsg, version), "version", .form = NL_U8 },
	{ FIELD(struct nfgenmsg, res_id), "res_id", .form = NL_BE16 },
};
static const struct nl_table nfgen = STRUCT(sizeof(struct nfgenmsg), nfgen_rows);

static const struct nl_row tuple_ip_rows[] = {
	{ CTA_IP_V4_SRC, "src", .form = NL_ADDRESS }, { CTA_IP_V4_DST, "dst", .form = NL_ADDRESS },
	{ CTA_IP_V6_SRC, "src", .form = NL_ADDRESS }, { CTA_IP_V6_DST, "dst", .form = NL_ADDRESS },
};
static const struct nl_table tuple_ip = TABLE(tuple_ip_rows);

static const struct nl_row tuple_proto_rows[] = {
	{ CTA_PROTO_NUM, "protocol", .form = NL_U8, .names = ip_protocols },
	{ CTA_PROTO_SRC_PORT, "sport", .form = NL_BE16 },
	{ CTA_PROTO_DST_PORT, "dport", .form = NL_BE16 },
	{ CTA_PROTO_ICMP_ID, "icmp_id", .form = NL_BE16 },
	{ CTA_PROTO_ICMP_TYPE, "icmp_type", .form = NL_U8 },
	{ CTA_PROTO_ICMP_CODE, "icmp_code", .form = NL_U8 },
	{ CTA_PROTO_ICMPV6_ID, "icmpv6_id", .form = NL_BE16 },
	{ CTA_PROTO_ICMPV6_TYPE, "icmpv6_type", .form = NL_U8 },
	{ CTA_PROTO_ICMPV6_CODE, "icmpv6_code", .form = NL_U8 },
};
static const struct nl_table tuple_proto = TABLE(tuple_proto_rows);

static const struct nl_row tuple_rows[] = {
	{ CTA_TUPLE_IP, "ip", .form = NL_NESTED, .inside = &tuple_ip },
	{ CTA_TUPLE_PROTO, "proto", .form = NL_NESTED, .inside = &tuple_proto },
	{ CTA_TUPLE_ZONE, "zone", .form = NL_BE16 },
};
static const struct nl_table tuple = TABLE(tuple_rows);

static const struct nl_row tcp_flags_rows[] = { { 0, "flags", .form = NL_U8 }, { 1, "mask", .form = NL_U8 } };
static const struct nl_table tcp_flags = STRUCT(2, tcp_flags_rows);

static const struct nl_row tcp_rows[] = {
	{ CTA_PROTOINFO_TCP_STATE, "state", .form = NL_U8, .names = tcp_states },
	{ CTA_PROTOINFO_TCP_WSCALE_ORIGINAL, "wscale_original", .form = NL_U8 },
	{ CTA_PROTOINFO_TCP_WSCALE_REPLY, "wscale_reply", .form = NL_U8 },
	{ CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, "flags_original", .form = NL_STRUCT, .inside = &tcp_flags },
	{ CTA_PROTOINFO_TCP_FLAGS_REPLY, "flags_reply", .form = NL_STRUCT, .inside = &tcp_flags },
};
static const struct nl_table tcp = TABLE(tcp_rows);

static const struct nl_row protoinfo_rows[] = { { CTA_PROTOINFO_TCP, "tcp", .form = NL_NESTED, .inside = &tcp } };
static const struct nl_table protoinfo = TABLE(protoinfo_rows);

static const struct nl_row help_rows[] = { { CTA_HELP_NAME, "name", .form = NL_TEXT } };
static const struct nl_table help = TABLE(help_rows);

static const struct nl_row counters_rows[] = {
	{ CTA_COUNTERS_PACKETS, "packets", .form = NL_BE64 }, { CTA_COUNTERS_BYTES, "bytes", .form = NL_BE64 },
	{ CTA_COUNTERS32_PACKETS, "packets", .form = NL_BE32 }, { CTA_COUNTERS32_BYTES, "bytes", .form = NL_BE32 },
};
static const struct nl_table counters = TABLE(counters_rows);

static const struct nl_row seqadj_rows[] = {
	{ CTA_SEQADJ_CORRECTION_POS, "correction_pos", .form = NL_BE32 },
	{ CTA_SEQADJ_OFFSET_BEFORE, "offset_before", .form = NL_BE32 },
	{ CTA_SEQADJ_OFFSET_AFTER, "offset_after", .form = NL_BE32 },
};
static const struct nl_table seqadj = TABLE(seqadj_rows);

static const struct nl_row secctx_rows[] = { { CTA_SECCTX_NAME, "name", .form = NL_TEXT } };
static const struct nl_table secctx = TABLE(secctx_rows);

static const struct nl_row timestamp_rows[] = {
	{ CTA_TIMESTAMP_START, "start", .form = NL_BE64 }, { CTA_TIMESTAMP_STOP, "stop", .form = NL_BE64 },
};
static const struct nl_table timestamp = TABLE(timestamp_rows);

static const struct nl_row ct_rows[] = {
	{ CTA_TUPLE_ORIG, "tuple_orig", .form = NL_NESTED, .inside = &tuple },
	{ CTA_TUPLE_REPLY, "tuple_reply", .form = NL_NESTED, .inside = &tuple },
	{ CTA_STATUS, "status", .form = NL_BE32, .flags = status_flags },
	{ CTA_PROTOINFO, "protoinfo", .form = NL_NESTED, .inside = &protoinfo },
	{ CTA_HELP, "help", .form = NL_NESTED, .inside = &help },
	{ CTA_TIMEOUT, "timeout", .form = NL_BE32 },
	{ CTA_MARK, "mark", .form = NL_BE32 },
	{ CTA_COUNTERS_ORIG, "counters_orig", .form = NL_NESTED, .inside = &counters },
	{ CTA_COUNTERS_REPLY, "counters_reply", .form = NL_NESTED, .inside = &counters },
	{ CTA_USE, "use", .form = NL_BE32 },
	{ CTA_ID, "id", .form = NL_BE32 },
	{ CTA_TUPLE_MASTER, "tuple_master", .form = NL_NESTED, .inside = &tuple },
	{ CTA_SEQ_ADJ_ORIG, "seq_adj_orig", .form = NL_NESTED, .inside = &seqadj },
	{ CTA_SEQ_ADJ_REPLY, "seq_adj_reply", .form = NL_NESTED, .inside = &seqadj },
	{ CTA_ZONE, "zone", .form = NL_BE16 },
	{ CTA_SECCTX, "secctx", .form = NL_NESTED, .inside = &secctx },
	{ CTA_TIMESTAMP, "timestamp", .form = NL_NESTED, .inside = &timestamp },
	{ CTA_MARK_MASK, "mark_mask", .form = NL_BE32 },
	{ CTA_LABELS, "labels", .form = NL_HEX },
	{ CTA_LABELS_MASK, "labels_mask", .form = NL_HEX },
};
static const struct nl_table ct = TABLE(ct_rows);

static const struct nl_row expect_rows[] = {
	{ CTA_EXPECT_MASTER, "master", .form = NL_NESTED, .inside = &tuple },
	{ CTA_EXPECT_TUPLE, "tuple", .form = NL_NESTED, .inside = &tuple },
	{ CTA_EXPECT_MASK, "mask", .form = NL_NESTED, .inside = &tuple },
	{ CTA_EXPECT_TIMEOUT, "timeout", .form = NL_BE32 },
	{ CTA_EXPECT_ID, "id", .form = NL_BE32 },
	{ CTA_EXPECT_HELP_NAME, "help_name", .form = NL_TEXT },
	{ CTA_EXPECT_ZONE, "zone", .form = NL_BE16 },
	{ CTA_EXPECT_FLAGS, "flags", .form = NL_BE32 },
	{ CTA_EXPECT_CLASS, "class", .form = NL_BE32 },
	{ CTA_EXPECT_FN, "fn", .form = NL_TEXT },
};
static const struct nl_table expect = TABLE(expect_rows);

/* ---- messages ---- */

static const struct nl_message messages[] = {
	{ RTM_NEWADDR, "RTM_NEWADDR", &ifaddr_header, &ifaddr },
	{ RTM_NEWROUTE, "RTM_NEWROUTE", &route_header, &route },
	{ RTM_NEWRULE, "RTM_NEWRULE", &rule_header, &rule },
	{ NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW, "IPCTNL_MSG_CT_NEW", &nfgen, &ct },
	{ NFNL_SUBSYS_CTNETLINK_EXP << 8 | IPCTNL_MSG_EXP_NEW, "IPCTNL_MSG_EXP_NEW", &nfgen, &expect },
};

const struct nl_message *nl_message_of(uint16_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		if (messages[i].type == type)
			return &messages[i];
	return NULL;
}
