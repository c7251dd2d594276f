/* engines/criu-restore/rooms.c -- THE ROOMS of engines/task/ that criu-restore has.
 *
 * The order matters only for what rooms do in the task itself; what they leave to the blob is ordered by its phases (tape.h).
 */

#include "criu-restore/task_ops.h"
#include "criuimg/array.h"

const struct task_restore_ops *const restore_task_rooms[] = {
	NULL,
};

const size_t restore_nr_task_rooms = ARRAY_SIZE(restore_task_rooms) - 1;
