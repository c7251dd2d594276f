/* kernel/idmap.c -- user and group ids inside and outside of a user namespace. */

#include "kernel/idmap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/proc-file.h"

int kern_idmap_read(int pid, const char *file, struct kern_idmap *map, struct img_err *err)
{
	cleanup_free char *text = kern_proc_read(NULL, err, "/proc/%d/%s", pid, file);
	char *at = text;

	if (!text)
		return -1;
	while (at && *at) {
		struct kern_idmap_range *r = img_array_more(&map->items, map->nr, &map->room);
		char *line = strsep(&at, "\n");

		if (!r)
			return img_fail_nomem(err);
		if (sscanf(line, "%u %u %u", &r->first, &r->lower, &r->count) != 3)
			return img_fail(err, IMG_SYS, "/proc/%d/%s: not three numbers", pid, file);
		map->nr++;
	}
	return 0;
}

void kern_idmap_free(struct kern_idmap *map)
{
	free(map->items);
	*map = (struct kern_idmap){ 0 };
}

bool kern_idmap_inside(const struct kern_idmap *map, uint32_t outside, uint32_t *inside)
{
	*inside = outside;
	for (size_t i = 0; i < map->nr; i++)
		if (outside - map->items[i].lower < map->items[i].count) {
			*inside = map->items[i].first + (outside - map->items[i].lower);
			return true;
		}
	return outside == (uint32_t)-1;
}

bool kern_idmap_outside(const struct kern_idmap *map, uint32_t inside, uint32_t *outside)
{
	*outside = inside;
	for (size_t i = 0; i < map->nr; i++)
		if (inside - map->items[i].first < map->items[i].count) {
			*outside = map->items[i].lower + (inside - map->items[i].first);
			return true;
		}
	return inside == (uint32_t)-1;
}

int kern_idmap_write(int pid, const char *file, const struct kern_idmap *map, struct img_err *err)
{
	enum { LINE = 36 }; /* three numbers */
	cleanup_free char *text = malloc(map->nr * LINE + 1);
	char path[64];
	cleanup_fd int fd = -1;
	size_t len = 0;

	if (!text)
		return img_fail_nomem(err);
	for (size_t i = 0; i < map->nr; i++)
		len += (size_t)snprintf(text + len, LINE, "%u %u %u\n", map->items[i].first, map->items[i].lower, map->items[i].count);
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		return img_fail_sys(err, "%s", path);
	return 0;
}
