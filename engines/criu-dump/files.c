/* criu-dump/files.c -- the tables of descriptors: looked at from outside, asked of the rooms, written.
 *
 * A look at a table costs five system calls a descriptor (the link, stat, and fdinfo), dumping a plain one about eight more,
 * and only one duplicate of a descriptor is in our own table at a time.
 */

#include "criu-dump/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-dump/files-own.h"
#include "criu-dump/mounts.h"
#include "criu-dump/task_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "kernel/getfd.h"

/* A table of descriptors, of the first task that has it. */
struct fd_table {
	struct fd_entry *items; /* ascending by number */
	size_t nr, room;
	struct fd_table *next;
};

const struct fd_dump_ops *dump_find_room(const struct fd_probe *probe)
{
	for (size_t i = 0; i < dump_nr_fd_rooms; i++)
		if (dump_fd_rooms[i]->claims(probe))
			return dump_fd_rooms[i];
	return NULL;
}

static void probe_stat(struct fd_probe *probe, const struct stat *st)
{
	probe->dev = st->st_dev;
	probe->ino = st->st_ino;
	probe->mode = st->st_mode;
	probe->rdev = st->st_rdev;
	probe->nlink = st->st_nlink;
	probe->size = (uint64_t)st->st_size;
	probe->blocks = (uint64_t)st->st_blocks;
}

/* ---- looking at a table ---- */

static void ask_socket(const struct dump_task *t, struct fd_probe *probe)
{
	struct img_err ignored = IMG_ERR_INIT;
	socklen_t len = sizeof(int);
	cleanup_fd int lfd = -1;

	lfd = kern_getfd(t->pidfd, probe->fd, &ignored);
	if (lfd < 0 || getsockopt(lfd, SOL_SOCKET, SO_DOMAIN, &probe->domain, &len) < 0 ||
	    getsockopt(lfd, SOL_SOCKET, SO_TYPE, &probe->type, &len) < 0)
		probe->domain = probe->type = -1;
}

/* The lines about locks, which follow each other. */
static int keep_locks(struct fd_scan *s, struct fd_probe *probe, struct img_err *err)
{
	const char *first = strstr(s->fdinfo, "\nlock:"), *end = first ? ++first : NULL;

	while (end && !strncmp(end, "lock:", 5)) {
		end = strchrnul(end, '\n');
		end += *end == '\n';
	}
	if (!first)
		return 0;
	probe->locks = img_arena_printf(&s->task->arena, "%.*s", (int)(end - first), first);
	return probe->locks ? 0 : img_fail_nomem(err);
}

/* One descriptor: 1, or 0 when it is gone meanwhile. */
int dump_look_at(struct dump *d, struct fd_scan *s, int fd, const char *name, struct fd_probe *probe, struct img_err *err)
{
	struct img_err gone = IMG_ERR_INIT;
	struct kern_fdinfo info;
	struct stat st;
	ssize_t len;

	len = readlinkat(s->fd_dir, name, s->link, sizeof(s->link) - 1);
	if (len < 0 && errno == ENAMETOOLONG)
		len = 0; /* d_path() has one page for it */
	if (len < 0)
		return errno == ENOENT ? 0 : img_fail_sys(err, "fd %d: read link", fd);
	s->link[len] = '\0';
	if (fstatat(s->fd_dir, name, &st, 0) < 0)
		return errno == ENOENT ? 0 : img_fail_sys(err, "fd %d: stat '%s'", fd, s->link);
	if (kern_fdinfo_read(s->fdinfo_dir, fd, &s->fdinfo, &s->fdinfo_room, &gone) < 0) {
		if (gone.sys_errno == ENOENT)
			return 0;
		*err = gone;
		return -1;
	}
	if (keep_locks(s, probe, err) < 0)
		return -1;
	if (kern_fdinfo_common(s->fdinfo, &info, err) < 0)
		return img_wrap(err, "fd %d", fd);

	probe_stat(probe, &st);
	probe->fd = fd;
	probe->flags = (uint32_t)info.flags & ~(uint32_t)O_CLOEXEC;
	probe->cloexec = info.flags & O_CLOEXEC;
	probe->pos = info.pos;
	probe->mnt_id = (int)info.mnt_id;
	probe->nr_locks = info.nr_locks;
	probe->link = img_arena_strdup(&s->task->arena, s->link);
	probe->extra = *info.extra ? img_arena_strdup(&s->task->arena, info.extra) : "";
	if (!probe->link || !probe->extra)
		return img_fail_nomem(err);
	probe->domain = probe->type = -1;
	if (S_ISSOCK(st.st_mode) && !(probe->flags & O_PATH))
		ask_socket(s->task, probe);
	return 1;
}

int dump_open_fd_dirs(struct fd_scan *s, struct img_err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)s->task->pid);
	s->fd_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->fd_dir < 0)
		return img_fail_sys(err, "open '%s'", path);
	snprintf(path, sizeof(path), "/proc/%d/fdinfo", (int)s->task->pid);
	s->fdinfo_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->fdinfo_dir < 0)
		return img_fail_sys(err, "open '%s'", path);
	return 0;
}

static int scan_fds(struct dump *d, struct fd_scan *s, struct fd_table *table, struct img_err *err)
{
	cleanup_dir DIR *dir = NULL;
	struct dirent *de;
	int copy;

	copy = fcntl(s->fd_dir, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return img_fail_sys(err, "duplicate a directory's descriptor");
	dir = fdopendir(copy);
	if (!dir) {
		close(copy);
		return img_fail_sys(err, "read /proc/%d/fd", (int)s->task->pid);
	}
	while ((errno = 0, de = readdir(dir))) {
		struct fd_entry *e;
		int ret;

		if (de->d_name[0] == '.')
			continue;
		e = img_array_more(&table->items, table->nr, &table->room);
		if (!e)
			return img_fail_nomem(err);
		ret = dump_look_at(d, s, atoi(de->d_name), de->d_name, &e->probe, err);
		if (ret < 0)
			return -1;
		if (!ret)
			continue;
		e->ops = dump_find_room(&e->probe);
		table->nr++;
		if (table->nr % 1024 == 0 && dump_go_on(d, err) < 0)
			return -1;
	}
	if (errno)
		return img_fail_sys(err, "read /proc/%d/fd", (int)s->task->pid);
	return 0;
}

/* The table of a task, looked at when it is first asked for. */
static struct fd_table *table_of(struct dump *d, struct dump_task *t, struct img_err *err)
{
	struct dump_task *first = t->shares[DUMP_SHARE_FILES] ? t->shares[DUMP_SHARE_FILES] : t;
	struct fd_table **kept = dump_keep(d, first, &files_dump_ops, sizeof(*kept));
	struct dump_files *f = dump_files_get(d, err);
	struct fd_scan s = { .task = first, .fd_dir = -1, .fdinfo_dir = -1 };
	struct fd_table *table;
	int ret;

	if (!f)
		return NULL;
	if (kept && *kept)
		return *kept;
	table = kept ? calloc(1, sizeof(*table)) : NULL;
	if (!table) {
		img_fail_nomem(err);
		return NULL;
	}
	table->next = f->tables;
	f->tables = table;
	ret = dump_open_fd_dirs(&s, err);
	if (ret == 0)
		ret = scan_fds(d, &s, table, err);
	img_cleanup_fd(&s.fd_dir);
	img_cleanup_fd(&s.fdinfo_dir);
	free(s.fdinfo);
	if (ret < 0)
		return NULL;
	*kept = table;
	return table;
}

void dump_files_free_tables(struct fd_table *table)
{
	while (table) {
		struct fd_table *next = table->next;

		free(table->items);
		free(table);
		table = next;
	}
}

int dump_each_file(struct dump *d, const struct fd_dump_ops *ops, dump_file_fn *fn, void *arg, struct img_err *err)
{
	struct dump_inside *in = d->files ? d->files->inside : NULL;

	for_each_live_task(d, t)
	{
		struct fd_table *table;

		if (t->shares[DUMP_SHARE_FILES] && t->shares[DUMP_SHARE_FILES] != t)
			continue;
		table = table_of(d, t, err);
		if (!table)
			return -1;
		for (size_t i = 0; i < table->nr; i++)
			if (table->items[i].ops == ops && fn(arg, t, &table->items[i].probe, err) < 0)
				return -1;
	}
	for (size_t i = 0; in && i < in->nr; i++)
		if (in->items[i].ops == ops && fn(arg, &in->self, &in->items[i].probe, err) < 0)
			return -1;
	return 0;
}

/* ---- sockets of the tree ---- */

static int compare_inodes(const void *va, const void *vb)
{
	uint64_t a = *(const uint64_t *)va, b = *(const uint64_t *)vb;

	return a < b ? -1 : a > b;
}

static int collect_socket(struct dump_files *f, const struct fd_entry *e, size_t *room, struct img_err *err)
{
	uint64_t *ino;

	if (e->probe.domain < 0)
		return 0;
	ino = img_array_more(&f->sockets, f->nr_sockets, room);
	if (!ino)
		return img_fail_nomem(err);
	*ino = e->probe.ino;
	f->nr_sockets++;
	return 0;
}

static int collect_table(struct dump *d, struct dump_task *t, const struct fd_table *table, size_t *room, struct img_err *err)
{
	for (size_t i = 0; i < table->nr; i++) {
		const struct fd_entry *e = &table->items[i];
		cleanup_fd int lfd = -1;

		if (collect_socket(d->files, e, room, err) < 0)
			return -1;
		if (!e->ops || !e->ops->inside)
			continue;
		lfd = kern_getfd(t->pidfd, e->probe.fd, err);
		if (lfd < 0 || dump_look_inside(d, t, e, lfd, err) < 0)
			return img_wrap(err, "pid %d: fd %d", (int)t->vpid, e->probe.fd);
	}
	return 0;
}

static int collect_sockets(struct dump *d, struct img_err *err)
{
	struct dump_files *f = dump_files_get(d, err);
	size_t room = 0;

	if (!f)
		return -1;
	if (f->sockets_known)
		return 0;
	for_each_live_task(d, t)
	{
		struct fd_table *table;

		if (t->shares[DUMP_SHARE_FILES] && t->shares[DUMP_SHARE_FILES] != t)
			continue;
		table = table_of(d, t, err);
		if (!table || collect_table(d, t, table, &room, err) < 0)
			return -1;
	}
	for (size_t i = 0; f->inside && i < f->inside->nr; i++)
		if (collect_socket(f, &f->inside->items[i], &room, err) < 0)
			return -1;
	if (f->nr_sockets)
		qsort(f->sockets, f->nr_sockets, sizeof(*f->sockets), compare_inodes);
	f->sockets_known = true;
	return 0;
}

int dump_tree_has_socket(struct dump *d, uint64_t ino, struct img_err *err)
{
	if (collect_sockets(d, err) < 0)
		return -1;
	return d->files->nr_sockets && bsearch(&ino, d->files->sockets, d->files->nr_sockets, sizeof(ino), compare_inodes);
}

/* ---- what cannot be dumped ---- */

struct unknown_line {
	struct dump *d;
	struct dump_task *task;
	const struct fd_entry *e;
	const char *what;
};

static int unknown_line(void *arg, const char *line)
{
	struct unknown_line *u = arg;

	return dump_unknown(u->d, u->task, u->what, "%s: unknown line '%.*s' of fdinfo", u->e->ops->name,
		(int)strcspn(line, ":"), line);
}

static int check_entry(struct dump *d, struct dump_task *t, struct fd_entry *e, struct img_err *err)
{
	const struct fd_dump_ops *ops = e->ops = dump_ops_or_plugin(d, t, &e->probe, e->ops);
	struct img_err why = IMG_ERR_INIT;
	char what[32];

	snprintf(what, sizeof(what), "fd %d", e->probe.fd);
	if (e->probe.locks && dump_locks_check(d, t, &e->probe, &why) < 0)
		return dump_block(d, t, what, "%s", why.text);
	if (!ops) {
		char kind[128];

		dump_fd_kind(d, t, &e->probe, kind, sizeof(kind));
		return dump_block(d, t, what, "%s is not supported", kind);
	}
	if (ops->check && ops->check(d, t, &e->probe, &why) < 0) {
		if (why.code != IMG_UNSUPPORTED) {
			*err = why;
			return img_wrap(err, "%s", what);
		}
		if (dump_is_mqueue(t->pid, e->probe.fd))
			return dump_block(d, t, what, "POSIX message queue '%s' is not supported", e->probe.link);
		return dump_block(d, t, what, "%s", why.text);
	}
	if (e->probe.extra[0] && !ops->any_fdinfo) {
		struct unknown_line u = { d, t, e, what };

		if (kern_fdinfo_fields(e->probe.extra, ops->fdinfo, ops->nr_fdinfo, NULL, unknown_line, &u, &why) < 0)
			return dump_block(d, t, what, "%s: %s", ops->name, why.text);
	}
	return 0;
}

/* Once for the tree. */
static int check_inside(struct dump *d, struct img_err *err)
{
	struct dump_inside *in;

	if (collect_sockets(d, err) < 0)
		return -1;
	in = d->files->inside;
	for (size_t i = 0; in && i < in->nr; i++) {
		in->self.parent = in->items[i].holder;
		if (check_entry(d, &in->self, &in->items[i], err) < 0)
			return err->code ? -1 : img_fail_nomem(err);
	}
	return 0;
}

static int files_check(struct dump *d, struct dump_task *t, struct img_err *err)
{
	struct fd_table *table;

	if (t->shares[DUMP_SHARE_FILES] && t->shares[DUMP_SHARE_FILES] != t)
		return 0;
	table = table_of(d, t, err);
	if (!table)
		return -1;
	for (size_t i = 0; i < table->nr; i++)
		if (check_entry(d, t, &table->items[i], err) < 0)
			return err->code ? -1 : img_fail_nomem(err);
	return t == d->tasks.items[0] ? check_inside(d, err) : 0;
}

/* ---- dumping ---- */

/* The id of an entry's file description; its record is written when it is seen for the first time. */
int dump_fd_entry(struct dump *d, struct dump_task *t, const struct fd_entry *e, uint32_t *id, struct img_err *err)
{
	const struct fd_probe *probe = &e->probe;
	struct fd_target target = { .task = t, .probe = probe, .lfd = -1 };
	cleanup_fd int lfd = -1;
	bool fresh;

	if (!e->ops)
		return img_fail(err, IMG_UNSUPPORTED, "'%s' is not supported", probe->link);
	if (file_ids_description(&d->files->ids, t->pid, probe, id, &fresh, err) < 0)
		return -1;
	log_info(d->log, "pid %d: fd %d: %s %#x '%s' flags %#o pos %llu%s", (int)t->vpid, probe->fd, e->ops->name, *id,
		probe->link, probe->flags, (unsigned long long)probe->pos, fresh ? "" : ", seen before");
	if (probe->locks && dump_locks(d, t, probe, fresh, err) < 0)
		return -1;
	if (!fresh)
		return 0;
	lfd = kern_getfd(t->pidfd, probe->fd, err);
	if (lfd < 0)
		return -1;
	target.id = *id;
	target.lfd = lfd;
	if (e->ops->dump(d, &target, err) < 0)
		return img_wrap(err, "%s", e->ops->name);
	return 0;
}

static int dump_table(struct dump *d, struct dump_task *t, const struct fd_table *table, struct img_writer *w,
	struct img_err *err)
{
	for (size_t i = 0; i < table->nr; i++) {
		const struct fd_entry *e = &table->items[i];
		FdinfoEntry rec = FDINFO_ENTRY__INIT;

		if (dump_fd_entry(d, t, e, &rec.id, err) < 0)
			return img_wrap(err, "fd %d", e->probe.fd);
		rec.flags = e->probe.cloexec ? FD_CLOEXEC : 0;
		rec.type = e->ops->type;
		rec.fd = (uint32_t)e->probe.fd;
		if (img_write(w, &rec.base, err) < 0)
			return -1;
		if (i % 1024 == 1023 && dump_go_on(d, err) < 0)
			return -1;
	}
	return 0;
}

static int files_task(struct dump *d, struct dump_task *t, struct img_err *err)
{
	struct img_writer *w;
	struct fd_table *table;

	if (t->shares[DUMP_SHARE_FILES] && t->shares[DUMP_SHARE_FILES] != t)
		return 0;
	table = table_of(d, t, err);
	if (!table)
		return -1;
	w = img_writer_create(d->set, IMG_FDINFO, t->ids->files_id, err);
	if (!w)
		return -1;
	if (dump_table(d, t, table, w, err) < 0) {
		img_writer_abort(w);
		return -1;
	}
	return img_writer_finish(w, err);
}

static int files_tree(struct dump *d, struct img_err *err)
{
	for (size_t i = 0; i < dump_nr_fd_rooms; i++)
		if (dump_fd_rooms[i]->finish && dump_fd_rooms[i]->finish(d, err) < 0)
			return img_wrap(err, "%s", dump_fd_rooms[i]->name);
	return dump_files_close_images(d, err);
}

const struct task_dump_ops files_dump_ops = {
	.name = "files",
	.check = files_check,
	.task = files_task,
	.tree = files_tree,
};

/* ---- files that are in no table ---- */

static int probe_path(int lfd, const char *link, int flags, struct fd_probe *probe, const struct fd_dump_ops **ops,
	struct img_err *err)
{
	struct stat st;

	if (fstatat(lfd, "", &st, AT_EMPTY_PATH) < 0)
		return img_fail_sys(err, "stat '%s'", link);
	*probe = (struct fd_probe){ .fd = -1, .link = link, .flags = (uint32_t)flags, .mnt_id = -1, .domain = -1, .type = -1, .extra = "" };
	probe_stat(probe, &st);
	probe->mnt_id = dump_mnt_id(lfd);
	*ops = dump_find_room(probe);
	if (!*ops || !(*ops)->mappable)
		return img_fail(err, IMG_UNSUPPORTED, "'%s' is not a file that can be opened again", link);
	return 0;
}

int dump_file_check(struct dump *d, struct dump_task *t, int lfd, const char *link, int flags, struct img_err *err)
{
	const struct fd_dump_ops *ops = NULL;
	struct fd_probe probe;

	if (probe_path(lfd, link, flags, &probe, &ops, err) < 0)
		return -1;
	return ops->check ? ops->check(d, t, &probe, err) : 0;
}

int dump_file_by_fd(struct dump *d, struct dump_task *t, int lfd, const char *link, int flags, uint32_t *id, struct img_err *err)
{
	const struct fd_dump_ops *ops = NULL;
	struct fd_probe probe;
	struct fd_target target = { .task = t, .probe = &probe, .lfd = lfd };
	bool fresh = true;

	if (!dump_files_get(d, err) || probe_path(lfd, link, flags, &probe, &ops, err) < 0)
		return -1;
	if (S_ISDIR(probe.mode))
		*id = dump_new_file_id(d);
	else if (file_ids_named(&d->files->ids, &probe, id, &fresh, err) < 0)
		return -1;
	if (!fresh)
		return 0;
	log_info(d->log, "pid %d: %s %#x '%s'", (int)t->vpid, ops->name, *id, link);
	target.id = *id;
	if (ops->dump(d, &target, err) < 0)
		return img_wrap(err, "%s", ops->name);
	return 0;
}
