/* engines/fd/file/file-restore.c -- how criu-restore opens a file again, and sees that it is still the same. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criu-restore/files.h"
#include "criu-restore/inherit.h"
#include "criu-restore/restore.h"
#include "criuimg/cleanup.h"
#include "criu-restore/namespaces.h"
#include "kernel/build-id.h"
#include "kernel/crc32c.h"
#include "kernel/file-check.h"
#include "kernel/ns.h"

/* What must not be asked for again: the file is there. */
#define NOT_AGAIN (O_CREAT | O_EXCL | O_TRUNC)
/* O_TMPFILE is this bit and O_DIRECTORY. The file has a name now. */
#define TMPFILE_BIT (O_TMPFILE & ~O_DIRECTORY)

/* Before it is opened: some files do things when they are. */
static int check_mode(struct restore *r, const RegFileEntry *reg, const struct stat *st, struct img_err *err)
{
	uint32_t which = r->opt->skip_file_rwx_check ? S_IFMT : ~0u;

	if (reg->has_mode && (reg->mode & which) != (st->st_mode & which))
		return img_fail(err, IMG_UNSUPPORTED, "'%s' has mode %#o, and had %#o", reg->name, st->st_mode, reg->mode);
	return 0;
}

/* --file-validation filesize */
static bool only_size(const struct restore *r)
{
	return r->opt->file_validation && !strcmp(r->opt->file_validation, "filesize");
}

/* Of the first bytes: what we write. Others' ways of choosing bytes are not known for certain, and the size was compared. */
static int check_sum(struct restore *r, const RegFileEntry *reg, int fd, const struct stat *st, struct img_err *err)
{
	unsigned char bytes[FILE_CHECKSUM_BYTES];
	struct img_err ignored = IMG_ERR_INIT;
	cleanup_fd int again = -1;
	ssize_t len;

	if (!reg->has_checksum || reg->checksum_config != FILE_CHECKSUM_FIRST || reg->checksum_parameter > sizeof(bytes) ||
		!S_ISREG(st->st_mode) || only_size(r))
		return 0;
	again = restore_reopen(fd, O_RDONLY | O_NONBLOCK, &ignored);
	len = again < 0 ? -1 : pread(again, bytes, reg->checksum_parameter, 0);
	if (len >= 0 && kern_crc32c(0, bytes, (size_t)len) != reg->checksum)
		return img_fail(err, IMG_UNSUPPORTED, "'%s' begins with other bytes than it did", reg->name);
	return 0;
}

static int check_build_id(struct restore *r, const RegFileEntry *reg, int fd, const struct stat *st, struct img_err *err)
{
	unsigned char id[KERN_BUILD_ID_MAX + 4] = { 0 };
	cleanup_fd int again = -1;
	struct img_err ignored = IMG_ERR_INIT;
	size_t len;

	if (!reg->n_build_id || !S_ISREG(st->st_mode) || only_size(r))
		return 0;
	again = restore_reopen(fd, O_RDONLY | O_NONBLOCK, &ignored);
	if (again < 0)
		return 0;
	len = kern_build_id(again, (uint64_t)st->st_size, id);
	for (size_t i = 0; i < reg->n_build_id; i++) {
		uint32_t word = (uint32_t)id[4 * i] | (uint32_t)id[4 * i + 1] << 8 | (uint32_t)id[4 * i + 2] << 16 |
				(uint32_t)id[4 * i + 3] << 24;

		if ((len + 3) / 4 != reg->n_build_id || word != reg->build_id[i])
			return img_fail(err, IMG_UNSUPPORTED, "'%s' is another build of the program", reg->name);
	}
	return 0;
}

static int check_size(const RegFileEntry *reg, const struct stat *st, struct img_err *err)
{
	if (reg->has_size && S_ISREG(st->st_mode) && (uint64_t)st->st_size != reg->size)
		return img_fail(err, IMG_UNSUPPORTED, "'%s' has %lld bytes, and had %llu", reg->name, (long long)st->st_size,
			(unsigned long long)reg->size);
	return 0;
}

static int check_opened(struct restore *r, const RegFileEntry *reg, int fd, struct img_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return img_fail_sys(err, "stat '%s'", reg->name);
	if (check_mode(r, reg, &st, err) < 0 || check_size(reg, &st, err) < 0)
		return -1;
	if (check_build_id(r, reg, fd, &st, err) < 0)
		return -1;
	return check_sum(r, reg, fd, &st, err);
}

static int open_flags(const RegFileEntry *reg, int flags)
{
	flags &= ~NOT_AGAIN;
	if (flags & TMPFILE_BIT)
		flags &= ~(TMPFILE_BIT | (reg->has_mode && S_ISDIR(reg->mode) ? 0 : O_DIRECTORY));
	return flags | O_CLOEXEC | O_NOCTTY;
}

/* What the caller hands over for a file (--inherit-fd): external ones have the key for a name, others a path, whose first slash may be
 * left out. -1: nothing. */
static int handed(const struct restore *r, const RegFileEntry *reg)
{
	int fd = restore_inherited(r, "%s", reg->name);

	return fd < 0 && reg->name[0] == '/' ? restore_inherited(r, "%s", reg->name + 1) : fd;
}

static int no_external(const RegFileEntry *reg, struct img_err *err)
{
	return img_fail(err, IMG_UNSUPPORTED, "an external file: wants --inherit-fd 'fd[N]:%s'", reg->name);
}

/* stat(2) and open(2) of its path: from the root of the mount namespace that it is in. */
static int look_up(int root, const RegFileEntry *reg, int follow, struct stat *st)
{
	cleanup_fd int fd = -1;

	if (root < 0)
		return fstatat(AT_FDCWD, reg->name, st, follow);
	fd = kern_open_in_root(root, reg->name, O_PATH | (follow & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0));
	return fd < 0 ? -1 : fstat(fd, st);
}

int restore_open_named(struct restore *r, struct restore_task *t, const RegFileEntry *reg, int flags, struct img_err *err)
{
	int root = restore_ns_root_for(r, t, reg->has_mnt_id ? reg->mnt_id : -1);
	cleanup_fd int fd = -1;
	struct stat st;
	int ret, from = handed(r, reg);

	flags = open_flags(reg, flags);
	if (from >= 0)
		return restore_reopen(from, flags, err);
	if (reg->has_ext && reg->ext)
		return no_external(reg, err);
	ret = restore_open_ghost(r, t, reg, flags, &fd, err);
	if (ret < 0)
		return -1;
	if (ret == 0) {
		int follow = flags & O_NOFOLLOW || (reg->has_mode && S_ISLNK(reg->mode)) ? AT_SYMLINK_NOFOLLOW : 0;

		if (look_up(root, reg, follow, &st) < 0)
			return img_fail_sys(err, "'%s'", reg->name);
		if (check_mode(r, reg, &st, err) < 0)
			return -1;
		fd = root < 0 ? open(reg->name, flags) : kern_open_in_root(root, reg->name, flags);
		if (fd < 0)
			return img_fail_sys(err, "open '%s' with flags %#o", reg->name, (unsigned)flags);
	}
	if (check_opened(r, reg, fd, err) < 0)
		return -1;
	return steal_fd(&fd);
}

static int file_open(struct restore *r, struct restore_task *t, const struct restore_file *f, int flags, int *fd,
	struct img_err *err)
{
	*fd = restore_open_named(r, t, f->rec->reg, flags < 0 ? (int)f->rec->reg->flags : flags, err);
	return *fd < 0 ? -1 : 0;
}

static int file_make(struct restore *r, struct restore_task *t, const struct restore_file *const *files, size_t nr, int *fds,
	struct img_err *err)
{
	const RegFileEntry *reg = files[0]->rec->reg;
	cleanup_fd int fd = -1;
	int from = handed(r, reg);

	/* A path: the very file that the caller has, where he is in it. */
	if (from >= 0 && !(reg->has_ext && reg->ext)) {
		fd = fcntl(from, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (fd < 0)
			return img_fail_sys(err, "duplicate a descriptor");
		if (restore_file_owner(r, fd, reg->fown, err) < 0)
			return -1;
		fds[0] = steal_fd(&fd);
		return 0;
	}
	fd = restore_open_named(r, t, reg, (int)reg->flags, err);
	if (fd < 0)
		return -1;
	if (!(reg->flags & O_PATH)) {
		/* A position beyond 2^63 (of /proc/PID/mem) is no failure, though it looks like one. */
		errno = 0;
		if (reg->pos && lseek(fd, (off_t)reg->pos, SEEK_SET) < 0 && errno)
			return img_fail_sys(err, "'%s': seek to %llu", reg->name, (unsigned long long)reg->pos);
		if (restore_file_flags(fd, reg->flags, err) < 0 || restore_file_owner(r, fd, reg->fown, err) < 0)
			return img_wrap(err, "'%s'", reg->name);
	}
	fds[0] = steal_fd(&fd);
	return 0;
}

/* With --plan nothing is opened: is it there, and what it was? Otherwise this can wait: scripts may bring it. */
static int look_for(struct restore *r, const RegFileEntry *reg, struct img_err *err)
{
	const char *path = NULL;
	struct stat st;

	if (restore_is_ghost(r, reg, &path) && !path)
		return 0;
	if (!path)
		path = reg->name;
	if (!strncmp(path, "/proc/", 6))
		return 0; /* of processes that are not there yet */
	if (fstatat(AT_FDCWD, path, &st, reg->has_mode && S_ISLNK(reg->mode) ? AT_SYMLINK_NOFOLLOW : 0) < 0)
		return img_fail(err, IMG_UNSUPPORTED, "'%s': %s", path, strerror(errno));
	return check_mode(r, reg, &st, err) < 0 ? -1 : check_size(reg, &st, err);
}

static int file_plan(struct restore *r, const struct restore_file *f, struct img_err *err)
{
	const RegFileEntry *reg = f->rec->reg;

	if (!reg)
		return img_fail(err, IMG_CORRUPT, "has no file record");
	if (reg->id != f->id)
		return img_fail(err, IMG_CORRUPT, "calls itself %#x", reg->id);
	if (reg->has_ext && reg->ext)
		return handed(r, reg) < 0 ? no_external(reg, err) : 0;
	if (reg->name[0] != '/')
		return img_fail(err, IMG_CORRUPT, "'%s' is no path from the root", reg->name);
	if (reg->n_build_id > KERN_BUILD_ID_MAX / 4)
		return img_fail(err, IMG_CORRUPT, "'%s' has a build id of %zu words", reg->name, reg->n_build_id);
	return r->opt->plan && handed(r, reg) < 0 ? look_for(r, reg, err) : 0;
}

static const FownEntry *file_owner(const struct restore *r, const struct restore_file *f)
{
	return f->rec->reg->fown;
}

const struct fd_restore_ops file_restore_ops = {
	.name = "file",
	.type = FD_TYPES__REG,
	.plan = file_plan,
	.make = file_make,
	.owner = file_owner,
	.open = file_open,
};
