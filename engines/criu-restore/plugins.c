/* criu-restore/plugins.c -- plugins at a restore: loaded before anything is planned, told when all processes are made and before they run. */

#include "criu-restore/plugins.h"
#include "plugin/plugin.h"

int restore_plugins_load(struct restore *r, struct img_err *err)
{
	const PluginsEntry *noted = r->inventory->plugins_entry;

	return plugins_load(r->opt, r->log, CR_PLUGIN_STAGE__RESTORE, r->images_dirfd, noted ? noted->plugins : NULL,
		noted ? noted->n_plugins : 0, &r->plugins, err);
}

int restore_plugins_init(struct restore *r, struct img_err *err)
{
	return plugins_must(r->plugins, CR_PLUGIN_HOOK__RESTORE_INIT, err);
}

int restore_plugins_forked(struct restore *r, struct img_err *err)
{
	return plugins_must(r->plugins, CR_PLUGIN_HOOK__POST_FORKING, err);
}

int restore_plugins_resume(struct restore *r, struct img_err *err)
{
	for (size_t i = 0; i < r->nr_tasks; i++)
		if (restore_task_lives(&r->tasks[i]) &&
			plugins_must(r->plugins, CR_PLUGIN_HOOK__RESUME_DEVICES_LATE, err, r->tasks[i].pid) < 0)
			return img_wrap(err, "pid %d", r->tasks[i].pid);
	return 0;
}

void restore_plugins_end(struct restore *r, int ret)
{
	plugins_end(r->plugins, ret);
	r->plugins = NULL;
}
