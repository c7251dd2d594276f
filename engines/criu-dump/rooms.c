/* criu-dump/rooms.c -- THE ROOMS: every room that criu-dump has, and the only list of them.
 *
 * Hooks are called in this order. A room is added with two lines: its ops declared, and its place in the list.
 */

#include "criu-dump/fd_ops.h"
#include "criu-dump/task_ops.h"
#include "criuimg/array.h"

const struct task_dump_ops *const dump_task_rooms[] = {
	NULL,
};

/* Asked in this order whether a descriptor is theirs. */
const struct fd_dump_ops *const dump_fd_rooms[] = {
	NULL,
};
const size_t dump_nr_fd_rooms = ARRAY_SIZE(dump_fd_rooms) - 1;
