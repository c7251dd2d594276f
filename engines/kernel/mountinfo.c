/* kernel/mountinfo.c -- /proc/PID/mountinfo, taken apart. */

#include "kernel/mountinfo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "criuimg/array.h"
#include "kernel/proc-file.h"
#include "kernel/self.h"

#define DELETED "//deleted"

/* Blank, tab, newline, backslash are written as three octal digits: proc(5). In place. */
static void unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
			*out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

static char *word(char **line)
{
	char *got = strsep(line, " ");

	if (got)
		unescape(got);
	return got;
}

static void cut_deleted(struct kern_mount *m, char *root)
{
	size_t len = strlen(root);

	if (len < strlen(DELETED) || strcmp(root + len - strlen(DELETED), DELETED))
		return;
	root[len - strlen(DELETED)] = '\0';
	m->deleted = true;
}

/* 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue */
static int parse(struct kern_mount *m, char *line)
{
	char *root, *field, *numbers = line;
	int used = 0;

	if (sscanf(numbers, "%d %d %u:%u %n", &m->id, &m->parent, &m->major, &m->minor, &used) < 4 || !used)
		return -1;
	line += used;
	root = word(&line);
	m->root = root;
	m->mountpoint = word(&line);
	m->options = word(&line);
	if (!m->options)
		return -1;
	cut_deleted(m, root);
	while ((field = word(&line)) && strcmp(field, "-")) {
		if (sscanf(field, "shared:%d", &m->shared) == 1 || sscanf(field, "master:%d", &m->master) == 1)
			continue;
		m->unbindable |= !strcmp(field, "unbindable");
	}
	if (!field)
		return -1;
	m->fstype = word(&line);
	m->source = word(&line);
	m->sb_options = word(&line);
	return m->sb_options ? 0 : -1;
}

int kern_mounts_read(int pid, struct kern_mounts *mounts, struct img_err *err)
{
	char path[64];

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
	else
		kern_self_path(path, sizeof(path), "mountinfo");
	return kern_mounts_read_file(path, mounts, err);
}

int kern_mounts_read_file(const char *path, struct kern_mounts *mounts, struct img_err *err)
{
	char *at;

	mounts->text = kern_proc_read(NULL, err, "%s", path);
	if (!mounts->text)
		return -1;
	at = mounts->text;
	while (at && *at) {
		struct kern_mount *m = img_array_more(&mounts->items, mounts->nr, &mounts->room);
		char *line = strsep(&at, "\n");

		if (!m)
			return img_fail_nomem(err);
		if (parse(m, line) < 0)
			return img_fail(err, IMG_SYS, "mountinfo: a line that is none");
		mounts->nr++;
	}
	return 0;
}

void kern_mounts_free(struct kern_mounts *mounts)
{
	free(mounts->items);
	free(mounts->text);
	*mounts = (struct kern_mounts)KERN_MOUNTS_INIT;
}

const struct kern_mount *kern_mount_find(const struct kern_mounts *mounts, int id)
{
	for (size_t i = 0; i < mounts->nr; i++)
		if (mounts->items[i].id == id)
			return &mounts->items[i];
	return NULL;
}

const char *kern_path_below(const char *path, const char *prefix)
{
	size_t len = strlen(prefix);

	if (len && prefix[len - 1] == '/')
		len--;
	if (strncmp(path, prefix, len) || (path[len] && path[len] != '/'))
		return NULL;
	path += len;
	while (*path == '/')
		path++;
	return path;
}
