/* engines/fd/nsfd/nsfd-restore.c -- how criu-restore opens a namespace file again: that of a task which lives in the namespace, or of the
 * front for those that the tree shares with it. */

#include <fcntl.h>

#include "criu-restore/files.h"
#include "criu-restore/namespaces.h"
#include "criu-restore/restore.h"
#include "criuimg/cleanup.h"
#include "ns.pb-c.h"

static int nsfd_plan(struct restore *r, const struct restore_file *f, struct img_err *err)
{
	const NsFileEntry *ns = f->rec->nsf;

	if (!ns)
		return img_fail(err, IMG_CORRUPT, "has no namespace record");
	return restore_ns_known(r, (int)ns->ns_cflag, ns->ns_id, err);
}

static int nsfd_make(struct restore *r, struct restore_task *t, const struct restore_file *const *files, size_t nr, int *fds,
	struct img_err *err)
{
	const NsFileEntry *ns = files[0]->rec->nsf;
	cleanup_fd int fd = restore_ns_open(r, (int)ns->ns_cflag, ns->ns_id, err);

	if (fd < 0 || restore_file_flags(fd, ns->flags, err) < 0)
		return -1;
	fds[0] = steal_fd(&fd);
	return 0;
}

const struct fd_restore_ops nsfd_restore_ops = {
	.name = "nsfd",
	.type = FD_TYPES__NS,
	.plan = nsfd_plan,
	.make = nsfd_make,
};
