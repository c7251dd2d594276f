/* engines/ns/netdev/sit-dump.c -- a tunnel for IPv6 in IPv4, as the classic images have it: what is zero is left out. */

#include <stddef.h>
#include <string.h>
#include <linux/if_tunnel.h>

#include "criu-dump/net-own.h"
#include "criuimg/array.h"
#include "kernel/rtnl-msg.h"

#define NUMBER(attr, size, field) { attr, size, offsetof(SitEntry, field), offsetof(SitEntry, has_##field), 0 }
#define WORDS(attr, size, field)  { attr, size, offsetof(SitEntry, field), 0, offsetof(SitEntry, n_##field) }
/* net/ipv6/sit.c, ipip6_fill_info() */
static const struct {
	int attr;
	size_t size, at, has, count;
} fields[] = {
	NUMBER(IFLA_IPTUN_LINK, 4, link),
	WORDS(IFLA_IPTUN_LOCAL, 4, local),
	WORDS(IFLA_IPTUN_REMOTE, 4, remote),
	NUMBER(IFLA_IPTUN_TTL, 1, ttl),
	NUMBER(IFLA_IPTUN_TOS, 1, tos),
	NUMBER(IFLA_IPTUN_PROTO, 1, proto),
	NUMBER(IFLA_IPTUN_FLAGS, 2, flags),
	NUMBER(IFLA_IPTUN_ENCAP_TYPE, 2, encap_type),
	NUMBER(IFLA_IPTUN_ENCAP_FLAGS, 2, encap_flags),
	NUMBER(IFLA_IPTUN_ENCAP_SPORT, 2, encap_sport),
	NUMBER(IFLA_IPTUN_ENCAP_DPORT, 2, encap_dport),
	NUMBER(IFLA_IPTUN_6RD_PREFIXLEN, 2, rd_prefixlen),
	WORDS(IFLA_IPTUN_6RD_PREFIX, 16, rd_prefix),
	NUMBER(IFLA_IPTUN_6RD_RELAY_PREFIXLEN, 2, relay_prefixlen),
	WORDS(IFLA_IPTUN_6RD_RELAY_PREFIX, 4, relay_prefix),
};

SitEntry *net_sit_record(struct img_arena *arena, const struct rtattr *const *data)
{
	static const char zeros[16];
	SitEntry *e = img_arena_message(arena, SitEntry, sit_entry);
	const struct rtattr *pmtu = data[IFLA_IPTUN_PMTUDISC];

	for (size_t i = 0; e && i < ARRAY_SIZE(fields); i++) {
		const struct rtattr *a = data[fields[i].attr];
		char *at = (char *)e + fields[i].at;
		uint32_t number = 0;

		if (!a || RTA_PAYLOAD(a) < fields[i].size || !memcmp(RTA_DATA(a), zeros, fields[i].size))
			continue;
		if (fields[i].count) {
			uint32_t *words = img_arena_memdup(arena, RTA_DATA(a), fields[i].size);

			if (!words)
				return NULL;
			*(uint32_t **)(void *)at = words;
			*(size_t *)(void *)((char *)e + fields[i].count) = fields[i].size / sizeof(*words);
			continue;
		}
		memcpy(&number, RTA_DATA(a), fields[i].size);
		*(uint32_t *)(void *)at = number;
		*(protobuf_c_boolean *)((char *)e + fields[i].has) = 1;
	}
	if (e && pmtu && RTA_PAYLOAD(pmtu)) {
		e->has_pmtudisc = 1;
		e->pmtudisc = *(const uint8_t *)RTA_DATA(pmtu) != 0;
	}
	return e;
}
