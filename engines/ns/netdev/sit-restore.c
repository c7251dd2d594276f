/* engines/ns/netdev/sit-restore.c -- a tunnel for IPv6 in IPv4, from the record of classic images. */

#include <string.h>
#include <linux/if_tunnel.h>

#include "criu-restore/net-own.h"
#include "criuimg/array.h"

void net_sit_put(struct kern_msg *m, const SitEntry *e)
{
	const struct {
		int attr;
		size_t size;
		bool has;
		uint32_t value;
	} numbers[] = {
		{ IFLA_IPTUN_LINK, 4, e->has_link, e->link },
		{ IFLA_IPTUN_TTL, 1, e->has_ttl, e->ttl },
		{ IFLA_IPTUN_TOS, 1, e->has_tos, e->tos },
		{ IFLA_IPTUN_PMTUDISC, 1, e->has_pmtudisc, (uint32_t)e->pmtudisc },
		{ IFLA_IPTUN_PROTO, 1, e->has_proto, e->proto },
		{ IFLA_IPTUN_FLAGS, 2, e->has_flags, e->flags },
		{ IFLA_IPTUN_ENCAP_TYPE, 2, e->has_encap_type, e->encap_type },
		{ IFLA_IPTUN_ENCAP_FLAGS, 2, e->has_encap_flags, e->encap_flags },
		{ IFLA_IPTUN_ENCAP_SPORT, 2, e->has_encap_sport, e->encap_sport },
		{ IFLA_IPTUN_ENCAP_DPORT, 2, e->has_encap_dport, e->encap_dport },
		{ IFLA_IPTUN_6RD_PREFIXLEN, 2, e->has_rd_prefixlen, e->rd_prefixlen },
		{ IFLA_IPTUN_6RD_RELAY_PREFIXLEN, 2, e->has_relay_prefixlen, e->relay_prefixlen },
	};
	const struct {
		int attr;
		const uint32_t *words;
		size_t nr, size;
	} addresses[] = {
		{ IFLA_IPTUN_LOCAL, e->local, e->n_local, 4 },
		{ IFLA_IPTUN_REMOTE, e->remote, e->n_remote, 4 },
		{ IFLA_IPTUN_6RD_PREFIX, e->rd_prefix, e->n_rd_prefix, 16 },
		{ IFLA_IPTUN_6RD_RELAY_PREFIX, e->relay_prefix, e->n_relay_prefix, 4 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (numbers[i].has)
			kern_msg_put(m, numbers[i].attr, &numbers[i].value, numbers[i].size); /* little endian */
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++)
		if (addresses[i].nr == addresses[i].size / sizeof(uint32_t))
			kern_msg_put(m, addresses[i].attr, addresses[i].words, addresses[i].size);
}
