/* crit/output.c -- where a result goes: standard output, or a file. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crit.h"
#include "criuimg/cleanup.h"

/* The permissions of a new file, as open(2) would give them, or those of the file that it replaces. */
static mode_t file_mode(const char *path)
{
	struct stat st;
	mode_t mask;

	if (!stat(path, &st))
		return st.st_mode & 07777;
	mask = umask(0);
	umask(mask);
	return 0666 & ~mask;
}

/* Devices and pipes are written where they are. */
static bool can_be_replaced(const struct crit_output *out)
{
	struct stat st;

	if (!strncmp(out->path, "/dev/", 5) || !strncmp(out->path, "/proc/", 6))
		return false;
	return lstat(out->target, &st) ? errno == ENOENT : S_ISREG(st.st_mode);
}

/* A file without a name in the directory of the target; -1 where the file system has no such thing. */
static int open_nameless(struct crit_output *out)
{
	cleanup_free char *dir = strdup(out->target);
	char *slash = dir ? strrchr(dir, '/') : NULL;
	cleanup_fd int fd = -1;

	if (!dir)
		return -1;
	if (slash)
		slash[slash == dir] = '\0';
	fd = open(slash ? dir : ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 || fchmod(fd, file_mode(out->target)))
		return -1;
	out->nameless = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return out->nameless < 0 ? -1 : steal_fd(&fd);
}

/* It gets a name beside the target, to be renamed: what is there can only be replaced so. */
static int name_it(struct crit_output *out, struct img_err *err)
{
	char self[64];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", out->nameless);
	if (asprintf(&out->temporary, "%s.%d", out->target, (int)getpid()) < 0) {
		out->temporary = NULL;
		return img_fail_nomem(err);
	}
	if (!linkat(AT_FDCWD, self, AT_FDCWD, out->temporary, AT_SYMLINK_FOLLOW))
		return 0;
	img_fail_sys(err, "%s", out->temporary);
	free(steal_ptr(&out->temporary));
	return -1;
}

/* -1 when there can be none (the directory may be another's): then the file is written where it is. */
static int open_temporary(struct crit_output *out)
{
	int fd = open_nameless(out);

	if (fd >= 0)
		return fd;
	if (asprintf(&out->temporary, "%s.XXXXXX", out->target) < 0) {
		out->temporary = NULL;
		return -1;
	}
	fd = mkostemp(out->temporary, O_CLOEXEC);
	if (fd >= 0 && fchmod(fd, file_mode(out->target)) == 0)
		return fd;
	if (fd >= 0) {
		unlink(out->temporary);
		close(fd);
	}
	free(steal_ptr(&out->temporary));
	return -1;
}

static int open_file(struct crit_output *out, struct img_err *err)
{
	int fd = -1;

	/* Of a symbolic link, what it leads to is replaced. */
	out->target = realpath(out->path, NULL);
	if (!out->target)
		out->target = strdup(out->path);
	if (!out->target)
		return img_fail_nomem(err);
	if (can_be_replaced(out))
		fd = open_temporary(out);
	if (fd < 0)
		fd = open(out->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	return fd < 0 ? img_fail_sys(err, "%s", out->path) : fd;
}

int crit_output_open(struct crit_output *out, const char *path, struct img_err *err)
{
	cleanup_fd int fd = -1;

	*out = (struct crit_output){ .path = path, .nameless = -1 };
	fd = path ? open_file(out, err) : dup(STDOUT_FILENO);
	if (fd < 0 && !path)
		img_fail_sys(err, "standard output");
	if (fd >= 0)
		out->sink = img_sink_fd_new(fd, err);
	if (!out->sink) {
		crit_output_abort(out);
		return -1;
	}
	steal_fd(&fd);
	return 0;
}

int crit_output_finish(struct crit_output *out, struct img_err *err)
{
	int ret = img_sink_finish(steal_ptr(&out->sink), err);

	if (ret == 0 && out->nameless >= 0)
		ret = name_it(out, err);
	if (ret == 0 && out->temporary && rename(out->temporary, out->target))
		ret = img_fail_sys(err, "rename");
	if (ret == 0)
		free(steal_ptr(&out->temporary));
	else
		img_wrap(err, "%s", out->path ? out->path : "standard output");
	crit_output_abort(out);
	return ret;
}

void crit_output_abort(struct crit_output *out)
{
	img_sink_abort(steal_ptr(&out->sink));
	if (out->temporary)
		unlink(out->temporary);
	if (out->nameless >= 0)
		close(out->nameless);
	out->nameless = -1;
	free(steal_ptr(&out->temporary));
	free(steal_ptr(&out->target));
}
