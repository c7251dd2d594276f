/* criu-dump/plugins.c -- plugins at a dump: loaded when the images are open, told of each process before it is stopped and once all
 * stand still, when they are saved, and of those that go on. */

#include <fcntl.h>
#include <unistd.h>

#include "criu-dump/fd_ops.h"
#include "criu-dump/files-own.h"
#include "criu-dump/spine.h"
#include "plugin/plugin.h"

extern const struct fd_dump_ops ext_dump_ops;

int dump_plugins_load(struct dump *d, struct img_err *err)
{
	/* Not there when the images are an archive, or go to a stream. */
	d->plugins_dir = d->opt->images_dir ? open(d->opt->images_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	return plugins_load(d->opt, d->log, CR_PLUGIN_STAGE__DUMP, d->plugins_dir, NULL, 0, &d->plugins, err);
}

int dump_plugins_pause(struct dump *d, pid_t pid, struct img_err *err)
{
	return plugins_must(d->plugins, CR_PLUGIN_HOOK__PAUSE_DEVICES, err, pid);
}

int dump_plugins_checkpoint(struct dump *d, struct img_err *err)
{
	for_each_live_task(d, t)
		if (plugins_must(d->plugins, CR_PLUGIN_HOOK__CHECKPOINT_DEVICES, err, t->pid) < 0)
			return img_wrap(err, "pid %d", t->pid);
	return 0;
}

int dump_plugins_late(struct dump *d, struct img_err *err)
{
	return plugins_must(d->plugins, CR_PLUGIN_HOOK__DUMP_DEVICES_LATE, err, d->tasks.items[0]->pid);
}

int dump_plugins_resume(struct dump *d, struct img_err *err)
{
	for_each_live_task(d, t)
		if (plugins_must(d->plugins, CR_PLUGIN_HOOK__RESUME_DEVICES_LATE, err, t->pid) < 0)
			return img_wrap(err, "pid %d", t->pid);
	return 0;
}

void dump_plugins_end(struct dump *d, int ret)
{
	if (!d->plugins)
		return;
	plugins_end(d->plugins, ret);
	d->plugins = NULL;
	if (d->plugins_dir >= 0)
		close(d->plugins_dir);
}

const struct fd_dump_ops *dump_ops_or_plugin(
	struct dump *d, struct dump_task *t, const struct fd_probe *probe, const struct fd_dump_ops *ops)
{
	struct img_err why = IMG_ERR_INIT;

	if (!plugins_hook(d->plugins, CR_PLUGIN_HOOK__DUMP_EXT_FILE, 0))
		return ops;
	if (ops && (!ops->check || ops->check(d, t, probe, &why) == 0 || why.code != IMG_UNSUPPORTED))
		return ops;
	return &ext_dump_ops;
}
