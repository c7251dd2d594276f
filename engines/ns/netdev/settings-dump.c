/* engines/ns/netdev/settings-dump.c -- settings below /proc/sys/net: those for which the classic images have places, in their order, and
 * all others by their names. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "criu-dump/net-own.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/net-conf.h"
#include "kernel/proc-file.h"

#define ROOT "/proc/sys/net"

/* ---- those with a place ---- */

static SysctlEntry *read_setting(struct img_arena *arena, bool text, const char *path, struct img_err *err)
{
	SysctlEntry *e = img_arena_message(arena, SysctlEntry, sysctl_entry);
	struct img_err why = IMG_ERR_INIT;
	cleanup_free char *value = NULL;

	if (!e) {
		img_fail_nomem(err);
		return NULL;
	}
	e->type = text ? SYSCTL_TYPE__CTL_STR : SYSCTL_TYPE__CTL_32;
	value = kern_proc_read(NULL, &why, "%s", path);
	/* EIO: stable_secret, until somebody has set one. */
	if (!value && (why.sys_errno == ENOENT || why.sys_errno == EIO))
		return e;
	if (!value) {
		*err = why;
		return NULL;
	}
	value[strcspn(value, "\n")] = '\0';
	if (!text) {
		e->has_iarg = 1;
		e->iarg = atoi(value);
	} else if (!(e->sarg = img_arena_strdup(arena, value))) {
		img_fail_nomem(err);
		return NULL;
	}
	return e;
}

static int read_conf(struct img_arena *arena, int family, const char *dev, SysctlEntry ***out, size_t *nr, struct img_err *err)
{
	const char *const *names = family == 4 ? kern_net_conf4 : kern_net_conf6;
	size_t count = family == 4 ? kern_net_conf4_nr : kern_net_conf6_nr;
	SysctlEntry **list = img_arena_array(arena, count, sizeof(*list));
	char path[128];

	if (!list)
		return img_fail_nomem(err);
	for (size_t i = 0; i < count; i++) {
		snprintf(path, sizeof(path), ROOT "/ipv%d/conf/%s/%s", family, dev, names[i]);
		list[i] = read_setting(arena, !strcmp(names[i], "stable_secret"), path, err);
		if (!list[i])
			return -1;
	}
	*out = list;
	*nr = count;
	return 0;
}

static int read_one(struct img_arena *arena, bool text, const char *path, SysctlEntry ***out, size_t *nr, struct img_err *err)
{
	SysctlEntry **list = img_arena_array(arena, 1, sizeof(*list));

	if (!list)
		return img_fail_nomem(err);
	list[0] = read_setting(arena, text, path, err);
	*out = list;
	*nr = 1;
	return list[0] ? 0 : -1;
}

/* Is it in conf4 or conf6? dir: "ipv4/conf/all" and the like. */
static bool has_place(const char *dir, const char *name)
{
	int family = !strncmp(dir, "ipv4/conf", 9) ? 4 : !strncmp(dir, "ipv6/conf", 9) ? 6 : 0;
	const char *const *names = family == 4 ? kern_net_conf4 : kern_net_conf6;
	size_t nr = family == 4 ? kern_net_conf4_nr : kern_net_conf6_nr;

	for (size_t i = 0; family && i < nr; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

/* ---- the others ---- */

struct more {
	struct img_arena *arena;
	NetSysctlEntry **items;
	size_t nr, room;
};

static int add(struct more *m, const char *dir, const char *file, const char *value, struct img_err *err)
{
	NetSysctlEntry **at = img_array_more(&m->items, m->nr, &m->room);
	NetSysctlEntry *e = at ? img_arena_message(m->arena, NetSysctlEntry, net_sysctl_entry) : NULL;

	if (!e)
		return img_fail_nomem(err);
	e->name = img_arena_printf(m->arena, "%s/%s", dir, file);
	e->value = img_arena_strdup(m->arena, value);
	*at = e;
	m->nr++;
	return e->name && e->value ? 0 : img_fail_nomem(err);
}

/* Into the arena: the list that a record points to. */
static int settle(struct more *m, NetSysctlEntry ***out, size_t *nr, struct img_err *err)
{
	*out = m->nr ? img_arena_memdup(m->arena, m->items, m->nr * sizeof(*m->items)) : NULL;
	*nr = m->nr;
	return *out || !m->nr ? 0 : img_fail_nomem(err);
}

/* One that can be read and written, without the newline: 1; 0: not such a one. */
static int read_text(int dir, const char *file, char *value, size_t size)
{
	cleanup_fd int fd = -1;
	struct stat st;
	ssize_t got;

	if (fstatat(dir, file, &st, 0) < 0 || !S_ISREG(st.st_mode) || (st.st_mode & (S_IRUSR | S_IWUSR)) != (S_IRUSR | S_IWUSR))
		return 0;
	fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? -1 : read(fd, value, size - 1);
	if (got < 0)
		return 0;
	value[got] = '\0';
	value[strcspn(value, "\n")] = '\0';
	return 1;
}

/* Directories of one device each, but for those that are for all. */
static bool of_a_device(const char *dir, const char *name)
{
	const char *last = strrchr(dir, '/');

	return last && (!strcmp(last, "/conf") || !strcmp(last, "/neigh")) && strcmp(name, "all") && strcmp(name, "default");
}

static int walk(struct more *m, const char *dir, struct img_err *err)
{
	cleanup_dir DIR *list = NULL;
	char path[PATH_MAX], value[4096];

	snprintf(path, sizeof(path), ROOT "%s%s", *dir ? "/" : "", dir);
	list = opendir(path);
	if (!list)
		return errno == ENOENT ? 0 : img_fail_sys(err, "%s", path);
	for (struct dirent *e; (e = readdir(list));) {
		if (e->d_name[0] == '.')
			continue;
		if (e->d_type == DT_DIR) {
			snprintf(path, sizeof(path), "%s%s%s", dir, *dir ? "/" : "", e->d_name);
			if (!of_a_device(dir, e->d_name) && walk(m, path, err) < 0)
				return -1;
		} else if (!has_place(dir, e->d_name) && read_text(dirfd(list), e->d_name, value, sizeof(value)) &&
			   add(m, dir, e->d_name, value, err) < 0) {
			return -1;
		}
	}
	return 0;
}

int net_settings_of_namespace(struct img_arena *arena, NetnsEntry *e, struct img_err *err)
{
	struct more m = { .arena = arena };
	int ret;

	if (read_conf(arena, 4, "default", &e->def_conf4, &e->n_def_conf4, err) < 0 ||
		read_conf(arena, 4, "all", &e->all_conf4, &e->n_all_conf4, err) < 0 ||
		read_conf(arena, 6, "default", &e->def_conf6, &e->n_def_conf6, err) < 0 ||
		read_conf(arena, 6, "all", &e->all_conf6, &e->n_all_conf6, err) < 0 ||
		read_one(arena, false, ROOT "/unix/max_dgram_qlen", &e->unix_conf, &e->n_unix_conf, err) < 0 ||
		read_one(arena, true, ROOT "/ipv4/ping_group_range", &e->ipv4_sysctl, &e->n_ipv4_sysctl, err) < 0)
		return -1;
	ret = walk(&m, "", err);
	if (ret == 0)
		ret = settle(&m, &e->sysctl, &e->n_sysctl, err);
	free(m.items);
	return ret;
}

/* ---- of a device ---- */

static const char *const dirs[] = { "ipv4/conf", "ipv6/conf", "ipv4/neigh", "ipv6/neigh" };

static int read_defaults(struct img_arena *arena, struct net_defaults *all, const char *dir, struct img_err *err)
{
	cleanup_dir DIR *list = NULL;
	char path[PATH_MAX], value[256];

	bool known = true;

	snprintf(path, sizeof(path), ROOT "/%s/default", dir);
	list = opendir(path);
	if (!list && errno == ENOENT) {
		/* Neighbours have defaults in the first network namespace only: here all of a device's settings are saved. */
		known = false;
		snprintf(path, sizeof(path), ROOT "/%s/lo", dir);
		list = opendir(path);
	}
	if (!list)
		return errno == ENOENT ? 0 : img_fail_sys(err, "%s", path);
	for (struct dirent *e; (e = readdir(list));) {
		struct net_default *at;

		if (e->d_name[0] == '.' || has_place(dir, e->d_name) || !read_text(dirfd(list), e->d_name, value, sizeof(value)))
			continue;
		at = img_array_more(&all->items, all->nr, &all->room);
		if (!at)
			return img_fail_nomem(err);
		*at = (struct net_default){ dir, img_arena_strdup(arena, e->d_name), img_arena_strdup(arena, known ? value : "") };
		if (!at->file || !at->value)
			return img_fail_nomem(err);
		all->nr++;
	}
	return 0;
}

static int differing(struct more *m, const struct net_defaults *all, const char *dir, const char *dev, struct img_err *err)
{
	cleanup_fd int fd = -1;
	char path[128], value[256];

	snprintf(path, sizeof(path), ROOT "/%s/%s", dir, dev);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : img_fail_sys(err, "%s", path);
	for (size_t i = 0; i < all->nr; i++)
		if (all->items[i].dir == dir && read_text(fd, all->items[i].file, value, sizeof(value)) &&
			strcmp(value, all->items[i].value) && add(m, dir, all->items[i].file, value, err) < 0)
			return -1;
	return 0;
}

/* The defaults outlive this device: they are in the arena, too. */
int net_settings_of_device(struct img_arena *arena, struct net_defaults *defaults, NetDeviceEntry *e, struct img_err *err)
{
	struct more m = { .arena = arena };
	bool first = !defaults->nr;
	int ret = 0;

	for (size_t i = 0; first && i < ARRAY_SIZE(dirs); i++)
		if (read_defaults(arena, defaults, dirs[i], err) < 0)
			return -1;
	if (read_conf(arena, 4, e->name, &e->conf4, &e->n_conf4, err) < 0 ||
		read_conf(arena, 6, e->name, &e->conf6, &e->n_conf6, err) < 0)
		return -1;
	for (size_t i = 0; ret == 0 && i < ARRAY_SIZE(dirs); i++)
		ret = differing(&m, defaults, dirs[i], e->name, err);
	if (ret == 0)
		ret = settle(&m, &e->sysctl, &e->n_sysctl, err);
	free(m.items);
	return ret;
}
