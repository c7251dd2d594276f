/* engines/fd/eventfd/eventfd-dump.c -- what criu-dump saves of an eventfd: its count, and whether it is a semaphore. */

#include <string.h>

#include "criu-dump/files.h"
#include "criuimg/array.h"

struct eventfd_state {
	uint64_t count, semaphore;
};

/* fs/eventfd.c, eventfd_show_fdinfo() */
static const struct fdinfo_field fields[] = {
	{ "eventfd-count", FDINFO_HEX, offsetof(struct eventfd_state, count), true },
	{ "eventfd-id", FDINFO_SKIP, 0, false },
	{ "eventfd-semaphore", FDINFO_DEC, offsetof(struct eventfd_state, semaphore), false },
};

static bool eventfd_claims(const struct fd_probe *probe)
{
	return !strcmp(probe->link, "anon_inode:[eventfd]");
}

static int eventfd_dump(struct dump *d, const struct fd_target *t, struct img_err *err)
{
	EventfdFileEntry efd = EVENTFD_FILE_ENTRY__INIT;
	FownEntry fown = FOWN_ENTRY__INIT;
	FileEntry rec = FILE_ENTRY__INIT;
	struct eventfd_state state = { 0 };

	if (kern_fdinfo_fields(t->probe->extra, fields, ARRAY_SIZE(fields), &state, NULL, NULL, err) < 0 ||
		dump_file_owner(d, t, &fown, err) < 0)
		return -1;
	efd.id = t->id;
	efd.flags = t->probe->flags;
	efd.fown = &fown;
	efd.counter = state.count;
	efd.has_semaphore = efd.semaphore = state.semaphore != 0;
	rec.type = FD_TYPES__EVENTFD;
	rec.id = t->id;
	rec.efd = &efd;
	return dump_write_file(d, &rec, err);
}

const struct fd_dump_ops eventfd_dump_ops = {
	.name = "eventfd",
	.type = FD_TYPES__EVENTFD,
	.fdinfo = fields,
	.nr_fdinfo = ARRAY_SIZE(fields),
	.claims = eventfd_claims,
	.dump = eventfd_dump,
};
