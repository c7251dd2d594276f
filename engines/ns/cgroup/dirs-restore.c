/* engines/ns/cgroup/dirs-restore.c -- how criu-restore makes control groups and writes their files; and how it takes that back.
 *
 * Groups are made before the first task is. Each file is written in its moment (enum cg_when), groups above before those below. What was
 * done is marked first, in shared memory: should the front be killed, the guard undoes it (guard.c).
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "criu-restore/cgroups.h"
#include "criuimg/cleanup.h"
#include "options/cgroups.h"

enum {
	RMDIR_TRIES = 400, /* a group is in use as long as those who were in it have not ended altogether */
	RMDIR_NAP_MS = 5,
	MODE_BITS = 07777,
};

/* ---- one file ---- */

static int set_mode(const struct cg_prop *p, const CgroupPerms *want, struct img_err *err)
{
	cleanup_fd int fd = kern_cgroup_file(p->dir->h->root, p->dir->path, p->name, O_PATH, err);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return img_fail_sys(err, "%s/%s", p->dir->path, p->name);
	if ((st.st_uid != want->uid || st.st_gid != want->gid) && fchownat(fd, "", want->uid, want->gid, AT_EMPTY_PATH) < 0)
		return img_fail_sys(err, "%s/%s: owner %u:%u", p->dir->path, p->name, want->uid, want->gid);
	if ((st.st_mode & MODE_BITS) != (want->mode & MODE_BITS)) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (chmod(path, want->mode & MODE_BITS) < 0)
			return img_fail_sys(err, "%s/%s: mode %o", p->dir->path, p->name, want->mode & MODE_BITS);
	}
	return 0;
}

/* Lists of who is in a group are no settings. */
static bool has_value(const struct cg_prop *p)
{
	return strcmp(p->name, "cgroup.procs") && strcmp(p->name, "tasks");
}

static int write_prop(struct restore *r, struct cg_prop *p, struct img_err *err)
{
	struct restore_cgroups *cg = r->cgroups;
	const char *hier = kern_cgroup_dir_name(p->dir->h->name);
	struct img_err why = IMG_ERR_INIT;
	int ret = 1;

	if (has_value(p)) {
		if (p->old)
			cg->props_written[p - cg->props] = 1;
		ret = cg_value_set(p->dir->h->root, p->dir->path, p->name, p->value, &why);
	}
	if (ret < 0 && why.sys_errno == ENOENT && cg_value_is_nothing(p->name, p->value)) {
		log_debug(r->log, "control group %s%s: there is no %s here", hier, p->dir->path, p->name);
		return 0;
	}
	if (ret < 0) {
		*err = why;
		return img_wrap(err, "%s", hier);
	}
	if (ret == 0)
		log_info(r->log, "control group %s%s: %s '%s'", hier, p->dir->path, p->name, p->value);
	if (!p->perms)
		return 0;
	if (p->old)
		cg->prop_modes[p - cg->props] = 1;
	return set_mode(p, p->perms, err) < 0 ? img_wrap(err, "%s", hier) : 0;
}

/* Some depend on others of the same group (a limit must not be above another one): those get a second chance. */
static int write_props(struct restore *r, const struct cg_dir *only, enum cg_when when, struct img_err *err)
{
	struct restore_cgroups *cg = r->cgroups;

	for (size_t i = 0; i < cg->nr_props; i++) {
		struct cg_prop *p = &cg->props[i];
		struct img_err why = IMG_ERR_INIT;

		if (p->when != when || (only && p->dir != only) || write_prop(r, p, &why) == 0)
			continue;
		if (why.sys_errno == EINVAL || why.sys_errno == EBUSY)
			for (size_t k = i + 1; k < cg->nr_props && cg->props[k].dir == p->dir; k++)
				if (cg->props[k].when == when && write_prop(r, &cg->props[k], err) < 0)
					return -1;
		if (write_prop(r, p, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- groups ---- */

static int chmod_dir(struct restore *r, struct cg_dir *dir, const CgroupPerms *want, struct img_err *err)
{
	const char *rel = kern_cgroup_rel(dir->path);

	if (dir->there)
		r->cgroups->dir_modes[dir - r->cgroups->dirs] = 1;
	if (fchownat(dir->h->root, rel, want->uid, want->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return img_fail_sys(err, "%s: owner %u:%u", dir->path, want->uid, want->gid);
	if (fchmodat(dir->h->root, rel, want->mode & MODE_BITS, 0) < 0)
		return img_fail_sys(err, "%s: mode %o", dir->path, want->mode & MODE_BITS);
	return 0;
}

/* A group of processors and memory nodes has none at first, and no task could be in it. */
static int fill_cpuset(const struct cg_dir *dir, struct img_err *err)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };
	char up[4096];
	size_t len;

	if (dir->h->v2 || !kern_cgroup_has(dir->h->name, "cpuset"))
		return 0;
	snprintf(up, sizeof(up), "%s", dir->path);
	len = strrchr(up, '/') - up;
	up[len ? len : 1] = '\0';
	for (size_t i = 0; i < 2; i++) {
		cleanup_free char *value = kern_cgroup_read(dir->h->root, up, files[i], err);

		if (!value || cg_value_set(dir->h->root, dir->path, files[i], value, err) < 0)
			return -1;
	}
	return 0;
}

static int make_dir(struct restore *r, struct cg_dir *dir, struct img_err *err)
{
	struct restore_cgroups *cg = r->cgroups;
	size_t i = dir - cg->dirs;

	if (!dir->there) {
		int ret;

		cg->dirs_made[i] = 1;
		ret = mkdirat(dir->h->root, kern_cgroup_rel(dir->path), 0755);
		if (ret < 0)
			cg->dirs_made[i] = 0;
		/* Somebody else was faster. */
		if (ret < 0 && (errno != EEXIST || options_cgroup_mode(r->opt) == CGROUPS_STRICT))
			return img_fail_sys(err, "make %s", dir->path);
		if (ret == 0)
			log_info(r->log, "control group %s%s: made", kern_cgroup_dir_name(dir->h->name), dir->path);
		if (fill_cpuset(dir, err) < 0)
			return -1;
	}
	if (dir->props && dir->e->dir_perms && chmod_dir(r, dir, dir->e->dir_perms, err) < 0)
		return -1;
	return write_props(r, dir, CG_EARLY, err);
}

int restore_cgroups_make(struct restore *r, struct img_err *err)
{
	struct restore_cgroups *cg = r->cgroups;

	if (!cg)
		return 0;
	for (size_t i = 0; i < cg->nr_dirs; i++)
		if (make_dir(r, &cg->dirs[i], err) < 0)
			return img_wrap(err, "control groups of %s", kern_cgroup_dir_name(cg->dirs[i].h->name));
	if (!cg->namespaces && write_props(r, NULL, CG_CONTROL, err) < 0)
		return img_wrap(err, "control groups");
	return cg_places_open(r, err) < 0 ? img_wrap(err, "control groups") : 0;
}

static int write_moment(struct restore *r, enum cg_when when, struct img_err *err)
{
	if (!r->cgroups || write_props(r, NULL, when, err) == 0)
		return 0;
	return img_wrap(err, "control groups");
}

int restore_cgroups_control(struct restore *r, struct img_err *err)
{
	return r->cgroups && r->cgroups->namespaces ? write_moment(r, CG_CONTROL, err) : 0;
}

int restore_cgroups_settle(struct restore *r, struct img_err *err)
{
	return write_moment(r, CG_LATE, err);
}

int restore_cgroups_last(struct restore *r, struct img_err *err)
{
	if (write_moment(r, CG_LAST, err) < 0)
		return -1;
	for (size_t i = 0; r->cgroups && i < r->cgroups->nr_props; i++)
		if (r->cgroups->props[i].when == CG_LAST && cg_freeze_whole(&r->cgroups->props[i], err) < 0)
			return -1;
	return 0;
}

/* ---- undo ---- */

static int remove_dir(const struct cg_dir *dir)
{
	for (int i = 0; i < RMDIR_TRIES; i++) {
		if (unlinkat(dir->h->root, kern_cgroup_rel(dir->path), AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (errno != EBUSY)
			break;
		nanosleep(&(struct timespec){ .tv_nsec = RMDIR_NAP_MS * 1000000L }, NULL);
	}
	return -1;
}

static void as_before(CgroupPerms *perms, const struct stat *st)
{
	cgroup_perms__init(perms);
	perms->mode = st->st_mode;
	perms->uid = st->st_uid;
	perms->gid = st->st_gid;
}

static int undo_prop(struct restore *r, struct cg_prop *p, struct img_err *err)
{
	struct restore_cgroups *cg = r->cgroups;
	CgroupPerms perms;
	size_t i = p - cg->props;

	if (cg->props_written[i] && cg_value_set(p->dir->h->root, p->dir->path, p->name, p->old, err) < 0 &&
		err && err->sys_errno != ENOENT)
		return -1;
	cg->props_written[i] = 0;
	if (!cg->prop_modes[i])
		return 0;
	as_before(&perms, &p->old_stat);
	cg->prop_modes[i] = 0;
	return set_mode(p, &perms, err);
}

static void note(int *ret, struct img_err *err, const struct img_err *one)
{
	if (*ret == 0 && err)
		*err = *one;
	*ret = -1;
}

int restore_cgroups_undo(struct restore *r, struct img_err *err)
{
	struct restore_cgroups *cg = r->cgroups;
	struct img_err one;
	int ret = 0;

	/* The plan failed before there was anything to do. */
	if (!cg || !cg->dirs_made)
		return 0;
	for (size_t i = cg->nr_dirs; i--;) {
		struct cg_dir *dir = &cg->dirs[i];

		if (!cg->dirs_made[i])
			continue;
		if (remove_dir(dir) < 0) {
			img_fail_sys(&one, "remove control group %s%s", kern_cgroup_dir_name(dir->h->name), dir->path);
			note(&ret, err, &one);
		}
		cg->dirs_made[i] = 0;
	}
	for (size_t i = cg->nr_props; i--;)
		if (cg->props[i].old && undo_prop(r, &cg->props[i], &one) < 0)
			note(&ret, err, &one);
	for (size_t i = cg->nr_dirs; i--;) {
		CgroupPerms perms;

		if (!cg->dir_modes[i])
			continue;
		as_before(&perms, &cg->dirs[i].old);
		if (chmod_dir(r, &cg->dirs[i], &perms, &one) < 0)
			note(&ret, err, &one);
		cg->dir_modes[i] = 0;
	}
	return ret;
}
