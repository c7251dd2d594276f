/* kernel/idmap.h -- user and group ids inside and outside of a user namespace: /proc/PID/uid_map, user_namespaces(7). */
#ifndef ENGINES_KERNEL_IDMAP_H
#define ENGINES_KERNEL_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "criuimg/err.h"

struct kern_idmap_range {
	uint32_t first, lower, count; /* inside, outside (in the namespace of who reads the file) */
};

struct kern_idmap {
	struct kern_idmap_range *items;
	size_t nr, room;
};

/* What the kernel says for an id that has none: /proc/sys/kernel/overflowuid. */
#define KERN_OVERFLOW_ID 65534u

/* file: "uid_map" or "gid_map". Free it whatever is returned. */
int kern_idmap_read(int pid, const char *file, struct kern_idmap *map, struct img_err *err);
/* The other way, for a new user namespace: all in one write. */
int kern_idmap_write(int pid, const char *file, const struct kern_idmap *map, struct img_err *err);
void kern_idmap_free(struct kern_idmap *map);

/* false: the id has no counterpart. (uint32_t)-1, which is no id, stays what it is. */
bool kern_idmap_inside(const struct kern_idmap *map, uint32_t outside, uint32_t *inside);
bool kern_idmap_outside(const struct kern_idmap *map, uint32_t inside, uint32_t *outside);

#endif
