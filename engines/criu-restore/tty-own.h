/* engines/criu-restore/tty-own.h -- what the files of the restore half of engines/fd/tty share.
 *
 * A session gets its controlling terminal from its leader, and a child has it from birth only (TIOCSCTTY is about the caller alone): so
 * terminals are made by the root of the tree before it has any child, all tasks inherit their descriptors, leaders attach as soon as
 * they lead, and the table that is to have a descriptor takes the inherited one.
 */
#ifndef CRIU_RESTORE_TTY_OWN_H
#define CRIU_RESTORE_TTY_OWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "criu-restore/files-own.h"
#include "kernel/tty.h"
#include "tty.pb-c.h"

/* Where a terminal comes from. */
enum tty_source {
	TTY_MADE,	/* a new pty */
	TTY_ORPHAN,	/* the same, and its master goes to somebody outside */
	TTY_TERMINAL,	/* --shell-job: the terminal that criu-restore was started on */
	TTY_HANDED,	/* --inherit-fd */
	TTY_NODE,	/* opened by its path */
	TTY_CONTROLLING,/* /dev/tty: opened by somebody of the session */
};

/* A terminal: an end of a pty has one of its own. */
struct restore_tty {
	const TtyInfoEntry *rec;
	const TtyDataEntry *data; /* NULL: nothing waits */
	struct restore_tty *other; /* of a pty; NULL: not in the images */
	struct restore_tty *of;	   /* of /dev/tty: the terminal it stands for; NULL: the one we were started on */
	enum tty_source source;
	bool master, used;
	bool made;
	int fd; /* some descriptor of it, to ask things of; -1: none yet. Not to be closed. */
};

/* An open description. */
struct tty_file {
	const struct restore_file *file;
	const TtyFileEntry *rec;
	const RegFileEntry *reg; /* NULL: has no path */
	struct restore_tty *tty;
	int fd; /* what the tables get, inherited */
};

struct restore_ttys {
	struct restore_tty *items; /* by id */
	size_t nr, room;
	TtyDataEntry **data;
	size_t nr_data, data_room;
	struct tty_file *files; /* by id, as in files.img */
	size_t nr_files, files_room;
	struct {
		unsigned index;
		int fd; /* the master */
	} early[16]; /* made before the others: restore_pty_early() */
	size_t nr_early;
	int terminal;	     /* the one we were started on, -1: none */
	pid_t terminal_pgrp; /* its foreground group then */
	bool terminal_taken; /* another group is in front there now, of the tree */
	uint32_t *orphans; /* shared: numbers in the root's table of the masters that go outside, one for each of items; 0: none */
};

/* Words of a record's c_cc that hold characters, four each. */
#define CC_WORDS ((KERN_TTY_NCC + 3) / 4)

/* plan-restore.c */
bool tty_is_hung_up(const struct restore_tty *tty);
/* What the caller handed over for a terminal: a number, borrowed; -1: nothing. */
int tty_handed(const struct restore *r, const TtyInfoEntry *rec);
const struct tty_file *tty_first_file(const struct restore_ttys *ttys, const struct restore_tty *tty);
/* tty-restore.c: settings and window of a terminal, through any descriptor of it. */
int tty_set(const struct restore_tty *tty, int fd, struct img_err *err);

/* pairs-restore.c: a new pty with all descriptions of both ends. other may be NULL. */
int tty_make_pair(struct restore *r, struct restore_tty *tty, struct img_err *err);

#endif
