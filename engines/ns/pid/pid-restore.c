/* engines/ns/pid/pid-restore.c -- a pid namespace: made with the root of the tree, which is its first process; there is nothing
 * to fill it with. */

#include <sched.h>

#include "criu-restore/ns_ops.h"
#include "criuimg/image.h"
#include "pidns.pb-c.h"

extern const struct ns_restore_ops pid_restore_ops;

static int pid_plan(struct restore *r, uint32_t id, struct img_err *err)
{
	PidnsEntry *e;
	int ret = img_read_single(r->set, IMG_PIDNS, id, (ProtobufCMessage **)&e, err);

	if (ret <= 0)
		return ret;
	if (e->ext_key)
		ret = img_fail(err, IMG_UNSUPPORTED, "external ('%s'): not supported yet", e->ext_key);
	img_message_free(&e->base);
	return ret < 0 ? -1 : 0;
}

const struct ns_restore_ops pid_restore_ops = {
	.name = "pid",
	.flag = CLONE_NEWPID,
	.plan = pid_plan,
};
