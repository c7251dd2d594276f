/* engines/ns/cgroup/trees-dump.c -- what criu-dump saves of control groups: the directories of each hierarchy.
 *
 * From the groups that threads of the tree are in downwards, or from where --cgroup-root says. Others may make and remove groups
 * meanwhile: one that is gone when its turn comes is left out.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criu-dump/cgroups.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/mountinfo.h"
#include "options/cgroups.h"

enum {
	DEPTH = 60, /* the reader has a limit, too: criuimg's wire/check.h */
};

/* A hierarchy while it is looked at. */
struct hier {
	const struct cg_member *m; /* one of its members: for the name and the number */
	int root;
	const char **tops; /* groups to begin with */
	size_t nr, room;
};

/* ---- one group, and those below ---- */

static int read_names(int root, const char *path, const char ***names, size_t *nr, struct img_arena *arena, struct img_err *err)
{
	int fd = openat(root, kern_cgroup_rel(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t room = 0;
	int ret = 0;

	if (!dir)
		return img_fail_sys(err, "%s", path);
	for (struct dirent *de; ret == 0 && (de = readdir(dir));) {
		const char **at;

		if (de->d_type != DT_DIR || de->d_name[0] == '.')
			continue;
		at = img_array_more(names, *nr, &room);
		if (!at || !(*at = img_arena_strdup(arena, de->d_name)))
			ret = img_fail_nomem(err);
		else
			++*nr;
	}
	closedir(dir);
	return ret;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* 1: it is gone. */
static int read_dir(struct dump *d, const struct hier *h, const char *path, unsigned depth, CgroupDirEntry **out, struct img_err *err);

/* A task in the root of a hierarchy has no group of its own: what is below is the host's, but for groups with tasks of the tree. */
static bool leads_to_tasks(const struct dump *d, const struct hier *h, const char *name)
{
	char top[NAME_MAX + 2];

	snprintf(top, sizeof(top), "/%s", name);
	for (size_t i = 0; i < d->cgroups->nr; i++)
		for (size_t k = 0; d->cgroups->sets[i].used && k < d->cgroups->sets[i].nr; k++) {
			const struct cg_member *m = &d->cgroups->sets[i].members[k];

			if (!strcmp(m->name, h->m->name) && kern_path_below(m->path, top))
				return true;
		}
	return false;
}

static int read_children(struct dump *d, const struct hier *h, const char *path, unsigned depth, CgroupDirEntry *e, struct img_err *err)
{
	cleanup_free const char **names = NULL;
	size_t nr = 0, left_out = 0;

	if (read_names(h->root, path, &names, &nr, &d->arena, err) < 0)
		return -1;
	if (nr)
		qsort(names, nr, sizeof(*names), by_text);
	e->children = img_arena_array(&d->arena, nr + 1, sizeof(*e->children));
	if (!e->children)
		return img_fail_nomem(err);
	for (size_t i = 0; i < nr; i++) {
		CgroupDirEntry *child;
		char below[PATH_MAX];
		int ret;

		if (!strcmp(path, "/") && !options_cgroup_root(d->opt, h->m->name, kern_cgroup_has) && !leads_to_tasks(d, h, names[i])) {
			left_out++;
			continue;
		}

		if (snprintf(below, sizeof(below), "%s/%s", strcmp(path, "/") ? path : "", names[i]) >= (int)sizeof(below))
			return img_fail(err, IMG_UNSUPPORTED, "%s: a path that is too long", path);
		ret = read_dir(d, h, below, depth + 1, &child, err);
		if (ret < 0)
			return -1;
		if (ret == 0) {
			child->dir_name = (char *)names[i];
			e->children[e->n_children++] = child;
		}
	}
	if (left_out)
		log_debug(d->log, "control groups of %s: %zu are those of others", kern_cgroup_dir_name(h->m->name), left_out);
	return 0;
}

static int read_all(struct dump *d, const struct hier *h, const char *path, unsigned depth, CgroupDirEntry **out, struct img_err *err)
{
	CgroupDirEntry *e = img_arena_message(&d->arena, CgroupDirEntry, cgroup_dir_entry);
	CgroupPerms *perms = img_arena_message(&d->arena, CgroupPerms, cgroup_perms);
	struct stat st;

	if (!e || !perms)
		return img_fail_nomem(err);
	if (depth > DEPTH)
		return img_fail(err, IMG_UNSUPPORTED, "%s: more than %d groups inside one another", path, DEPTH);
	if (fstatat(h->root, kern_cgroup_rel(path), &st, 0) < 0)
		return img_fail_sys(err, "%s", path);
	perms->mode = st.st_mode;
	perms->uid = st.st_uid;
	perms->gid = st.st_gid;
	e->dir_perms = perms;
	*out = e;
	return cg_props_read(d, h->m, h->root, path, e, err) < 0 ? -1 : read_children(d, h, path, depth, e, err);
}

static int read_dir(struct dump *d, const struct hier *h, const char *path, unsigned depth, CgroupDirEntry **out, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;

	if (read_all(d, h, path, depth, out, &why) == 0)
		return 0;
	/* cgroup_rmdir(): what is open of it says ENODEV. */
	if (depth && why.code == IMG_SYS && (why.sys_errno == ENOENT || why.sys_errno == ENODEV))
		return 1;
	*err = why;
	return -1;
}

/* ---- hierarchies ---- */

/* Groups below others are met on the way. */
static int add_top(struct hier *h, const char *path, struct img_err *err)
{
	const char **at;
	size_t kept = 0;

	for (size_t i = 0; i < h->nr; i++)
		if (kern_path_below(path, h->tops[i]))
			return 0;
	for (size_t i = 0; i < h->nr; i++)
		if (!kern_path_below(h->tops[i], path))
			h->tops[kept++] = h->tops[i];
	h->nr = kept;
	at = img_array_more(&h->tops, h->nr, &h->room);
	if (!at)
		return img_fail_nomem(err);
	*at = path;
	h->nr++;
	return 0;
}

static int find_tops(struct dump *d, struct hier *h, struct img_err *err)
{
	const char *given = options_cgroup_root(d->opt, h->m->name, kern_cgroup_has);

	for (size_t i = 0; i < d->cgroups->nr; i++) {
		const struct cg_set *set = &d->cgroups->sets[i];

		for (size_t k = 0; set->used && k < set->nr; k++) {
			const char *path = set->members[k].path;

			if (strcmp(set->members[k].name, h->m->name))
				continue;
			if (given && kern_path_below(path, given))
				path = given;
			if (add_top(h, path, err) < 0)
				return -1;
		}
	}
	return 0;
}

static int fill_names(struct dump *d, const char *name, CgControllerEntry *e, struct img_err *err)
{
	char *list = img_arena_strdup(&d->arena, name), *word;

	e->cnames = img_arena_array(&d->arena, strlen(name) + 1, sizeof(*e->cnames));
	if (!list || !e->cnames)
		return img_fail_nomem(err);
	while ((word = strsep(&list, ",")))
		e->cnames[e->n_cnames++] = word;
	return 0;
}

/* On version 1 each thread can be in a group of its own; on version 2 in groups that are threaded. */
static int look_for_threads(struct dump *d, const struct hier *h, CgControllerEntry *e, struct img_err *err)
{
	e->has_is_threaded = 1;
	e->is_threaded = h->m->id != 0;
	for (size_t i = 0; h->m->id == 0 && i < d->cgroups->nr; i++) {
		const struct cg_set *set = &d->cgroups->sets[i];

		for (size_t k = 0; set->used && k < set->nr; k++) {
			struct img_err none;
			cleanup_free char *type = NULL;

			if (strcmp(set->members[k].name, h->m->name))
				continue;
			type = kern_cgroup_read(h->root, set->members[k].path, "cgroup.type", &none);
			if (type && !strcmp(type, "threaded"))
				e->is_threaded = 1;
		}
	}
	(void)err;
	return 0;
}

static int read_hier(struct dump *d, struct hier *h, CgControllerEntry *e, struct img_err *err)
{
	if (find_tops(d, h, err) < 0 || fill_names(d, h->m->name, e, err) < 0 || look_for_threads(d, h, e, err) < 0)
		return -1;
	e->dirs = img_arena_array(&d->arena, h->nr + 1, sizeof(*e->dirs));
	if (!e->dirs)
		return img_fail_nomem(err);
	for (size_t i = 0; i < h->nr; i++) {
		if (read_dir(d, h, h->tops[i], 0, &e->dirs[i], err) < 0)
			return -1;
		e->dirs[i]->dir_name = img_arena_strdup(&d->arena, h->tops[i] + 1);
		if (!e->dirs[i]->dir_name)
			return img_fail_nomem(err);
		e->n_dirs++;
	}
	return 0;
}

/* Those with controllers first, the newest in front; version 2; those without controllers. */
static int by_kind(const void *a, const void *b)
{
	const struct cg_member *const *x = a, *const *y = b;
	int named_x = !strncmp((*x)->name, "name=", 5), named_y = !strncmp((*y)->name, "name=", 5);

	if (named_x != named_y)
		return named_x - named_y;
	return named_x ? (*x)->id - (*y)->id : (*y)->id - (*x)->id;
}

int cg_trees_read(struct dump *d, CgroupEntry *e, struct img_err *err)
{
	const struct cg_set *own = &d->cgroups->sets[0];
	cleanup_free const struct cg_member **order = calloc(own->nr + 1, sizeof(*order));
	char buf[CGROUP_YARD_SIZE];
	const char *yard = options_cgroup_yard(d->opt, buf);
	CgControllerEntry *entries = img_arena_array(&d->arena, own->nr + 1, sizeof(*entries));

	e->controllers = img_arena_array(&d->arena, own->nr + 1, sizeof(*e->controllers));
	if (!order || !entries || !e->controllers)
		return img_fail_nomem(err);
	for (size_t i = 0; i < own->nr; i++)
		order[i] = &own->members[i];
	qsort(order, own->nr, sizeof(*order), by_kind);
	for (size_t i = 0; i < own->nr; i++) {
		struct hier h = { .m = order[i], .root = kern_cgroup_open(order[i]->name, yard, err) };
		int ret = h.root < 0 ? -1 : 0;

		cg_controller_entry__init(&entries[i]);
		if (ret == 0)
			ret = read_hier(d, &h, &entries[i], err);
		if (h.root >= 0)
			close(h.root);
		free(h.tops);
		if (ret < 0)
			return img_wrap(err, "control groups of %s", kern_cgroup_dir_name(order[i]->name));
		e->controllers[e->n_controllers++] = &entries[i];
	}
	return 0;
}
