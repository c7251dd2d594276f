/* engines/plugin/plugin.c -- plugins of a run: loaded, asked, told of its end. */

#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "plugin/plugin.h"

#define DEFAULT_DIR "/usr/lib/criu"

struct plugin {
	void *handle;
	char *name;
	int (*init)(int stage);
	void (*exit)(int stage, int ret);
	void *hooks[CR_PLUGIN_HOOK__MAX];
};

struct plugins {
	struct log *log;
	int stage, images_dirfd;
	bool open; /* names may still be noted */
	struct plugin *items;
	size_t nr, room;
	char **noted;
	size_t nr_noted, room_noted;
};

/* What plugins call has no argument that says for which run it is: there is one at a time. The only state at file scope. */
static struct plugins *plugins_current;

/* Hooks by number; the name that functions of version 0.1 have, and whether we call it. */
static const struct {
	const char *name, *old;
	bool called;
} hooks[CR_PLUGIN_HOOK__MAX] = {
	[CR_PLUGIN_HOOK__DUMP_UNIX_SK] = { "DUMP_UNIX_SK", "cr_plugin_dump_unix_sk", true },
	[CR_PLUGIN_HOOK__RESTORE_UNIX_SK] = { "RESTORE_UNIX_SK", "cr_plugin_restore_unix_sk", true },
	[CR_PLUGIN_HOOK__DUMP_EXT_FILE] = { "DUMP_EXT_FILE", "cr_plugin_dump_file", true },
	[CR_PLUGIN_HOOK__RESTORE_EXT_FILE] = { "RESTORE_EXT_FILE", "cr_plugin_restore_file", true },
	[CR_PLUGIN_HOOK__DUMP_EXT_MOUNT] = { "DUMP_EXT_MOUNT", "cr_plugin_dump_ext_mount", false },
	[CR_PLUGIN_HOOK__RESTORE_EXT_MOUNT] = { "RESTORE_EXT_MOUNT", "cr_plugin_restore_ext_mount", false },
	[CR_PLUGIN_HOOK__DUMP_EXT_LINK] = { "DUMP_EXT_LINK", "cr_plugin_dump_ext_link", false },
	[CR_PLUGIN_HOOK__HANDLE_DEVICE_VMA] = { "HANDLE_DEVICE_VMA", "cr_plugin_handle_device_vma", true },
	[CR_PLUGIN_HOOK__UPDATE_VMA_MAP] = { "UPDATE_VMA_MAP", "cr_plugin_update_vma_map", true },
	[CR_PLUGIN_HOOK__RESUME_DEVICES_LATE] = { "RESUME_DEVICES_LATE", "cr_plugin_resume_devices_late", true },
	[CR_PLUGIN_HOOK__PAUSE_DEVICES] = { "PAUSE_DEVICES", NULL, true },
	[CR_PLUGIN_HOOK__CHECKPOINT_DEVICES] = { "CHECKPOINT_DEVICES", NULL, true },
	[CR_PLUGIN_HOOK__POST_FORKING] = { "POST_FORKING", "cr_plugin_post_forking", true },
	[CR_PLUGIN_HOOK__RESTORE_INIT] = { "RESTORE_INIT", NULL, true },
	[CR_PLUGIN_HOOK__DUMP_DEVICES_LATE] = { "DUMP_DEVICES_LATE", NULL, true },
};

/* ---- what plugins call ---- */

int criu_get_image_dir(void)
{
	return plugins_current ? plugins_current->images_dirfd : -1;
}

static int note(struct plugins *p, const char *name)
{
	char **at = img_array_more(&p->noted, p->nr_noted, &p->room_noted);

	if (!at || !(*at = strdup(name)))
		return -1;
	p->nr_noted++;
	return 0;
}

int add_inventory_plugin(const char *name)
{
	return plugins_current && plugins_current->open ? note(plugins_current, name) : -1;
}

bool check_and_remove_inventory_plugin(const char *name, unsigned long len)
{
	struct plugins *p = plugins_current;

	for (size_t i = 0; p && i < p->nr_noted; i++) {
		if (strncmp(p->noted[i], name, len))
			continue;
		free(p->noted[i]);
		p->noted[i] = p->noted[--p->nr_noted];
		return true;
	}
	return false;
}

void print_on_level(unsigned int level, const char *format, ...)
{
	char text[1024];
	va_list ap;

	if (!plugins_current)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	text[strcspn(text, "\n")] = '\0';
	if (level <= 1)
		log_error(plugins_current->log, "%s", text);
	else if (level == 2)
		log_warn(plugins_current->log, "%s", text);
	else if (level == 3)
		log_info(plugins_current->log, "%s", text);
	else
		log_debug(plugins_current->log, "%s", text);
}

/* ---- loading ---- */

static int describe(struct plugin *pl, const cr_plugin_desc_t *desc, const char *path, struct img_err *err)
{
	if (desc->version < CRIU_PLUGIN_VERSION_OLD || desc->version >> 8 > CRIU_PLUGIN_VERSION >> 8)
		return img_fail(err, IMG_UNSUPPORTED, "plugin %s: is of version %#x", path, desc->version);
	for (unsigned i = 0; i < desc->max_hooks; i++) {
		if (i >= CR_PLUGIN_HOOK__MAX)
			return img_fail(err, IMG_UNSUPPORTED, "plugin %s: has %u hooks, %d are known", path, desc->max_hooks,
				CR_PLUGIN_HOOK__MAX);
		pl->hooks[i] = desc->hooks[i];
	}
	pl->init = desc->init;
	pl->exit = desc->exit;
	pl->name = strdup(desc->name ? desc->name : path);
	return pl->name ? 0 : img_fail_nomem(err);
}

/* Version 0.1: cr_plugin_init() without an argument, functions by name. */
static int describe_old(struct plugin *pl, const char *path, struct img_err *err)
{
	pl->init = (int (*)(int))dlsym(pl->handle, "cr_plugin_init");
	if (!pl->init)
		return img_fail(err, IMG_UNSUPPORTED, "%s is no plugin: it has neither CR_PLUGIN_DESC nor cr_plugin_init", path);
	pl->exit = (void (*)(int, int))dlsym(pl->handle, "cr_plugin_fini");
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		if (hooks[i].old)
			pl->hooks[i] = dlsym(pl->handle, hooks[i].old);
	pl->name = strdup(path);
	return pl->name ? 0 : img_fail_nomem(err);
}

static int start(struct plugins *p, struct plugin *pl, struct img_err *err)
{
	int ret;

	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		if (pl->hooks[i] && !hooks[i].called)
			log_warn(p->log, "plugin %s: its hook %s is not called: what it would save is refused", pl->name, hooks[i].name);
	ret = pl->init ? pl->init(p->stage) : 0;
	if (ret < 0)
		return img_fail(err, IMG_SYS, "plugin %s: init: %d", pl->name, ret);
	if (ret > 0) {
		log_info(p->log, "plugin %s stays out of it: %d", pl->name, ret);
		return 0;
	}
	log_info(p->log, "plugin %s", pl->name);
	return 1;
}

static void drop(struct plugin *pl)
{
	if (pl->handle)
		dlclose(pl->handle);
	free(pl->name);
}

static int load(struct plugins *p, const char *path, bool asked_for, struct img_err *err)
{
	struct plugin pl = { .handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) }, *at;
	const cr_plugin_desc_t *desc;
	int ret;

	if (!pl.handle && asked_for)
		return img_fail(err, IMG_UNSUPPORTED, "plugin %s", dlerror());
	if (!pl.handle) {
		log_warn(p->log, "plugin %s: left out", dlerror());
		return 0;
	}
	desc = dlsym(pl.handle, "CR_PLUGIN_DESC");
	ret = desc ? describe(&pl, desc, path, err) : describe_old(&pl, path, err);
	if (ret == 0)
		ret = start(p, &pl, err);
	if (ret > 0) {
		at = img_array_more(&p->items, p->nr, &p->room);
		if (at) {
			*at = pl;
			p->nr++;
			return 0;
		}
		ret = img_fail_nomem(err);
	}
	drop(&pl);
	return ret;
}

static int is_object(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return len > 3 && !strcmp(e->d_name + len - 3, ".so");
}

static int load_all(struct plugins *p, const char *dir, bool asked_for, struct img_err *err)
{
	struct dirent **names;
	int nr = scandir(dir, &names, is_object, alphasort), ret = 0;

	if (nr < 0 && !asked_for && errno == ENOENT)
		return 0;
	if (nr < 0)
		return img_fail_sys(err, "directory of plugins %s", dir);
	for (int i = 0; i < nr; i++) {
		char path[PATH_MAX];

		if (ret == 0 && snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name) < (int)sizeof(path))
			ret = load(p, path, asked_for, err);
		free(names[i]);
	}
	free(names);
	return ret;
}

int plugins_load(const struct options *opt, struct log *log, int stage, int images_dirfd, char *const *noted, size_t nr_noted,
	struct plugins **out, struct img_err *err)
{
	const char *env = getenv("CRIU_LIBS_DIR");
	struct plugins *p = calloc(1, sizeof(*p));

	if (!p)
		return img_fail_nomem(err);
	*out = plugins_current = p;
	p->log = log;
	p->stage = stage;
	p->images_dirfd = images_dirfd;
	for (size_t i = 0; i < nr_noted; i++)
		if (note(p, noted[i]) < 0)
			return img_fail_nomem(err);
	p->open = stage != CR_PLUGIN_STAGE__RESTORE;
	if (load_all(p, opt->libdir ? opt->libdir : env && *env ? env : DEFAULT_DIR, opt->libdir != NULL, err) < 0)
		return -1;
	p->open = false;
	if (stage == CR_PLUGIN_STAGE__RESTORE && p->nr_noted)
		return img_fail(err, IMG_UNSUPPORTED, "plugin %s took part in the dump and is not here (see --libdir)", p->noted[0]);
	return 0;
}

void plugins_end(struct plugins *p, int ret)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->nr; i++) {
		if (p->items[i].exit)
			p->items[i].exit(p->stage, ret);
		drop(&p->items[i]);
	}
	for (size_t i = 0; i < p->nr_noted; i++)
		free(p->noted[i]);
	free(p->noted);
	free(p->items);
	free(p);
	plugins_current = NULL;
}

size_t plugins_noted(const struct plugins *p, char ***names)
{
	*names = p ? p->noted : NULL;
	return p ? p->nr_noted : 0;
}

void *plugins_hook(const struct plugins *p, int hook, size_t n)
{
	for (size_t i = 0; p && i < p->nr; i++)
		if (p->items[i].hooks[hook] && n-- == 0)
			return p->items[i].hooks[hook];
	return NULL;
}
