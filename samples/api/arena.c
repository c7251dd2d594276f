/* samples/api/arena.c -- criuimg/arena.h: a record put together in an arena, and dropped with it. */

#include <stdio.h>

#include "criuimg/arena.h"
#include "core.pb-c.h"

int main(void)
{
	cleanup_arena struct img_arena arena = IMG_ARENA_INIT;
	TaskCoreEntry *tc = img_arena_message(&arena, TaskCoreEntry, task_core_entry);

	if (!tc)
		return 1;
	tc->comm = img_arena_printf(&arena, "worker %d", 7);
	printf("%s: %zu bytes\n", tc->comm, task_core_entry__get_packed_size(tc));
	return 0;
}
