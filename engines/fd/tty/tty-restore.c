/* engines/fd/tty/tty-restore.c -- how criu-restore rebuilds terminals: everything but new pairs. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "criu-restore/outcome.h"
#include "criu-restore/tty-own.h"
#include "criuimg/cleanup.h"
#include "kernel/clone.h"
#include "kernel/getfd.h"
#include "kernel/proc-stat.h"

/* ---- settings ---- */

static void unpack(const TermiosEntry *rec, struct kern_termios *t)
{
	*t = (struct kern_termios){ rec->c_iflag, rec->c_oflag, rec->c_cflag, rec->c_lflag, (uint8_t)rec->c_line, { 0 }, rec->c_ispeed,
		rec->c_ospeed };
	for (size_t i = 0; i < KERN_TTY_NCC; i++)
		t->cc[i] = (uint8_t)(rec->c_cc[i / 4] >> (i % 4 * 8));
}

static int set_termios(const TtyInfoEntry *rec, int fd, struct img_err *err)
{
	struct kern_termios t;

	if (!rec->termios)
		return 0;
	unpack(rec->termios, &t);
	return kern_tty_set(fd, &t, err);
}

int tty_set(const struct restore_tty *tty, int fd, struct img_err *err)
{
	const TtyInfoEntry *rec = tty->rec;
	struct kern_termios locked;

	if (set_termios(rec, fd, err) < 0)
		return -1;
	if (rec->winsize) {
		struct winsize size = { (unsigned short)rec->winsize->ws_row, (unsigned short)rec->winsize->ws_col,
			(unsigned short)rec->winsize->ws_xpixel, (unsigned short)rec->winsize->ws_ypixel };

		if (ioctl(fd, TIOCSWINSZ, &size) < 0)
			return img_fail_sys(err, "TIOCSWINSZ");
	}
	if (!rec->termios_locked)
		return 0;
	unpack(rec->termios_locked, &locked);
	/* Nothing locked is how it comes; what CRIU wrote behind the characters may be anything. */
	if (!locked.iflag && !locked.oflag && !locked.cflag && !locked.lflag && !locked.line)
		return 0;
	return kern_tty_set_locked(fd, &locked, err);
}

/* ---- making, in the root of the tree ---- */

/* A description of its own of what fd is; a master cannot be opened again. */
static int open_again(struct tty_file *f, int fd, struct img_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return img_fail_sys(err, "stat");
	if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(5, 2))
		f->fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	else
		f->fd = restore_reopen(fd, (int)(f->rec->flags & (O_ACCMODE | O_NONBLOCK)) | O_NOCTTY, err);
	if (f->fd < 0)
		return err->code ? -1 : img_fail_sys(err, "duplicate a descriptor");
	f->tty->fd = f->fd;
	return restore_file_flags(f->fd, f->rec->flags, err);
}

/* A process that has the terminal for a moment opens /dev/tty and leaves it again (before it ends: a session's end would hang the
 * terminal up). It shares our table. */
static int open_ctty(struct tty_file *f, int terminal, struct img_err *err)
{
	int place = open("/", O_PATH | O_CLOEXEC), status = -1, fd;
	pid_t pid;

	if (place < 0)
		return img_fail_sys(err, "open /");
	pid = kern_clone(CLONE_FILES, 0, 0);
	if (pid == 0) {
		if (setsid() < 0 || ioctl(terminal, TIOCSCTTY, 1) < 0)
			_exit(errno & 0x7f);
		fd = open(f->reg->name, (int)(f->rec->flags & (O_ACCMODE | O_NONBLOCK)) | O_CLOEXEC);
		if (fd < 0 || dup3(fd, place, O_CLOEXEC) < 0)
			_exit(errno & 0x7f);
		close(fd);
		_exit(ioctl(terminal, TIOCNOTTY) < 0 ? errno & 0x7f : 0);
	}
	if (pid < 0 || waitpid(pid, &status, __WALL) < 0)
		return img_fail_sys(err, "a process to open '%s'", f->reg->name);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
		return img_fail_sys(err, "open '%s'", f->reg->name);
	}
	f->fd = place;
	return restore_file_flags(f->fd, f->rec->flags, err);
}

static int make_ctty(struct restore_ttys *ttys, struct tty_file *f, struct img_err *err)
{
	const struct restore_tty *of = f->tty->of;
	int fd = of ? of->fd >= 0 ? of->fd : of->other ? of->other->fd : -1 : ttys->terminal;

	if (of && of->source != TTY_TERMINAL)
		return open_ctty(f, fd, err);
	/* Our own session has it. */
	f->fd = open(f->reg->name, (int)(f->rec->flags & (O_ACCMODE | O_NONBLOCK)) | O_CLOEXEC);
	return f->fd < 0 ? img_fail_sys(err, "open '%s'", f->reg->name) : restore_file_flags(f->fd, f->rec->flags, err);
}

static int make_file(struct restore *r, struct restore_task *t, struct tty_file *f, struct img_err *err)
{
	struct restore_tty *tty = f->tty;

	switch (tty->source) {
	case TTY_MADE:
	case TTY_ORPHAN:
		return tty->made ? 0 : tty_make_pair(r, tty, err);
	case TTY_TERMINAL:
		if (open_again(f, r->files->ttys->terminal, err) < 0)
			return -1;
		return set_termios(tty->rec, f->fd, err);
	case TTY_HANDED:
		if (open_again(f, tty_handed(r, tty->rec), err) < 0)
			return -1;
		return set_termios(tty->rec, f->fd, err);
	case TTY_NODE:
		f->fd = restore_open_named(r, t, f->reg, (int)(f->rec->flags | O_NONBLOCK), err);
		if (f->fd < 0)
			return -1;
		tty->fd = f->fd;
		if (set_termios(tty->rec, f->fd, err) < 0)
			return -1;
		return restore_file_flags(f->fd, f->rec->flags, err);
	case TTY_CONTROLLING:
		break; /* needs the others */
	}
	return 0;
}

int restore_ttys_make(struct restore *r, struct restore_task *t, struct img_err *err)
{
	struct restore_ttys *ttys = r->files->ttys;

	if (t != r->root)
		return 0;
	for (size_t i = 0; i < ttys->nr_files; i++)
		if (make_file(r, t, &ttys->files[i], err) < 0)
			return img_wrap(err, "tty %#x", ttys->files[i].file->id);
	for (size_t i = 0; i < ttys->nr_files; i++)
		if (ttys->files[i].tty->source == TTY_CONTROLLING && make_ctty(ttys, &ttys->files[i], err) < 0)
			return img_wrap(err, "tty %#x", ttys->files[i].file->id);
	return 0;
}

/* ---- sessions ---- */

/* The terminal of the session of a task; NULL: none. *fd: a descriptor of it. */
static struct restore_tty *terminal_of(struct restore_ttys *ttys, const struct restore_task *t, int *fd)
{
	for (size_t i = 0; i < ttys->nr; i++) {
		struct restore_tty *tty = &ttys->items[i];

		if (!tty->rec->sid || tty->rec->sid != (uint32_t)t->sid || tty->rec->type == TTY_TYPE__CTTY || tty_is_hung_up(tty))
			continue;
		*fd = tty->fd >= 0 ? tty->fd : tty->other ? tty->other->fd : -1;
		if (*fd >= 0)
			return tty;
	}
	return NULL;
}

int restore_ttys_attach(struct restore *r, struct restore_task *t, struct img_err *err)
{
	int fd;

	if (t->sid != t->pid || !terminal_of(r->files->ttys, t, &fd))
		return 0;
	if (ioctl(fd, TIOCSCTTY, 1) < 0)
		return img_fail_sys(err, "controlling terminal");
	return 0;
}

static bool group_lives(const struct restore *r, pid_t pgid, pid_t sid)
{
	for (size_t i = 0; i < r->nr_tasks; i++)
		if (restore_task_lives(&r->tasks[i]) && r->tasks[i].pgid == pgid && r->tasks[i].sid == sid && !r->tasks[i].group_external)
			return true;
	return false;
}

/* The foreground group, by a task of the session: its leader, or the root of a shell's job. */
int restore_ttys_foreground(struct restore *r, struct restore_task *t, struct img_err *err)
{
	struct restore_tty *tty;
	pid_t pgrp;
	int fd;

	if (t->sid != t->pid && t != r->root)
		return 0;
	tty = terminal_of(r->files->ttys, t, &fd);
	pgrp = tty ? (pid_t)tty->rec->pgrp : 0;
	if (!pgrp || !group_lives(r, pgrp, t->sid))
		return 0;
	/* SIGTTOU is blocked, and does not stop us. */
	if (ioctl(fd, TIOCSPGRP, &pgrp) < 0)
		return img_fail_sys(err, "foreground process group %d of its terminal", (int)pgrp);
	return 0;
}

/* ---- the front ---- */

int restore_ttys_orphans(struct restore *r, struct img_err *err)
{
	struct restore_ttys *ttys = r->files->ttys;
	cleanup_fd int root = -1;

	for (size_t i = 0; i < ttys->nr; i++) {
		uint32_t there = ttys->orphans[i];
		cleanup_fd int master = -1;

		if (!there)
			continue;
		if (root < 0)
			root = (int)syscall(SYS_pidfd_open, restore_here(r->root), 0);
		if (root < 0)
			return img_fail_sys(err, "pidfd_open %d", (int)restore_here(r->root));
		master = kern_getfd(root, (int)there, err);
		if (master < 0 || restore_script_fd(r, "orphan-pts-master", master, err) < 0)
			return img_wrap(err, "the master of pty %u", ttys->items[i].rec->pty->index);
	}
	return 0;
}

/* A program notices a signal while it waits, so it shall wait again. */
static void let_wait(pid_t pid)
{
	for (int i = 0; i < 40; i++) {
		struct img_err ignored = IMG_ERR_INIT;
		struct kern_stat stat;

		nanosleep(&(struct timespec){ .tv_nsec = 5 * 1000 * 1000 }, NULL);
		if (kern_stat_read(pid, &stat, &ignored) < 0 || stat.state == 'S')
			return;
	}
}

void restore_ttys_redraw(struct restore *r)
{
	struct restore_ttys *ttys = r->files->ttys;

	for (size_t i = 0; i < ttys->nr; i++) {
		const TtyInfoEntry *rec = ttys->items[i].rec;
		struct winsize now;
		pid_t pgrp;

		if (ttys->items[i].source != TTY_TERMINAL || !ttys->items[i].used || !rec->winsize)
			continue;
		pgrp = tcgetpgrp(ttys->terminal);
		ttys->terminal_taken = pgrp != ttys->terminal_pgrp;
		if (ioctl(ttys->terminal, TIOCGWINSZ, &now) < 0 || pgrp <= 0)
			continue;
		if (now.ws_row == rec->winsize->ws_row && now.ws_col == rec->winsize->ws_col)
			continue;
		let_wait(pgrp);
		kill(-pgrp, SIGWINCH);
	}
}

static pid_t set_front(int terminal, pid_t pgrp)
{
	pid_t was = tcgetpgrp(terminal);
	sigset_t stop, mask;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTTOU);
	sigprocmask(SIG_BLOCK, &stop, &mask);
	tcsetpgrp(terminal, pgrp);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return was;
}

void restore_ttys_leave(struct restore *r)
{
	struct restore_ttys *ttys = r->files->ttys;

	if (ttys && ttys->terminal_taken && ttys->terminal_pgrp > 0)
		set_front(ttys->terminal, ttys->terminal_pgrp);
}

void restore_ttys_stop(struct restore *r)
{
	struct restore_ttys *ttys = r->files->ttys;
	pid_t pgrp;

	if (!ttys || !ttys->terminal_taken || ttys->terminal_pgrp <= 0)
		return;
	pgrp = set_front(ttys->terminal, ttys->terminal_pgrp);
	kill(getpid(), SIGSTOP); /* until the shell lets us go on */
	set_front(ttys->terminal, pgrp);
	kill(-r->root->pgid, SIGCONT);
}

/* ---- the room ---- */

static int tty_make(struct restore *r, struct restore_task *t, const struct restore_file *const *files, size_t nr, int *fds,
	struct img_err *err)
{
	struct restore_ttys *ttys = r->files->ttys;

	for (size_t i = 0; i < ttys->nr_files; i++) {
		struct tty_file *f = &ttys->files[i];

		if (f->file->id != files[0]->id)
			continue;
		/* A copy: others of this task may still ask things of the terminal. */
		fds[0] = fcntl(f->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (fds[0] < 0)
			return img_fail_sys(err, "duplicate a descriptor");
		return restore_file_owner(r, fds[0], f->rec->fown, err);
	}
	return img_fail(err, IMG_CORRUPT, "no such terminal");
}

static const FownEntry *tty_owner(const struct restore *r, const struct restore_file *f)
{
	return f->rec->tty->fown;
}

const struct fd_restore_ops tty_restore_ops = {
	.name = "tty",
	.type = FD_TYPES__TTY,
	.make = tty_make,
	.owner = tty_owner,
};
