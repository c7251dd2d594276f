/* engines/fd/flock/flock-dump.c -- what criu-dump saves of file locks: the "lock:" lines of fdinfo, which the kernel writes as those of
 * /proc/locks (proc_locks(5)).
 *
 * A lock of flock(2), an open file description lock and a lease are of a file description, however many descriptors show it: it is
 * saved with the first one. A POSIX lock is of a table of descriptors, and is shown by every descriptor of the file there.
 * Who waits for a lock is in a system call, and asks again.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "criu-dump/dump.h"
#include "criu-dump/files.h"
#include "criuimg/array.h"
#include "file-lock.pb-c.h"

#define LEASE_BREAKS 4 /* in file_lock_entry.type, beside what the lease is to become */

enum lock_kind {
	LOCK_POSIX = 1,
	LOCK_FLOCK = 2,
	LOCK_OFD = 4,
	LOCK_LEASE = 8,
};

static const struct {
	const char *word;
	unsigned value;
} kinds[] = { { "POSIX", LOCK_POSIX }, { "FLOCK", LOCK_FLOCK }, { "OFDLCK", LOCK_OFD }, { "LEASE", LOCK_LEASE } },
  types[] = { { "READ", F_RDLCK }, { "WRITE", F_WRLCK }, { "UNLCK", F_UNLCK } };

struct lock {
	unsigned kind, type;
	pid_t pid;
	long long start, len;
};

static int parse(const char *line, struct lock *lock, struct img_err *err)
{
	char kind[16], how[16], type[16], end[32];
	int pid;
	size_t i;

	if (sscanf(line, "lock: %*d: %15s %15s %15s %d %*s %lld %31s", kind, how, type, &pid, &lock->start, end) != 6)
		return img_fail(err, IMG_UNSUPPORTED, "fdinfo line '%s' is not understood", line);
	for (i = 0; i < ARRAY_SIZE(kinds) && strcmp(kinds[i].word, kind); i++)
		;
	if (i == ARRAY_SIZE(kinds))
		return img_fail(err, IMG_UNSUPPORTED, "file locks of kind '%s' are not supported", kind);
	lock->kind = kinds[i].value;
	for (i = 0; i < ARRAY_SIZE(types) && strcmp(types[i].word, type); i++)
		;
	if (i == ARRAY_SIZE(types))
		return img_fail(err, IMG_UNSUPPORTED, "file locks of type '%s' are not supported", type);
	lock->type = types[i].value;
	if (lock->kind == LOCK_LEASE && !strcmp(how, "BREAKING"))
		lock->type |= LEASE_BREAKS;
	lock->pid = pid;
	lock->len = strcmp(end, "EOF") ? strtoll(end, NULL, 10) - lock->start + 1 : 0;
	return 0;
}

int dump_locks_check(struct dump *d, struct dump_task *t, const struct fd_probe *probe, struct img_err *err)
{
	const char *at = probe->locks;
	char line[256];

	if (!d->opt->file_locks)
		return img_fail(err, IMG_UNSUPPORTED, "'%s' is locked: a lock is dumped with --file-locks only", probe->link);
	if (dump_file_holder(d, t) != t)
		return img_fail(err, IMG_UNSUPPORTED, "'%s', on its way through a socket, is locked: that is not supported", probe->link);
	while (kern_fdinfo_next(&at, line, sizeof(line))) {
		struct lock lock;

		if (parse(line, &lock, err) < 0)
			return -1;
	}
	return 0;
}

/* A POSIX lock that another table has is seen by a descriptor that came from there. */
static bool is_of(struct dump *d, const struct dump_task *t, pid_t pid)
{
	const struct dump_task *owner = dump_task_by_pid(d, pid);

	if (!owner)
		return false;
	return owner == t || owner->shares[DUMP_SHARE_FILES] == t;
}

/* What was saved of POSIX locks, not to be saved again. */
struct saved {
	const struct dump_task *task;
	dev_t dev;
	ino_t ino;
	struct lock lock;
};

struct lock_kept {
	struct saved *items;
	size_t nr, room;
};

static void drop_kept(void *memory)
{
	free(((struct lock_kept *)memory)->items);
}

/* 1: it was saved. */
static int was_saved(struct dump *d, const struct dump_task *t, const struct fd_probe *probe, const struct lock *lock, struct img_err *err)
{
	static const struct fd_dump_ops key; /* of what is kept */
	struct lock_kept *kept = dump_files_keep(d, &key, sizeof(*kept), drop_kept);
	struct saved *s;

	for (size_t i = 0; kept && i < kept->nr; i++) {
		s = &kept->items[i];
		if (s->task == t && s->ino == probe->ino && s->dev == probe->dev && s->lock.type == lock->type &&
			s->lock.start == lock->start && s->lock.len == lock->len)
			return 1;
	}
	s = kept ? img_array_more(&kept->items, kept->nr, &kept->room) : NULL;
	if (!s)
		return img_fail_nomem(err);
	*s = (struct saved){ t, probe->dev, probe->ino, *lock };
	kept->nr++;
	return 0;
}

int dump_locks(struct dump *d, struct dump_task *t, const struct fd_probe *probe, bool fresh, struct img_err *err)
{
	const char *at = probe->locks;
	char line[256];

	while (kern_fdinfo_next(&at, line, sizeof(line))) {
		FileLockEntry rec = FILE_LOCK_ENTRY__INIT;
		const struct dump_task *owner = t;
		struct lock lock;
		int saved;

		if (parse(line, &lock, err) < 0)
			return -1;
		if (lock.kind == LOCK_POSIX) {
			if (!is_of(d, t, lock.pid))
				continue;
			owner = dump_task_by_pid(d, lock.pid);
			saved = was_saved(d, t, probe, &lock, err);
			if (saved < 0)
				return -1;
			if (saved)
				continue;
		} else if (!fresh) {
			continue;
		}
		rec.flag = lock.kind;
		rec.type = lock.type;
		rec.pid = (int)owner->vpid;
		rec.fd = probe->fd;
		rec.start = lock.start;
		rec.len = lock.len;
		log_info(d->log, "pid %d: fd %d: lock of kind %u, type %u, %lld bytes from %lld on", rec.pid, rec.fd, rec.flag, rec.type,
			lock.len, lock.start);
		if (dump_write_shared(d, IMG_FILE_LOCKS, &rec.base, err) < 0)
			return -1;
	}
	return 0;
}
