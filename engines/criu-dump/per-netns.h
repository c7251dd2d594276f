/* engines/criu-dump/per-netns.h -- what a room has found out about each network namespace of the tree. */
#ifndef CRIU_DUMP_PER_NETNS_H
#define CRIU_DUMP_PER_NETNS_H

#include <stddef.h>

#include "criuimg/err.h"

struct dump;
struct dump_task;
struct dump_namespace;

struct per_netns_entry {
	const struct dump_namespace *ns; /* NULL: the one that we live in */
	void *memory;
};

/* Zeroed at first. Part of what the room keeps (dump_files_keep()). */
struct per_netns {
	struct per_netns_entry *items;
	size_t nr, room;
};

struct per_netns_ops {
	size_t size;					/* of the memory */
	int (*read)(void *memory, struct img_err *err); /* fill it, zeroed, inside the namespace; called once */
	void (*drop)(void *memory);			/* what read has left in it; not the memory itself */
};

/* Of the namespace that t lives in; NULL on failure. */
const void *dump_per_netns(struct dump *d, struct dump_task *t, struct per_netns *all, const struct per_netns_ops *ops,
	struct img_err *err);
void dump_per_netns_free(struct per_netns *all, const struct per_netns_ops *ops);

#endif
