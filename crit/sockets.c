/* crit/sockets.c -- sockets of all families in the same words. */

#include "sockets.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "criuimg/array.h"

static const char *const states[] = { [0] = "-", [1] = "ESTABLISHED", [2] = "SYN_SENT", [3] = "SYN_RECV", [4] = "FIN_WAIT1", [5] = "FIN_WAIT2",
	[6] = "TIME_WAIT", [7] = "CLOSE", [8] = "CLOSE_WAIT", [9] = "LAST_ACK", [10] = "LISTEN", [11] = "CLOSING", [12] = "NEW_SYN_RECV" };

static const char *state_name(uint32_t state, char *buf, size_t size)
{
	if (state < ARRAY_SIZE(states) && states[state])
		return states[state];
	snprintf(buf, size, "%" PRIu32, state);
	return buf;
}

bool socket_is(FdTypes type)
{
	return type == FD_TYPES__INETSK || type == FD_TYPES__UNIXSK || type == FD_TYPES__NETLINKSK || type == FD_TYPES__PACKETSK;
}

void socket_text_free(struct socket_text *text)
{
	free(text->local);
	free(text->peer);
	text->local = text->peer = NULL;
}

/* ---- inet ---- */

static const struct {
	uint32_t type, proto;
	const char *name[2]; /* IPv4, IPv6 */
} inet_protos[] = {
	{ 1, 6, { "tcp", "tcp6" } },	{ 1, 0, { "tcp", "tcp6" } },	   { 1, 262, { "mptcp", "mptcp6" } },
	{ 2, 17, { "udp", "udp6" } },	{ 2, 136, { "udplite", "udplite6" } }, { 1, 132, { "sctp", "sctp6" } },
};

static void inet_proto(const InetSkEntry *sk, struct socket_text *text)
{
	bool six = sk->family == 10;

	text->proto = text->buf[0];
	snprintf(text->buf[0], sizeof(text->buf[0]), "%s%s %" PRIu32, sk->type == 3 ? "raw" : "inet", six ? "6" : "", sk->proto);
	for (size_t i = 0; i < ARRAY_SIZE(inet_protos); i++)
		if (inet_protos[i].type == sk->type && inet_protos[i].proto == sk->proto)
			text->proto = inet_protos[i].name[six];
}

/* "" for an address that is not set; NULL without memory. */
static char *inet_address(uint32_t family, const uint32_t *words, size_t n, uint32_t port, bool peer)
{
	char address[INET6_ADDRSTRLEN] = "?", *text;
	bool any = true;

	for (size_t i = 0; i < n; i++)
		any = any && !words[i];
	if (peer && any && !port)
		return strdup("");
	if (n * 4 >= (family == 10 ? 16u : 4u))
		inet_ntop(family == 10 ? AF_INET6 : AF_INET, words, address, sizeof(address));
	if (asprintf(&text, family == 10 ? "[%s]:%" PRIu32 : "%s:%" PRIu32, address, port) < 0)
		return NULL;
	return text;
}

static void describe_inet(const struct objects *objects, const struct object *object, struct socket_text *text)
{
	const InetSkEntry *sk = (const InetSkEntry *)object->msg;

	inet_proto(sk, text);
	text->state = state_name(sk->state, text->buf[1], sizeof(text->buf[1]));
	text->ino = sk->ino;
	text->local = inet_address(sk->family, sk->src_addr, sk->n_src_addr, sk->src_port, false);
	text->peer = inet_address(sk->family, sk->dst_addr, sk->n_dst_addr, sk->dst_port, true);
}

/* ---- unix ---- */

static char *unix_name(const UnixSkEntry *sk)
{
	char *name = malloc(4 * sk->name.len + 2), *at = name;
	size_t len = sk->name.len;

	if (!name)
		return NULL;
	/* Abstract names start with a zero byte, shown as "@"; a path may end in one. */
	if (len && sk->name.data[0] && !sk->name.data[len - 1])
		len--;
	for (size_t i = 0; i < len; i++) {
		if (!i && !sk->name.data[0])
			*at++ = '@';
		else if (sk->name.data[i] < ' ' || sk->name.data[i] == 0x7f)
			at += sprintf(at, "\\x%02x", sk->name.data[i]);
		else
			*at++ = sk->name.data[i];
	}
	*at = '\0';
	return name;
}

/* The peer's name, or its number. */
static char *unix_peer(const struct objects *objects, const UnixSkEntry *sk)
{
	const UnixSkEntry *peer = NULL;
	char *name, *text;

	if (!sk->peer)
		return strdup("");
	for (size_t i = 0; i < objects->nr && !peer; i++)
		if (objects->objects[i].type == FD_TYPES__UNIXSK && ((const UnixSkEntry *)objects->objects[i].msg)->ino == sk->peer)
			peer = (const UnixSkEntry *)objects->objects[i].msg;
	name = peer ? unix_name(peer) : strdup("not in the set");
	if (!name || asprintf(&text, "[%" PRIu32 "]%s%s", sk->peer, *name ? " " : "", name) < 0)
		text = NULL;
	free(name);
	return text;
}

static void describe_unix(const struct objects *objects, const struct object *object, struct socket_text *text)
{
	const UnixSkEntry *sk = (const UnixSkEntry *)object->msg;
	char *name = unix_name(sk);

	text->proto = sk->type == 1 ? "unix stream" : sk->type == 2 ? "unix dgram" : sk->type == 5 ? "unix seqpacket" : "unix";
	text->state = state_name(sk->state, text->buf[1], sizeof(text->buf[1]));
	text->ino = sk->ino;
	if (!name || asprintf(&text->local, "[%" PRIu32 "]%s%s", sk->ino, *name ? " " : "", name) < 0)
		text->local = NULL;
	text->peer = unix_peer(objects, sk);
	free(name);
}

/* ---- netlink, packet ---- */

static const char *const netlink_protos[] = { "route", "unused", "usersock", "firewall", "sock_diag", "nflog", "xfrm", "selinux", "iscsi",
	"audit", "fib_lookup", "connector", "netfilter", "ip6_fw", "dnrtmsg", "kobject_uevent", "generic", "17", "scsitransport", "ecryptfs",
	"rdma", "crypto" };

static void describe_netlink(const struct objects *objects, const struct object *object, struct socket_text *text)
{
	const NetlinkSkEntry *sk = (const NetlinkSkEntry *)object->msg;

	snprintf(text->buf[0], sizeof(text->buf[0]), "netlink %s",
		sk->protocol < ARRAY_SIZE(netlink_protos) ? netlink_protos[sk->protocol] : "?");
	text->proto = text->buf[0];
	text->state = state_name(sk->state, text->buf[1], sizeof(text->buf[1]));
	text->ino = sk->ino;
	if (asprintf(&text->local, "port %" PRIu32, sk->portid) < 0)
		text->local = NULL;
	if (!sk->dst_portid && !sk->dst_group)
		text->peer = strdup("");
	else if (asprintf(&text->peer, "port %" PRIu32 " group %" PRIu32, sk->dst_portid, sk->dst_group) < 0)
		text->peer = NULL;
}

static void describe_packet(const struct objects *objects, const struct object *object, struct socket_text *text)
{
	const PacketSockEntry *sk = (const PacketSockEntry *)object->msg;

	text->proto = sk->type == 3 ? "packet raw" : sk->type == 2 ? "packet dgram" : "packet";
	text->state = "-";
	if (asprintf(&text->local, "protocol 0x%04x, interface %" PRIu32, ntohs(sk->protocol), sk->ifindex) < 0)
		text->local = NULL;
	text->peer = strdup("");
}

int socket_describe(const struct objects *objects, const struct object *object, struct socket_text *text)
{
	*text = (struct socket_text){ 0 };
	if (object->type == FD_TYPES__INETSK)
		describe_inet(objects, object, text);
	else if (object->type == FD_TYPES__UNIXSK)
		describe_unix(objects, object, text);
	else if (object->type == FD_TYPES__NETLINKSK)
		describe_netlink(objects, object, text);
	else
		describe_packet(objects, object, text);
	if (text->local && text->peer)
		return 0;
	socket_text_free(text);
	return -1;
}
