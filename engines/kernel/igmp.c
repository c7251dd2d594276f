/* engines/kernel/igmp.c -- two files, a parser each. */

#include "kernel/igmp.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/proc-file.h"

static struct kern_group *more(struct kern_groups *out, struct img_err *err)
{
	struct kern_group *g = img_array_more(&out->items, out->nr, &out->room);

	if (!g) {
		img_fail_nomem(err);
		return NULL;
	}
	*g = (struct kern_group){ 0 };
	out->nr++;
	return g;
}

/* "2\teth0      :     2      V3", and then for each group "\t\t\t\t010000E0     1 0:00000000\t\t0": its four bytes as a number. */
static int take_v4(struct kern_groups *out, const char *line, struct kern_group *device, struct img_err *err)
{
	struct kern_group *g;
	uint32_t word;

	if (line[0] != '\t')
		return sscanf(line, "%u %15[^ :]", &device->ifindex, device->ifname) == 2 ? 0 :
			img_fail(err, IMG_SYS, "/proc/net/igmp: a line that is not understood: %s", line);
	if (sscanf(line, " %8x", &word) != 1)
		return img_fail(err, IMG_SYS, "/proc/net/igmp: a line that is not understood: %s", line);
	g = more(out, err);
	if (!g)
		return -1;
	*g = *device;
	g->family = AF_INET;
	memcpy(g->group, &word, sizeof(word));
	return 0;
}

/* "2    eth0            ff0200000000000000000001ff123456     1 00000004 0". */
static int take_v6(struct kern_groups *out, const char *line, struct kern_group *device, struct img_err *err)
{
	struct kern_group *g = more(out, err);
	char hex[33] = "";
	unsigned byte;

	if (!g)
		return -1;
	g->family = AF_INET6;
	if (sscanf(line, "%u %15s %32[0-9a-f]", &g->ifindex, g->ifname, hex) != 3 || strlen(hex) != 32)
		return img_fail(err, IMG_SYS, "/proc/net/igmp6: a line that is not understood: %s", line);
	for (size_t i = 0; i < 16 && sscanf(hex + 2 * i, "%2x", &byte) == 1; i++)
		g->group[i] = (uint8_t)byte;
	return 0;
}

typedef int take_fn(struct kern_groups *out, const char *line, struct kern_group *device, struct img_err *err);

static int read_file(struct kern_groups *out, const char *name, bool heading, take_fn *take, struct img_err *err)
{
	struct kern_group device = { 0 };
	struct img_err ignored;
	cleanup_free char *text = kern_proc_read(NULL, &ignored, "/proc/thread-self/net/%s", name);

	if (!text) /* a kernel without it: no such groups */
		return 0;
	for (char *save = NULL, *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (heading)
			heading = false;
		else if (take(out, line, &device, err) < 0)
			return -1;
	}
	return 0;
}

int kern_groups_read(struct kern_groups *out, struct img_err *err)
{
	*out = (struct kern_groups){ 0 };
	if (read_file(out, "igmp", true, take_v4, err) == 0 && read_file(out, "igmp6", false, take_v6, err) == 0)
		return 0;
	kern_groups_free(out);
	return -1;
}

void kern_groups_free(struct kern_groups *groups)
{
	free(groups->items);
	*groups = (struct kern_groups){ 0 };
}
