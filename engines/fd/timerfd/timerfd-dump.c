/* engines/fd/timerfd/timerfd-dump.c -- what criu-dump saves of a timerfd: its clock, what is left of it, what has expired
 * unread. */

#include <string.h>
#include <sys/timerfd.h>

#include "criu-dump/files.h"
#include "criuimg/array.h"

struct timerfd_state {
	uint64_t clockid, ticks, settime_flags;
};

/* fs/timerfd.c, timerfd_show(). The times come from timerfd_gettime(2). */
static const struct fdinfo_field fields[] = {
	{ "clockid", FDINFO_DEC, offsetof(struct timerfd_state, clockid), true },
	{ "ticks", FDINFO_DEC, offsetof(struct timerfd_state, ticks), true },
	{ "settime flags", FDINFO_OCT, offsetof(struct timerfd_state, settime_flags), true },
	{ "it_value", FDINFO_SKIP, 0, false },
	{ "it_interval", FDINFO_SKIP, 0, false },
};

static bool timerfd_claims(const struct fd_probe *probe)
{
	return !strcmp(probe->link, "anon_inode:[timerfd]");
}

static int timerfd_dump(struct dump *d, const struct fd_target *t, struct img_err *err)
{
	TimerfdEntry tfd = TIMERFD_ENTRY__INIT;
	FownEntry fown = FOWN_ENTRY__INIT;
	FileEntry rec = FILE_ENTRY__INIT;
	struct timerfd_state state = { 0 };
	struct itimerspec left;

	if (kern_fdinfo_fields(t->probe->extra, fields, ARRAY_SIZE(fields), &state, NULL, NULL, err) < 0 ||
		dump_file_owner(d, t, &fown, err) < 0)
		return -1;
	if (timerfd_gettime(t->lfd, &left) < 0)
		return img_fail_sys(err, "timerfd_gettime");
	tfd.id = t->id;
	tfd.flags = t->probe->flags;
	tfd.fown = &fown;
	tfd.clockid = (uint32_t)state.clockid;
	tfd.ticks = state.ticks;
	tfd.settime_flags = (uint32_t)state.settime_flags;
	tfd.vsec = (uint64_t)left.it_value.tv_sec;
	tfd.vnsec = (uint64_t)left.it_value.tv_nsec;
	tfd.isec = (uint64_t)left.it_interval.tv_sec;
	tfd.insec = (uint64_t)left.it_interval.tv_nsec;
	rec.type = FD_TYPES__TIMERFD;
	rec.id = t->id;
	rec.tfd = &tfd;
	return dump_write_file(d, &rec, err);
}

const struct fd_dump_ops timerfd_dump_ops = {
	.name = "timerfd",
	.type = FD_TYPES__TIMERFD,
	.fdinfo = fields,
	.nr_fdinfo = ARRAY_SIZE(fields),
	.claims = timerfd_claims,
	.dump = timerfd_dump,
};
