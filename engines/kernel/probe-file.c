/* engines/kernel/probe-file.c -- probes of what is asked about files and mounts: fdinfo, openat2(2), move_mount(2), overlayfs. */

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "kernel/probe.h"

#ifndef MOVE_MOUNT_SET_GROUP
#define MOVE_MOUNT_SET_GROUP 0x00000100 /* include/uapi/linux/mount.h, Linux 5.15 */
#endif

/* Does a line of /proc/self/fdinfo/<fd> start with word: 1, 0 with err, -1. */
static int fdinfo_has(int fd, const char *word, struct img_err *err)
{
	cleanup_file FILE *f = NULL;
	char path[64], line[512];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	if (!f)
		return img_fail_sys(err, "%s", path);
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, word, strlen(word)))
			return 1;
	}
	img_fail(err, IMG_UNSUPPORTED, "%s has no \"%s\" line", path, word);
	return 0;
}

int probe_mnt_id(struct img_err *err)
{
	cleanup_fd int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? img_fail_sys(err, "/") : fdinfo_has(fd, "mnt_id:", err);
}

int probe_fdinfo_lock(struct img_err *err)
{
	char path[] = "/tmp/.criu-probe-XXXXXX";
	cleanup_fd int fd = mkostemp(path, O_CLOEXEC);

	if (fd < 0)
		return img_fail_sys(err, "%s", path);
	unlink(path);
	if (flock(fd, LOCK_EX) < 0)
		return img_fail_sys(err, "flock");
	return fdinfo_has(fd, "lock:", err);
}

int probe_timerfd(struct img_err *err)
{
	cleanup_fd int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	return fd < 0 ? kern_probe_no(err, "timerfd_create") : fdinfo_has(fd, "clockid:", err);
}

int probe_openat2(struct img_err *err)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	cleanup_fd int fd = syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));

	return fd >= 0 ? 1 : kern_probe_no(err, "openat2");
}

int probe_autofs(struct img_err *err)
{
	cleanup_file FILE *f = fopen("/proc/filesystems", "re");
	char line[128];

	if (!f)
		return img_fail_sys(err, "/proc/filesystems");
	while (fgets(line, sizeof(line), f)) {
		if (strstr(line, "\tautofs\n"))
			return 1;
	}
	img_fail(err, IMG_UNSUPPORTED, "/proc/filesystems has no autofs");
	return 0;
}

/* In a child: two tmpfs mounts of our own, one joins the other's propagation group. */
static int set_group(struct img_err *err)
{
	char dir[] = "/tmp/.criu-probe-XXXXXX", a[64], b[64];
	int ret = 0;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return img_fail_sys(err, "a mount namespace");
	if (!mkdtemp(dir))
		return img_fail_sys(err, "%s", dir);
	snprintf(a, sizeof(a), "%s/a", dir);
	snprintf(b, sizeof(b), "%s/b", dir);
	if (mount("probe", dir, "tmpfs", 0, NULL) < 0 || mkdir(a, 0700) < 0 || mkdir(b, 0700) < 0 ||
		mount("probe", a, "tmpfs", 0, NULL) < 0 || mount(a, b, NULL, MS_BIND, NULL) < 0 ||
		mount(NULL, a, NULL, MS_SHARED, NULL) < 0 || mount(NULL, b, NULL, MS_PRIVATE, NULL) < 0) {
		ret = img_fail_sys(err, "mounts to try with");
	} else {
		ret = syscall(SYS_move_mount, AT_FDCWD, a, AT_FDCWD, b, MOVE_MOUNT_SET_GROUP) == 0;
		if (!ret)
			kern_probe_no(err, "move_mount(MOVE_MOUNT_SET_GROUP)");
	}
	umount2(dir, MNT_DETACH);
	rmdir(dir);
	return ret;
}

int probe_move_mount_set_group(struct img_err *err)
{
	return kern_probe_in_child(set_group, err);
}

/* In a child: a file on an overlay of our own is mapped; its device in /proc/self/maps must be the one that stat(2) tells. */
static int overlay_map(struct img_err *err)
{
	char dir[] = "/tmp/.criu-probe-XXXXXX", path[128], options[256], line[512];
	cleanup_file FILE *maps = NULL;
	unsigned major_nr, minor_nr;
	unsigned long ino;
	struct stat st;
	void *at;
	int fd;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return img_fail_sys(err, "a mount namespace");
	if (!mkdtemp(dir) || mount("probe", dir, "tmpfs", 0, NULL) < 0)
		return img_fail_sys(err, "%s", dir);
	static const char *const parts[] = { "low", "up", "work", "all" };
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, parts[i]);
		mkdir(path, 0700);
	}
	snprintf(options, sizeof(options), "lowerdir=%s/low,upperdir=%s/up,workdir=%s/work", dir, dir, dir);
	if (mount("probe", path, "overlay", 0, options) < 0) {
		int ret = kern_probe_no(err, "mounting overlayfs");

		umount2(dir, MNT_DETACH);
		rmdir(dir);
		return ret;
	}
	strcat(path, "/file");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, 4096) < 0 || fstat(fd, &st) < 0)
		return img_fail_sys(err, "%s", path);
	at = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	maps = fopen("/proc/self/maps", "re");
	umount2(dir, MNT_DETACH);
	rmdir(dir);
	if (at == MAP_FAILED || !maps)
		return img_fail_sys(err, "mmap");
	while (fgets(line, sizeof(line), maps)) {
		unsigned long start;

		if (sscanf(line, "%lx-%*x %*s %*x %x:%x %lu", &start, &major_nr, &minor_nr, &ino) == 4 && (void *)start == at) {
			if (ino == st.st_ino)
				return 1;
			img_fail(err, IMG_UNSUPPORTED, "/proc/self/maps shows another inode than stat(2) for a file on overlayfs");
			return 0;
		}
	}
	return img_fail(err, IMG_SYS, "the mapping is not in /proc/self/maps");
}

int probe_overlayfs_maps(struct img_err *err)
{
	return kern_probe_in_child(overlay_map, err);
}
