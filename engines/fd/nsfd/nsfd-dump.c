/* engines/fd/nsfd/nsfd-dump.c -- what criu-dump saves of an open file of /proc/PID/ns: which namespace it is. One that nobody of the tree
 * lives in, and we do not either, cannot be made again. */

#include <fcntl.h>
#include <sched.h>
#include <string.h>

#include "criu-dump/dump.h"
#include "criu-dump/files.h"
#include "criu-dump/ns_ops.h"
#include "criuimg/array.h"
#include "ns.pb-c.h"

/* fs/nsfs.c: what the link says. */
static const struct {
	const char *prefix;
	int flag;
} kinds[] = {
	{ "net:[", CLONE_NEWNET },   { "mnt:[", CLONE_NEWNS },	     { "pid:[", CLONE_NEWPID },
	{ "user:[", CLONE_NEWUSER }, { "uts:[", CLONE_NEWUTS },	     { "ipc:[", CLONE_NEWIPC },
	{ "time:[", CLONE_NEWTIME }, { "cgroup:[", CLONE_NEWCGROUP },
};

static int kind_of(const struct fd_probe *probe)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strncmp(probe->link, kinds[i].prefix, strlen(kinds[i].prefix)))
			return kinds[i].flag;
	return 0;
}

static bool nsfd_claims(const struct fd_probe *probe)
{
	return kind_of(probe) != 0;
}

static int nsfd_check(struct dump *d, struct dump_task *t, const struct fd_probe *probe, struct img_err *err)
{
	if (dump_ns_number(d, kind_of(probe), probe->ino))
		return 0;
	return img_fail(err, IMG_UNSUPPORTED, "a descriptor of namespace %s, which nobody of the tree lives in, is not supported",
		probe->link);
}

static int nsfd_dump(struct dump *d, const struct fd_target *t, struct img_err *err)
{
	NsFileEntry ns = NS_FILE_ENTRY__INIT;
	FileEntry rec = FILE_ENTRY__INIT;

	ns.id = t->id;
	ns.ns_cflag = (uint32_t)kind_of(t->probe);
	ns.ns_id = dump_ns_number(d, kind_of(t->probe), t->probe->ino);
	ns.flags = t->probe->flags;
	rec.type = FD_TYPES__NS;
	rec.id = t->id;
	rec.nsf = &ns;
	return dump_write_file(d, &rec, err);
}

const struct fd_dump_ops nsfd_dump_ops = {
	.name = "nsfd",
	.type = FD_TYPES__NS,
	.claims = nsfd_claims,
	.check = nsfd_check,
	.dump = nsfd_dump,
};
