/* crit/output.c -- where a result goes: standard output, or a file. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
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

/* Devices, pipes and symbolic links are written where they are. */
static bool can_be_replaced(const char *path)
{
	struct stat st;

	return lstat(path, &st) ? errno == ENOENT : S_ISREG(st.st_mode) && st.st_nlink == 1;
}

static int open_temporary(struct crit_output *out, struct img_err *err)
{
	int fd;

	if (asprintf(&out->temporary, "%s.XXXXXX", out->path) < 0) {
		out->temporary = NULL;
		return img_fail_nomem(err);
	}
	fd = mkostemp(out->temporary, O_CLOEXEC);
	if (fd >= 0 && fchmod(fd, file_mode(out->path)) == 0)
		return fd;
	img_fail_sys(err, "%s", out->path);
	if (fd >= 0) {
		unlink(out->temporary);
		close(fd);
	}
	free(steal_ptr(&out->temporary));
	return -1;
}

int crit_output_open(struct crit_output *out, const char *path, struct img_err *err)
{
	cleanup_fd int fd = -1;

	*out = (struct crit_output){ .path = path };
	if (path && can_be_replaced(path)) {
		fd = open_temporary(out, err);
		if (fd < 0)
			return -1;
	} else {
		fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : dup(STDOUT_FILENO);
		if (fd < 0)
			return img_fail_sys(err, "%s", path ? path : "standard output");
	}
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

	if (ret == 0 && out->temporary && rename(out->temporary, out->path))
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
	if (!out->temporary)
		return;
	unlink(out->temporary);
	free(steal_ptr(&out->temporary));
}
