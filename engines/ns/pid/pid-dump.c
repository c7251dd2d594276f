/* engines/ns/pid/pid-dump.c -- what criu-dump saves of a pid namespace: nothing but, where it stays outside of the images
 * (--external pid[INODE]:KEY), the name that restore is told it by. Its pids are all over the other images. */

#include <sched.h>

#include "criu-dump/ns_ops.h"
#include "criuimg/image.h"
#include "pidns.pb-c.h"

extern const struct ns_dump_ops pid_dump_ops;

static int pid_dump(struct dump *d, const struct dump_namespace *ns, struct img_err *err)
{
	PidnsEntry e = PIDNS_ENTRY__INIT;

	if (!ns->ext_key)
		return 0;
	e.ext_key = (char *)ns->ext_key;
	return img_write_single(d->set, IMG_PIDNS, ns->id, &e.base, err);
}

const struct ns_dump_ops pid_dump_ops = {
	.name = "pid",
	.flag = CLONE_NEWPID,
	.external = true,
	.dump = pid_dump,
};
