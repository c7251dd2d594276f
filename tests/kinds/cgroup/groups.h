/* tests/kinds/cgroup/groups.h -- control groups of a subject's own, in hierarchies that nobody sees mounted. */
#ifndef TESTS_KINDS_CGROUP_GROUPS_H
#define TESTS_KINDS_CGROUP_GROUPS_H

#include <stdbool.h>
#include <sys/mount.h>

#include "tests/harness/subject.h"

/* The root directory of a hierarchy: "pids", "name=x", "" for version 2. Skips where there is none. */
static inline int groups_root(const char *name)
{
	int fs = fsopen(*name ? "cgroup" : "cgroup2", FSOPEN_CLOEXEC), fd = -1;
	bool ok = fs >= 0;

	if (ok && !strncmp(name, "name=", 5))
		ok = fsconfig(fs, FSCONFIG_SET_FLAG, "none", NULL, 0) == 0 && fsconfig(fs, FSCONFIG_SET_STRING, "name", name + 5, 0) == 0;
	else if (ok && *name)
		ok = fsconfig(fs, FSCONFIG_SET_FLAG, name, NULL, 0) == 0;
	if (ok && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		fd = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (fs >= 0)
		close(fs);
	if (fd < 0)
		subject_skip("a hierarchy of control groups cannot be mounted");
	return fd;
}

static inline bool groups_write(int root, const char *group, const char *file, const char *text)
{
	char path[512];
	int fd;
	bool ok;

	snprintf(path, sizeof(path), "%s/%s", group, file);
	fd = openat(root, path, O_WRONLY | O_CLOEXEC);
	ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Without the newline at the end; "" when it cannot be read. */
static inline const char *groups_read(int root, const char *group, const char *file, char buf[256])
{
	char path[512];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", group, file);
	fd = openat(root, path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? 0 : read(fd, buf, 255);
	if (fd >= 0)
		close(fd);
	buf[len > 0 ? len : 0] = '\0';
	if (len > 0 && buf[len - 1] == '\n')
		buf[len - 1] = '\0';
	return buf;
}

/* The group of the calling thread: "/a/b" */
static inline const char *groups_mine(const char *name, char buf[256])
{
	char line[512];
	FILE *f = fopen("/proc/thread-self/cgroup", "re");

	buf[0] = '\0';
	while (f && fgets(line, sizeof(line), f)) {
		char *ctl = strchr(line, ':') + 1, *path = strchr(ctl, ':');

		*path++ = '\0';
		path[strcspn(path, "\n")] = '\0';
		if (!strcmp(ctl, name))
			snprintf(buf, 256, "%s", path);
	}
	if (f)
		fclose(f);
	return buf;
}

#endif
