/* engines/fd/unix/name-dump.c -- the file that a unix socket is bound to.
 *
 * The socket has its name as bind(2) was given it. The file is found by the socket (SIOCUNIXFILE), not by the name: it may have been
 * removed since, or replaced by another one of the same name.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/sockios.h>

#include "criu-dump/dump.h"
#include "criu-dump/mounts.h"
#include "criuimg/cleanup.h"
#include "criu-dump/unix-own.h"
#include "criu-dump/ns_ops.h"

#ifndef SIOCUNIXFILE
#define SIOCUNIXFILE (SIOCPROTOPRIVATE + 0) /* linux/un.h: an O_PATH descriptor of the file */
#endif

static const char gone[] = " (deleted)";

static bool ends_with(const char *path, const char *tail)
{
	size_t len = strlen(path), tail_len = strlen(tail);

	return len >= tail_len && !strcmp(path + len - tail_len, tail);
}

static int read_link(const char *link, char *path, size_t size, struct img_err *err)
{
	ssize_t len = readlink(link, path, size - 1);

	if (len < 0)
		return img_fail_sys(err, "read link '%s'", link);
	path[len] = '\0';
	return 0;
}

static int path_of(int file, char *path, size_t size, struct img_err *err)
{
	char link[64];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
	return read_link(link, path, size, err);
}

static bool leads_to(struct dump_mntns *m, const char *path, const struct stat *st)
{
	struct stat there;

	return dump_path_stat(m, path, &there) == 0 && there.st_ino == st->st_ino && there.st_dev == st->st_dev;
}

/* The directory that a relative name was relative to: what the file's path has in front of it; else the one that the task is in. */
static int find_dir(struct dump_task *t, int file, bool deleted, const char *name, char *dir, size_t size, struct img_err *err)
{
	char link[64], tail[KERN_UNIX_NAME_MAX + 2];

	if (path_of(file, dir, size, err) < 0)
		return -1;
	if (deleted && ends_with(dir, gone))
		dir[strlen(dir) - strlen(gone)] = '\0';
	snprintf(tail, sizeof(tail), "/%s", name);
	if (ends_with(dir, tail)) {
		dir[strlen(dir) - strlen(tail)] = '\0';
		if (!dir[0])
			snprintf(dir, size, "/");
		return 0;
	}
	snprintf(link, sizeof(link), "/proc/%d/cwd", (int)t->pid);
	return read_link(link, dir, size, err);
}

int unix_file_of(struct dump *d, struct dump_task *t, int lfd, const struct kern_unix_socket *s, struct unix_file *out,
	struct img_err *err)
{
	char name[KERN_UNIX_NAME_MAX + 1], path[PATH_MAX + KERN_UNIX_NAME_MAX + 2];
	cleanup_fd int file = -1;
	struct dump_mntns *m = NULL;
	struct stat st;

	memcpy(name, s->name, s->name_len);
	name[s->name_len] = '\0';
	file = ioctl(lfd, SIOCUNIXFILE);
	if (file < 0)
		return img_fail_sys(err, "the file of unix socket '%s'", name);
	if (fstat(file, &st) < 0)
		return img_fail_sys(err, "stat the file of unix socket '%s'", name);
	file_perms_entry__init(&out->perms);
	out->perms.mode = st.st_mode;
	out->perms.uid = dump_uid(d, st.st_uid);
	out->perms.gid = dump_gid(d, st.st_gid);
	out->deleted = st.st_nlink == 0;
	out->dir[0] = out->moved_to[0] = '\0';
	if (name[0] != '/' && find_dir(t, file, out->deleted, name, out->dir, sizeof(out->dir), err) < 0)
		return -1;
	if (dump_mntns_of(d, t, dump_mnt_id(file), &m, err) < 0)
		return -1;
	out->mnt_id = dump_mnt_recorded(m, dump_mnt_id(file));
	if (out->deleted)
		return 0;
	snprintf(path, sizeof(path), "%s%s%s", out->dir, out->dir[0] ? "/" : "", name);
	if (leads_to(m, path, &st))
		return 0;
	out->deleted = true;
	if (path_of(file, out->moved_to, sizeof(out->moved_to), err) < 0)
		return -1;
	if (!leads_to(m, out->moved_to, &st))
		return img_fail(err, IMG_UNSUPPORTED, "a unix socket whose file '%s' cannot be found under its name is not supported", name);
	return 0;
}
