/* engines/fd/inet/groups-dump.c -- in which multicast groups a socket is a member, and which sources it listens to: ip(7), ipv6(7), RFC 3678.
 *
 * The socket is asked about each group that a device of its network namespace listens to. What cannot be asked is not known: membership by a
 * device that is no more, anycast groups (IPV6_JOIN_ANYCAST), the device of IP_MULTICAST_IF when it was given without an address.
 */

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "criu-dump/dump.h"
#include "criu-dump/inet-own.h"
#include "criuimg/cleanup.h"
#include "kernel/igmp.h"

enum {
	SOURCES_MAX = 1024, /* sysctls net.ipv4.igmp_max_msf, net.ipv6.mld_max_msf: 10, 64 */
};

static size_t put_group(const struct kern_group *g, struct sockaddr_storage *sa)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)sa;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)sa;

	*sa = (struct sockaddr_storage){ .ss_family = (sa_family_t)g->family };
	if (g->family == AF_INET)
		memcpy(&v4->sin_addr, g->group, sizeof(v4->sin_addr));
	else
		memcpy(&v6->sin6_addr, g->group, sizeof(v6->sin6_addr));
	return g->family == AF_INET ? 4 : 16;
}

static const uint8_t *address_in(const struct sockaddr_storage *sa, int family)
{
	return family == AF_INET ? (const uint8_t *)&((const struct sockaddr_in *)sa)->sin_addr
				 : (const uint8_t *)&((const struct sockaddr_in6 *)sa)->sin6_addr;
}

static int put_bytes(struct dump *d, ProtobufCBinaryData *out, const uint8_t *data, size_t size, struct img_err *err)
{
	out->data = img_arena_alloc(&d->arena, size);
	if (!out->data)
		return img_fail_nomem(err);
	memcpy(out->data, data, size);
	out->len = size;
	return 0;
}

static int add(struct dump *d, InetSkEntry *isk, const struct kern_group *g, const struct group_filter *f, struct img_err *err)
{
	InetGroupEntry *e = img_arena_alloc(&d->arena, sizeof(*e));
	size_t size = g->family == AF_INET ? 4 : 16;

	if (!e)
		return img_fail_nomem(err);
	inet_group_entry__init(e);
	e->mode = f->gf_fmode;
	e->ifname = img_arena_strdup(&d->arena, g->ifname);
	e->sources = img_arena_array(&d->arena, f->gf_numsrc ? f->gf_numsrc : 1, sizeof(*e->sources));
	if (!e->ifname || !e->sources)
		return img_fail_nomem(err);
	if (put_bytes(d, &e->group, g->group, size, err) < 0)
		return -1;
	for (; e->n_sources < f->gf_numsrc; e->n_sources++)
		if (put_bytes(d, &e->sources[e->n_sources], address_in(&f->gf_slist[e->n_sources], g->family), size, err) < 0)
			return -1;
	isk->groups[isk->n_groups++] = e;
	return 0;
}

/* 1 and the filter: it is a member. */
static int ask(int fd, const struct kern_group *g, struct group_filter *f, struct img_err *err)
{
	int level = g->family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
	socklen_t len = GROUP_FILTER_SIZE(SOURCES_MAX);

	memset(f, 0, GROUP_FILTER_SIZE(0));
	f->gf_interface = g->ifindex;
	f->gf_numsrc = SOURCES_MAX;
	put_group(g, &f->gf_group);
	if (getsockopt(fd, level, MCAST_MSFILTER, f, &len) == 0)
		return f->gf_numsrc <= SOURCES_MAX ? 1 :
			img_fail(err, IMG_UNSUPPORTED, "a membership with %u sources is not supported", f->gf_numsrc);
	if (errno == EADDRNOTAVAIL || errno == ENODEV || errno == ENOPROTOOPT || errno == EOPNOTSUPP || errno == EINVAL)
		return 0;
	return img_fail_sys(err, "ask for its multicast groups");
}

int inet_groups_dump(struct dump *d, int fd, const struct kern_groups *all, InetSkEntry *isk, struct img_err *err)
{
	cleanup_free struct group_filter *f = NULL;

	if (isk->type == SOCK_STREAM || !all->nr)
		return 0;
	f = malloc(GROUP_FILTER_SIZE(SOURCES_MAX));
	isk->groups = img_arena_array(&d->arena, all->nr, sizeof(*isk->groups));
	if (!f || !isk->groups)
		return img_fail_nomem(err);
	for (size_t i = 0; i < all->nr; i++) {
		bool possible = isk->family == AF_INET6 || all->items[i].family == AF_INET;
		int member = possible ? ask(fd, &all->items[i], f, err) : 0;

		if (member < 0 || (member && add(d, isk, &all->items[i], f, err) < 0))
			return -1;
	}
	return 0;
}
