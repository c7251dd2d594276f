/* engines/kernel/probe-net.c -- probes of what is asked about sockets, links and packet filters. */

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/inet_diag.h>
#include <linux/net_namespace.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "kernel/probe.h"

#ifndef SIOCUNIXFILE
#define SIOCUNIXFILE (SIOCPROTOPRIVATE + 0) /* include/uapi/linux/un.h, Linux 4.10 */
#endif
#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72 /* Linux 5.15 */
#endif
#ifndef SIOCGSKNS
#define SIOCGSKNS 0x894C
#endif
#ifndef TUNGETDEVNETNS
#define TUNGETDEVNETNS _IO('T', 227) /* Linux 5.2 */
#endif

/* Send one netlink request and take the first message of the answer: its type is returned (NLMSG_ERROR: errno is set; an
 * acknowledgement is NLMSG_ERROR with errno 0), -1 where no talk is possible. */
static int ask(int protocol, void *request, size_t len, void *answer, size_t room)
{
	cleanup_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	struct nlmsghdr *head = answer;
	ssize_t got;

	if (fd < 0 || send(fd, request, len, 0) < 0)
		return -1;
	got = recv(fd, answer, room, 0);
	if (got < (ssize_t)sizeof(*head) || head->nlmsg_len > (size_t)got)
		return -1;
	if (head->nlmsg_type == NLMSG_ERROR)
		errno = got >= (ssize_t)NLMSG_LENGTH(sizeof(int)) ? -*(int *)NLMSG_DATA(head) : EPROTO;
	return head->nlmsg_type;
}

/* A dump of sock_diag: 1 the kernel answers it, 0 it does not know it. */
static int diag(void *request, size_t len, const char *what, struct img_err *err)
{
	char answer[16384] __attribute__((aligned(8)));
	int type = ask(NETLINK_SOCK_DIAG, request, len, answer, sizeof(answer));

	if (type == NLMSG_DONE || type == SOCK_DIAG_BY_FAMILY)
		return 1;
	return kern_probe_no(err, what);
}

int probe_sock_diag(struct img_err *err)
{
	struct {
		struct nlmsghdr head;
		struct unix_diag_req req;
	} r = {
		.head = { sizeof(r), SOCK_DIAG_BY_FAMILY, NLM_F_DUMP | NLM_F_REQUEST, 1, 0 },
		.req = { .sdiag_family = AF_UNIX, .udiag_states = -1, .udiag_show = UDIAG_SHOW_NAME },
	};

	return diag(&r, sizeof(r), "sock_diag of unix sockets", err);
}

int probe_net_diag_raw(struct img_err *err)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 req;
	} r = {
		.head = { sizeof(r), SOCK_DIAG_BY_FAMILY, NLM_F_DUMP | NLM_F_REQUEST, 1, 0 },
		.req = { .sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_RAW, .idiag_states = -1 },
	};

	return diag(&r, sizeof(r), "sock_diag of raw sockets", err);
}

/* In a network namespace of our own with lo up: a connection that one side has shut can enter repair mode. */
static int half_closed(struct img_err *err)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	socklen_t len = sizeof(at);
	int listener, client, server, on = 1, off = -1;

	if (unshare(CLONE_NEWNET) < 0)
		return img_fail_sys(err, "a network namespace");
	listener = socket(AF_INET, SOCK_STREAM, 0);
	client = socket(AF_INET, SOCK_STREAM, 0);
	if (listener < 0 || client < 0 || ioctl(listener, SIOCSIFFLAGS, &lo) < 0 ||
		bind(listener, (struct sockaddr *)&at, len) < 0 || listen(listener, 1) < 0 ||
		getsockname(listener, (struct sockaddr *)&at, &len) < 0 || connect(client, (struct sockaddr *)&at, len) < 0)
		return img_fail_sys(err, "a TCP connection over lo");
	server = accept(listener, NULL, NULL);
	if (server < 0 || shutdown(server, SHUT_WR) < 0)
		return img_fail_sys(err, "shutdown");
	if (setsockopt(client, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) < 0)
		return kern_probe_no(err, "TCP_REPAIR of a half-closed connection");
	setsockopt(client, IPPROTO_TCP, TCP_REPAIR, &off, sizeof(off));
	return 1;
}

int probe_tcp_half_closed(struct img_err *err)
{
	return kern_probe_in_child(half_closed, err);
}

int probe_sk_unix_file(struct img_err *err)
{
	cleanup_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	cleanup_fd int file = -1;

	if (fd < 0)
		return img_fail_sys(err, "socket");
	snprintf(at.sun_path, sizeof(at.sun_path), "/tmp/.criu-probe-%d", (int)getpid());
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		return img_fail_sys(err, "bind to %s", at.sun_path);
	unlink(at.sun_path);
	file = ioctl(fd, SIOCUNIXFILE);
	return file >= 0 ? 1 : kern_probe_no(err, "ioctl(SIOCUNIXFILE)");
}

int probe_sk_ns(struct img_err *err)
{
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cleanup_fd int ns = fd < 0 ? -1 : ioctl(fd, SIOCGSKNS);

	return ns >= 0 ? 1 : kern_probe_no(err, "ioctl(SIOCGSKNS)");
}

int probe_sockopt_buf_lock(struct img_err *err)
{
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int lock;
	socklen_t len = sizeof(lock);

	return getsockopt(fd, SOL_SOCKET, SO_BUF_LOCK, &lock, &len) == 0 ? 1 : kern_probe_no(err, "SO_BUF_LOCK");
}

int probe_ipv6_freebind(struct img_err *err)
{
	cleanup_fd int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		return kern_probe_no(err, "an IPv6 socket");
	return setsockopt(fd, SOL_IPV6, IPV6_FREEBIND, &on, sizeof(on)) == 0 ? 1 : kern_probe_no(err, "IPV6_FREEBIND");
}

int probe_tun(struct img_err *err)
{
	cleanup_fd int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	return fd >= 0 ? 1 : kern_probe_no(err, "/dev/net/tun");
}

static int tun_namespace(struct img_err *err)
{
	struct ifreq ifr = { .ifr_name = "probe0", .ifr_flags = IFF_TUN };
	int fd, ns;

	if (unshare(CLONE_NEWNET) < 0)
		return img_fail_sys(err, "a network namespace");
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return kern_probe_no(err, "/dev/net/tun");
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		return kern_probe_no(err, "ioctl(TUNSETIFF)");
	ns = ioctl(fd, TUNGETDEVNETNS);
	return ns >= 0 ? 1 : kern_probe_no(err, "ioctl(TUNGETDEVNETNS)");
}

int probe_tun_ns(struct img_err *err)
{
	return kern_probe_in_child(tun_namespace, err);
}

/* A link with an index of our choice, in a namespace of our own. */
static int link_with_index(struct img_err *err)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
		struct rtattr name_at;
		char name[8];
		struct rtattr kind_at, kind;
		char kind_name[8];
	} r = {
		.head = { sizeof(r), RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE, 1, 0 },
		.info = { .ifi_index = 77 },
		.name_at = { RTA_LENGTH(8), IFLA_IFNAME },
		.name = "probe0",
		.kind_at = { RTA_LENGTH(sizeof(struct rtattr) + 8), IFLA_LINKINFO },
		.kind = { RTA_LENGTH(8), IFLA_INFO_KIND },
		.kind_name = "dummy",
	};
	char answer[4096] __attribute__((aligned(8)));

	if (unshare(CLONE_NEWNET) < 0)
		return img_fail_sys(err, "a network namespace");
	if (ask(NETLINK_ROUTE, &r, sizeof(r), answer, sizeof(answer)) != NLMSG_ERROR)
		return img_fail(err, IMG_SYS, "no answer to RTM_NEWLINK");
	return errno == 0 || errno == EOPNOTSUPP ? 1 : kern_probe_no(err, "RTM_NEWLINK with an index");
}

int probe_newifindex(struct img_err *err)
{
	return kern_probe_in_child(link_with_index, err);
}

int probe_nsid(struct img_err *err)
{
	cleanup_fd int ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct {
		struct nlmsghdr head;
		struct rtgenmsg gen;
		struct rtattr at __attribute__((aligned(4)));
		uint32_t fd;
	} r = {
		.head = { sizeof(r), RTM_GETNSID, NLM_F_REQUEST | NLM_F_ACK, 1, 0 },
		.at = { RTA_LENGTH(4), NETNSA_FD },
		.fd = ns,
	};
	char answer[4096] __attribute__((aligned(8)));

	if (ns < 0)
		return img_fail_sys(err, "/proc/self/ns/net");
	return ask(NETLINK_ROUTE, &r, sizeof(r), answer, sizeof(answer)) == RTM_NEWNSID ? 1 : kern_probe_no(err, "RTM_GETNSID");
}

int probe_link_nsid(struct img_err *err)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
		struct rtattr at;
		int32_t nsid;
	} r = {
		.head = { sizeof(r), RTM_GETLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0 },
		.info = { .ifi_index = 1 },
		.at = { RTA_LENGTH(4), IFLA_IF_NETNSID },
		.nsid = 1 << 20, /* there is none: EINVAL tells that the attribute is known */
	};
	char answer[16384] __attribute__((aligned(8)));
	int type = ask(NETLINK_ROUTE, &r, sizeof(r), answer, sizeof(answer));

	return type == NLMSG_ERROR && errno == EINVAL ? 1 : kern_probe_no(err, "RTM_GETLINK with IFLA_IF_NETNSID");
}

/* setns(2) into a network namespace that was made elsewhere, by its file. */
static int join_net(struct img_err *err)
{
	int ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (ns < 0 || unshare(CLONE_NEWNET) < 0)
		return kern_probe_no(err, "a network namespace");
	return setns(ns, CLONE_NEWNET) == 0 ? 1 : kern_probe_no(err, "setns");
}

int probe_external_net_ns(struct img_err *err)
{
	return kern_probe_in_child(join_net, err);
}

int probe_has_ipt_legacy(struct img_err *err)
{
	cleanup_fd int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	char info[84] = "filter"; /* struct ipt_getinfo, by size: its header does not go with the others */
	socklen_t len = sizeof(info);

	if (fd < 0)
		return kern_probe_no(err, "a raw socket");
	return getsockopt(fd, SOL_IP, 64 /* IPT_SO_GET_INFO */, info, &len) == 0 ? 1 : kern_probe_no(err, "IPT_SO_GET_INFO");
}

int probe_nftables(struct img_err *err)
{
	struct {
		struct nlmsghdr head;
		struct nfgenmsg gen;
	} r = {
		.head = { sizeof(r), NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 },
		.gen = { .version = NFNETLINK_V0 },
	};
	char answer[16384] __attribute__((aligned(8)));
	int type = ask(NETLINK_NETFILTER, &r, sizeof(r), answer, sizeof(answer));

	return type == NLMSG_DONE || type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE) ? 1 :
											       kern_probe_no(err, "nf_tables");
}
