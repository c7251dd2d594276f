/* engines/fd/tty/pairs-dump.c -- which pseudoterminals a tree has, and which of their ends.
 *
 * A slave is known by its numbers. All masters have those of /dev/ptmx: TIOCGPTN tells the index of a pair, and the devpts that it is of
 * is where the node is, or `pts` beside it (devpts.rst).
 */

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "criu-dump/tty-own.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/getfd.h"

extern const struct fd_dump_ops tty_dump_ops;

enum {
	PTS_MAJOR = 136, /* Documentation/admin-guide/devices.txt */
};

static const struct {
	unsigned major, minor_first, minor_last;
	TtyType type;
} types[] = {
	{ 4, 0, 63, TTY_TYPE__VT },	 { 4, 64, 255, TTY_TYPE__SERIAL }, { 5, 0, 0, TTY_TYPE__CTTY },
	{ 5, 1, 1, TTY_TYPE__CONSOLE },	 { 5, 2, 2, TTY_TYPE__PTY },	   { PTS_MAJOR, 0, ~0u, TTY_TYPE__PTY },
	{ 188, 0, ~0u, TTY_TYPE__SERIAL }, { 204, 0, ~0u, TTY_TYPE__SERIAL },
};

TtyType tty_type(dev_t rdev, bool *master)
{
	*master = rdev == makedev(5, 2);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].major == major(rdev) && types[i].minor_first <= minor(rdev) && minor(rdev) <= types[i].minor_last)
			return types[i].type;
	return TTY_TYPE__UNKNOWN;
}

/* The devpts of a master; 0: not found. */
static dev_t devpts_of(const struct fd_probe *probe, int lfd)
{
	char path[PATH_MAX + 8], *slash;
	struct statfs fs;
	struct stat st;

	if (fstatfs(lfd, &fs) == 0 && fs.f_type == DEVPTS_SUPER_MAGIC)
		return probe->dev;
	snprintf(path, sizeof(path), "%s", probe->link);
	slash = strrchr(path, '/');
	if (!slash)
		return 0;
	snprintf(slash, sizeof(path) - (size_t)(slash - path), "/pts");
	return statfs(path, &fs) == 0 && fs.f_type == DEVPTS_SUPER_MAGIC && stat(path, &st) == 0 ? st.st_dev : 0;
}

/* dev 0 is any. */
static struct tty_pair *find(struct tty_state *s, dev_t dev, unsigned index)
{
	for (size_t i = 0; i < s->nr; i++)
		if (s->pairs[i].index == index && (!dev || !s->pairs[i].dev || s->pairs[i].dev == dev))
			return &s->pairs[i];
	return NULL;
}

static int pair_of(struct tty_state *s, const struct fd_probe *probe, int lfd, bool master, dev_t *dev, unsigned *index,
	struct img_err *err)
{
	*index = minor(probe->rdev);
	*dev = probe->dev;
	if (!master)
		return 0;
	if (ioctl(lfd, TIOCGPTN, index) < 0)
		return img_fail_sys(err, "TIOCGPTN");
	*dev = devpts_of(probe, lfd);
	return 0;
}

static int collect(void *arg, struct dump_task *t, const struct fd_probe *probe, struct img_err *err)
{
	struct tty_state *s = arg;
	cleanup_fd int lfd = -1;
	struct tty_pair *pair;
	unsigned index;
	bool master;
	dev_t dev;

	if (tty_type(probe->rdev, &master) != TTY_TYPE__PTY)
		return 0;
	lfd = kern_getfd(t->pidfd, probe->fd, err);
	if (lfd < 0 || pair_of(s, probe, lfd, master, &dev, &index, err) < 0)
		return img_wrap(err, "pid %d: fd %d", (int)t->vpid, probe->fd);
	pair = find(s, dev, index);
	if (!pair) {
		pair = img_array_more(&s->pairs, s->nr, &s->room);
		if (!pair)
			return img_fail_nomem(err);
		*pair = (struct tty_pair){ .dev = dev, .index = index };
		s->nr++;
	}
	if (!pair->dev)
		pair->dev = dev;
	if (!master) {
		pair->slave = true;
	} else if (!pair->master) {
		pair->master = true;
		pair->master_task = t;
		pair->master_fd = probe->fd;
	}
	return 0;
}

static void drop(void *memory)
{
	struct tty_state *s = memory;

	while (s->taken) {
		struct tty_taken *next = s->taken->next;

		kern_tty_data_free(&s->taken->data);
		free(s->taken);
		s->taken = next;
	}
	free(s->pairs);
	free(s->instances);
}

struct tty_state *tty_state_get(struct dump *d, struct img_err *err)
{
	struct tty_state *s = dump_files_keep(d, &tty_dump_ops, sizeof(*s), drop);

	if (!s) {
		img_fail_nomem(err);
		return NULL;
	}
	if (s->known)
		return s;
	/* So that files on their way are known, too. */
	if (dump_tree_has_socket(d, 0, err) < 0 || dump_each_file(d, &tty_dump_ops, collect, s, err) < 0)
		return NULL;
	s->known = true;
	return s;
}

int tty_look(struct dump *d, const struct fd_probe *probe, int lfd, struct tty_seen *seen, struct img_err *err)
{
	struct tty_state *s = tty_state_get(d, err);
	struct img_err hung = IMG_ERR_INIT;
	struct kern_termios ignored;
	unsigned index, real;
	dev_t dev;

	if (!s)
		return -1;
	*seen = (struct tty_seen){ .rdev = probe->rdev };
	seen->type = tty_type(probe->rdev, &seen->master);
	if (kern_tty_get(lfd, &ignored, &hung) < 0) {
		if (hung.sys_errno != EIO) {
			*err = hung;
			return -1;
		}
		seen->hung_up = true;
	}
	if (seen->type == TTY_TYPE__CTTY && !seen->hung_up) {
		if (ioctl(lfd, TIOCGDEV, &real) < 0)
			return img_fail_sys(err, "TIOCGDEV");
		/* 12 bits major, 20 bits minor, as stat's 32 lower bits have them: linux/kdev_t.h, new_encode_dev() */
		seen->rdev = makedev((real & 0xfff00) >> 8, (real & 0xff) | (real >> 12 & 0xfff00));
		if (major(seen->rdev) == PTS_MAJOR)
			seen->pair = find(s, 0, minor(seen->rdev));
	}
	if (seen->type != TTY_TYPE__PTY)
		return 0;
	if (pair_of(s, probe, lfd, seen->master, &dev, &index, err) < 0)
		return -1;
	seen->pair = find(s, dev, index);
	if (!seen->pair)
		return img_fail(err, IMG_SYS, "pty %u was not there a moment ago", index);
	return 0;
}

static uint32_t in_image(struct dump *d, pid_t pid)
{
	const struct dump_task *t = pid > 0 ? dump_task_by_pid(d, pid) : NULL;

	return t ? (uint32_t)t->vpid : pid > 0 ? (uint32_t)pid : 0;
}

/* A master tells; of others only tasks of the session know. */
int tty_session(struct dump *d, const struct tty_seen *seen, uint32_t *sid, uint32_t *pgrp, struct img_err *err)
{
	uint32_t nr = (minor(seen->rdev) & 0xff) | major(seen->rdev) << 8 | (minor(seen->rdev) & ~0xffu) << 12;
	pid_t session = 0, group = 0;

	*sid = *pgrp = 0;
	if (seen->pair && seen->pair->master) {
		cleanup_fd int master = kern_getfd(seen->pair->master_task->pidfd, seen->pair->master_fd, err);

		if (master < 0)
			return -1;
		if (ioctl(master, TIOCGSID, &session) < 0)
			return errno == ENOTTY ? 0 : img_fail_sys(err, "TIOCGSID");
		if (ioctl(master, TIOCGPGRP, &group) < 0)
			group = 0;
		*sid = in_image(d, session);
		*pgrp = in_image(d, group);
		return 0;
	}
	for_each_task(d, t)
	{
		if (t->stat.tty_nr != nr)
			continue;
		*sid = (uint32_t)t->sid;
		*pgrp = in_image(d, t->stat.tpgid);
		break;
	}
	return 0;
}
