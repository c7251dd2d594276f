/* criu-restore/files.c -- who makes which file description, and how all tables get what is theirs. */

#include "criu-restore/files-own.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-restore/plan.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/getfd.h"

/* ---- plan ---- */

static const struct fd_restore_ops *room_of(FdTypes type)
{
	for (size_t i = 0; i < restore_nr_fd_rooms; i++)
		if (restore_fd_rooms[i]->type == type)
			return restore_fd_rooms[i];
	return NULL;
}

static const char *type_name(FdTypes type)
{
	const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(&fd_types__descriptor, (int)type);

	return v ? v->name : "unknown";
}

static int plan_records(struct restore *r, struct restore_files *f, struct img_err *err)
{
	for (size_t i = 0; i < f->nr; i++) {
		struct restore_file *file = &f->files[i].pub;

		file->ops = room_of(file->rec->type);
		if (!file->ops) {
			img_fail(err, IMG_UNSUPPORTED, "file %#x: files of type %s are not supported", file->id,
				type_name(file->rec->type));
			if (restore_plan_lack(r, err) < 0)
				return -1;
			continue; /* only to name what else there is */
		}
		if (!file->ops->plan || file->ops->plan(r, file, err) == 0)
			continue;
		img_wrap(err, "%s %#x", file->ops->name, file->id);
		if (err->code != IMG_UNSUPPORTED || restore_plan_lack(r, err) < 0)
			return -1;
		file->ops = NULL;
	}
	return 0;
}

/* The records of one room whose keys are equal are chained, the one with the lowest id first. */
struct keyed {
	const struct fd_restore_ops *ops;
	uint64_t key;
	struct file_plan *file;
};

static int compare_keyed(const void *va, const void *vb)
{
	const struct keyed *a = va, *b = vb;

	if (a->ops != b->ops)
		return a->ops < b->ops ? -1 : 1;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->file->pub.id < b->file->pub.id ? -1 : 1;
}

static int plan_groups(struct restore *r, struct restore_files *f, struct img_err *err)
{
	cleanup_free struct keyed *keyed = calloc(f->nr + 1, sizeof(*keyed));
	size_t nr = 0;

	if (!keyed)
		return img_fail_nomem(err);
	for (size_t i = 0; i < f->nr; i++) {
		struct file_plan *p = &f->files[i];

		if (p->pub.ops && p->pub.ops->group)
			keyed[nr++] = (struct keyed){ p->pub.ops, p->pub.ops->group(r, &p->pub), p };
	}
	qsort(keyed, nr, sizeof(*keyed), compare_keyed);
	for (size_t i = 1; i < nr; i++) {
		if (keyed[i].ops != keyed[i - 1].ops || keyed[i].key != keyed[i - 1].key)
			continue;
		keyed[i - 1].file->group = keyed[i].file;
		keyed[i].file->follows = true;
	}
	return 0;
}

/* The first table, in the order of the tasks, that has a descriptor of a file. */
static int plan_users(struct restore *r, struct restore_files *f, struct img_err *err)
{
	for (size_t i = 0; i < r->nr_fdtables; i++) {
		struct restore_fdtable *table = &r->fdtables[i];

		for (size_t k = 0; k < table->nr_fds; k++) {
			const FdinfoEntry *fd = table->fds[k];
			struct file_plan *p = files_find(f, fd->id);

			if (!p)
				return img_fail(err, IMG_CORRUPT, "pid %d: fd %u: no file with the id %#x", table->leader->pid,
					fd->fd, fd->id);
			if (p->pub.rec->type != fd->type)
				return img_fail(err, IMG_CORRUPT, "pid %d: fd %u: is %s, its file %#x is %s", table->leader->pid,
					fd->fd, type_name(fd->type), fd->id, type_name(p->pub.rec->type));
			p->pub.in_table = true;
			if (p->maker && p->maker->leader->index <= table->leader->index)
				continue;
			p->maker = table;
			p->maker_fd = (int)fd->fd;
		}
	}
	return 0;
}

/* The table of the task that the room would have make it, if it can. */
static struct restore_fdtable *wished_maker(struct restore *r, const struct file_plan *first, struct restore_fdtable *maker)
{
	const TaskKobjIdsEntry *a = maker->leader->ids, *b;

	for (const struct file_plan *p = first; p && p->pub.ops && p->pub.ops->maker; p = p->group) {
		pid_t pid = p->pub.ops->maker(r, &p->pub);
		struct restore_task *t = pid ? restore_task_by_pid(r, pid) : NULL;

		if (!t || !restore_task_lives(t) || !t->fdtable || t->fdtable->leader != t)
			continue;
		b = t->ids;
		if (a && b && a->net_ns_id == b->net_ns_id && a->mnt_ns_id == b->mnt_ns_id && a->user_ns_id == b->user_ns_id &&
			a->pid_ns_id == b->pid_ns_id)
			return t->fdtable;
	}
	return maker;
}

/* The descriptors of a table by file, and by number. */
static int compare_ids(const void *va, const void *vb)
{
	const FdinfoEntry *a = *(FdinfoEntry *const *)va, *b = *(FdinfoEntry *const *)vb;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return a->fd < b->fd ? -1 : a->fd > b->fd;
}

/* The first number by which a table has a file, -1: it has not. Tables are sorted when they are first asked for: *sorted. */
static int number_in(const struct restore_fdtable *table, FdinfoEntry ***sorted, uint32_t id, struct img_err *err)
{
	size_t low = 0, high = table->nr_fds;

	if (!*sorted) {
		*sorted = malloc((table->nr_fds + 1) * sizeof(**sorted));
		if (!*sorted)
			return img_fail_nomem(err) - 1;
		memcpy(*sorted, table->fds, table->nr_fds * sizeof(**sorted));
		qsort(*sorted, table->nr_fds, sizeof(**sorted), compare_ids);
	}
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if ((*sorted)[mid]->id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low < table->nr_fds && (*sorted)[low]->id == id ? (int)(*sorted)[low]->fd : -1;
}

static int give_to(struct restore *r, struct file_plan *p, struct restore_fdtable *maker, FdinfoEntry ***sorted, struct img_err *err)
{
	int fd = number_in(maker, sorted, p->pub.id, err);

	if (fd < -1)
		return -1;
	p->maker = maker;
	p->maker_fd = fd;
	if (fd < 0 && !(p->held = restore_shared_alloc(r, sizeof(*p->held), err)))
		return -1;
	return 0;
}

/* One maker for a whole group. A member that the maker has no descriptor of is held for the others. */
static int plan_makers(struct restore *r, struct restore_files *f, struct img_err *err)
{
	FdinfoEntry ***sorted = calloc(r->nr_fdtables + 1, sizeof(*sorted));
	int ret = sorted ? 0 : img_fail_nomem(err);

	for (size_t i = 0; ret == 0 && i < f->nr; i++) {
		struct restore_fdtable *maker = NULL;

		if (f->files[i].follows)
			continue;
		for (struct file_plan *p = &f->files[i]; p; p = p->group)
			if (p->maker && (!maker || p->maker->leader->index < maker->leader->index))
				maker = p->maker;
		if (maker)
			maker = wished_maker(r, &f->files[i], maker);
		for (struct file_plan *p = &f->files[i]; p; p = p->group) {
			if (p->maker != maker && p->maker && ret == 0)
				ret = give_to(r, p, maker, &sorted[maker - r->fdtables], err);
		}
	}
	for (size_t i = 0; sorted && i < r->nr_fdtables; i++)
		free(sorted[i]);
	free(sorted);
	return ret;
}

int restore_files_plan(struct restore *r, struct img_err *err)
{
	struct restore_files *f = r->files = calloc(1, sizeof(*f));

	if (!f)
		return img_fail_nomem(err);
	if (files_read(r, f, err) < 0 || files_read_pipe_data(r, f, err) < 0 || restore_ghosts_plan(r, err) < 0 ||
	    restore_queues_plan(r, err) < 0 || restore_ttys_plan(r, err) < 0 || restore_ttys_sources(r, err) < 0 ||
	    plan_records(r, f, err) < 0 || plan_groups(r, f, err) < 0 || plan_users(r, f, err) < 0 ||
	    restore_queues_makers(r, err) < 0)
		return -1;
	if (restore_locks_plan(r, err) < 0)
		return -1;
	return plan_makers(r, f, err);
}

int restore_files_prepare(struct restore *r, struct img_err *err)
{
	return restore_ghosts_prepare(r, err);
}

/* What we did to names was seen by those who watch the directories. Nothing else can be in their queues: what was there is lost. */
static void forget_events(struct restore *r)
{
	for (size_t i = 0; i < r->files->nr; i++) {
		const struct file_plan *p = &r->files->files[i];
		struct img_err ignored = IMG_ERR_INIT;
		cleanup_fd int pidfd = -1, fd = -1;
		char events[4096];
		int waits = 0;

		if (p->pub.rec->type != FD_TYPES__INOTIFY || !p->maker || p->maker_fd < 0)
			continue;
		pidfd = (int)syscall(SYS_pidfd_open, restore_here(p->maker->leader), 0);
		fd = pidfd < 0 ? -1 : kern_getfd(pidfd, p->maker_fd, &ignored);
		while (fd >= 0 && ioctl(fd, FIONREAD, &waits) == 0 && waits > 0 && read(fd, events, sizeof(events)) > 0)
			;
	}
}

int restore_files_done(struct restore *r, struct img_err *err)
{
	bool names = restore_has_ghosts(r);
	int ret = restore_ghosts_remove(r, true, err);

	if (names)
		forget_events(r);
	return ret;
}

int restore_files_undo(struct restore *r, struct img_err *err)
{
	if (!r->files)
		return 0;
	restore_names_undo(r);
	return restore_ghosts_remove(r, false, err);
}

void restore_files_free(struct restore *r)
{
	struct restore_files *f = r->files;

	if (!f)
		return;
	restore_ghosts_free(r);
	restore_queues_free(r);
	restore_locks_free(r);
	restore_ttys_free(r);
	files_free_pipe_data(f);
	for (size_t i = 0; i < f->nr; i++)
		img_message_free((ProtobufCMessage *)&f->files[i].pub.rec->base);
	free(f->files);
	free(f);
	r->files = NULL;
}

/* ---- make ---- */

static int place(int from, int to, bool cloexec, struct img_err *err)
{
	if (dup3(from, to, cloexec ? O_CLOEXEC : 0) < 0)
		return img_fail_sys(err, "fd %d", to);
	return 0;
}

/* The signal of O_ASYNC tells the number by which it was asked for: ask again by the one that stays. */
static int renew_async(int fd, struct img_err *err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return img_fail_sys(err, "F_GETFL");
	if (!(flags & O_ASYNC) || flags & O_PATH)
		return 0;
	if (fcntl(fd, F_SETFL, flags & ~O_ASYNC) < 0 || fcntl(fd, F_SETFL, flags) < 0)
		return img_fail_sys(err, "set O_ASYNC");
	return 0;
}

/* A new description at its number in the maker's table, or where it is, for others to take. */
static int place_made(struct file_plan *p, int fd, struct img_err *err)
{
	if (p->maker && p->maker_fd < 0) {
		*p->held = (uint32_t)fd;
		return 0;
	}
	if (p->maker && place(fd, p->maker_fd, true, err) < 0)
		return -1;
	close(fd);
	p->here = p->maker_fd;
	return p->maker ? renew_async(p->maker_fd, err) : 0;
}

#define GROUP_ON_STACK 8

/* Make a group: first is its first member. */
static int make_group(struct restore *r, struct restore_task *t, struct file_plan *first, struct img_err *err)
{
	const struct fd_restore_ops *ops = first->pub.ops;
	const struct restore_file *few_files[GROUP_ON_STACK] = { NULL }, **files = few_files;
	int few_fds[GROUP_ON_STACK], *fds = few_fds;
	cleanup_free void *many_files = NULL, *many_fds = NULL;
	size_t nr = 0, i = 0;
	int ret;

	for (struct file_plan *p = first; p; p = p->group)
		nr++;
	if (nr > GROUP_ON_STACK) {
		files = many_files = calloc(nr, sizeof(*files));
		fds = many_fds = calloc(nr, sizeof(*fds));
		if (!files || !fds)
			return img_fail_nomem(err);
	}
	for (struct file_plan *p = first; p; p = p->group) {
		fds[i] = -1;
		files[i++] = &p->pub;
	}
	ret = ops->make(r, t, files, nr, fds, err);
	if (ret < 0)
		return img_wrap(err, "%s %#x", ops->name, first->pub.id);
	i = 0;
	for (struct file_plan *p = first; p; p = p->group, i++) {
		log_info(r->log, "pid %d: fd %d: %s %#x made", t->pid, p->maker_fd, ops->name, p->pub.id);
		p->made = true;
		if (place_made(p, fds[i], err) < 0)
			return -1;
	}
	return 0;
}

/* The first member of a file's group. */
static struct file_plan **group_leaders(const struct restore_files *f)
{
	struct file_plan **first = calloc(f->nr + 1, sizeof(*first));

	for (size_t i = 0; first && i < f->nr; i++)
		if (!f->files[i].follows)
			for (struct file_plan *p = &f->files[i]; p; p = p->group)
				first[p - f->files] = &f->files[i];
	return first;
}

int restore_files_make(struct restore *r, struct restore_task *t, struct img_err *err)
{
	struct restore_files *f = r->files;
	struct restore_fdtable *table = t->fdtable;
	cleanup_free struct file_plan **first = NULL;

	if (!table || table->leader != t)
		return 0;
	first = group_leaders(f);
	if (!first)
		return img_fail_nomem(err);
	for (size_t k = 0; k < table->nr_fds; k++) {
		const FdinfoEntry *fd = table->fds[k];
		struct file_plan *p = files_find(f, fd->id);

		if (p->maker != table)
			continue;
		if (!p->made && make_group(r, t, first[p - f->files], err) < 0)
			return img_wrap(err, "fd %u", fd->fd);
	}
	/* What only comes along with messages. */
	for (size_t i = 0; i < f->nr; i++)
		if (f->files[i].maker == table && f->files[i].held && !f->files[i].made && make_group(r, t, first[i], err) < 0)
			return -1;
	/* All are there: what else of this table points to them, and the flag of each. */
	for (size_t k = 0; k < table->nr_fds; k++) {
		const FdinfoEntry *fd = table->fds[k];
		struct file_plan *p = files_find(f, fd->id);

		if (p->maker != table)
			continue;
		if ((int)fd->fd != p->here && place(p->here, (int)fd->fd, fd->flags & FD_CLOEXEC, err) < 0)
			return -1;
		if ((int)fd->fd == p->here && !(fd->flags & FD_CLOEXEC) && fcntl(p->here, F_SETFD, 0) < 0)
			return img_fail_sys(err, "fd %u: flags", fd->fd);
	}
	return 0;
}

/* ---- fetch ---- */

/* The maker that was asked last: descriptors next to each other mostly come from the same one. */
struct source {
	pid_t pid;
	int pidfd;
};

static int ask_maker(struct source *s, const struct file_plan *p, struct img_err *err)
{
	pid_t pid = p->maker->leader->pid;

	if (s->pid != pid) {
		img_cleanup_fd(&s->pidfd);
		s->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (s->pidfd < 0)
			return img_fail_sys(err, "pidfd_open %d", (int)pid);
		s->pid = pid;
	}
	return kern_getfd(s->pidfd, files_made_at(p), err);
}

static int fetch_fd(struct restore *r, struct restore_task *t, struct source *s, struct file_plan *p, const FdinfoEntry *fd,
	struct img_err *err)
{
	bool cloexec = fd->flags & FD_CLOEXEC;
	int got, ret;

	if (p->here >= 0)
		return place(p->here, (int)fd->fd, cloexec, err);
	got = ask_maker(s, p, err);
	if (got < 0)
		return img_wrap(err, "from pid %d", p->maker->leader->pid);
	log_debug(r->log, "pid %d: fd %u: %s %#x from pid %d", t->pid, fd->fd, p->pub.ops->name, p->pub.id, (int)s->pid);
	ret = place(got, (int)fd->fd, cloexec, err);
	close(got);
	p->here = (int)fd->fd;
	return ret;
}

int restore_files_fetch(struct restore *r, struct restore_task *t, struct img_err *err)
{
	struct restore_fdtable *table = t->fdtable;
	struct source s = { 0, -1 };
	int ret = 0;

	if (!table || table->leader != t)
		return 0;
	for (size_t k = 0; ret == 0 && k < table->nr_fds; k++) {
		const FdinfoEntry *fd = table->fds[k];
		struct file_plan *p = files_find(r->files, fd->id);

		if (p->maker == table)
			continue;
		ret = fetch_fd(r, t, &s, p, fd, err);
		if (ret < 0)
			img_wrap(err, "fd %u: %s %#x", fd->fd, p->pub.ops->name, p->pub.id);
	}
	img_cleanup_fd(&s.pidfd);
	return ret < 0 ? ret : restore_queues_fill(r, t, err);
}

int restore_file_descriptor(struct restore *r, struct restore_task *t, uint32_t id, struct img_err *err)
{
	struct file_plan *p = files_find(r->files, id);
	struct source s = { 0, -1 };
	int fd;

	if (!p || !p->maker)
		return img_fail(err, IMG_CORRUPT, "no file with the id %#x", id);
	if (p->maker == t->fdtable) {
		fd = fcntl(files_made_at(p), F_DUPFD_CLOEXEC, 3);
		return fd < 0 ? img_fail_sys(err, "duplicate a descriptor") : fd;
	}
	fd = ask_maker(&s, p, err);
	img_cleanup_fd(&s.pidfd);
	return fd;
}

int restore_files_finish(struct restore *r, struct restore_task *t, struct img_err *err)
{
	struct restore_files *f = r->files;

	if (restore_ttys_foreground(r, t, err) < 0 || restore_leases(r, t, err) < 0)
		return -1;
	if (!t->fdtable || t->fdtable->leader != t)
		return 0;
	for (size_t i = 0; i < f->nr; i++) {
		const struct file_plan *p = &f->files[i];

		if (p->maker == t->fdtable && p->made && p->pub.ops->finish &&
			p->pub.ops->finish(r, t, &p->pub, files_made_at(p), err) < 0)
			return img_wrap(err, "fd %d: %s %#x", p->maker_fd, p->pub.ops->name, p->pub.id);
	}
	for (size_t i = 0; i < f->nr; i++)
		if (f->files[i].held && f->files[i].maker == t->fdtable)
			close((int)*f->files[i].held);
	return 0;
}

/* ---- one file ---- */

const struct restore_file *restore_find_file(const struct restore *r, uint32_t id)
{
	const struct file_plan *p = files_find(r->files, id);

	return p ? &p->pub : NULL;
}

int restore_open_file(struct restore *r, struct restore_task *t, uint32_t id, int flags, int *fd, struct img_err *err)
{
	const struct restore_file *file = restore_find_file(r, id);

	if (!file)
		return img_fail(err, IMG_CORRUPT, "no file with the id %#x", id);
	if (!file->ops->open)
		return img_fail(err, IMG_CORRUPT, "file %#x is %s: it cannot be opened again", id, type_name(file->rec->type));
	return file->ops->open(r, t, file, flags, fd, err);
}

const char *restore_file_path(const struct restore *r, uint32_t id)
{
	const struct restore_file *file = restore_find_file(r, id);

	return file && file->rec->type == FD_TYPES__REG && file->rec->reg ? file->rec->reg->name : NULL;
}
