/* tests/cli/criu/every-hook.c -- a plugin that has every hook, and notes in $HOOKS_LOG which of them is called, with what.
 *
 * With $HOOKS_SAVE it saves files (as what they are at $HOOKS_SAVE, opened anew) and unix sockets (as connected to that of the
 * name $HOOKS_PEER); without it nothing is its business.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "plugin/criu-plugin.h"

static int note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int note(const char *fmt, ...)
{
	FILE *f = fopen(getenv("HOOKS_LOG"), "a");
	va_list ap;

	if (!f)
		return -errno;
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fclose(f);
	return getenv("HOOKS_SAVE") ? 0 : -ENOTSUP;
}

static int init(int stage)
{
	note("init %d\n", stage);
	return 0;
}

static void end(int stage, int ret)
{
	note("exit %d %d\n", stage, ret);
}

CR_PLUGIN_REGISTER("every-hook", init, end)

static int dump_unix_sk(int fd, int id)
{
	return note("DUMP_UNIX_SK %#x\n", (unsigned)id);
}

static int restore_unix_sk(int id)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, ret = note("RESTORE_UNIX_SK %#x\n", (unsigned)id);

	if (ret < 0)
		return ret;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", getenv("HOOKS_PEER"));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	return fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : fd;
}

static int dump_file(int fd, int id)
{
	return note("DUMP_EXT_FILE %#x\n", (unsigned)id);
}

static int restore_file(int id, bool *retry)
{
	int ret = note("RESTORE_EXT_FILE %#x\n", (unsigned)id);

	return ret < 0 ? ret : open(getenv("HOOKS_SAVE"), O_RDWR);
}

static int dump_mount(char *mountpoint, int id)
{
	note("DUMP_EXT_MOUNT %s %d\n", mountpoint, id);
	return -ENOTSUP;
}

static int restore_mount(int id, char *mountpoint, char *old_root, int *is_file)
{
	note("RESTORE_EXT_MOUNT %d %s\n", id, mountpoint);
	return -ENOTSUP;
}

static int dump_link(int index, int type, char *kind)
{
	note("DUMP_EXT_LINK %d %d %s\n", index, type, kind);
	return -ENOTSUP;
}

static int device_vma(int fd, const struct stat *st)
{
	note("HANDLE_DEVICE_VMA %#o\n", (unsigned)st->st_mode);
	return -ENOTSUP;
}

static int update_vma(const char *path, const uint64_t addr, const uint64_t old_pgoff, uint64_t *new_pgoff, int *fd)
{
	note("UPDATE_VMA_MAP %s\n", path);
	return 0;
}

static int resume(int pid)
{
	return note("RESUME_DEVICES_LATE %d\n", pid);
}

static int pause_devices(int pid)
{
	return note("PAUSE_DEVICES %d\n", pid);
}

static int checkpoint(int pid)
{
	return note("CHECKPOINT_DEVICES %d\n", pid);
}

static int forked(void)
{
	return note("POST_FORKING\n");
}

static int restore_init(void)
{
	return note("RESTORE_INIT\n");
}

static int late(int id)
{
	return note("DUMP_DEVICES_LATE %d\n", id);
}

CR_PLUGIN_REGISTER_HOOK(CR_PLUGIN_HOOK__DUMP_UNIX_SK, dump_unix_sk)
CR_PLUGIN_REGISTER_HOOK(CR_PLUGIN_HOOK__RESTORE_UNIX_SK, restore_unix_sk)
CR_PLUGIN_REGISTER_HOOK(CR_PLUGIN_HOOK__DUMP_EXT_FILE, dump_file)
CR_PLUGIN_REGISTER_HOOK(CR_PLUGIN_HOOK__RESTORE_EXT_FILE, restore_file)
CR_PLUGIN_REGISTER_HOOK(CR_PLUGIN_HOOK__DUMP_EXT_MOUNT, dump_mount)
CR_PLUGIN_REGISTER_HOOK(CR_PLUGIN_HOOK__RESTORE_EXT_MOUNT, restore_mount)
CR_PLUGIN_REGISTER_HOOK(CR_PLUGIN_HOOK__DUMP_EXT_LINK, dump_link)
CR_PLUGIN_REGISTER_HOOK(CR_PLUGIN_HOOK__HANDLE_DEVICE_VMA, device_vma)
CR_PLUGIN_REGISTER_HOOK(CR_PLUGIN_HOOK__UPDATE_VMA_MAP, update_vma)
CR_PLUGIN_REGISTER_HOOK(CR_PLUGIN_HOOK__RESUME_DEVICES_LATE, resume)
CR_PLUGIN_REGISTER_HOOK(CR_PLUGIN_HOOK__PAUSE_DEVICES, pause_devices)
CR_PLUGIN_REGISTER_HOOK(CR_PLUGIN_HOOK__CHECKPOINT_DEVICES, checkpoint)
CR_PLUGIN_REGISTER_HOOK(CR_PLUGIN_HOOK__POST_FORKING, forked)
CR_PLUGIN_REGISTER_HOOK(CR_PLUGIN_HOOK__RESTORE_INIT, restore_init)
CR_PLUGIN_REGISTER_HOOK(CR_PLUGIN_HOOK__DUMP_DEVICES_LATE, late)
