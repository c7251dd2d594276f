/* engines/fd/tun/tun-dump.c -- what criu-dump saves of an open /dev/net/tun: the file, and the queue of which device it is. The device is
 * saved with its network namespace (engines/ns/netdev), which is told what only such a file knows. Facts: drivers/net/tun.c. */

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>

#include "criu-dump/dump.h"
#include "criu-dump/files.h"
#include "criu-dump/ns_ops.h"
#include "criu-dump/tuns.h"
#include "criuimg/cleanup.h"
#include "kernel/getfd.h"
#include "tun.pb-c.h"

enum {
	TUN_MAJOR = 10,
	TUN_MINOR = 200,
	OWN_NS = 2, /* the number of the network namespace that we live in ourselves */
};

struct queue {
	struct ifreq req; /* TUNGETIFF; an empty name: none */
	uint32_t ns;	  /* of the file and of the device */
};

static bool tun_claims(const struct fd_probe *probe)
{
	return S_ISCHR(probe->mode) && probe->rdev == makedev(TUN_MAJOR, TUN_MINOR) && !(probe->flags & O_PATH);
}

/* The number of the namespace behind an ioctl that gives a descriptor of it; 0: nobody of the tree lives there. */
static int namespace_of(struct dump *d, int fd, unsigned long request, const char *what, uint32_t *id, struct img_err *err)
{
	cleanup_fd int ns = ioctl(fd, request);
	struct stat st;

	if (ns < 0 || fstat(ns, &st) < 0)
		return img_fail_sys(err, "%s", what);
	*id = dump_ns_number(d, CLONE_NEWNET, st.st_ino);
	return 0;
}

static bool saved(struct dump *d, uint32_t id)
{
	const struct dump_namespace *ns = id == OWN_NS ? NULL : dump_ns_by_id(d, id);

	for (size_t i = 0; i < d->opt->empty_ns.nr; i++)
		if (!strcmp(d->opt->empty_ns.items[i], "net"))
			return false;
	return ns && !ns->ext_key;
}

static int look(struct dump *d, int fd, struct queue *q, struct img_err *err)
{
	uint32_t device;

	*q = (struct queue){ 0 };
	if (namespace_of(d, fd, SIOCGSKNS, "its network namespace", &q->ns, err) < 0)
		return -1;
	if (!q->ns)
		return img_fail(err, IMG_UNSUPPORTED, "a tun file of a network namespace that nobody of the tree lives in is not supported");
	if (ioctl(fd, TUNGETIFF, &q->req) < 0) {
		q->req.ifr_name[0] = '\0';
		return errno == EBADFD ? 0 : img_fail_sys(err, "TUNGETIFF");
	}
	if (namespace_of(d, fd, TUNGETDEVNETNS, "the network namespace of its device", &device, err) < 0)
		return -1;
	if (device != q->ns)
		return img_fail(err, IMG_UNSUPPORTED, "tun device %s has been moved to another network namespace: not supported",
			q->req.ifr_name);
	if (!(q->req.ifr_flags & IFF_NOFILTER))
		return img_fail(err, IMG_UNSUPPORTED, "tun device %s has a filter attached: not supported", q->req.ifr_name);
	if (!saved(d, device) && !(q->req.ifr_flags & IFF_PERSIST))
		return img_fail(err, IMG_UNSUPPORTED,
			"tun device %s is not persistent, and its network namespace is not saved: it would be gone", q->req.ifr_name);
	return 0;
}

static int tun_check(struct dump *d, struct dump_task *t, const struct fd_probe *probe, struct img_err *err)
{
	cleanup_fd int fd = -1;
	struct dump_tun tun = { 0 };
	struct queue q;

	if (dump_named_file_check(d, t, probe, err) < 0)
		return -1;
	if (probe->fd < 0)
		return 0; /* on its way in a socket: looked at when it is saved */
	fd = kern_getfd(t->pidfd, probe->fd, err);
	if (fd < 0 || look(d, fd, &q, err) < 0)
		return -1;
	if (!q.req.ifr_name[0])
		return 0;
	tun.ns = q.ns;
	memcpy(tun.name, q.req.ifr_name, sizeof(tun.name));
	return dump_tun_read(fd, &tun, err) < 0 ? -1 : dump_tun_note(d, &tun, err);
}

static int tun_dump(struct dump *d, const struct fd_target *t, struct img_err *err)
{
	TunfileEntry tun = TUNFILE_ENTRY__INIT;
	FileEntry rec = FILE_ENTRY__INIT;
	struct queue q;

	/* How it is opened: a record of the same number. */
	if (look(d, t->lfd, &q, err) < 0 || dump_named_file(d, t, err) < 0)
		return -1;
	tun.id = t->id;
	tun.has_ns_id = 1;
	tun.ns_id = q.ns;
	if (q.req.ifr_name[0]) {
		tun.netdev = q.req.ifr_name;
		tun.has_detached = tun.detached = (q.req.ifr_flags & IFF_DETACH_QUEUE) != 0;
		tun.has_flags = 1;
		tun.flags = (uint16_t)q.req.ifr_flags & ~(uint32_t)(IFF_DETACH_QUEUE | IFF_NOFILTER | IFF_PERSIST);
	}
	rec.type = FD_TYPES__TUNF;
	rec.id = t->id;
	rec.tunf = &tun;
	log_info(d->log, "tun file %#x: device %s%s", t->id, tun.netdev ? tun.netdev : "none", tun.detached ? ", queue detached" : "");
	return dump_write_file(d, &rec, err);
}

const struct fd_dump_ops tun_dump_ops = {
	.name = "tun",
	.type = FD_TYPES__TUNF,
	.any_fdinfo = true, /* "iff": the device, which TUNGETIFF says as well */
	.claims = tun_claims,
	.check = tun_check,
	.dump = tun_dump,
};
