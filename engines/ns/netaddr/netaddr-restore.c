/* engines/ns/netaddr/netaddr-restore.c -- how criu-restore gives a network namespace its addresses, routes and rules: the messages of the
 * images are the requests that make them. */

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/fib_rules.h>
#include <linux/neighbour.h>

#include "criu-restore/ns_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "kernel/rtnl-msg.h"
#include "kernel/rtnl.h"

extern const struct ns_restore_ops netaddr_restore_ops;

enum {
	IFADDR_MAGIC = 0x47361222,
	ROUTE_MAGIC = 0x45311224,
	RULE_MAGIC = 0x71706986,
	NEIGH_MAGIC = 0x4e454947,
	IMAGE_MAX = 64 << 20,
};

struct messages {
	char *data;
	size_t len; /* 0: there is no image */
};

static int apply_addresses(struct restore *r, int fd, const struct messages *m, struct img_err *err);
static int apply_routes(struct restore *r, int fd, const struct messages *m, struct img_err *err);
static int apply_rules(struct restore *r, int fd, const struct messages *m, struct img_err *err);
static int apply_neighbours(struct restore *r, int fd, const struct messages *m, struct img_err *err);

static const struct list {
	enum img_kind kind;
	uint32_t magic;
	int type; /* of all its messages */
	int (*apply)(struct restore *r, int fd, const struct messages *m, struct img_err *err);
} lists[] = {
	{ IMG_IFADDR, IFADDR_MAGIC, RTM_NEWADDR, apply_addresses },
	{ IMG_ROUTE, ROUTE_MAGIC, RTM_NEWROUTE, apply_routes },
	{ IMG_ROUTE6, ROUTE_MAGIC, RTM_NEWROUTE, apply_routes },
	{ IMG_RULE, RULE_MAGIC, RTM_NEWRULE, apply_rules },
	{ IMG_NEIGH, NEIGH_MAGIC, RTM_NEWNEIGH, apply_neighbours },
};

/* ---- reading ---- */

static int check(const struct list *l, const char *name, const struct messages *m, struct img_err *err)
{
	size_t at = 0;

	for (const struct nlmsghdr *msg; (msg = kern_rtnl_next(m->data, m->len, &at));)
		if (msg->nlmsg_type != l->type || msg->nlmsg_len < NLMSG_LENGTH(sizeof(struct ifaddrmsg)) ||
			(l->type == RTM_NEWROUTE && msg->nlmsg_len < NLMSG_LENGTH(sizeof(struct rtmsg))))
			return img_fail(err, IMG_CORRUPT, "%s: a message of type %u", name, msg->nlmsg_type);
	return at == m->len ? 0 : img_fail(err, IMG_CORRUPT, "%s: ends in the middle of a message", name);
}

static int read_messages(struct restore *r, const struct list *l, uint32_t id, struct messages *m, struct img_err *err)
{
	char name[IMG_NAME_MAX];
	struct img_source *src;
	uint32_t magic;
	int64_t size;
	int ret = img_set_source(r->set, img_kind_file_name(l->kind, id, name), &src, err);

	*m = (struct messages){ 0 };
	if (ret <= 0)
		return ret;
	size = img_source_size(src);
	if (size < (int64_t)sizeof(magic) || size > IMAGE_MAX) {
		ret = img_fail(err, IMG_CORRUPT, "%s: %lld bytes", name, (long long)size);
	} else if (!(m->data = malloc((size_t)size))) {
		ret = img_fail_nomem(err);
	} else {
		m->len = (size_t)size - sizeof(magic);
		ret = img_source_read_full(src, &magic, sizeof(magic), err);
		if (ret > 0 && m->len)
			ret = img_source_read_full(src, m->data, m->len, err);
		if (ret >= 0 && magic != l->magic)
			ret = img_fail(err, IMG_CORRUPT, "%s: begins with %#x", name, magic);
	}
	img_source_close(src);
	return ret < 0 ? -1 : check(l, name, m, err);
}

static int netaddr_plan(struct restore *r, uint32_t id, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct messages m;
		int ret = read_messages(r, &lists[i], id, &m, err);

		free(m.data);
		if (ret < 0)
			return -1;
	}
	return 0;
}

/* ---- applying ---- */

/* What is there already (an address that came with the device) is no failure. */
static int apply(struct restore *r, int fd, const struct nlmsghdr *msg, int type, int flags, struct img_err *err)
{
	cleanup_free struct nlmsghdr *copy = malloc(msg->nlmsg_len);
	struct img_err why = IMG_ERR_INIT;

	if (!copy)
		return img_fail_nomem(err);
	memcpy(copy, msg, msg->nlmsg_len);
	copy->nlmsg_type = (uint16_t)type;
	copy->nlmsg_flags = (uint16_t)flags;
	if (kern_rtnl_request(fd, copy, &why) == 0 || why.sys_errno == EEXIST)
		return 0;
	*err = why;
	return -1;
}

/* An address that was good is so at once: nobody is asked whether he has it, which would take a second. Told not to, the kernel takes it as
 * it is; then it forgets that it was told. */
static int apply_good(struct restore *r, int fd, const struct nlmsghdr *msg, struct img_err *err)
{
	const struct ifaddrmsg *head = NLMSG_DATA(msg);
	const struct rtattr *at[IFA_MAX + 1];
	struct nlmsghdr *copy = malloc(msg->nlmsg_len);
	struct rtattr *flags;
	int ret;

	if (!copy)
		return img_fail_nomem(err);
	memcpy(copy, msg, msg->nlmsg_len);
	head = NLMSG_DATA(copy);
	kern_attrs(IFA_RTA(head), IFA_PAYLOAD(copy), at, ARRAY_SIZE(at), NULL);
	flags = (struct rtattr *)(uintptr_t)at[IFA_FLAGS];
	*(uint32_t *)RTA_DATA(flags) |= IFA_F_NODAD;
	ret = apply(r, fd, copy, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, err);
	free(copy);
	return ret == 0 ? apply(r, fd, msg, RTM_NEWADDR, NLM_F_REPLACE, err) : -1;
}

static bool is_good(const struct nlmsghdr *msg)
{
	const struct ifaddrmsg *head = NLMSG_DATA(msg);
	const struct rtattr *at[IFA_MAX + 1];
	uint32_t flags;

	if (head->ifa_family != AF_INET6 || !kern_attrs(IFA_RTA(head), IFA_PAYLOAD(msg), at, ARRAY_SIZE(at), NULL) || !at[IFA_FLAGS])
		return false;
	flags = kern_attr_u32(at[IFA_FLAGS]);
	return !(flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_NODAD | IFA_F_OPTIMISTIC)) && flags & IFA_F_PERMANENT &&
	       head->ifa_prefixlen < 128;
}

static int apply_addresses(struct restore *r, int fd, const struct messages *m, struct img_err *err)
{
	size_t at = 0;

	for (const struct nlmsghdr *msg; (msg = kern_rtnl_next(m->data, m->len, &at));)
		if ((is_good(msg) ? apply_good(r, fd, msg, err) : apply(r, fd, msg, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, err)) < 0)
			return -1;
	return 0;
}

/* A route by way of a gateway needs the route to the gateway: again and again as long as one more succeeds. */
static int apply_routes(struct restore *r, int fd, const struct messages *m, struct img_err *err)
{
	size_t before = SIZE_MAX, failed = SIZE_MAX - 1;

	while (failed && failed < before) {
		struct img_err first = IMG_ERR_INIT;
		size_t at = 0;

		before = failed;
		failed = 0;
		for (const struct nlmsghdr *msg; (msg = kern_rtnl_next(m->data, m->len, &at));) {
			struct img_err why = IMG_ERR_INIT;

			if (apply(r, fd, msg, RTM_NEWROUTE, NLM_F_CREATE, &why) < 0 && !failed++)
				first = why;
		}
		if (failed)
			*err = first;
	}
	if (failed)
		return img_wrap(err, "%zu routes", failed);
	return 0;
}

struct families {
	int fd;
	struct restore *r;
	struct nlmsghdr **rules;
	size_t nr, room;
};

static int keep(void *arg, const struct nlmsghdr *msg, struct img_err *err)
{
	struct families *f = arg;
	struct nlmsghdr **at = img_array_more(&f->rules, f->nr, &f->room);

	if (!at || !(*at = malloc(msg->nlmsg_len)))
		return img_fail_nomem(err);
	memcpy(*at, msg, msg->nlmsg_len);
	f->nr++;
	return 0;
}

/* Those that a new namespace has: the image says which there are. */
static int drop_rules(struct restore *r, int fd, int family, struct img_err *err)
{
	struct families f = { .fd = fd, .r = r };
	int ret = kern_rtnl_dump(fd, RTM_GETRULE, family, 0, keep, &f, err);

	for (size_t i = 0; i < f.nr; i++) {
		if (ret == 0)
			ret = apply(r, fd, f.rules[i], RTM_DELRULE, 0, err);
		free(f.rules[i]);
	}
	free(f.rules);
	return ret;
}

static int apply_rules(struct restore *r, int fd, const struct messages *m, struct img_err *err)
{
	static const int families[] = { AF_INET, AF_INET6 };
	size_t at;

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		bool dropped = false;

		at = 0;
		for (const struct nlmsghdr *msg; (msg = kern_rtnl_next(m->data, m->len, &at));) {
			const struct rtgenmsg *gen = NLMSG_DATA(msg);

			if (gen->rtgen_family != families[i])
				continue;
			if (!dropped && drop_rules(r, fd, families[i], err) < 0)
				return -1;
			dropped = true;
			if (apply(r, fd, msg, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, err) < 0)
				return -1;
		}
	}
	return 0;
}

/* Several destinations of one address stand side by side (vxlan). */
static int apply_neighbours(struct restore *r, int fd, const struct messages *m, struct img_err *err)
{
	size_t at = 0;

	for (const struct nlmsghdr *msg; (msg = kern_rtnl_next(m->data, m->len, &at));) {
		const struct ndmsg *n = NLMSG_DATA(msg);
		bool fdb = n->ndm_family == AF_BRIDGE && n->ndm_flags & NTF_SELF;

		if (apply(r, fd, msg, RTM_NEWNEIGH, NLM_F_CREATE | (fdb ? NLM_F_APPEND : NLM_F_REPLACE), err) < 0)
			return -1;
	}
	return 0;
}

static int netaddr_make(struct restore *r, uint32_t id, struct img_err *err)
{
	cleanup_fd int fd = kern_rtnl_open(err);

	if (fd < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		char name[IMG_NAME_MAX];
		struct messages m;
		int ret = read_messages(r, &lists[i], id, &m, err);

		if (ret == 0 && m.len)
			ret = lists[i].apply(r, fd, &m, err);
		free(m.data);
		if (ret < 0)
			return img_wrap(err, "%s", img_kind_file_name(lists[i].kind, id, name));
	}
	return 0;
}

const struct ns_restore_ops netaddr_restore_ops = {
	.name = "netaddr",
	.flag = CLONE_NEWNET,
	.plan = netaddr_plan,
	.make = netaddr_make,
};
