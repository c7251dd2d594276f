/* engines/fd/flock/flock-restore.c -- how criu-restore takes file locks again.
 *
 * Leases are taken when all descriptors are in place; the other locks only when the mapped files of the task are closed again, since a
 * POSIX lock goes with any descriptor of its file that is closed: in the tape.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-restore/files-own.h"
#include "criu-restore/tape.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "file-lock.pb-c.h"
#include "kernel/self.h"

#define LEASE_BREAKS 4 /* in file_lock_entry.type, beside what the lease is to become */

enum lock_kind {
	LOCK_POSIX = 1,
	LOCK_FLOCK = 2,
	LOCK_OFD = 4,
	LOCK_LEASE = 8,
};

struct restore_locks {
	FileLockEntry **items;
	size_t nr, room;
};

static const FdinfoEntry *find_fd(const struct restore_task *t, int fd)
{
	for (size_t i = 0; t->fdtable && i < t->fdtable->nr_fds; i++)
		if ((int)t->fdtable->fds[i]->fd == fd)
			return t->fdtable->fds[i];
	return NULL;
}

static int check(struct restore *r, const FileLockEntry *l, struct img_err *err)
{
	const struct restore_task *t = restore_task_by_pid(r, l->pid);
	uint32_t type = l->type;

	if (l->flag != LOCK_POSIX && l->flag != LOCK_FLOCK && l->flag != LOCK_OFD && l->flag != LOCK_LEASE)
		return img_fail(err, IMG_UNSUPPORTED, "file locks of kind %u are not supported", l->flag);
	if (l->flag == LOCK_LEASE)
		type &= ~(uint32_t)LEASE_BREAKS;
	if (type > F_UNLCK || l->start < 0 || l->len < 0)
		return img_fail(err, IMG_CORRUPT, "type %u, %lld bytes from %lld on", l->type, (long long)l->len, (long long)l->start);
	if (!t || !restore_task_lives(t) || !find_fd(t, l->fd))
		return img_fail(err, IMG_CORRUPT, "pid %d has no descriptor %d", l->pid, l->fd);
	return 0;
}

int restore_locks_plan(struct restore *r, struct img_err *err)
{
	struct restore_locks *locks = r->files->locks = calloc(1, sizeof(*locks));
	struct img_reader *reader = NULL;
	ProtobufCMessage *msg;
	int ret;

	if (!locks)
		return img_fail_nomem(err);
	ret = img_reader_open(r->set, IMG_FILE_LOCKS, 0, &reader, err);
	if (ret <= 0)
		return ret;
	while ((ret = img_read(reader, &msg, err)) > 0) {
		FileLockEntry **place = img_array_more(&locks->items, locks->nr, &locks->room);

		if (!place) {
			img_message_free(msg);
			ret = img_fail_nomem(err);
			break;
		}
		locks->nr++;
		*place = (FileLockEntry *)msg;
		ret = check(r, *place, err);
		if (ret < 0) {
			img_wrap(err, "filelocks.img");
			break;
		}
	}
	img_reader_close(reader);
	return ret;
}

void restore_locks_free(struct restore *r)
{
	struct restore_locks *locks = r->files->locks;

	for (size_t i = 0; locks && i < locks->nr; i++)
		img_message_free(&locks->items[i]->base);
	if (locks)
		free(locks->items);
	free(locks);
	r->files->locks = NULL;
}

/* ---- leases ---- */

/* Somebody opens the file, and is told that it would have to wait: from then on the lease is breaking. */
static int start_breaking(int fd, uint32_t to, struct img_err *err)
{
	char self[40];
	int opened;

	kern_self_path(self, sizeof(self), "fd/%d", fd);
	opened = open(self, (to == F_RDLCK ? O_RDONLY : O_WRONLY) | O_NONBLOCK | O_CLOEXEC);
	if (opened >= 0) {
		close(opened);
		return img_fail(err, IMG_SYS, "the lease does not break");
	}
	return errno == EWOULDBLOCK ? 0 : img_fail_sys(err, "break the lease");
}

static int take_lease(struct restore *r, struct restore_task *t, const FileLockEntry *l, struct img_err *err)
{
	const struct restore_file *f = restore_find_file(r, find_fd(t, l->fd)->id);
	const FownEntry *fown = f && f->ops->owner ? f->ops->owner(r, f) : NULL;
	bool breaks = l->type & LEASE_BREAKS;
	uint32_t type = l->type & ~(uint32_t)LEASE_BREAKS;
	uint32_t first = type;
	struct f_owner_ex nobody = { F_OWNER_PID, 0 };

	/* A read lease is had by readers only, and breaks only to nothing. */
	if (breaks)
		first = type == F_UNLCK && (fcntl(l->fd, F_GETFL) & O_ACCMODE) == O_RDONLY ? F_RDLCK : F_WRLCK;
	if (fcntl(l->fd, F_SETLEASE, first) < 0)
		return img_fail_sys(err, "take a lease of type %u", first);
	/* Who has a lease is told by a signal, which was sent before. */
	if (breaks && (fcntl(l->fd, F_SETOWN_EX, &nobody) < 0 || start_breaking(l->fd, type, err) < 0))
		return err->code ? -1 : img_fail_sys(err, "set no owner");
	return fown ? restore_file_owner(r, l->fd, fown, err) : 0;
}

int restore_leases(struct restore *r, struct restore_task *t, struct img_err *err)
{
	const struct restore_locks *locks = r->files->locks;

	for (size_t i = 0; i < locks->nr; i++)
		if (locks->items[i]->pid == t->pid && locks->items[i]->flag == LOCK_LEASE &&
			take_lease(r, t, locks->items[i], err) < 0)
			return img_wrap(err, "fd %d", locks->items[i]->fd);
	return 0;
}

/* ---- the others ---- */

int restore_locks_tape(struct restore *r, struct restore_task *t, struct restore_tape *tape, struct img_err *err)
{
	const struct restore_locks *locks = r->files->locks;

	for (size_t i = 0; i < locks->nr; i++) {
		const FileLockEntry *l = locks->items[i];
		struct flock lock = { .l_type = (short)l->type, .l_whence = SEEK_SET, .l_start = l->start, .l_len = l->len };

		if (l->pid != t->pid || l->flag == LOCK_LEASE)
			continue;
		if (l->flag == LOCK_FLOCK)
			tape_step(tape, TAPE_TIMERS, "flock", SYS_flock, l->fd, (l->type == F_RDLCK ? LOCK_SH : LOCK_EX) | LOCK_NB);
		else
			tape_step(tape, TAPE_TIMERS, "lock a file", SYS_fcntl, l->fd, l->flag == LOCK_POSIX ? F_SETLK : F_OFD_SETLK,
				tape_data(tape, &lock, sizeof(lock)));
	}
	return 0;
}
