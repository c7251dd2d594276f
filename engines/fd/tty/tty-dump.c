/* engines/fd/tty/tty-dump.c -- what criu-dump saves of terminals: pseudoterminals, /dev/tty, consoles, serial lines.
 *
 * Each open description has a record, which names the terminal (tty-info.img, once for each end of a pty) and a record of a file with
 * the path. A pty both of whose ends are in the tree is carried whole. A slave whose master is outside is somebody else's terminal:
 * it is another one's at restore (--shell-job, --external), or gets a master that is handed over (--orphan-pts-master).
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "criu-dump/tty-own.h"
#include "criu-dump/ns_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/getfd.h"
#include "options/external.h"

#define DELETED " (deleted)"

/* drivers/tty/tty_io.c, tty_show_fdinfo(): of a master, the index of the pair */
static const struct fdinfo_field fields[] = {
	{ "tty-index", FDINFO_SKIP, 0, false },
};

static bool tty_claims(const struct fd_probe *probe)
{
	bool master;

	return S_ISCHR(probe->mode) && !(probe->flags & O_PATH) && tty_type(probe->rdev, &master) != TTY_TYPE__UNKNOWN;
}

static bool is_external(const struct dump *d, const struct fd_probe *probe)
{
	return options_external(d->opt, "tty[%llx:%llx]", (unsigned long long)probe->rdev, (unsigned long long)probe->dev) != NULL;
}

/* ---- what cannot be dumped ---- */

/* A terminal whose other end the tree does not have. */
static int check_outside(struct dump *d, const struct fd_probe *probe, const struct tty_seen *seen, struct img_err *err)
{
	struct tty_state *s = tty_state_get(d, err);

	if (!s)
		return -1;
	if (d->opt->orphan_pts_master)
		return 0;
	if (!d->opt->shell_job)
		return img_fail(err, IMG_UNSUPPORTED, "terminal '%s' belongs to somebody outside: a shell's job is dumped with "
			"--shell-job, others with --external 'tty[%llx:%llx]'", probe->link, (unsigned long long)probe->rdev,
			(unsigned long long)probe->dev);
	if (s->outside && s->outside_rdev != seen->rdev)
		return img_fail(err, IMG_UNSUPPORTED, "terminal '%s' is a second one that belongs to somebody outside", probe->link);
	s->outside = true;
	s->outside_rdev = seen->rdev;
	return 0;
}

static int check_seen(struct dump *d, struct dump_task *t, const struct fd_probe *probe, const struct tty_seen *seen, int lfd,
	struct img_err *err)
{
	int ldisc = 0;

	if (!seen->hung_up && ioctl(lfd, TIOCGETD, &ldisc) < 0)
		return img_fail_sys(err, "TIOCGETD");
	if (ldisc)
		return img_fail(err, IMG_UNSUPPORTED, "terminal '%s' has line discipline %d", probe->link, ldisc);
	if (seen->type == TTY_TYPE__CTTY && seen->hung_up)
		return img_fail(err, IMG_UNSUPPORTED, "'%s' stands for a terminal that was hung up", probe->link);
	if (seen->hung_up)
		return 0; /* its path may be gone */
	if (!dump_path_leads_to(d, t, probe->link, probe))
		return img_fail(err, IMG_UNSUPPORTED, "'%s' leads elsewhere now: something is mounted over it, or it is of another "
			"mount namespace", probe->link);
	if (seen->master || (seen->pair && seen->pair->master))
		return 0;
	if (seen->type == TTY_TYPE__PTY || (seen->type == TTY_TYPE__CTTY && major(seen->rdev) == 136))
		return check_outside(d, probe, seen, err);
	return 0;
}

static int tty_check(struct dump *d, struct dump_task *t, const struct fd_probe *probe, struct img_err *err)
{
	cleanup_fd int lfd = -1;
	struct tty_seen seen;

	if (is_external(d, probe))
		return 0;
	lfd = kern_getfd(t->pidfd, probe->fd, err);
	if (lfd < 0 || tty_look(d, probe, lfd, &seen, err) < 0)
		return -1;
	return check_seen(d, t, probe, &seen, lfd, err);
}

/* ---- ids ---- */

/* Those that CRIU gives to the first of a kind: restore of its own expects nothing of them but that they differ. */
static const uint32_t usual_ids[] = {
	[TTY_TYPE__CONSOLE] = 2004, [TTY_TYPE__VT] = 2008, [TTY_TYPE__CTTY] = 2012, [TTY_TYPE__SERIAL] = 2020, [TTY_TYPE__EXT_TTY] = 2026,
};

enum {
	USUAL_PTYS = 1000,	 /* below those of the others */
	MANY_IDS = 0x100000,	 /* where the unusual ones begin: */
	INSTANCE_IDS = 0x200000, /* so many for each devpts, two for each pair */
	OTHER_IDS = 0x40000000,
};

static uint32_t pty_id(struct tty_state *s, const struct tty_pair *pair, bool master, struct img_err *err)
{
	size_t place = 0;
	dev_t *more;

	while (place < s->nr_instances && s->instances[place] != pair->dev)
		place++;
	if (place == s->nr_instances) {
		more = img_array_more(&s->instances, s->nr_instances, &s->instances_room);
		if (!more) {
			img_fail_nomem(err);
			return 0;
		}
		*more = pair->dev;
		s->nr_instances++;
	}
	if (place == 0 && pair->index < USUAL_PTYS)
		return 2 * pair->index + master;
	return MANY_IDS + (uint32_t)place * INSTANCE_IDS + 2 * pair->index + master;
}

/* The number of a terminal; *fresh: it has no record yet. */
static int info_id(struct dump *d, const struct fd_probe *probe, const struct tty_seen *seen, uint32_t sid, uint32_t *id, bool *fresh,
	struct img_err *err)
{
	struct tty_state *s = tty_state_get(d, err);
	uint64_t a = (uint64_t)seen->type << 56, b = (uint64_t)probe->dev << 32 | probe->rdev;
	uint32_t *value;
	int ret;

	if (!s)
		return -1;
	if (seen->type == TTY_TYPE__PTY) {
		a |= seen->pair->dev;
		b = 2ull * seen->pair->index + seen->master;
	} else if (seen->type == TTY_TYPE__CTTY) {
		b = (uint64_t)seen->rdev << 32 | sid;
	}
	ret = dump_once(d, DUMP_ONCE_TTY, a, b, &value, err);
	if (ret < 0)
		return -1;
	*fresh = ret > 0;
	if (*fresh && seen->type == TTY_TYPE__PTY) {
		*value = pty_id(s, seen->pair, seen->master, err);
		if (err->code)
			return -1;
	} else if (*fresh) {
		uint32_t *first;

		ret = dump_once(d, DUMP_ONCE_TTY, a, ~0ull, &first, err);
		if (ret < 0)
			return -1;
		*value = ret > 0 ? usual_ids[seen->type] : OTHER_IDS + 2 * s->nr_others++;
	}
	*id = *value;
	return 0;
}

/* ---- records ---- */

struct tty_settings {
	TermiosEntry termios, locked;
	WinsizeEntry winsize;
	uint32_t cc[2][KERN_TTY_NCC];
};

static void pack_cc(const uint8_t *cc, uint32_t *words)
{
	memset(words, 0, KERN_TTY_NCC * sizeof(*words));
	for (size_t i = 0; i < KERN_TTY_NCC; i++)
		words[i / 4] |= (uint32_t)cc[i] << (i % 4 * 8);
}

static void fill_termios(TermiosEntry *rec, const struct kern_termios *t, uint32_t *words)
{
	termios_entry__init(rec);
	rec->c_iflag = t->iflag;
	rec->c_oflag = t->oflag;
	rec->c_cflag = t->cflag;
	rec->c_lflag = t->lflag;
	rec->c_line = t->line;
	if (kern_tty_odd_speed(t->cflag)) {
		rec->c_ispeed = t->ispeed;
		rec->c_ospeed = t->ospeed;
	}
	pack_cc(t->cc, words);
	rec->c_cc = words;
	rec->n_c_cc = KERN_TTY_NCC;
}

/* lfd is alive: an end of the pty, or the terminal. */
static int fill_settings(TtyInfoEntry *info, struct tty_settings *set, int lfd, struct img_err *err)
{
	struct kern_termios t;
	struct winsize size;

	if (kern_tty_get(lfd, &t, err) < 0)
		return -1;
	fill_termios(&set->termios, &t, set->cc[0]);
	info->termios = &set->termios;
	if (kern_tty_get_locked(lfd, &t, err) < 0)
		return -1;
	fill_termios(&set->locked, &t, set->cc[1]);
	info->termios_locked = &set->locked;
	if (ioctl(lfd, TIOCGWINSZ, &size) < 0)
		return img_fail_sys(err, "TIOCGWINSZ");
	winsize_entry__init(&set->winsize);
	set->winsize.ws_row = size.ws_row;
	set->winsize.ws_col = size.ws_col;
	set->winsize.ws_xpixel = size.ws_xpixel;
	set->winsize.ws_ypixel = size.ws_ypixel;
	info->winsize = &set->winsize;
	return 0;
}

static int fill_flags(TtyInfoEntry *info, const struct tty_seen *seen, int lfd, struct img_err *err)
{
	struct pollfd p = { .fd = lfd };
	int locked = 0, packets = 0, exclusive = 0;

	if (ioctl(lfd, TIOCGEXCL, &exclusive) < 0)
		return img_fail_sys(err, "TIOCGEXCL");
	info->exclusive = exclusive != 0;
	if (!seen->master || seen->type != TTY_TYPE__PTY)
		return 0;
	if (ioctl(lfd, TIOCGPTLCK, &locked) < 0 || ioctl(lfd, TIOCGPKT, &packets) < 0)
		return img_fail_sys(err, "TIOCGPTLCK, TIOCGPKT");
	info->locked = locked != 0;
	info->packet_mode = packets != 0;
	info->has_peer_closed = info->peer_closed = poll(&p, 1, 0) > 0 && p.revents & POLLHUP;
	return 0;
}

static int write_info(struct dump *d, const struct fd_target *t, const struct tty_seen *seen, uint32_t id, uint32_t sid, uint32_t pgrp,
	struct img_err *err)
{
	TtyInfoEntry info = TTY_INFO_ENTRY__INIT;
	TtyPtyEntry pty = TTY_PTY_ENTRY__INIT;
	struct tty_settings set;
	cleanup_fd int master = -1;
	int lfd = t->lfd;
	struct stat st;

	if (fstat(lfd, &st) < 0)
		return img_fail_sys(err, "stat");
	info.id = id;
	info.type = seen->type;
	info.sid = sid;
	info.pgrp = pgrp;
	info.rdev = (uint32_t)st.st_rdev;
	info.has_dev = info.has_uid = info.has_gid = true;
	info.dev = (uint32_t)st.st_dev;
	info.uid = dump_uid(d, st.st_uid);
	info.gid = dump_gid(d, st.st_gid);
	if (seen->type == TTY_TYPE__PTY) {
		pty.index = seen->pair->index;
		info.pty = &pty;
	}
	if (seen->type == TTY_TYPE__CTTY) {
		info.has_real_rdev = true;
		info.real_rdev = (uint32_t)seen->rdev;
	}
	/* A descriptor that was hung up knows nothing, the master does. */
	if (seen->hung_up && seen->pair && seen->pair->master) {
		lfd = master = kern_getfd(seen->pair->master_task->pidfd, seen->pair->master_fd, err);
		if (master < 0)
			return -1;
	}
	if ((lfd == master || !seen->hung_up) && fill_settings(&info, &set, lfd, err) < 0)
		return -1;
	if (!seen->hung_up && fill_flags(&info, seen, lfd, err) < 0)
		return -1;
	log_info(d->log, "tty %#x: session %u, foreground group %u%s", id, sid, pgrp, seen->hung_up ? ", hung up" : "");
	return dump_write_shared(d, IMG_TTY_INFO, &info.base, err);
}

/* The path, which is given up with a terminal that is hung up: as it was. */
static int write_path(struct dump *d, const struct fd_target *t, const FownEntry *fown, uint32_t *id, struct img_err *err)
{
	RegFileEntry reg = REG_FILE_ENTRY__INIT;
	FileEntry rec = FILE_ENTRY__INIT;
	char path[PATH_MAX];
	size_t len = strlen(t->probe->link), cut = strlen(DELETED);

	if (len >= sizeof(path))
		return img_fail(err, IMG_UNSUPPORTED, "a path of %zu bytes is not supported", len);
	memcpy(path, t->probe->link, len + 1);
	if (len > cut && !strcmp(path + len - cut, DELETED))
		path[len - cut] = '\0';
	reg.id = *id = dump_new_file_id(d);
	reg.flags = t->probe->flags;
	reg.fown = (FownEntry *)fown;
	reg.name = path;
	reg.has_mode = true;
	reg.mode = t->probe->mode;
	rec.type = FD_TYPES__REG;
	rec.id = reg.id;
	rec.reg = &reg;
	return dump_write_file(d, &rec, err);
}

static int write_tty(struct dump *d, const struct fd_target *t, const struct tty_seen *seen, uint32_t info, struct img_err *err)
{
	TtyFileEntry tty = TTY_FILE_ENTRY__INIT;
	FownEntry fown = FOWN_ENTRY__INIT, none = FOWN_ENTRY__INIT;
	FileEntry rec = FILE_ENTRY__INIT;

	if (dump_file_owner(d, t, &fown, err) < 0)
		return -1;
	if (seen->type != TTY_TYPE__EXT_TTY) {
		tty.has_regf_id = true;
		if (write_path(d, t, &none, &tty.regf_id, err) < 0)
			return -1;
	}
	tty.id = t->id;
	tty.tty_info_id = info;
	tty.flags = t->probe->flags;
	tty.fown = &fown;
	/* Without the master all descriptors are; that is known without being said. */
	tty.has_hung_up = tty.hung_up = seen->hung_up && seen->pair && seen->pair->master;
	rec.type = FD_TYPES__TTY;
	rec.id = t->id;
	rec.tty = &tty;
	return dump_write_file(d, &rec, err);
}

static int tty_dump(struct dump *d, const struct fd_target *t, struct img_err *err)
{
	struct tty_seen seen;
	uint32_t id, sid, pgrp, *ignored;
	bool fresh;
	int ret;

	if (tty_look(d, t->probe, t->lfd, &seen, err) < 0)
		return -1;
	if (is_external(d, t->probe))
		seen = (struct tty_seen){ .type = TTY_TYPE__EXT_TTY, .rdev = seen.rdev, .master = seen.master };
	else if (check_seen(d, t->task, t->probe, &seen, t->lfd, err) < 0)
		return -1;
	if (tty_session(d, &seen, &sid, &pgrp, err) < 0 || info_id(d, t->probe, &seen, sid, &id, &fresh, err) < 0)
		return -1;
	if (fresh && write_info(d, t, &seen, id, sid, pgrp, err) < 0)
		return -1;
	if (write_tty(d, t, &seen, id, err) < 0)
		return -1;
	if (seen.type != TTY_TYPE__PTY || seen.hung_up || !seen.pair->master)
		return 0;
	ret = dump_once(d, DUMP_ONCE_TTY, ~0ull, id, &ignored, err);
	return ret <= 0 ? ret : tty_dump_data(d, t, &seen, id, err);
}

const struct fd_dump_ops tty_dump_ops = {
	.name = "tty",
	.type = FD_TYPES__TTY,
	.fdinfo = fields,
	.nr_fdinfo = ARRAY_SIZE(fields),
	.claims = tty_claims,
	.check = tty_check,
	.dump = tty_dump,
};
