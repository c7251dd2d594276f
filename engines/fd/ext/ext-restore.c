/* engines/fd/ext/ext-restore.c -- files that a plugin saved, and makes again (criu-plugin.h). */

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "ext-file.pb-c.h"

#include "criu-restore/files.h"
#include "criu-restore/restore.h"
#include "criu-restore/stage.h"
#include "criuimg/cleanup.h"
#include "plugin/plugin.h"

enum {
	RETRIES = 1000, /* of 10 ms: a plugin may wait for what others make */
};

static int ext_plan(struct restore *r, const struct restore_file *f, struct img_err *err)
{
	const ExtFileEntry *ext = f->rec->ext;

	if (!ext)
		return img_fail(err, IMG_CORRUPT, "has no record of a plugin's file");
	if (!plugins_hook(r->plugins, CR_PLUGIN_HOOK__RESTORE_EXT_FILE, 0))
		return img_fail(err, IMG_UNSUPPORTED, "was saved by a plugin that is not here (see --libdir)");
	return 0;
}

static int ext_make(struct restore *r, struct restore_task *t, const struct restore_file *const *files, size_t nr, int *fds,
	struct img_err *err)
{
	const ExtFileEntry *ext = files[0]->rec->ext;
	cleanup_fd int fd = -1;
	bool retry = false;

	for (int i = 0; i < RETRIES && !restore_has_failed(r); i++) {
		retry = false;
		fd = plugins_ask(r->plugins, CR_PLUGIN_HOOK__RESTORE_EXT_FILE, (int)ext->id, &retry);
		if (!retry)
			break;
		nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000 * 1000 }, NULL);
	}
	if (fd == -ENOTSUP)
		return img_fail(err, IMG_UNSUPPORTED, "no plugin knows it");
	if (fd < 0) {
		errno = -fd;
		return img_fail_sys(err, "a plugin fails");
	}
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return img_fail_sys(err, "what the plugin gives is no descriptor");
	if (restore_file_owner(r, fd, ext->fown, err) < 0)
		return -1;
	fds[0] = steal_fd(&fd);
	return 0;
}

static const FownEntry *ext_owner(const struct restore *r, const struct restore_file *f)
{
	return f->rec->ext->fown;
}

const struct fd_restore_ops ext_restore_ops = {
	.name = "a plugin's file",
	.type = FD_TYPES__EXT,
	.plan = ext_plan,
	.make = ext_make,
	.owner = ext_owner,
};
