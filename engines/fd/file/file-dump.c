/* engines/fd/file/file-dump.c -- what criu-dump saves of a file with a name: regular files, directories, the memory
 * devices, and anything that is open with O_PATH only.
 *
 * The record has the path. It must lead to the very same inode when it is opened again, so this is tried here: a file that
 * was deleted becomes a ghost (engines/fd/ghost/); one that was deleted here and lives on under another name needs a name
 * made for it; one that a mount hides cannot be had back.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <linux/magic.h>
#include <linux/major.h>

#include "criu-dump/dump.h"
#include "criu-dump/files.h"
#include "criu-dump/mounts.h"
#include "criuimg/cleanup.h"
#include "kernel/build-id.h"
#include "kernel/crc32c.h"
#include "kernel/file-check.h"
#include "options/external.h"

#define DELETED " (deleted)"

/* Where a file is now. */
enum whereabouts {
	FILE_NAMED,   /* at its path */
	FILE_GHOST,   /* nowhere: its last name is gone */
	FILE_RENAMED, /* its path is gone, it has others */
	FILE_HIDDEN,  /* there is something else at its path */
};

static bool file_claims(const struct fd_probe *probe)
{
	static const char *const pseudo[] = {
		/* inodes of kernel-internal mounts, shown as if they were below / */
		"/memfd:", "/secretmem", "/dmabuf:", "/[aio]", "/anon_hugepage", "/SYSV", "/dev/zero (deleted)", NULL,
	};
	size_t len = strlen(probe->link);

	if (probe->link[0] != '/')
		return false;
	if (len > strlen(DELETED) && !strcmp(probe->link + len - strlen(DELETED), DELETED))
		for (size_t i = 0; pseudo[i]; i++)
			if (!strncmp(probe->link, pseudo[i], strlen(pseudo[i])))
				return false;
	if (probe->flags & O_PATH || S_ISREG(probe->mode) || S_ISDIR(probe->mode))
		return true;
	/* null, zero, full, random, urandom, kmsg, mem, port: no state but the position. */
	return S_ISCHR(probe->mode) && major(probe->rdev) == MEM_MAJOR;
}

bool dump_path_leads_to(struct dump *d, const struct dump_task *t, const char *path, const struct fd_probe *probe)
{
	struct dump_mntns *m;
	struct stat st;

	if (dump_mntns_of(d, t, probe->mnt_id, &m, NULL) < 0)
		return false;
	return dump_path_stat(m, path, &st) == 0 && st.st_dev == probe->dev && st.st_ino == probe->ino;
}

/* --evasive-devices: another node of the same device. path has room for PATH_MAX. */
static bool other_node(struct dump *d, const struct dump_task *t, const struct fd_probe *probe, char *path)
{
	struct dump_mntns *m;
	cleanup_dir DIR *dir = NULL;
	struct dirent *de;
	struct stat st;
	int fd;

	if (!d->opt->evasive_devices || !S_ISCHR(probe->mode) || dump_mntns_of(d, t, probe->mnt_id, &m, NULL) < 0)
		return false;
	fd = dump_path_open(m, "/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		img_cleanup_fd(&fd);
		return false;
	}
	while ((de = readdir(dir))) {
		snprintf(path, PATH_MAX, "/dev/%s", de->d_name);
		if (dump_path_stat(m, path, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == probe->rdev)
			return true;
	}
	return false;
}

/* Find the file. path (room for PATH_MAX) is its name as a record has it: without " (deleted)" where that is not a part of
 * the name. */
static enum whereabouts locate(struct dump *d, const struct dump_task *t, const struct fd_probe *probe, char *path)
{
	size_t len = strlen(probe->link);

	snprintf(path, PATH_MAX, "%s", probe->link);
	if (dump_path_leads_to(d, t, path, probe))
		return FILE_NAMED;
	if (other_node(d, t, probe, path))
		return FILE_NAMED;
	snprintf(path, PATH_MAX, "%s", probe->link);
	if (len <= strlen(DELETED) || strcmp(path + len - strlen(DELETED), DELETED))
		return FILE_HIDDEN;
	path[len - strlen(DELETED)] = '\0';
	if (probe->nlink == 0 || S_ISDIR(probe->mode))
		return FILE_GHOST;
	/* A file whose name was taken away and given back (rename, link) is still shown as deleted. */
	if (dump_path_leads_to(d, t, path, probe))
		return FILE_NAMED;
	return FILE_RENAMED;
}

/* The pid in "/proc/PID/..." of the proc mounted at /proc, with what follows it; 0 for any other path. */
static pid_t proc_pid(const struct dump_mntns *m, const struct fd_probe *probe, const char *path, const char **rest)
{
	cleanup_fd int fd = -1;
	struct statfs fs;
	struct stat st;
	char *end;
	long pid;

	if (strncmp(path, "/proc/", 6) || path[6] < '1' || path[6] > '9')
		return 0;
	fd = dump_path_open(m, "/proc", O_PATH);
	if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC || fstat(fd, &st) < 0 || st.st_dev != probe->dev)
		return 0;
	pid = strtol(path + 6, &end, 10);
	if ((*end && *end != '/') || pid > INT_MAX)
		return 0;
	*rest = end;
	return (pid_t)pid;
}

static int check_proc(const struct dump_mntns *m, const char *path, pid_t pid, const char *rest, bool there, struct img_err *err)
{
	char dir[32];
	struct stat st;
	long tid;

	/* By that proc: it may be of another pid namespace. */
	snprintf(dir, sizeof(dir), "/proc/%d", (int)pid);
	if (!there && dump_path_stat(m, dir, &st) == 0)
		return img_fail(err, IMG_UNSUPPORTED, "'%s' is of a process that is gone, and its pid is of another one now", path);
	if (!strncmp(rest, "/task/", 6)) {
		tid = strtol(rest + 6, NULL, 10);
		if (tid && tid != pid)
			return img_fail(err, IMG_UNSUPPORTED, "'%s' is of a thread: not supported", path);
	}
	return 0;
}

/* --external file[MNT:INODE]: the name of the record then, by which it is handed over at restore. */
static bool is_external(const struct dump *d, const struct fd_probe *probe, char *key, size_t size)
{
	snprintf(key, size, "file[%x:%llx]", (unsigned)probe->mnt_id, (unsigned long long)probe->ino);
	return options_external(d->opt, "%s", key) != NULL;
}

int dump_named_file_check(struct dump *d, struct dump_task *t, const struct fd_probe *probe, struct img_err *err)
{
	char path[PATH_MAX], key[64];
	enum whereabouts where;
	struct dump_mntns *m;
	const char *rest;
	pid_t pid;

	if (is_external(d, probe, path, sizeof(path)))
		return 0;
	if (strlen(probe->link) >= sizeof(path))
		return img_fail(err, IMG_UNSUPPORTED, "a path of %zu bytes is not supported", strlen(probe->link));
	if (dump_mntns_of(d, t, probe->mnt_id, &m, err) < 0)
		return -1;
	where = locate(d, t, probe, path);
	pid = proc_pid(m, probe, path, &rest);
	if (pid)
		return check_proc(m, path, pid, rest, where == FILE_NAMED, err);
	switch (where) {
	case FILE_NAMED:
		return 0;
	case FILE_GHOST:
		return dump_ghost_check(d, probe, err);
	case FILE_RENAMED:
		if (d->opt->link_remap)
			return 0;
		return img_fail(err, IMG_UNSUPPORTED, "'%s' was deleted, and the file has %llu other names: with --link-remap "
			"it gets a new one", path, (unsigned long long)probe->nlink);
	case FILE_HIDDEN:
		break;
	}
	is_external(d, probe, key, sizeof(key));
	return img_fail(err, IMG_UNSUPPORTED, "'%s' leads elsewhere now: something is mounted over it, or it is of another "
		"mount namespace (--external '%s' takes it from outside)", path, key);
}

/* ---- what tells at restore whether it is the same file ---- */

struct identity {
	uint32_t build_id[KERN_BUILD_ID_MAX / 4];
};

/* Words of four bytes, the first byte lowest. */
static void fill_build_id(RegFileEntry *reg, struct identity *self, const unsigned char *id, size_t len)
{
	reg->n_build_id = (len + 3) / 4;
	reg->build_id = self->build_id;
	for (size_t i = 0; i < reg->n_build_id; i++)
		self->build_id[i] = (uint32_t)id[4 * i] | (uint32_t)id[4 * i + 1] << 8 | (uint32_t)id[4 * i + 2] << 16 |
				    (uint32_t)id[4 * i + 3] << 24;
}

/* Asked for, and no program: the first bytes. */
static void fill_checksum(RegFileEntry *reg, int fd)
{
	unsigned char bytes[FILE_CHECKSUM_BYTES];
	ssize_t len = pread(fd, bytes, sizeof(bytes), 0);

	if (len <= 0)
		return;
	reg->has_checksum = reg->has_checksum_config = reg->has_checksum_parameter = true;
	reg->checksum = kern_crc32c(0, bytes, (size_t)len);
	reg->checksum_config = FILE_CHECKSUM_FIRST;
	reg->checksum_parameter = FILE_CHECKSUM_BYTES;
}

static void fill_identity(struct dump *d, const struct fd_target *t, RegFileEntry *reg, struct identity *self)
{
	const char *method = d->opt->file_validation;
	unsigned char id[KERN_BUILD_ID_MAX + 4] = { 0 };
	bool asked = method && !strcmp(method, "buildid");
	cleanup_fd int fd = -1;
	char path[40];
	size_t len;

	/* What only ever grows at its end, from here or from elsewhere, may have another size at restore: a log. */
	reg->has_size = S_ISREG(t->probe->mode) && (t->probe->flags & (O_ACCMODE | O_APPEND)) != (O_WRONLY | O_APPEND);
	reg->size = t->probe->size;
	if (!S_ISREG(t->probe->mode) || t->probe->nlink == 0 || (method && !strcmp(method, "filesize")))
		return;
	if (t->probe->size < 64 && !asked)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", t->lfd);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | O_NOATIME);
	if (fd < 0)
		fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return; /* the size will do */
	len = kern_build_id(fd, t->probe->size, id);
	if (len)
		fill_build_id(reg, self, id, len);
	else if (asked && reg->has_size)
		fill_checksum(reg, fd);
}

/* ---- records ---- */

static int write_record(struct dump *d, const struct fd_target *t, RegFileEntry *reg, struct img_err *err)
{
	FownEntry fown = FOWN_ENTRY__INIT;
	FileEntry rec = FILE_ENTRY__INIT;

	if (dump_file_owner(d, t, &fown, err) < 0)
		return img_wrap(err, "'%s'", reg->name);
	reg->id = t->id;
	reg->flags = t->probe->flags;
	reg->pos = t->probe->pos;
	reg->fown = &fown;
	/* Another node of a device (other_node()) has a mode of its own. */
	reg->has_mode = reg->ext || !S_ISCHR(t->probe->mode) || !d->opt->evasive_devices ||
			dump_path_leads_to(d, t->task, reg->name, t->probe);
	reg->mode = t->probe->mode;
	rec.type = FD_TYPES__REG;
	rec.id = t->id;
	rec.reg = reg;
	return dump_write_file(d, &rec, err);
}

int dump_named_file(struct dump *d, const struct fd_target *t, struct img_err *err)
{
	const struct fd_probe *probe = t->probe;
	RegFileEntry reg = REG_FILE_ENTRY__INIT;
	struct identity identity;
	char path[PATH_MAX];
	enum whereabouts where;
	struct dump_mntns *m;
	const char *rest;
	pid_t pid;

	reg.name = path;
	if (is_external(d, probe, path, sizeof(path))) {
		reg.has_ext = reg.ext = true;
		return write_record(d, t, &reg, err);
	}
	if (dump_named_file_check(d, t->task, probe, err) < 0 || dump_mntns_of(d, t->task, probe->mnt_id, &m, err) < 0)
		return -1;
	where = locate(d, t->task, probe, path);
	pid = proc_pid(m, probe, path, &rest);
	if (pid && where != FILE_NAMED && dump_dead_proc(d, t, pid, err) < 0)
		return -1;
	if (!pid && where == FILE_GHOST && dump_ghost(d, t, err) < 0)
		return img_wrap(err, "'%s'", path);
	if (!pid && where == FILE_RENAMED && dump_link(d, t, path, err) < 0)
		return img_wrap(err, "'%s'", path);
	reg.mnt_id = dump_mnt_recorded(m, probe->mnt_id);
	reg.has_mnt_id = reg.mnt_id >= 0;
	fill_identity(d, t, &reg, &identity);
	return write_record(d, t, &reg, err);
}

const struct fd_dump_ops file_dump_ops = {
	.name = "file",
	.type = FD_TYPES__REG,
	.mappable = true,
	.claims = file_claims,
	.check = dump_named_file_check,
	.dump = dump_named_file,
};
