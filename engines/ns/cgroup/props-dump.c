/* engines/ns/cgroup/props-dump.c -- what criu-dump saves of control groups: the files of a group that say what somebody wanted.
 *
 * Most files of a group tell what is going on in it. Those in the tables here are settings: cgroups(7) and the kernel's
 * Documentation/admin-guide/cgroup-v1/, cgroup-v2.rst. --cgroup-props adds others.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criu-dump/cgroups.h"
#include "criu-dump/freezer.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/proc-file.h"

/* ---- what is known ---- */

#define V1 "cgroup v1"	/* of every group, whatever its controllers are: */
#define V2 "cgroup v2"

/* In the order in which they are written again. A name that ends in ".*" stands for one file for each size of huge pages. */
static const struct {
	const char *ctl, *name;
} known[] = {
	{ "cpu", "cpu.shares" },
	{ "cpu", "cpu.cfs_period_us" },
	{ "cpu", "cpu.cfs_quota_us" },
	{ "cpu", "cpu.rt_period_us" },
	{ "cpu", "cpu.rt_runtime_us" },
	{ "cpu", "cpu.weight" },
	{ "cpu", "cpu.max" },
	{ "cpu", "cpu.max.burst" },
	{ "cpu", "cpu.idle" },
	{ "cpu", "cpu.uclamp.min" },
	{ "cpu", "cpu.uclamp.max" },
	{ "memory", "memory.limit_in_bytes" },
	{ "memory", "memory.memsw.limit_in_bytes" },
	{ "memory", "memory.swappiness" },
	{ "memory", "memory.soft_limit_in_bytes" },
	{ "memory", "memory.move_charge_at_immigrate" },
	{ "memory", "memory.oom_control" },
	{ "memory", "memory.use_hierarchy" },
	{ "memory", "memory.kmem.limit_in_bytes" },
	{ "memory", "memory.kmem.tcp.limit_in_bytes" },
	{ "memory", "memory.min" },
	{ "memory", "memory.low" },
	{ "memory", "memory.high" },
	{ "memory", "memory.max" },
	{ "memory", "memory.swap.high" },
	{ "memory", "memory.swap.max" },
	{ "memory", "memory.zswap.max" },
	{ "memory", "memory.zswap.writeback" },
	{ "memory", "memory.oom.group" },
	{ "cpuset", "cpuset.cpus" },
	{ "cpuset", "cpuset.mems" },
	{ "cpuset", "cpuset.memory_migrate" },
	{ "cpuset", "cpuset.cpu_exclusive" },
	{ "cpuset", "cpuset.mem_exclusive" },
	{ "cpuset", "cpuset.mem_hardwall" },
	{ "cpuset", "cpuset.memory_spread_page" },
	{ "cpuset", "cpuset.memory_spread_slab" },
	{ "cpuset", "cpuset.sched_load_balance" },
	{ "cpuset", "cpuset.sched_relax_domain_level" },
	{ "cpuset", "cpuset.cpus.exclusive" },
	{ "cpuset", "cpuset.cpus.partition" },
	{ "blkio", "blkio.weight" },
	{ "io", "io.weight" },
	{ "io", "io.max" },
	{ "io", "io.latency" },
	{ "io", "io.prio.class" },
	{ "net_cls", "net_cls.classid" },
	{ "net_prio", "net_prio.ifpriomap" },
	{ "pids", "pids.max" },
	{ "hugetlb", "hugetlb.*.max" },
	{ "hugetlb", "hugetlb.*.rsvd.max" },
	{ "hugetlb", "hugetlb.*.limit_in_bytes" },
	{ "hugetlb", "hugetlb.*.rsvd.limit_in_bytes" },
	{ "rdma", "rdma.max" },
	{ "misc", "misc.max" },
	{ "devices", "devices.list" },
	{ V1, "cgroup.clone_children" },
	{ V1, "notify_on_release" },
	{ V1, "cgroup.procs" },
	{ V1, "tasks" },
	{ "freezer", "freezer.state" }, /* of the group of --freeze-cgroup alone: others are as they are */
	{ V2, "cgroup.subtree_control" },
	{ V2, "cgroup.max.descendants" },
	{ V2, "cgroup.max.depth" },
	{ V2, "cgroup.freeze" },
	{ V2, "cgroup.type" },
};

/* Lists of who is in it: they have owners and modes, and no value. */
static bool is_list(const char *name)
{
	return !strcmp(name, "cgroup.procs") || !strcmp(name, "tasks");
}

/* memory.oom_control says three things, of which the first can be set. */
static const char *settable(const char *name, char *text)
{
	static const char first[] = "oom_kill_disable ";

	if (!strcmp(name, "memory.oom_control") && !strncmp(text, first, strlen(first))) {
		text += strlen(first);
		text[strcspn(text, "\n")] = '\0';
	}
	return text;
}

/* ---- the sizes of huge pages ---- */

/* As mm/hugetlb_cgroup.c names them: "2MB", "1GB" */
static int add_sizes(struct dump_cgroups *cg, struct cg_props *p, const char *name, struct img_err *err)
{
	static const char *const sizes[] = { "64KB", "1MB", "2MB", "16MB", "32MB", "512MB", "1GB", "2GB", "16GB" };
	const char *star = strchr(name, '*');

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *full = img_arena_printf(cg->arena, "%.*s%s%s", (int)(star - name), name, sizes[i], star + 1);

		if (!full)
			return img_fail_nomem(err);
		if (cg_props_add(cg, p, full, strlen(full), err) < 0)
			return -1;
	}
	return 0;
}

/* ---- lists of properties ---- */

struct cg_props *cg_props_of(struct dump_cgroups *cg, const char *ctl, size_t len, struct img_err *err)
{
	struct cg_props *p;

	for (size_t i = 0; i < cg->nr_props; i++)
		if (strlen(cg->props[i].ctl) == len && !strncmp(cg->props[i].ctl, ctl, len))
			return &cg->props[i];
	p = img_array_more(&cg->props, cg->nr_props, &cg->room_props);
	if (!p) {
		img_fail_nomem(err);
		return NULL;
	}
	*p = (struct cg_props){ .ctl = img_arena_printf(cg->arena, "%.*s", (int)len, ctl) };
	if (!p->ctl) {
		img_fail_nomem(err);
		return NULL;
	}
	cg->nr_props++;
	return p;
}

int cg_props_add(struct dump_cgroups *cg, struct cg_props *p, const char *name, size_t len, struct img_err *err)
{
	const char **at;

	for (size_t i = 0; i < p->nr; i++)
		if (strlen(p->names[i]) == len && !strncmp(p->names[i], name, len))
			return 0;
	at = img_array_more(&p->names, p->nr, &p->room);
	if (!at || !(*at = img_arena_printf(cg->arena, "%.*s", (int)len, name)))
		return img_fail_nomem(err);
	p->nr++;
	return 0;
}

int cg_props_init(struct dump *d, struct dump_cgroups *cg, struct img_err *err)
{
	const struct options *opt = d->opt;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		struct cg_props *p = cg_props_of(cg, known[i].ctl, strlen(known[i].ctl), err);

		if (!p)
			return -1;
		if ((strchr(known[i].name, '*') ? add_sizes(cg, p, known[i].name, err)
						: cg_props_add(cg, p, known[i].name, strlen(known[i].name), err)) < 0)
			return -1;
	}
	if (opt->cgroup_props && cg_spec_read(cg, opt->cgroup_props, "--cgroup-props", err) < 0)
		return -1;
	if (opt->cgroup_props_file) {
		cleanup_free char *text = kern_proc_read(NULL, err, "%s", opt->cgroup_props_file);

		if (!text)
			return img_wrap(err, "--cgroup-props-file");
		return cg_spec_read(cg, text, opt->cgroup_props_file, err);
	}
	return 0;
}

/* ---- one group ---- */

/* 1: there is no such file, or it says nothing that could be said back. */
static int read_one(struct dump *d, int root, const char *path, const char *name, CgroupPropEntry *e, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	cleanup_fd int fd = kern_cgroup_file(root, path, name, O_PATH, &why);
	cleanup_free char *text = NULL;
	const char *says;
	CgroupPerms *perms;
	struct stat st;

	if (fd < 0 && why.sys_errno == ENOENT)
		return 1;
	if (fd < 0) {
		*err = why;
		return -1;
	}
	if (fstat(fd, &st) < 0)
		return img_fail_sys(err, "%s/%s", path, name);
	if (!is_list(name)) {
		text = kern_cgroup_read(root, path, name, &why);
		/* A file that cannot be read here: it has no setting in this group. */
		if (!text && (why.sys_errno == EOPNOTSUPP || why.sys_errno == EINVAL))
			return 1;
		if (!text) {
			*err = why;
			return -1;
		}
	}
	says = dump_freezer_says(d, root, path, name);
	if (!strcmp(name, "freezer.state") && !says)
		return 1;
	perms = img_arena_message(&d->arena, CgroupPerms, cgroup_perms);
	e->name = (char *)name;
	e->value = img_arena_strdup(&d->arena, says ? says : text ? settable(name, text) : "");
	if (!perms || !e->value)
		return img_fail_nomem(err);
	perms->mode = st.st_mode;
	perms->uid = st.st_uid;
	perms->gid = st.st_gid;
	e->perms = perms;
	return 0;
}

static int read_list(
	struct dump *d, const struct cg_props *p, int root, const char *path, CgroupDirEntry *dir, struct img_err *err)
{
	CgroupPropEntry *entries = img_arena_array(&d->arena, p->nr + 1, sizeof(*entries));
	CgroupPropEntry **all = img_arena_array(&d->arena, dir->n_properties + p->nr + 1, sizeof(*all));

	if (!entries || !all)
		return img_fail_nomem(err);
	memcpy(all, dir->properties, dir->n_properties * sizeof(*all));
	dir->properties = all;
	for (size_t i = 0; i < p->nr; i++) {
		int ret;

		cgroup_prop_entry__init(&entries[i]);
		ret = read_one(d, root, path, p->names[i], &entries[i], err);
		if (ret < 0)
			return -1;
		if (ret == 0)
			dir->properties[dir->n_properties++] = &entries[i];
	}
	return 0;
}

/* Of version 2 a group has the files of the controllers that its parent hands down. */
static bool has_files(const struct cg_member *m, const char *controllers, const struct cg_props *p)
{
	if (!strcmp(p->ctl, V1))
		return m->id != 0;
	if (!strcmp(p->ctl, V2))
		return m->id == 0;
	if (m->id)
		return kern_cgroup_has(m->name, p->ctl);
	for (const char *at = controllers; *at;) {
		size_t len = strcspn(at, " ");

		if (strlen(p->ctl) == len && !strncmp(at, p->ctl, len))
			return true;
		at += len + (at[len] == ' ');
	}
	return false;
}

int cg_props_read(struct dump *d, const struct cg_member *m, int root, const char *path, CgroupDirEntry *dir, struct img_err *err)
{
	const struct dump_cgroups *cg = d->cgroups;
	cleanup_free char *controllers = m->id ? NULL : kern_cgroup_read(root, path, "cgroup.controllers", err);

	if (!m->id && !controllers)
		return -1;
	/* Those of all groups come last. */
	for (int general = 0; general < 2; general++)
		for (size_t i = 0; i < cg->nr_props; i++) {
			const struct cg_props *p = &cg->props[i];

			if ((!strcmp(p->ctl, V1) || !strcmp(p->ctl, V2)) != general || !has_files(m, controllers, p))
				continue;
			if (read_list(d, p, root, path, dir, err) < 0)
				return -1;
		}
	return 0;
}
