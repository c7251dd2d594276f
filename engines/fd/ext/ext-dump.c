/* engines/fd/ext/ext-dump.c -- files that a plugin saves (criu-plugin.h): those that no other room can. */

#include <errno.h>

#include "ext-file.pb-c.h"

#include "criu-dump/dump.h"
#include "criu-dump/files.h"
#include "plugin/plugin.h"

/* Files come here when nothing else is left: plugins.c of the spine. */
static bool ext_claims(const struct fd_probe *probe)
{
	return false;
}

static int ext_dump(struct dump *d, const struct fd_target *t, struct img_err *err)
{
	ExtFileEntry ext = EXT_FILE_ENTRY__INIT;
	FownEntry fown = FOWN_ENTRY__INIT;
	FileEntry rec = FILE_ENTRY__INIT;
	int ret = plugins_ask(d->plugins, CR_PLUGIN_HOOK__DUMP_EXT_FILE, t->lfd, (int)t->id);

	if (ret == -ENOTSUP)
		return img_fail(err, IMG_UNSUPPORTED, "'%s' is not supported, and no plugin wants it", t->probe->link);
	if (ret < 0) {
		errno = -ret;
		return img_fail_sys(err, "'%s': a plugin fails", t->probe->link);
	}
	if (dump_file_owner(d, t, &fown, err) < 0)
		return -1;
	ext.id = t->id;
	ext.fown = &fown;
	rec.type = FD_TYPES__EXT;
	rec.id = t->id;
	rec.ext = &ext;
	log_info(d->log, "file %#x: '%s' was saved by a plugin", t->id, t->probe->link);
	return dump_write_file(d, &rec, err);
}

const struct fd_dump_ops ext_dump_ops = {
	.name = "a plugin's file",
	.type = FD_TYPES__EXT,
	.any_fdinfo = true,
	.claims = ext_claims,
	.dump = ext_dump,
};
