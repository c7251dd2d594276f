/* engines/ns/netfilter/netfilter-restore.c -- how criu-restore gives a network namespace its packet filters: what the programs said is fed to
 * their counterparts.
 *
 * While CRIU dumps, connections are locked by rules of its own in a chain called CRIU, and its nftables image has them: they are
 * left out.
 */

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "criu-restore/ns_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "kernel/run.h"

extern const struct ns_restore_ops netfilter_restore_ops;

enum {
	IMAGE_MAX = 256 << 20,
};

static const struct filter {
	enum img_kind kind;
	const char *argv[2][4]; /* the second: where there is no first */
} filters[] = {
	{ IMG_IPTABLES, { { "iptables-legacy-restore" }, { "iptables-restore" } } },
	{ IMG_IP6TABLES, { { "ip6tables-legacy-restore" }, { "ip6tables-restore" } } },
	{ IMG_NFTABLES, { { "nft", "-f", "-" }, { NULL } } },
};

/* The text of an image; NULL with *size 0 when there is none or it is empty. */
static int read_text(struct restore *r, const struct filter *f, uint32_t id, char **text, size_t *size, struct img_err *err)
{
	char name[IMG_NAME_MAX];
	struct img_source *src;
	int64_t len;
	int ret = img_set_source(r->set, img_kind_file_name(f->kind, id, name), &src, err);

	*text = NULL;
	*size = 0;
	if (ret <= 0)
		return ret;
	len = img_source_size(src);
	if (len < 0 || len > IMAGE_MAX)
		ret = img_fail(err, IMG_CORRUPT, "%s: %lld bytes", name, (long long)len);
	else if (!(*text = malloc((size_t)len + 1)))
		ret = img_fail_nomem(err);
	else if (len)
		ret = img_source_read_full(src, *text, (size_t)len, err);
	img_source_close(src);
	if (ret < 0)
		return -1;
	*size = (size_t)len;
	(*text)[len] = '\0';
	return 0;
}

/* Where something that is the lock begins in `nft list ruleset`, and the line that ends it. */
static const struct {
	const char *begin, *end;
} locks[] = {
	{ "\tchain CRIU {", "\t}" },
	{ "table inet CRIU-", "}" },
};

/* Those lines, and the jumps to the chain. Written over in place. */
static void drop_lock(char *text)
{
	char *out = text, *line = text;
	const char *until = NULL; /* inside one: what ends it */

	while (*line) {
		size_t len = strcspn(line, "\n") + 1;
		bool drop;

		if (!line[len - 1])
			len--;
		for (size_t i = 0; !until && i < ARRAY_SIZE(locks); i++)
			if (!strncmp(line, locks[i].begin, strlen(locks[i].begin)))
				until = locks[i].end;
		drop = until || (len >= 10 && memmem(line, len, "jump CRIU\n", 10));
		if (until && !strncmp(line, until, strlen(until)))
			until = NULL;
		if (!drop) {
			memmove(out, line, len);
			out += len;
		}
		line += len;
	}
	*out = '\0';
}

static int feed(const struct filter *f, const char *text, struct img_err *err)
{
	cleanup_fd int fd = memfd_create("filter", MFD_CLOEXEC);
	size_t len = strlen(text);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		return img_fail_sys(err, "memfd");
	for (size_t i = 0; i < ARRAY_SIZE(f->argv) && f->argv[i][0]; i++) {
		struct img_err why = IMG_ERR_INIT;

		if (lseek(fd, 0, SEEK_SET) < 0)
			return img_fail_sys(err, "seek");
		if (kern_run(f->argv[i], fd, -1, &why) == 0)
			return 0;
		if (why.sys_errno != ENOENT) {
			*err = why;
			return -1;
		}
	}
	return img_fail(err, IMG_UNSUPPORTED, "there are packet filters, and the program %s is not installed", f->argv[0][0]);
}

static int netfilter_make(struct restore *r, uint32_t id, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		cleanup_free char *text = NULL;
		size_t size;

		if (read_text(r, &filters[i], id, &text, &size, err) < 0)
			return -1;
		if (size && filters[i].kind == IMG_NFTABLES)
			drop_lock(text);
		if (size && *text && feed(&filters[i], text, err) < 0)
			return -1;
	}
	return 0;
}

const struct ns_restore_ops netfilter_restore_ops = {
	.name = "netfilter",
	.flag = CLONE_NEWNET,
	.make = netfilter_make,
};
