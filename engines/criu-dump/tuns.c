/* criu-dump/tuns.c -- a list: a tree has few of them. Facts: drivers/net/tun.c. */

#include "criu-dump/tuns.h"

#include <string.h>
#include <sys/ioctl.h>
#include <linux/if_tun.h>

#include "criu-dump/dump.h"
#include "criuimg/array.h"

struct dump_tuns {
	struct dump_tun tun;
	struct dump_tuns *next;
};

int dump_tun_read(int fd, struct dump_tun *tun, struct img_err *err)
{
	int size, sndbuf, order;

	if (ioctl(fd, TUNGETVNETHDRSZ, &size) < 0 || ioctl(fd, TUNGETSNDBUF, &sndbuf) < 0)
		return img_fail_sys(err, "%s", tun->name);
	tun->vnethdr = (uint32_t)size;
	tun->sndbuf = (uint32_t)sndbuf;
	/* A kernel without them has the machine's order. */
	tun->vnet_le = ioctl(fd, TUNGETVNETLE, &order) == 0 && order;
	tun->vnet_be = ioctl(fd, TUNGETVNETBE, &order) == 0 && order;
	return 0;
}

int dump_tun_note(struct dump *d, const struct dump_tun *tun, struct img_err *err)
{
	struct dump_tuns *more;

	if (dump_tun_find(d, tun->ns, tun->name))
		return 0;
	more = img_arena_alloc(&d->arena, sizeof(*more));
	if (!more)
		return img_fail_nomem(err);
	*more = (struct dump_tuns){ *tun, d->tuns };
	d->tuns = more;
	return 0;
}

const struct dump_tun *dump_tun_find(const struct dump *d, uint32_t ns, const char *name)
{
	for (const struct dump_tuns *t = d->tuns; t; t = t->next)
		if (t->tun.ns == ns && !strcmp(t->tun.name, name))
			return &t->tun;
	return NULL;
}
