/* samples/plugin/mqueue.c -- a plugin for criu-dump and criu-restore: descriptors of POSIX message queues (mq_overview(7)).
 *
 * A queue and its messages outlive the processes that use them; what is lost with a process is the descriptor. The plugin remembers
 * the name of the queue and how it was opened, one small file in the directory of the images for each, and opens it again.
 *
 *	criu-dump -L DIR ... ; criu-restore -L DIR ...
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "criu-plugin.h"

#define MQUEUE_MAGIC 0x19800202 /* fs type of mqueuefs: ipc/mqueue.c */

static int init(int stage)
{
	/* So that restore refuses where this plugin is missing. */
	if (stage == CR_PLUGIN_STAGE__DUMP)
		return add_inventory_plugin("mqueue");
	if (stage == CR_PLUGIN_STAGE__RESTORE && !check_and_remove_inventory_plugin("mqueue", strlen("mqueue")))
		return 1;
	return 0;
}

static void end(int stage, int ret)
{
	print_on_level(4, "mqueue: the end of stage %d: %d", stage, ret);
}

CR_PLUGIN_REGISTER("mqueue", init, end)

static void note_name(char *buf, size_t size, int id)
{
	snprintf(buf, size, "mqueue-%d.txt", id);
}

static int save(int fd, int id)
{
	char path[64], name[NAME_MAX + 2], note[64];
	struct statfs fs;
	ssize_t len;
	int out, flags = fcntl(fd, F_GETFL);

	if (fstatfs(fd, &fs) < 0 || fs.f_type != MQUEUE_MAGIC)
		return -ENOTSUP;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, name, sizeof(name) - 1);
	if (len < 0 || flags < 0)
		return -errno;
	name[len] = '\0';
	if (strstr(name, " (deleted)"))
		return -ENOTSUP;
	note_name(note, sizeof(note), id);
	out = openat(criu_get_image_dir(), note, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (out < 0)
		return -errno;
	if (dprintf(out, "%d %s\n", flags, strrchr(name, '/')) < 0 || close(out) < 0)
		return -EIO;
	print_on_level(3, "mqueue: %d is %s", id, name);
	return 0;
}
CR_PLUGIN_REGISTER_HOOK(CR_PLUGIN_HOOK__DUMP_EXT_FILE, save)

static int restore(int id, bool *retry)
{
	char name[NAME_MAX + 2], note[64];
	int flags, in, got;
	FILE *f;

	note_name(note, sizeof(note), id);
	in = openat(criu_get_image_dir(), note, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return errno == ENOENT ? -ENOTSUP : -errno;
	f = fdopen(in, "r");
	got = f ? fscanf(f, "%d %256s", &flags, name) : 0;
	if (f)
		fclose(f);
	if (got != 2)
		return -EINVAL;
	in = mq_open(name, flags & (O_ACCMODE | O_NONBLOCK));
	return in < 0 ? -errno : in;
}
CR_PLUGIN_REGISTER_HOOK(CR_PLUGIN_HOOK__RESTORE_EXT_FILE, restore)
