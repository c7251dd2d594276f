/* engines/fd/signalfd/signalfd-dump.c -- what criu-dump saves of a signalfd: the signals it takes. Those that are pending
 * belong to the task. */

#include <string.h>

#include "criu-dump/files.h"
#include "criuimg/array.h"

struct signalfd_state {
	uint64_t sigmask;
};

/* fs/signalfd.c, signalfd_show_fdinfo() */
static const struct fdinfo_field fields[] = {
	{ "sigmask", FDINFO_HEX, offsetof(struct signalfd_state, sigmask), true },
};

static bool signalfd_claims(const struct fd_probe *probe)
{
	return !strcmp(probe->link, "anon_inode:[signalfd]");
}

static int signalfd_dump(struct dump *d, const struct fd_target *t, struct img_err *err)
{
	SignalfdEntry sgfd = SIGNALFD_ENTRY__INIT;
	FownEntry fown = FOWN_ENTRY__INIT;
	FileEntry rec = FILE_ENTRY__INIT;
	struct signalfd_state state = { 0 };

	if (kern_fdinfo_fields(t->probe->extra, fields, ARRAY_SIZE(fields), &state, NULL, NULL, err) < 0 ||
		dump_file_owner(d, t, &fown, err) < 0)
		return -1;
	sgfd.id = t->id;
	sgfd.flags = t->probe->flags;
	sgfd.fown = &fown;
	sgfd.sigmask = state.sigmask;
	rec.type = FD_TYPES__SIGNALFD;
	rec.id = t->id;
	rec.sgfd = &sgfd;
	return dump_write_file(d, &rec, err);
}

const struct fd_dump_ops signalfd_dump_ops = {
	.name = "signalfd",
	.type = FD_TYPES__SIGNALFD,
	.fdinfo = fields,
	.nr_fdinfo = ARRAY_SIZE(fields),
	.claims = signalfd_claims,
	.dump = signalfd_dump,
};
