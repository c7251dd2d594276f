/* kernel/cgroup.c -- control groups: who is in which, and the directories of a hierarchy. */

#include "kernel/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/mountinfo.h"
#include "kernel/proc-file.h"

/* ---- /proc/PID/cgroup ---- */

/* "8:pids:/a/b" */
static int parse_line(struct kern_cgroups *cg, char *line, struct img_err *err)
{
	char *name = strchr(line, ':'), *path = name ? strchr(name + 1, ':') : NULL;
	struct kern_cgroup *c;

	if (!path || path[1] != '/')
		return img_fail(err, IMG_SYS, "a line of /proc/PID/cgroup that is not known: '%s'", line);
	c = img_array_more(&cg->items, cg->nr, &cg->room);
	if (!c)
		return img_fail_nomem(err);
	cg->nr++;
	*name++ = *path++ = '\0';
	*c = (struct kern_cgroup){ .name = name, .path = path, .id = atoi(line) };
	return 0;
}

int kern_cgroups_read(pid_t pid, pid_t tid, struct kern_cgroups *cg, struct img_err *err)
{
	char *line, *next;

	*cg = (struct kern_cgroups)KERN_CGROUPS_INIT;
	cg->text = pid ? kern_proc_read(NULL, err, "/proc/%d/task/%d/cgroup", pid, tid)
		       : kern_proc_read(NULL, err, "/proc/thread-self/cgroup");
	if (!cg->text)
		return -1;
	for (line = cg->text; *line; line = next) {
		size_t len = strcspn(line, "\n");

		next = line + len + (line[len] == '\n');
		line[len] = '\0';
		if (parse_line(cg, line, err) < 0)
			return -1;
	}
	return 0;
}

void kern_cgroups_free(struct kern_cgroups *cg)
{
	free(cg->items);
	free(cg->text);
	*cg = (struct kern_cgroups)KERN_CGROUPS_INIT;
}

const char *kern_cgroups_path(const struct kern_cgroups *cg, const char *name)
{
	for (size_t i = 0; i < cg->nr; i++)
		if (!strcmp(cg->items[i].name, name))
			return cg->items[i].path;
	return NULL;
}

bool kern_cgroup_outside(const char *path)
{
	static const char deleted[] = " (deleted)";
	size_t len = strlen(path), end = sizeof(deleted) - 1;

	return !strcmp(path, "/..") || !strncmp(path, "/../", 4) || (len > end && !strcmp(path + len - end, deleted));
}

/* ---- names of hierarchies ---- */

#define NAMED "name="

static bool is_named(const char *name)
{
	return !strncmp(name, NAMED, strlen(NAMED));
}

const char *kern_cgroup_dir_name(const char *name)
{
	if (!*name)
		return "unified";
	return is_named(name) ? name + strlen(NAMED) : name;
}

bool kern_cgroup_has(const char *name, const char *ctl)
{
	size_t len = strlen(ctl);

	if (!strcmp(name, ctl) || (is_named(name) && !strcmp(name + strlen(NAMED), ctl)))
		return true;
	for (const char *at = name; len && (at = strstr(at, ctl)); at += len)
		if ((at == name || at[-1] == ',') && (at[len] == ',' || !at[len]))
			return true;
	return false;
}

/* ---- the root of a hierarchy ---- */

/* Options of mount(2), one by one: what fsconfig(2) is told. */
static int configure(int fs, const char *name)
{
	cleanup_free char *list = strdup(name);
	char *rest = list;

	if (!list)
		return -1;
	if (is_named(name))
		return fsconfig(fs, FSCONFIG_SET_FLAG, "none", NULL, 0) < 0
			       ? -1
			       : fsconfig(fs, FSCONFIG_SET_STRING, "name", name + strlen(NAMED), 0);
	for (char *ctl; *name && (ctl = strsep(&rest, ","));)
		if (fsconfig(fs, FSCONFIG_SET_FLAG, ctl, NULL, 0) < 0)
			return -1;
	return 0;
}

static int mount_hidden(const char *name)
{
	cleanup_fd int fs = fsopen(*name ? "cgroup" : "cgroup2", FSOPEN_CLOEXEC);

	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "source", "cgroup", 0) < 0 || configure(fs, name) < 0 ||
		fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

/* All controllers of the hierarchy are among the options of its mount. */
static bool mounts_it(const struct kern_mount *m, const char *name)
{
	char option[NAME_MAX];

	if (!*name)
		return !strcmp(m->fstype, "cgroup2");
	if (strcmp(m->fstype, "cgroup"))
		return false;
	for (const char *at = name; *at;) {
		size_t len = strcspn(at, ",");

		snprintf(option, sizeof(option), "%.*s", (int)len, at);
		if (!kern_cgroup_has(m->sb_options, option))
			return false;
		at += len + (at[len] == ',');
	}
	return true;
}

static int find_mounted(const char *name)
{
	struct kern_mounts mounts = KERN_MOUNTS_INIT;
	int fd = -1, ok = kern_mounts_read(0, &mounts, NULL) == 0;

	for (size_t i = 0; ok && fd < 0 && i < mounts.nr; i++)
		if (mounts_it(&mounts.items[i], name) && !strcmp(mounts.items[i].root, "/"))
			fd = open(mounts.items[i].mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);
	kern_mounts_free(&mounts);
	return fd;
}

int kern_cgroup_open(const char *name, const char *yard, struct img_err *err)
{
	const char *dir = kern_cgroup_dir_name(name);
	int fd;

	if (yard) {
		cleanup_fd int at = open(yard, O_PATH | O_DIRECTORY | O_CLOEXEC);

		fd = at < 0 ? -1 : openat(at, dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		return fd < 0 ? img_fail_sys(err, "--cgroup-yard %s: %s", yard, dir) : fd;
	}
	fd = mount_hidden(name);
	if (fd < 0) {
		int why = errno;

		fd = find_mounted(name);
		errno = why;
	}
	return fd < 0 ? img_fail_sys(err, "hierarchy of control groups %s", dir) : fd;
}

/* ---- files ---- */

const char *kern_cgroup_rel(const char *path)
{
	path += strspn(path, "/");
	return *path ? path : ".";
}

int kern_cgroup_file(int root, const char *path, const char *file, int flags, struct img_err *err)
{
	char name[PATH_MAX];
	int fd = -1;

	if (snprintf(name, sizeof(name), "%s/%s", kern_cgroup_rel(path), file) >= (int)sizeof(name))
		errno = ENAMETOOLONG;
	else
		fd = openat(root, name, flags | O_CLOEXEC);
	return fd < 0 ? img_fail_sys(err, "%s/%s", path, file) : fd;
}

char *kern_cgroup_read(int root, const char *path, const char *file, struct img_err *err)
{
	cleanup_fd int fd = kern_cgroup_file(root, path, file, O_RDONLY, err);
	cleanup_free char *buf = NULL;
	size_t len = 0, room = 0;
	ssize_t got;

	if (fd < 0)
		return NULL;
	do {
		if (room - len < 2) {
			char *grown = realloc(buf, room = room ? 2 * room : 4096);

			if (!grown) {
				img_fail_nomem(err);
				return NULL;
			}
			buf = grown;
		}
		got = read(fd, buf + len, room - len - 1);
		if (got < 0) {
			img_fail_sys(err, "%s/%s", path, file);
			return NULL;
		}
		len += (size_t)got;
	} while (got);
	while (len && buf[len - 1] == '\n')
		len--;
	buf[len] = '\0';
	return steal_ptr(&buf);
}

int kern_cgroup_write(int root, const char *path, const char *file, const char *value, struct img_err *err)
{
	cleanup_fd int fd = kern_cgroup_file(root, path, file, O_WRONLY, err);
	/* An empty value means the end of a list, and is told by a newline. */
	const char *text = *value ? value : "\n";

	if (fd < 0)
		return -1;
	if (write(fd, text, strlen(text)) < 0)
		return img_fail_sys(err, "%s/%s: write '%s'", path, file, value);
	return 0;
}
