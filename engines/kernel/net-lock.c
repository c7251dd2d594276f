/* engines/kernel/net-lock.c -- one run of a program for all connections, whatever their number. */

#include "kernel/net-lock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/program.h"

#define ANSWER_SIZE 256
/* The kernel takes 31 characters for the name of a table; CRIU's has 26. */
#define RUN_ID_CHARS 21
#define TABLE_NAME 64

int kern_net_lock_method(const char *name, uint32_t *method, struct img_err *err)
{
	static const char *const names[] = {
		[KERN_NET_LOCK_IPTABLES] = "iptables",
		[KERN_NET_LOCK_NFTABLES] = "nftables",
		[KERN_NET_LOCK_SKIP] = "skip",
	};

	for (*method = 0; name && *method < ARRAY_SIZE(names); ++*method)
		if (!strcmp(names[*method], name))
			return 0;
	if (name)
		return img_fail(err, IMG_USAGE, "--network-lock: \"%s\" is none of iptables, nftables, skip", name);
	return 0;
}

static int address_of(const struct sockaddr_storage *sa, uint8_t addr[16], uint16_t *port)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;

	if (sa->ss_family == AF_INET) {
		memcpy(addr, &v4->sin_addr, 4);
		*port = ntohs(v4->sin_port);
		return AF_INET;
	}
	*port = ntohs(v6->sin6_port);
	if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		memcpy(addr, &v6->sin6_addr.s6_addr[12], 4);
		return AF_INET;
	}
	memcpy(addr, &v6->sin6_addr, 16);
	return AF_INET6;
}

int kern_connection_of(const struct sockaddr_storage *src, const struct sockaddr_storage *dst, struct kern_connection *c,
	struct img_err *err)
{
	*c = (struct kern_connection){ 0 };
	c->family = address_of(src, c->src, &c->sport);
	if (address_of(dst, c->dst, &c->dport) != c->family)
		return img_fail(err, IMG_UNSUPPORTED, "a connection between addresses of two families is not supported");
	return 0;
}

/* ---- text that grows ---- */

struct text {
	char *at;
	size_t len;
	FILE *f;
};

static int text_open(struct text *t, struct img_err *err)
{
	*t = (struct text){ 0 };
	t->f = open_memstream(&t->at, &t->len);
	return t->f ? 0 : img_fail_nomem(err);
}

/* Once it is whole: t->at and t->len. */
static int text_close(struct text *t, struct img_err *err)
{
	int ret = fclose(t->f);

	t->f = NULL;
	return ret ? img_fail_nomem(err) : 0;
}

static void text_free(struct text *t)
{
	if (t->f)
		fclose(t->f);
	free(t->at);
}

static int run(const char *const argv[], const struct text *input, char **output, struct img_err *err)
{
	char complaint[ANSWER_SIZE];
	int ret = kern_run_program(argv, input ? input->at : "", input ? input->len : 0, output, complaint, sizeof(complaint), err);

	if (ret > 0)
		return img_fail(err, IMG_SYS, "%s: exit status %d: %s", argv[0], ret, complaint);
	return ret;
}

/* ---- iptables ---- */

static const struct iptables {
	int family;
	const char *save, *restore;
	int bits; /* of an address */
} iptables[] = {
	{ AF_INET, "iptables-save", "iptables-restore", 32 },
	{ AF_INET6, "ip6tables-save", "ip6tables-restore", 128 },
};

/* A rule as iptables-save writes it, behind the name of the chain. */
static void rule_text(const struct iptables *ipt, const struct kern_connection *c, bool in, char *text, size_t size)
{
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];

	inet_ntop(c->family, in ? c->dst : c->src, from, sizeof(from));
	inet_ntop(c->family, in ? c->src : c->dst, to, sizeof(to));
	snprintf(text, size, "%s -s %s/%d -d %s/%d -p tcp -m mark ! --mark 0x%x -m tcp --sport %u --dport %u -j DROP",
		in ? "INPUT" : "OUTPUT", from, ipt->bits, to, ipt->bits, KERN_NET_LOCK_MARK, in ? c->dport : c->sport,
		in ? c->sport : c->dport);
}

struct lines {
	char **items;
	size_t nr, room;
};

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The rules in text, those behind "-A ", in order; they point into it, and it is cut up. */
static int rules_in(char *text, struct lines *lines, struct img_err *err)
{
	for (char *save = NULL, *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char **place;

		if (strncmp(line, "-A ", 3))
			continue;
		place = img_array_more(&lines->items, lines->nr, &lines->room);
		if (!place)
			return img_fail_nomem(err);
		*place = line + 3;
		lines->nr++;
	}
	return 0;
}

/* The rules for all of these connections. */
static int write_own(const struct iptables *ipt, const struct kern_connection *c, size_t nr, struct text *own, struct img_err *err)
{
	if (text_open(own, err) < 0)
		return -1;
	for (size_t i = 0; i < 2 * nr; i++) {
		char text[ANSWER_SIZE];

		if (c[i / 2].family != ipt->family)
			continue;
		rule_text(ipt, &c[i / 2], i % 2, text, sizeof(text));
		fprintf(own->f, "-A %s\n", text);
	}
	return text_close(own, err);
}

/* One line for every rule that is missing (lock) or there (unlock); how many. They are taken away in the order in which they stand, so
 * that each is the first of its chain: looking for it would take as long as there are others in front of it. */
static int write_changes(bool lock, struct lines *there, struct lines *own, FILE *f)
{
	const struct lines *each = lock ? own : there;
	struct lines *known = lock ? there : own;
	int written = 0;

	if (known->nr)
		qsort(known->items, known->nr, sizeof(*known->items), compare_lines);
	for (size_t i = 0; i < each->nr; i++) {
		bool found = known->nr && bsearch(&each->items[i], known->items, known->nr, sizeof(*known->items), compare_lines);

		if (found == lock)
			continue;
		fprintf(f, "%s %s\n", lock ? "-I" : "-D", each->items[i]);
		written++;
	}
	return written;
}

static int change_rules(const struct iptables *ipt, bool lock, const struct kern_connection *c, size_t nr, struct img_err *err)
{
	const char *save[] = { ipt->save, "-t", "filter", NULL };
	const char *restore[] = { ipt->restore, "-w", "--noflush", NULL };
	struct lines there = { 0 }, own = { 0 };
	struct text own_text = { 0 }, input = { 0 };
	cleanup_free char *now = NULL;
	int ret, written = 0;

	if (run(save, NULL, &now, err) < 0)
		return -1;
	ret = write_own(ipt, c, nr, &own_text, err);
	if (ret == 0 && (rules_in(now, &there, err) < 0 || rules_in(own_text.at, &own, err) < 0 || text_open(&input, err) < 0))
		ret = -1;
	if (ret == 0) {
		fputs("*filter\n", input.f);
		written = write_changes(lock, &there, &own, input.f);
		fputs("COMMIT\n", input.f);
		ret = text_close(&input, err);
	}
	if (ret == 0 && written)
		ret = run(restore, &input, NULL, err);
	text_free(&own_text);
	text_free(&input);
	free(there.items);
	free(own.items);
	return ret < 0 ? -1 : written > 0;
}

/* All of these: 1 when something was changed, 0, -1. */
static int by_iptables(bool lock, const struct kern_connection *c, size_t nr, struct img_err *err)
{
	int changed = 0;

	for (size_t k = 0; k < ARRAY_SIZE(iptables); k++) {
		bool any = false;
		int ret;

		for (size_t i = 0; i < nr && !any; i++)
			any = c[i].family == iptables[k].family;
		ret = any ? change_rules(&iptables[k], lock, c, nr, err) : 0;
		if (ret < 0)
			return -1;
		changed |= ret;
	}
	return changed;
}

/* ---- nftables ---- */

static int table_there(const char *name, struct img_err *err)
{
	const char *list[] = { "nft", "list", "table", "inet", name, NULL };
	int ret = kern_run_program(list, "", 0, NULL, NULL, 0, err);

	return ret < 0 ? -1 : ret == 0;
}

static void write_table(const char *name, FILE *f)
{
	static const char *const chains[] = { "output", "input" };

	fprintf(f, "add table inet %s\n", name);
	fprintf(f, "add set inet %s conns4 { type ipv4_addr . inet_service . ipv4_addr . inet_service; }\n", name);
	fprintf(f, "add set inet %s conns6 { type ipv6_addr . inet_service . ipv6_addr . inet_service; }\n", name);
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
		fprintf(f, "add chain inet %s %s { type filter hook %s priority 0; policy accept; }\n", name, chains[i], chains[i]);
		fprintf(f, "add rule inet %s %s meta mark 0x%x accept\n", name, chains[i], KERN_NET_LOCK_MARK);
		fprintf(f, "add rule inet %s %s ip saddr . tcp sport . ip daddr . tcp dport @conns4 drop\n", name, chains[i]);
		fprintf(f, "add rule inet %s %s ip6 saddr . tcp sport . ip6 daddr . tcp dport @conns6 drop\n", name, chains[i]);
	}
}

/* Both directions: the set serves both chains. */
static void write_elements(const char *name, const struct kern_connection *c, size_t nr, FILE *f)
{
	for (size_t i = 0; i < nr; i++) {
		char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

		inet_ntop(c[i].family, c[i].src, src, sizeof(src));
		inet_ntop(c[i].family, c[i].dst, dst, sizeof(dst));
		fprintf(f, "add element inet %s conns%d { %s . %u . %s . %u, %s . %u . %s . %u }\n", name,
			c[i].family == AF_INET ? 4 : 6, src, c[i].sport, dst, c[i].dport, dst, c[i].dport, src, c[i].sport);
	}
}

static int table_name(const char *run_id, char name[TABLE_NAME], struct img_err *err)
{
	if (!run_id)
		return img_fail(err, IMG_CORRUPT, "inventory.img: no dump_criu_run_id, which the rules are named by");
	snprintf(name, TABLE_NAME, "CRIU-%.*s", RUN_ID_CHARS, run_id);
	if (name[strspn(name, "CRIU-0123456789abcdefABCDEF")])
		return img_fail(err, IMG_CORRUPT, "inventory.img: dump_criu_run_id is no such number");
	return 0;
}

static int by_nftables(bool lock, const char *run_id, const struct kern_connection *c, size_t nr, struct img_err *err)
{
	const char *argv[] = { "nft", "-f", "-", NULL };
	char name[TABLE_NAME];
	struct text input;
	int there, ret;

	if (table_name(run_id, name, err) < 0)
		return -1;
	there = table_there(name, err);
	if (there < 0 || (!there && !lock))
		return there;
	if (text_open(&input, err) < 0)
		return -1;
	if (lock) {
		if (!there)
			write_table(name, input.f);
		write_elements(name, c, nr, input.f);
	} else {
		fprintf(input.f, "delete table inet %s\n", name);
	}
	ret = text_close(&input, err);
	if (ret == 0)
		ret = run(argv, &input, NULL, err);
	text_free(&input);
	return ret < 0 ? -1 : there != lock;
}

static int change(const struct kern_net_lock *how, bool lock, const struct kern_connection *c, size_t nr, struct img_err *err)
{
	if (!nr || how->method == KERN_NET_LOCK_SKIP)
		return 0;
	return how->method == KERN_NET_LOCK_NFTABLES ? by_nftables(lock, how->run_id, c, nr, err) : by_iptables(lock, c, nr, err);
}

int kern_net_lock(const struct kern_net_lock *how, const struct kern_connection *c, size_t nr, struct img_err *err)
{
	int ret = change(how, true, c, nr, err);

	return ret < 0 ? img_wrap(err, "lock the network") : ret;
}

int kern_net_unlock(const struct kern_net_lock *how, const struct kern_connection *c, size_t nr, struct img_err *err)
{
	return change(how, false, c, nr, err) < 0 ? img_wrap(err, "unlock the network") : 0;
}

/* ---- a whole namespace ---- */

static const char lock_text[] = "*filter\n"
				":CRIU - [0:0]\n"
				"-I INPUT -j CRIU\n"
				"-I OUTPUT -j CRIU\n"
				"-A CRIU -m mark --mark 0xc114 -j ACCEPT\n"
				"-A CRIU -j DROP\n"
				"COMMIT\n";
static const char unlock_text[] = "*filter\n"
				  ":CRIU - [0:0]\n"
				  "-D INPUT -j CRIU\n"
				  "-D OUTPUT -j CRIU\n"
				  "-X CRIU\n"
				  "COMMIT\n";

enum {
	MADE_INPUT = 1,
	MADE_OUTPUT = 2,
	MADE_TABLE = 4,
	MADE_BITS = 3, /* for each of the two families */
};

static bool no_chain(const struct iptables *ipt, const char *chain)
{
	const char *const list[] = { "nft", "list", "chain", ipt->family == AF_INET ? "ip" : "ip6", "filter", chain, NULL };
	struct img_err ignored;

	return kern_run_program(list, "", 0, NULL, NULL, 0, &ignored) > 0;
}

/* What the lock is going to make. save: what the program says of all tables; of chains it names those that are not there, too. */
static unsigned missing(const struct iptables *ipt, const char *save)
{
	if (!strstr(save, "*filter\n"))
		return MADE_TABLE;
	return (no_chain(ipt, "INPUT") ? MADE_INPUT : 0) | (no_chain(ipt, "OUTPUT") ? MADE_OUTPUT : 0);
}

/* iptables-nft lets them stay when they are empty: nft takes them away. */
static void drop_made(const struct iptables *ipt, unsigned made)
{
	const char *family = ipt->family == AF_INET ? "ip" : "ip6";
	const char *const table[] = { "nft", "delete", "table", family, "filter", NULL };
	const char *const input[] = { "nft", "delete", "chain", family, "filter", "INPUT", NULL };
	const char *const output[] = { "nft", "delete", "chain", family, "filter", "OUTPUT", NULL };
	struct img_err ignored;

	if (made & MADE_TABLE)
		kern_run_program(table, "", 0, NULL, NULL, 0, &ignored);
	if (made & MADE_INPUT)
		kern_run_program(input, "", 0, NULL, NULL, 0, &ignored);
	if (made & MADE_OUTPUT)
		kern_run_program(output, "", 0, NULL, NULL, 0, &ignored);
}

static int lock_tables(unsigned *made, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(iptables); i++) {
		const char *save[] = { iptables[i].save, NULL }; /* a table that is named is there, it says */
		const char *restore[] = { iptables[i].restore, "-w", "--noflush", NULL };
		struct text input = { .at = (char *)lock_text, .len = strlen(lock_text) };
		cleanup_free char *now = NULL;

		if (run(save, NULL, &now, err) < 0)
			return -1;
		if (strstr(now, "\n:CRIU "))
			continue;
		*made |= missing(&iptables[i], now) << (i * MADE_BITS);
		if (run(restore, &input, NULL, err) < 0)
			return -1;
	}
	return 0;
}

static int unlock_tables(unsigned made, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(iptables); i++) {
		const char *save[] = { iptables[i].save, NULL }; /* a table that is named is there, it says */
		const char *restore[] = { iptables[i].restore, "-w", "--noflush", NULL };
		struct text input = { .at = (char *)unlock_text, .len = strlen(unlock_text) };
		cleanup_free char *now = NULL;

		if (run(save, NULL, &now, err) < 0)
			return -1;
		if (strstr(now, "\n:CRIU ") && run(restore, &input, NULL, err) < 0)
			return -1;
		drop_made(&iptables[i], made >> (i * MADE_BITS));
	}
	return 0;
}

static void write_netns_table(const char *name, FILE *f)
{
	static const char *const chains[] = { "output", "input" };

	fprintf(f, "add table inet %s\n", name);
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
		fprintf(f, "add chain inet %s %s { type filter hook %s priority 0; policy drop; }\n", name, chains[i], chains[i]);
		fprintf(f, "add rule inet %s %s meta mark 0x%x accept\n", name, chains[i], KERN_NET_LOCK_MARK);
	}
}

static int netns_by_nftables(bool lock, const char *run_id, struct img_err *err)
{
	const char *argv[] = { "nft", "-f", "-", NULL };
	char name[TABLE_NAME];
	struct text input;
	int there, ret;

	if (table_name(run_id, name, err) < 0)
		return -1;
	there = table_there(name, err);
	if (there < 0 || there == lock)
		return there < 0 ? -1 : 0;
	if (text_open(&input, err) < 0)
		return -1;
	if (lock)
		write_netns_table(name, input.f);
	else
		fprintf(input.f, "delete table inet %s\n", name);
	ret = text_close(&input, err);
	if (ret == 0)
		ret = run(argv, &input, NULL, err);
	text_free(&input);
	return ret < 0 ? -1 : 1;
}

int kern_netns_lock(const struct kern_net_lock *how, unsigned *made, struct img_err *err)
{
	int ret = 0;

	*made = 0;
	if (how->method == KERN_NET_LOCK_IPTABLES)
		ret = lock_tables(made, err);
	else if (how->method == KERN_NET_LOCK_NFTABLES)
		ret = netns_by_nftables(true, how->run_id, err);
	return ret < 0 ? img_wrap(err, "lock the network namespace") : 0;
}

int kern_netns_unlock(const struct kern_net_lock *how, unsigned made, struct img_err *err)
{
	int ret = 0;

	if (how->method == KERN_NET_LOCK_IPTABLES)
		ret = unlock_tables(made, err);
	else if (how->method == KERN_NET_LOCK_NFTABLES)
		ret = netns_by_nftables(false, how->run_id, err);
	return ret < 0 ? img_wrap(err, "unlock the network namespace") : 0;
}
