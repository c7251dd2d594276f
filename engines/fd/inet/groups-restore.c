/* engines/fd/inet/groups-restore.c -- memberships in multicast groups: RFC 3678. */

#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "criu-restore/inet-own.h"
#include "criuimg/cleanup.h"

enum {
	SOURCES_MAX = 1024,
};

static bool is_address(const ProtobufCBinaryData *b)
{
	return b->len == sizeof(struct in_addr) || b->len == sizeof(struct in6_addr);
}

int inet_groups_check(const InetSkEntry *isk, struct img_err *err)
{
	for (size_t i = 0; i < isk->n_groups; i++) {
		const InetGroupEntry *g = isk->groups[i];

		if (!is_address(&g->group) || g->n_sources > SOURCES_MAX || strlen(g->ifname) >= IF_NAMESIZE)
			return img_fail(err, IMG_CORRUPT, "is in a group of %zu bytes, with %zu sources", g->group.len, g->n_sources);
		for (size_t k = 0; k < g->n_sources; k++)
			if (g->sources[k].len != g->group.len)
				return img_fail(err, IMG_CORRUPT, "is in a group with a source of %zu bytes", g->sources[k].len);
	}
	return 0;
}

static void put(const ProtobufCBinaryData *b, struct sockaddr_storage *sa)
{
	bool v4 = b->len == sizeof(struct in_addr);

	*sa = (struct sockaddr_storage){ .ss_family = v4 ? AF_INET : AF_INET6 };
	memcpy(v4 ? (void *)&((struct sockaddr_in *)sa)->sin_addr : (void *)&((struct sockaddr_in6 *)sa)->sin6_addr, b->data, b->len);
}

static int join(int fd, const InetGroupEntry *g, struct img_err *err)
{
	int level = g->group.len == sizeof(struct in_addr) ? IPPROTO_IP : IPPROTO_IPV6;
	struct group_req req = { .gr_interface = if_nametoindex(g->ifname) };
	cleanup_free struct group_filter *f = NULL;

	if (!req.gr_interface)
		return img_fail_sys(err, "the device '%s'", g->ifname);
	put(&g->group, &req.gr_group);
	if (setsockopt(fd, level, MCAST_JOIN_GROUP, &req, sizeof(req)) < 0)
		return img_fail_sys(err, "MCAST_JOIN_GROUP");
	if (g->mode == MCAST_EXCLUDE && !g->n_sources)
		return 0;
	f = calloc(1, GROUP_FILTER_SIZE(g->n_sources));
	if (!f)
		return img_fail_nomem(err);
	f->gf_interface = req.gr_interface;
	f->gf_group = req.gr_group;
	f->gf_fmode = g->mode;
	f->gf_numsrc = (uint32_t)g->n_sources;
	for (size_t i = 0; i < g->n_sources; i++)
		put(&g->sources[i], &f->gf_slist[i]);
	if (setsockopt(fd, level, MCAST_MSFILTER, f, (socklen_t)GROUP_FILTER_SIZE(g->n_sources)) < 0)
		return img_fail_sys(err, "MCAST_MSFILTER of %zu sources", g->n_sources);
	return 0;
}

int inet_groups_join(int fd, const InetSkEntry *isk, struct img_err *err)
{
	for (size_t i = 0; i < isk->n_groups; i++)
		if (join(fd, isk->groups[i], err) < 0)
			return img_wrap(err, "a multicast group, device '%s'", isk->groups[i]->ifname);
	return 0;
}
