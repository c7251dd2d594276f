/* engines/criu-restore/rooms.c -- THE ROOMS of engines/task/ that criu-restore has.
 *
 * The order matters only for what rooms do in the task itself; what they leave to the blob is ordered by its phases (tape.h).
 */

#include "criu-restore/fd_ops.h"
#include "criu-restore/task_ops.h"
#include "criuimg/array.h"

const struct task_restore_ops *const restore_task_rooms[] = {
	NULL,
};

const size_t restore_nr_task_rooms = ARRAY_SIZE(restore_task_rooms) - 1;

/* THE ROOMS of engines/fd/: whose type of records is theirs. */
extern const struct fd_restore_ops file_restore_ops, pipe_restore_ops, fifo_restore_ops;

const struct fd_restore_ops *const restore_fd_rooms[] = {
	&file_restore_ops,
	&pipe_restore_ops,
	&fifo_restore_ops,
	NULL,
};

const size_t restore_nr_fd_rooms = ARRAY_SIZE(restore_fd_rooms) - 1;
