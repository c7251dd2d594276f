/* engines/ns/uts/uts-dump.c -- what criu-dump saves of a UTS namespace: the names of the host and of its NIS domain. */

#include <sched.h>
#include <sys/utsname.h>

#include "criu-dump/ns_ops.h"
#include "criuimg/image.h"
#include "utsns.pb-c.h"

extern const struct ns_dump_ops uts_dump_ops;

static int uts_dump(struct dump *d, const struct dump_namespace *ns, struct img_err *err)
{
	UtsnsEntry e = UTSNS_ENTRY__INIT;
	struct utsname uts;

	if (uname(&uts) < 0)
		return img_fail_sys(err, "uname");
	e.nodename = uts.nodename;
	e.domainname = uts.domainname;
	log_info(d->log, "uts namespace %u: '%s', domain '%s'", ns->id, uts.nodename, uts.domainname);
	return img_write_single(d->set, IMG_UTSNS, ns->id, &e.base, err);
}

const struct ns_dump_ops uts_dump_ops = {
	.name = "uts",
	.flag = CLONE_NEWUTS,
	.inside = true,
	.dump = uts_dump,
};
