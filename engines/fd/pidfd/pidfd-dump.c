/* engines/fd/pidfd/pidfd-dump.c -- what criu-dump saves of a pidfd: which process it is of. One that is gone has no number any more, and is
 * known by its inode. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "criu-dump/dump.h"
#include "criu-dump/files.h"
#include "criuimg/array.h"

/* fs/pidfs.c, pidfd_show_fdinfo(); -1: gone, 0: not in this pid namespace */
static const struct fdinfo_field fields[] = {
	{ "Pid", FDINFO_SKIP, 0, false },
	{ "NSpid", FDINFO_SKIP, 0, false },
};

static bool pidfd_claims(const struct fd_probe *probe)
{
	return !strcmp(probe->link, "anon_inode:[pidfd]") || !strncmp(probe->link, "pidfd:", 6);
}

/* The process in its innermost pid namespace, and in ours. */
static int pid_of(const struct fd_probe *probe, int *nspid, int *pid, struct img_err *err)
{
	const char *at = probe->extra;
	char line[256];

	*pid = *nspid = -1;
	while (kern_fdinfo_next(&at, line, sizeof(line))) {
		const char *last = strrchr(line, '\t');

		if (sscanf(line, "Pid:\t%d", pid) == 1)
			*nspid = *pid;
		else if (!strncmp(line, "NSpid:", 6) && last && sscanf(last, "\t%d", nspid) != 1)
			return img_fail(err, IMG_UNSUPPORTED, "fdinfo line '%s' is not understood", line);
	}
	return 0;
}

static int pidfd_check(struct dump *d, struct dump_task *t, const struct fd_probe *probe, struct img_err *err)
{
	int nspid, pid;

	if (pid_of(probe, &nspid, &pid, err) < 0)
		return -1;
	if (pid == 0)
		return img_fail(err, IMG_UNSUPPORTED, "a pidfd of a process in another pid namespace is not supported");
	if (pid > 0 && !dump_task_by_pid(d, pid))
		return img_fail(err, IMG_UNSUPPORTED, "a pidfd of process %d, which is not in the tree, is not supported", pid);
	return 0;
}

static int pidfd_dump(struct dump *d, const struct fd_target *t, struct img_err *err)
{
	PidfdEntry pidfd = PIDFD_ENTRY__INIT;
	FownEntry fown = FOWN_ENTRY__INIT;
	FileEntry rec = FILE_ENTRY__INIT;
	int pid;

	if (pid_of(t->probe, &pidfd.nspid, &pid, err) < 0 || dump_file_owner(d, t, &fown, err) < 0)
		return -1;
	pidfd.id = t->id;
	pidfd.ino = (uint32_t)t->probe->ino;
	pidfd.flags = t->probe->flags & ~(uint32_t)O_RDWR;
	pidfd.fown = &fown;
	rec.type = FD_TYPES__PIDFD;
	rec.id = t->id;
	rec.pidfd = &pidfd;
	return dump_write_file(d, &rec, err);
}

const struct fd_dump_ops pidfd_dump_ops = {
	.name = "pidfd",
	.type = FD_TYPES__PIDFD,
	.fdinfo = fields,
	.nr_fdinfo = ARRAY_SIZE(fields),
	.claims = pidfd_claims,
	.check = pidfd_check,
	.dump = pidfd_dump,
};
