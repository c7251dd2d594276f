/* engines/ns/cgroup/plan-restore.c -- which control groups criu-restore needs (cgroup.img), which of them are there, and what
 * --manage-cgroups and --cgroup-root make of that.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "criu-restore/cgroups.h"
#include "criu-restore/namespaces.h"
#include "criu-restore/plan.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "kernel/mountinfo.h"
#include "options/cgroups.h"

/* ---- checks of what comes from the image ---- */

static int bad(struct img_err *err, const char *what, const char *name)
{
	return img_fail(err, IMG_CORRUPT, "cgroup.img: %s '%.60s'", what, name);
}

/* ---- hierarchies ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The kernel has its own order of controllers: that of the one that is there. */
static const char *name_here(
	struct restore *r, const CgControllerEntry *e, const struct kern_cgroups *own, struct img_err *err)
{
	char list[512] = "";
	size_t len = 0;

	for (size_t i = 0; i < own->nr; i++) {
		size_t known = 0;

		for (size_t k = 0; k < e->n_cnames; k++)
			known += *e->cnames[k] ? kern_cgroup_has(own->items[i].name, e->cnames[k]) : !*own->items[i].name;
		if (e->n_cnames && known == e->n_cnames)
			return img_arena_strdup(&r->arena, own->items[i].name);
	}
	qsort(e->cnames, e->n_cnames, sizeof(*e->cnames), by_text);
	for (size_t k = 0; k < e->n_cnames && len < sizeof(list); k++)
		len += snprintf(list + len, sizeof(list) - len, "%s%s", k ? "," : "", e->cnames[k]);
	if (!e->n_cnames || len >= sizeof(list)) {
		img_fail(err, IMG_CORRUPT, "cgroup.img: a hierarchy of %zu controllers", e->n_cnames);
		return NULL;
	}
	return img_arena_strdup(&r->arena, list);
}

static int plan_hier(
	struct restore *r, struct cg_hier *h, const CgControllerEntry *e, const struct kern_cgroups *own, struct img_err *err)
{
	char yard[CGROUP_YARD_SIZE];
	const char *path;

	h->root = -1;
	h->e = e;
	h->name = name_here(r, e, own, err);
	if (!h->name)
		return err->code ? -1 : img_fail_nomem(err);
	h->v2 = !*h->name;
	h->late = kern_cgroup_has(h->name, "devices") || kern_cgroup_has(h->name, "freezer");
	h->given = options_cgroup_root(r->opt, h->name, kern_cgroup_has);
	path = kern_cgroups_path(own, h->name);
	h->own = img_arena_strdup(&r->arena, path ? path : "/");
	if (!h->own)
		return img_fail_nomem(err);
	h->root = kern_cgroup_open(h->name, options_cgroup_yard(r->opt, yard), err);
	return h->root < 0 ? -1 : 0;
}

/* ---- files ---- */

static enum cg_when when_of(const char *name)
{
	static const struct {
		const char *name;
		enum cg_when when;
	} moments[] = {
		{ "cpuset.cpus", CG_EARLY },	  { "cpuset.mems", CG_EARLY },
		{ "cgroup.type", CG_EARLY },	  { "devices.list", CG_EARLY },
		{ "memory.use_hierarchy", CG_EARLY }, { "memory.kmem.limit_in_bytes", CG_EARLY },
		{ "cgroup.subtree_control", CG_CONTROL },
		{ "cgroup.freeze", CG_LAST },	  { "freezer.state", CG_LAST },
	};

	for (size_t i = 0; i < ARRAY_SIZE(moments); i++)
		if (!strcmp(moments[i].name, name))
			return moments[i].when;
	return CG_LATE;
}

struct cg_prop *cg_add_prop(
	struct restore *r, struct cg_dir *dir, const char *name, const char *value, const CgroupPerms *perms, struct img_err *err)
{
	struct restore_cgroups *cg = r->cgroups;
	struct cg_prop *p = img_array_more(&cg->props, cg->nr_props, &cg->room_props);

	if (!p) {
		img_fail_nomem(err);
		return NULL;
	}
	*p = (struct cg_prop){ .dir = dir, .name = name, .value = value, .perms = perms, .when = when_of(name) };
	if (dir->there) {
		cleanup_fd int fd = kern_cgroup_file(dir->h->root, dir->path, name, O_PATH, NULL);
		cleanup_free char *old = kern_cgroup_read(dir->h->root, dir->path, name, NULL);

		if (fd >= 0 && fstat(fd, &p->old_stat) == 0)
			p->old = img_arena_strdup(&r->arena, old ? old : "");
	}
	cg->nr_props++;
	return p;
}

/* ---- groups ---- */

static struct cg_dir *find_dir(struct restore_cgroups *cg, const struct cg_hier *h, const char *path)
{
	for (size_t i = 0; i < cg->nr_dirs; i++)
		if (cg->dirs[i].h == h && !strcmp(cg->dirs[i].path, path))
			return &cg->dirs[i];
	return NULL;
}

static struct cg_dir *add_dir(
	struct restore *r, struct cg_hier *h, const char *path, const CgroupDirEntry *e, struct img_err *err)
{
	struct restore_cgroups *cg = r->cgroups;
	struct cg_dir *dir = find_dir(cg, h, path);

	if (dir) {
		/* Several groups of the image can come to the same place: the first one counts. */
		dir->e = dir->e ? dir->e : e;
		return dir;
	}
	dir = img_array_more(&cg->dirs, cg->nr_dirs, &cg->room_dirs);
	if (!dir) {
		img_fail_nomem(err);
		return NULL;
	}
	*dir = (struct cg_dir){ .h = h, .path = path, .e = e };
	dir->there = fstatat(h->root, kern_cgroup_rel(path), &dir->old, AT_SYMLINK_NOFOLLOW) == 0;
	cg->nr_dirs++;
	return dir;
}

/* Those above it first. */
static int add_way(struct restore *r, struct cg_hier *h, const char *path, struct img_err *err)
{
	for (size_t len = 0; path[len]; len += 1 + strcspn(path + len + 1, "/")) {
		const char *part = len ? img_arena_printf(&r->arena, "%.*s", (int)len, path) : "/";

		if (!part)
			return img_fail_nomem(err);
		if (!add_dir(r, h, part, NULL, err))
			return -1;
		if (!path[1])
			break;
	}
	return 0;
}

/* "cpu,cpuacct": of each of them. */
static bool names_it(const struct cg_hier *h, const char *name)
{
	return *h->e->cnames[0] ? kern_cgroup_has(name, h->e->cnames[0]) : !*name;
}

/* Whoever dumped a task in the root of a hierarchy may have saved all that was below, which is the host's. */
static bool leads_to_tasks(const struct restore *r, const struct cg_hier *h, const char *name)
{
	const CgroupEntry *image = r->cgroups->image;
	char top[NAME_MAX + 2];

	snprintf(top, sizeof(top), "/%s", name);
	for (size_t i = 0; i < image->n_sets; i++)
		for (size_t k = 0; k < image->sets[i]->n_ctls; k++) {
			const CgMemberEntry *m = image->sets[i]->ctls[k];

			if (names_it(h, m->name) && kern_path_below(m->path, top))
				return true;
		}
	return false;
}

static int add_tree(struct restore *r, struct cg_hier *h, const char *path, const CgroupDirEntry *e, struct img_err *err)
{
	if (!path)
		return img_fail_nomem(err);
	if (add_way(r, h, path, err) < 0 || !add_dir(r, h, path, e, err))
		return -1;
	for (size_t i = 0; i < e->n_properties; i++)
		if (!cg_clean_name(e->properties[i]->name))
			return bad(err, "a property", e->properties[i]->name);
	for (size_t i = 0; i < e->n_children; i++) {
		if (!cg_clean_name(e->children[i]->dir_name))
			return bad(err, "a group", e->children[i]->dir_name);
		if (!*e->dir_name && !h->given && !leads_to_tasks(r, h, e->children[i]->dir_name)) {
			log_info(r->log, "control group %s/%s is not of the tree: left out", kern_cgroup_dir_name(h->name),
				e->children[i]->dir_name);
			continue;
		}
		if (add_tree(r, h, cg_join_path(r, path, e->children[i]->dir_name), e->children[i], err) < 0)
			return -1;
	}
	return 0;
}

/* Is it there because we are? */
static bool is_ours(const struct cg_dir *dir)
{
	return kern_path_below(dir->h->own, dir->path) != NULL;
}

static int check_dir(struct restore *r, const struct cg_dir *dir, enum cgroup_mode mode, struct img_err *err)
{
	const char *name = kern_cgroup_dir_name(dir->h->name);

	if (!dir->e)
		return 0;
	if (!dir->there && (mode == CGROUPS_NONE || mode == CGROUPS_PROPS))
		img_fail(err, IMG_UNSUPPORTED, "control group %s of %s is not there, and is not to be made (--manage-cgroups=%s)",
			dir->path, name, r->opt->manage_cgroups_mode);
	else if (dir->there && mode == CGROUPS_STRICT && !is_ours(dir))
		img_fail(err, IMG_UNSUPPORTED, "control group %s of %s is there already (--manage-cgroups=strict)", dir->path, name);
	else
		return 0;
	return restore_plan_lack(r, err);
}

/* ---- files to be written ---- */

/* Controllers of version 2 that a group needs from those above: "memory" of "memory.max". */
static int need_controllers(struct restore *r, const struct cg_dir *dir, const char *name, struct img_err *err)
{
	struct restore_cgroups *cg = r->cgroups;
	size_t len = strcspn(name, ".");

	if (!dir->h->v2 || (len == 6 && !strncmp(name, "cgroup", len)))
		return 0;
	for (size_t i = 0; i < cg->nr_props; i++) {
		struct cg_prop *p = &cg->props[i];
		const char *rest = p->dir->h == dir->h ? kern_path_below(dir->path, p->dir->path) : NULL;

		if (!rest || !*rest || strcmp(p->name, "cgroup.subtree_control"))
			continue;
		for (const char *at = p->value; at && *at; at += strcspn(at, " "), at += *at == ' ')
			if (strcspn(at, " ") == len && !strncmp(at, name, len))
				rest = NULL;
		if (rest)
			p->value = img_arena_printf(&r->arena, "%s%s%.*s", p->value, *p->value ? " " : "", (int)len, name);
		if (!p->value)
			return img_fail_nomem(err);
	}
	return 0;
}

/* One for each group, since groups below may need it. */
static int plan_control(struct restore *r, struct cg_dir *dir, struct img_err *err)
{
	struct cg_prop *p = cg_add_prop(r, dir, "cgroup.subtree_control", "", NULL, err);

	if (p && p->old)
		p->value = p->old;
	return p ? 0 : -1;
}

static int plan_props(struct restore *r, struct cg_dir *dir, struct img_err *err)
{
	bool control = !dir->h->v2;

	for (size_t i = 0; dir->props && i < dir->e->n_properties; i++) {
		const CgroupPropEntry *e = dir->e->properties[i];

		if (!cg_add_prop(r, dir, e->name, e->value, e->perms, err) || need_controllers(r, dir, e->name, err) < 0)
			return -1;
		control |= !strcmp(e->name, "cgroup.subtree_control");
	}
	return control ? 0 : plan_control(r, dir, err);
}

static int plan_dirs(struct restore *r, struct img_err *err)
{
	struct restore_cgroups *cg = r->cgroups;

	for (size_t i = 0; i < cg->nr_hiers; i++) {
		struct cg_hier *h = &cg->hiers[i];

		for (size_t k = 0; k < h->e->n_dirs; k++) {
			const CgroupDirEntry *e = h->e->dirs[k];

			if (!cg_clean_path(e->dir_name))
				return bad(err, "a group", e->dir_name);
			if (add_tree(r, h, h->given ? cg_join_path(r, h->given, "") : cg_join_path(r, "/", e->dir_name), e, err) < 0)
				return -1;
		}
	}
	return 0;
}

/* When all groups are known: the list does not grow any more. */
static int plan_files(struct restore *r, struct img_err *err)
{
	struct restore_cgroups *cg = r->cgroups;
	enum cgroup_mode mode = options_cgroup_mode(r->opt);

	for (size_t i = 0; i < cg->nr_dirs; i++) {
		struct cg_dir *dir = &cg->dirs[i];

		if (check_dir(r, dir, mode, err) < 0)
			return -1;
		/* What the root of a hierarchy says is nobody's wish, and no group could say it. */
		dir->props = dir->e && mode != CGROUPS_NONE && (mode != CGROUPS_SOFT || !dir->there) &&
			     (*dir->e->dir_name || !strcmp(dir->path, "/"));
		if (plan_props(r, dir, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- sets ---- */

static struct cg_hier *hier_of(struct restore_cgroups *cg, const char *name)
{
	for (size_t i = 0; i < cg->nr_hiers; i++)
		if (names_it(&cg->hiers[i], name))
			return &cg->hiers[i];
	return NULL;
}

static int plan_set(struct restore *r, struct cg_place_set *set, const CgSetEntry *e, struct img_err *err)
{
	struct restore_cgroups *cg = r->cgroups;

	set->id = e->id;
	set->paths = img_arena_array(&r->arena, cg->nr_hiers + 1, sizeof(*set->paths));
	set->roots = img_arena_array(&r->arena, cg->nr_hiers + 1, sizeof(*set->roots));
	if (!set->paths || !set->roots)
		return img_fail_nomem(err);
	for (size_t i = 0; i < e->n_ctls; i++) {
		const CgMemberEntry *m = e->ctls[i];
		struct cg_hier *h = hier_of(cg, m->name);
		size_t k = h ? (size_t)(h - cg->hiers) : 0;

		if (m->path[0] != '/' || !cg_clean_path(m->path) || (m->has_cgns_prefix && m->cgns_prefix > strlen(m->path)))
			return bad(err, "a path", m->path);
		if (!h)
			return bad(err, "a set with a hierarchy that has no record,", m->name);
		set->paths[k] = cg_path_here(r, h, m->path);
		set->roots[k] = cg_root_here(r, h, m->path, m->has_cgns_prefix ? m->cgns_prefix : 0);
		if (!set->paths[k] || !set->roots[k])
			return img_fail_nomem(err);
		/* Where the image has the path and not the group. */
		if (add_way(r, h, set->paths[k], err) < 0 || !add_dir(r, h, set->paths[k], NULL, err))
			return -1;
	}
	return 0;
}

const struct cg_place_set *cg_set_of(const struct restore *r, const struct restore_thread *th)
{
	const struct restore_cgroups *cg = r->cgroups;
	const ThreadCoreEntry *tc = th->core ? th->core->thread_core : NULL;

	for (size_t i = 0; tc && tc->has_cg_set && i < cg->nr_sets; i++)
		if (cg->sets[i].id == tc->cg_set)
			return &cg->sets[i];
	return NULL;
}

static int check_sets(struct restore *r, struct img_err *err)
{
	for (size_t i = 0; i < r->nr_tasks; i++)
		for (size_t k = 0; restore_task_lives(&r->tasks[i]) && k < r->tasks[i].nr_threads; k++) {
			const struct restore_thread *th = &r->tasks[i].threads[k];
			const ThreadCoreEntry *tc = th->core ? th->core->thread_core : NULL;

			if (tc && tc->has_cg_set && !cg_set_of(r, th) &&
				!(r->inventory->has_root_cg_set && r->inventory->root_cg_set == tc->cg_set))
				return img_fail(err, IMG_CORRUPT, "thread %d: cgroup.img has no set %u", th->tid, tc->cg_set);
		}
	return 0;
}

/* ---- the whole ---- */

static int share(struct restore *r, struct img_err *err)
{
	struct restore_cgroups *cg = r->cgroups;
	uint8_t *at = restore_shared_alloc(r, 2 * (cg->nr_dirs + cg->nr_props) + 1, err);

	if (!at)
		return -1;
	cg->dirs_made = at;
	cg->dir_modes = at + cg->nr_dirs;
	cg->props_written = at + 2 * cg->nr_dirs;
	cg->prop_modes = at + 2 * cg->nr_dirs + cg->nr_props;
	return 0;
}

static int plan_image(struct restore *r, const CgroupEntry *e, const struct kern_cgroups *own, struct img_err *err)
{
	struct restore_cgroups *cg = r->cgroups;

	cg->namespaces = restore_ns_new(r, CLONE_NEWCGROUP) || restore_ns_nth(r, CLONE_NEWCGROUP, 1);
	cg->hiers = img_arena_array(&r->arena, e->n_controllers + 1, sizeof(*cg->hiers));
	cg->sets = img_arena_array(&r->arena, e->n_sets + 1, sizeof(*cg->sets));
	if (!cg->hiers || !cg->sets)
		return img_fail_nomem(err);
	for (size_t i = 0; i < e->n_controllers; i++, cg->nr_hiers++)
		if (plan_hier(r, &cg->hiers[i], e->controllers[i], own, err) < 0)
			return -1;
	if (plan_dirs(r, err) < 0)
		return -1;
	for (size_t i = 0; i < e->n_sets; i++, cg->nr_sets++)
		if (plan_set(r, &cg->sets[i], e->sets[i], err) < 0)
			return -1;
	if (plan_files(r, err) < 0 || check_sets(r, err) < 0 || cg_plan_thaw(r, err) < 0 || cg_places_plan(r, err) < 0)
		return -1;
	return share(r, err);
}

int restore_cgroups_plan(struct restore *r, struct img_err *err)
{
	struct kern_cgroups own = KERN_CGROUPS_INIT;
	ProtobufCMessage *msg = NULL;
	int ret;

	if (options_cgroup_mode(r->opt) == CGROUPS_IGNORE)
		return 0;
	ret = img_read_single(r->set, IMG_CGROUP, 0, &msg, err);
	if (ret <= 0)
		return ret;
	r->cgroups = calloc(1, sizeof(*r->cgroups));
	if (!r->cgroups) {
		img_message_free(msg);
		return img_fail_nomem(err);
	}
	r->cgroups->image = (CgroupEntry *)msg;
	ret = kern_cgroups_read(0, 0, &own, err);
	if (ret == 0)
		ret = plan_image(r, r->cgroups->image, &own, err);
	kern_cgroups_free(&own);
	return ret < 0 ? img_wrap(err, "control groups") : 0;
}

void restore_cgroups_free(struct restore *r)
{
	struct restore_cgroups *cg = r->cgroups;

	if (!cg)
		return;
	for (size_t i = 0; i < cg->nr_hiers; i++)
		if (cg->hiers[i].root >= 0)
			close(cg->hiers[i].root);
	for (size_t i = 0; i < cg->nr_places; i++)
		if (cg->places[i].fd >= 0)
			close(cg->places[i].fd);
	free(cg->dirs);
	free(cg->props);
	free(cg->places);
	img_message_free(&cg->image->base);
	free(cg);
	r->cgroups = NULL;
}
