/* engines/fd/tty/pairs-restore.c -- how criu-restore rebuilds a pseudoterminal: a new pair with the old index, both ends of it.
 *
 * Linux gives the lowest index that is free. So masters are opened until the wanted one comes, and the others are closed again;
 * when a higher one comes the index is somebody else's here.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "criu-restore/tty-own.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/clone.h"

struct pair {
	struct restore *r;
	struct restore_tty *master, *slave; /* either may be NULL */
	unsigned index;
	int fd; /* the master */
};

/* ---- the master ---- */

/* Where a new pair of the same devpts is made. */
static void ptmx_path(const struct restore_ttys *ttys, const struct pair *p, char *path, size_t size)
{
	const struct tty_file *master = p->master ? tty_first_file(ttys, p->master) : NULL,
			      *slave = p->slave ? tty_first_file(ttys, p->slave) : NULL;
	struct statfs fs;
	char *slash;

	if (master && master->reg) {
		snprintf(path, size, "%s", master->reg->name);
		return;
	}
	snprintf(path, size, "%s", slave && slave->reg ? slave->reg->name : "/dev/pts/");
	slash = strrchr(path, '/');
	*slash = '\0';
	if (statfs(path, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC)
		snprintf(path, size, "/dev/ptmx");
	else
		snprintf(slash, size - (size_t)(slash - path), "/ptmx");
}

/* path is relative to the directory at. */
static int open_master(int at, const char *path, unsigned index, int *master, struct img_err *err)
{
	cleanup_free int *others = NULL;
	size_t nr = 0, room = 0;
	unsigned got = 0;
	int ret = 0;

	for (;;) {
		int *place = img_array_more(&others, nr, &room);

		if (!place) {
			ret = img_fail_nomem(err);
			break;
		}
		*place = openat(at, path, O_RDWR | O_NOCTTY | O_CLOEXEC);
		if (*place < 0) {
			ret = img_fail_sys(err, "open '%s' for pty %u", path, index);
			break;
		}
		nr++;
		if (ioctl(*place, TIOCGPTN, &got) < 0) {
			ret = img_fail_sys(err, "'%s': TIOCGPTN", path);
			break;
		}
		if (got > index) {
			errno = EEXIST;
			ret = img_fail_sys(err, "pty %u is in use here", index);
			break;
		}
		if (got == index) {
			*master = others[--nr];
			break;
		}
	}
	while (nr)
		close(others[--nr]);
	return ret;
}

int restore_pty_early(struct restore *r, int devpts, unsigned index, struct img_err *err)
{
	struct restore_ttys *ttys = r->files->ttys;
	int open = 0;

	for (size_t i = 0; i < ttys->nr_early; i++)
		if (ttys->early[i].index == index)
			return 0;
	if (ttys->nr_early == ARRAY_SIZE(ttys->early))
		return img_fail(err, IMG_UNSUPPORTED, "more than %zu terminals are mounted", ARRAY_SIZE(ttys->early));
	ttys->early[ttys->nr_early].index = index;
	if (open_master(devpts, "ptmx", index, &ttys->early[ttys->nr_early].fd, err) < 0)
		return -1;
	ttys->nr_early++;
	return ioctl(ttys->early[ttys->nr_early - 1].fd, TIOCSPTLCK, &open) < 0 ? img_fail_sys(err, "unlock") : 0;
}

/* One whose slave had to be there to be mounted. */
static bool is_there(const struct restore_ttys *ttys, struct pair *p)
{
	for (size_t i = 0; i < ttys->nr_early; i++)
		if (ttys->early[i].index == p->index)
			p->fd = ttys->early[i].fd;
	return p->fd >= 0;
}

/* ---- slaves ---- */

static bool is_slave(int fd, unsigned index)
{
	unsigned nr = ~0u;

	/* new_encode_dev(136, index) */
	return ioctl(fd, TIOCGDEV, &nr) == 0 && nr == ((index & 0xff) | 136u << 8 | (index & ~0xffu) << 12);
}

static int open_slave(const struct pair *p, struct tty_file *f, struct img_err *err)
{
	int flags = (int)(f->rec->flags & (O_ACCMODE | O_NONBLOCK)) | O_NOCTTY | O_CLOEXEC;

	f->fd = f->reg ? open(f->reg->name, flags) : -1;
	if (f->fd >= 0 && !is_slave(f->fd, p->index)) {
		close(f->fd);
		f->fd = -1;
	}
	if (f->fd < 0)
		f->fd = kern_pty_peer(p->fd, flags, err);
	if (f->fd < 0)
		return -1;
	f->tty->fd = f->fd;
	return restore_file_flags(f->fd, f->rec->flags, err);
}

static int node_attributes(const struct tty_file *f, struct img_err *err)
{
	const TtyInfoEntry *rec = f->tty->rec;

	if (rec->has_uid && rec->has_gid && fchown(f->fd, rec->uid, rec->gid) < 0)
		return img_fail_sys(err, "give it to uid %u, gid %u", rec->uid, rec->gid);
	if (f->reg && f->reg->has_mode && fchmod(f->fd, f->reg->mode & 07777) < 0)
		return img_fail_sys(err, "mode %#o", f->reg->mode);
	return 0;
}

/* A session whose terminal it is ends: all descriptors of the slave are hung up. */
static int hang_up(struct pair *p, struct img_err *err)
{
	int status = -1;
	pid_t pid;

	/* Without a signal at its end: nobody shall see it. */
	pid = kern_clone(0, 0, 0);
	if (pid == 0) {
		if (setsid() < 0 || ioctl(p->fd, TIOCSCTTY, 1) < 0)
			_exit(errno & 0x7f);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, __WALL) < 0)
		return img_fail_sys(err, "a process to hang it up");
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
		return img_fail_sys(err, "hang it up");
	}
	return 0;
}

static int open_slaves(struct restore_ttys *ttys, struct pair *p, bool hung_up, size_t *nr, struct img_err *err)
{
	*nr = 0;
	for (size_t i = 0; p->slave && i < ttys->nr_files; i++) {
		struct tty_file *f = &ttys->files[i];
		bool hung = f->rec->has_hung_up && f->rec->hung_up;

		if (f->tty != p->slave || hung != hung_up)
			continue;
		if (open_slave(p, f, err) < 0 || (!(*nr)++ && node_attributes(f, err) < 0))
			return img_wrap(err, "'%s'", f->reg ? f->reg->name : "slave");
	}
	return 0;
}

/* ---- what waits ---- */

/* Reads of lines, where the record does not tell them: each ends where a character that ends lines is. */
static int split_lines(const struct restore_tty *tty, struct kern_tty_data *data, size_t len, struct img_err *err)
{
	const TermiosEntry *t = tty->rec->termios;
	uint8_t eol = (uint8_t)(t->c_cc[2] >> 24); /* VEOL is 11 */
	size_t room = 0;

	for (size_t at = 0, start = 0; at < len; at++) {
		uint32_t *line;

		if (data->bytes[at] != '\n' && (!eol || data->bytes[at] != eol) && at + 1 < len)
			continue;
		line = img_array_more(&data->lines, data->nr_lines, &room);
		if (!line)
			return img_fail_nomem(err);
		*line = (uint32_t)(at + 1 - start);
		data->nr_lines++;
		start = at + 1;
	}
	return 0;
}

#define ICANON_BIT 2u /* asm/termbits.h */

static int put_input(struct pair *p, const struct restore_tty *tty, struct img_err *err)
{
	const TtyDataEntry *rec = tty->data;
	struct kern_tty_data data = { .bytes = rec->data.data, .len = rec->data.len };
	bool lines = tty->rec->termios && tty->rec->termios->c_lflag & ICANON_BIT;
	cleanup_free uint32_t *own = NULL;
	cleanup_fd int slave = -1;
	int ret = 0;

	data.unfinished = rec->has_unfinished && rec->unfinished <= data.len ? rec->unfinished : 0;
	if (lines && rec->n_lines) {
		data.lines = rec->lines;
		data.nr_lines = rec->n_lines;
	} else if (lines) {
		ret = split_lines(tty, &data, data.len - data.unfinished, err);
		own = data.lines;
	}
	slave = ret == 0 ? kern_pty_peer(p->fd, O_RDWR, err) : -1;
	return slave < 0 ? -1 : kern_tty_put_input(slave, p->fd, &data, err);
}

static int put_output(struct pair *p, const struct restore_tty *tty, struct img_err *err)
{
	const TtyDataEntry *rec = tty->data;
	struct kern_tty_data data = { .bytes = rec->data.data, .len = rec->data.len };

	/* CRIU keeps the byte that tells what had happened; nothing had. */
	if (tty->rec->packet_mode && !rec->plain && data.len && !data.bytes[0]) {
		data.bytes++;
		data.len--;
	}
	return kern_tty_put_output(p->fd, p->slave ? p->slave->fd : -1, &data, err);
}

/* ---- all of it ---- */

static int settle(struct pair *p, size_t nr_slaves, struct img_err *err)
{
	const struct restore_tty *told = p->slave && p->slave->rec->termios ? p->slave : p->master ? p->master : p->slave;
	bool closed = p->master && p->master->rec->peer_closed && !nr_slaves;
	int on = 1;

	if (tty_set(told, p->fd, err) < 0)
		return -1;
	if (p->slave && p->slave->data && put_input(p, p->slave, err) < 0)
		return img_wrap(err, "what waits in it");
	if (p->master && p->master->data && put_output(p, p->master, err) < 0)
		return img_wrap(err, "what waits in it");
	if (closed) {
		int fd = kern_pty_peer(p->fd, O_RDWR, err);

		if (fd < 0)
			return -1;
		close(fd);
	}
	if (p->slave && p->slave->rec->exclusive && p->slave->fd >= 0 && ioctl(p->slave->fd, TIOCEXCL) < 0)
		return img_fail_sys(err, "TIOCEXCL");
	if (!p->master)
		return 0;
	if ((p->master->rec->exclusive && ioctl(p->fd, TIOCEXCL) < 0) || (p->master->rec->packet_mode && ioctl(p->fd, TIOCPKT, &on) < 0) ||
		(p->master->rec->locked && ioctl(p->fd, TIOCSPTLCK, &on) < 0))
		return img_fail_sys(err, "TIOCEXCL, TIOCPKT, TIOCSPTLCK");
	return 0;
}

/* The master's one description. */
static int give_master(struct restore_ttys *ttys, struct pair *p, struct img_err *err)
{
	bool given = false;

	for (size_t i = 0; i < ttys->nr_files; i++) {
		struct tty_file *f = &ttys->files[i];

		if (!p->master || f->tty != p->master)
			continue;
		if (given)
			return img_fail(err, IMG_UNSUPPORTED, "file %#x: the master was opened a second time", f->file->id);
		given = true;
		f->fd = p->fd;
		if (restore_file_flags(f->fd, f->rec->flags, err) < 0)
			return -1;
	}
	if (p->master)
		p->master->fd = p->fd;
	return 0;
}

static int make(struct pair *p, struct img_err *err)
{
	struct restore_ttys *ttys = p->r->files->ttys;
	bool all_hung = p->slave && !p->master && tty_is_hung_up(p->slave);
	size_t nr_hung, nr;
	char path[PATH_MAX];
	int open = 0;

	ptmx_path(ttys, p, path, sizeof(path));
	if (!is_there(ttys, p) && open_master(AT_FDCWD, path, p->index, &p->fd, err) < 0)
		return -1;
	if (ioctl(p->fd, TIOCSPTLCK, &open) < 0)
		return img_fail_sys(err, "unlock");
	if (open_slaves(ttys, p, true, &nr_hung, err) < 0 || (nr_hung && hang_up(p, err) < 0))
		return -1;
	if (open_slaves(ttys, p, false, &nr, err) < 0)
		return -1;
	if (all_hung) {
		close(p->fd);
		return 0;
	}
	if (settle(p, nr, err) < 0 || give_master(ttys, p, err) < 0)
		return -1;
	if (p->slave && p->slave->source == TTY_ORPHAN)
		ttys->orphans[p->slave - ttys->items] = (uint32_t)p->fd;
	return 0;
}

int tty_make_pair(struct restore *r, struct restore_tty *tty, struct img_err *err)
{
	struct pair p = { r, tty->master ? tty : tty->other, tty->master ? tty->other : tty, tty->rec->pty->index, -1 };

	if (make(&p, err) < 0)
		return img_wrap(err, "pty %u", p.index);
	tty->made = true;
	if (tty->other)
		tty->other->made = true;
	log_info(r->log, "pty %u made", p.index);
	return 0;
}
