/* engines/ns/netfilter/netfilter-dump.c -- what criu-dump saves of a network namespace's packet filters: what iptables-save, ip6tables-save
 * and `nft list ruleset` say. The legacy tables are asked only where there are any. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "criu-dump/ns_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "kernel/proc-file.h"
#include "kernel/run.h"

extern const struct ns_dump_ops netfilter_dump_ops;

static const struct filter {
	enum img_kind kind;
	const char *argv[2][4]; /* the second: where there is no first */
	const char *tables;	/* a file that is empty when there is nothing to ask for */
} filters[] = {
	{ IMG_IPTABLES, { { "iptables-legacy-save" }, { "iptables-save" } }, "/proc/self/net/ip_tables_names" },
	{ IMG_IP6TABLES, { { "ip6tables-legacy-save" }, { "ip6tables-save" } }, "/proc/self/net/ip6_tables_names" },
	{ IMG_NFTABLES, { { "nft", "list", "ruleset" }, { NULL } }, NULL },
};

static bool nothing_there(const struct filter *f)
{
	struct img_err ignored = IMG_ERR_INIT;
	cleanup_free char *text = f->tables ? kern_proc_read(NULL, &ignored, "%s", f->tables) : NULL;

	return f->tables && (!text || !*text);
}

static int ask(struct dump *d, const struct filter *f, int out, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(f->argv) && f->argv[i][0]; i++) {
		struct img_err why = IMG_ERR_INIT;

		if (kern_run(f->argv[i], -1, out, &why) == 0)
			return 0;
		if (why.sys_errno != ENOENT) {
			*err = why;
			return -1;
		}
	}
	if (f->tables)
		return img_fail(err, IMG_UNSUPPORTED, "there are tables of %s, and no such program", f->argv[1][0]);
	log_warn(d->log, "%s is not installed: rules of nftables, if there are any, are not saved", f->argv[0][0]);
	return 0;
}

static int copy(int fd, struct img_sink *sink, struct img_err *err)
{
	char buf[8192];
	ssize_t got;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return img_fail_sys(err, "seek");
	while ((got = read(fd, buf, sizeof(buf))) > 0)
		if (img_sink_write(sink, buf, (size_t)got, err) < 0)
			return -1;
	return got < 0 ? img_fail_sys(err, "read") : 0;
}

/* What the programs said. Descriptors of files in memory, for the rest of the run; -1: not asked yet. */
struct dump_ns_texts {
	int fds[ARRAY_SIZE(filters)];
};

static int read_one(struct dump *d, const struct filter *f, int *out, struct img_err *err)
{
	cleanup_fd int fd = memfd_create("filter", MFD_CLOEXEC);

	if (fd < 0)
		return img_fail_sys(err, "memfd_create");
	if (!nothing_there(f) && ask(d, f, fd, err) < 0)
		return -1;
	*out = steal_fd(&fd);
	return 0;
}

/* The lock is no part of the images, and would hardly be told from rules of the tree. */
static int netfilter_unlocked(struct dump *d, struct dump_namespace *ns, struct img_err *err)
{
	struct dump_ns_texts *texts = img_arena_alloc(&d->arena, sizeof(*texts));

	if (!texts)
		return img_fail_nomem(err);
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++)
		if (read_one(d, &filters[i], &texts->fds[i], err) < 0)
			return -1;
	ns->texts = texts;
	return 0;
}

static int write_one(struct dump *d, const struct dump_namespace *ns, const struct filter *f, int fd, struct img_err *err)
{
	char name[IMG_NAME_MAX];
	struct img_sink *sink = img_set_sink(d->set, img_kind_file_name(f->kind, ns->id, name), err);

	if (!sink)
		return -1;
	if (copy(fd, sink, err) < 0) {
		img_sink_abort(sink);
		return img_wrap(err, "%s", name);
	}
	return img_sink_finish(sink, err);
}

static int netfilter_dump(struct dump *d, const struct dump_namespace *ns, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		cleanup_fd int fd = -1;

		if (ns->texts)
			fd = steal_fd(&ns->texts->fds[i]);
		else if (read_one(d, &filters[i], &fd, err) < 0)
			return -1;
		if (write_one(d, ns, &filters[i], fd, err) < 0)
			return -1;
	}
	return 0;
}

const struct ns_dump_ops netfilter_dump_ops = {
	.name = "netfilter",
	.flag = CLONE_NEWNET,
	.inside = true,
	.unlocked = netfilter_unlocked,
	.dump = netfilter_dump,
};
