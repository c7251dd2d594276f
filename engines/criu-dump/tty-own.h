/* engines/criu-dump/tty-own.h -- what the files of the dump half of engines/fd/tty share. */
#ifndef CRIU_DUMP_TTY_OWN_H
#define CRIU_DUMP_TTY_OWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "criu-dump/dump.h"
#include "criu-dump/files.h"
#include "kernel/tty.h"
#include "tty.pb-c.h"

/* A pseudoterminal that the tree has an end of. */
struct tty_pair {
	dev_t dev; /* of the devpts that it is of; 0: not known */
	unsigned index;
	bool slave, master;
	struct dump_task *master_task; /* the first that has the master, */
	int master_fd;		       /* and under which number */
};

/* What was taken out of a terminal, to be put back if its task lives on. */
struct tty_taken {
	struct dump_task *task;
	int fd;
	bool master;
	struct kern_tty_data data;
	struct tty_taken *next;
};

struct tty_state {
	struct tty_pair *pairs;
	size_t nr, room;
	bool known;
	dev_t *instances; /* the devpts instances, in the order they were met: ids are made of their places */
	size_t nr_instances, instances_room;
	uint32_t nr_others; /* ids given to terminals that are no ptys, beyond the first of a kind */
	bool outside;	    /* a terminal whose other end is outside was met: */
	dev_t outside_rdev;
	struct tty_taken *taken;
};

/* A terminal that a descriptor leads to. */
struct tty_seen {
	TtyType type;
	bool master;
	bool hung_up;
	dev_t rdev;	       /* of the terminal itself: of what /dev/tty stands for */
	struct tty_pair *pair; /* NULL: is no pty, or one from outside */
};

/* All pairs, found when first asked for. NULL: failed. */
struct tty_state *tty_state_get(struct dump *d, struct img_err *err);
/* lfd is a duplicate of the descriptor. */
int tty_look(struct dump *d, const struct fd_probe *probe, int lfd, struct tty_seen *seen, struct img_err *err);
/* The kind of terminal by the numbers of its node; UNKNOWN: none that we know. */
TtyType tty_type(dev_t rdev, bool *master);

/* Whose controlling terminal it is: numbers as images have them, 0: none. */
int tty_session(struct dump *d, const struct tty_seen *seen, uint32_t *sid, uint32_t *pgrp, struct img_err *err);
/* What waits in it: tty-data.img. t->lfd is alive. */
int tty_dump_data(struct dump *d, const struct fd_target *t, const struct tty_seen *seen, uint32_t id, struct img_err *err);

#endif
