/* engines/ns/cgroup/paths-restore.c -- where groups of the image are here: --cgroup-root takes the place of the topmost groups of an image.
 */

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "criu-restore/cgroups.h"
#include "criu-restore/namespaces.h"
#include "kernel/mountinfo.h"

char *cg_join_path(struct restore *r, const char *dir, const char *name)
{
	size_t len = strlen(dir);

	while (len && dir[len - 1] == '/')
		len--;
	name += strspn(name, "/");
	return img_arena_printf(&r->arena, "%.*s%s%s", (int)len, dir, *name || !len ? "/" : "", name);
}

/* What there is of path below the topmost group that it is in; NULL: it is in none. */
static const char *below_top(const struct cg_hier *h, const char *path)
{
	const char *best = NULL;

	for (size_t i = 0; i < h->e->n_dirs; i++) {
		char top[PATH_MAX];
		const char *rest;

		if (snprintf(top, sizeof(top), "/%s", h->e->dirs[i]->dir_name) >= (int)sizeof(top))
			continue;
		rest = kern_path_below(path, top);
		if (rest && (!best || strlen(rest) < strlen(best)))
			best = rest;
	}
	return best;
}

/* A path of the image, as it is to be here. */
const char *cg_path_here(struct restore *r, const struct cg_hier *h, const char *path)
{
	const char *rest = h->given ? below_top(h, path) : NULL;

	return rest ? cg_join_path(r, h->given, rest) : cg_join_path(r, path, "");
}

/* The root of a cgroup namespace: so many bytes of the path of a group in it. */
const char *cg_root_here(struct restore *r, const struct cg_hier *h, const char *path, size_t prefix)
{
	const char *root = img_arena_printf(&r->arena, "%.*s", (int)prefix, path), *here;
	const char *below = path + prefix;

	if (!root)
		return NULL;
	if (!h->given || below_top(h, *root ? root : "/"))
		return cg_path_here(r, h, *root ? root : "/");
	/* It lies above the topmost groups: as far above what takes their place. */
	here = cg_path_here(r, h, path);
	for (; here && *(below += strspn(below, "/")); below += strcspn(below, "/")) {
		const char *slash = strrchr(here, '/');

		here = slash > here ? img_arena_printf(&r->arena, "%.*s", (int)(slash - here), here) : "/";
	}
	return here;
}

bool cg_clean_path(const char *path)
{
	for (const char *at = path; *at;) {
		size_t len;

		at += strspn(at, "/");
		len = strcspn(at, "/");
		if ((len == 1 && at[0] == '.') || (len == 2 && at[0] == '.' && at[1] == '.'))
			return false;
		at += len;
	}
	return strlen(path) < PATH_MAX / 2;
}

bool cg_clean_name(const char *name)
{
	return *name && !strchr(name, '/') && cg_clean_path(name) && strlen(name) <= NAME_MAX;
}

/* ---- for mounts of groups ---- */

/* All controllers of the hierarchy are among the options. */
static bool mounts_it(const struct cg_hier *h, const char *options)
{
	if (h->v2 || !options)
		return h->v2 && !options;
	for (size_t i = 0; i < h->e->n_cnames; i++)
		if (!kern_cgroup_has(options, h->e->cnames[i]))
			return false;
	return true;
}

const char *restore_cgroups_inside(struct restore *r, const char *options, const char *path)
{
	const struct restore_cgroups *cg = r->cgroups;

	/* Seen from the root of a namespace it is the same path wherever that is. */
	if (!cg || restore_ns_new(r, CLONE_NEWCGROUP))
		return path;
	for (size_t k = 0; k < cg->nr_hiers; k++)
		if (mounts_it(&cg->hiers[k], options))
			return cg_path_here(r, &cg->hiers[k], path);
	return path;
}
