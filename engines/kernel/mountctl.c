/* kernel/mountctl.c -- mounts by descriptor. */

#include "kernel/mountctl.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criuimg/cleanup.h"

#ifndef MOVE_MOUNT_SET_GROUP
#define MOVE_MOUNT_SET_GROUP 0x00000100 /* include/uapi/linux/mount.h */
#endif

#define NOSYMFOLLOW 256 /* MS_NOSYMFOLLOW of include/uapi/linux/mount.h */

int kern_mount_move(int fd, int place, struct img_err *err)
{
	if (syscall(SYS_move_mount, fd, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return img_fail_sys(err, "move_mount");
	return 0;
}

int kern_mount_flags(int fd, uint32_t flags, struct img_err *err)
{
	static const struct {
		uint32_t ms;
		uint64_t attr;
	} pairs[] = {
		{ MS_RDONLY, MOUNT_ATTR_RDONLY },	  { MS_NOSUID, MOUNT_ATTR_NOSUID },
		{ MS_NODEV, MOUNT_ATTR_NODEV },		  { MS_NOEXEC, MOUNT_ATTR_NOEXEC },
		{ MS_NODIRATIME, MOUNT_ATTR_NODIRATIME }, { NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW },
	};
	struct mount_attr attr = { .attr_clr = MOUNT_ATTR__ATIME };

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (flags & pairs[i].ms)
			attr.attr_set |= pairs[i].attr;
		else
			attr.attr_clr |= pairs[i].attr;
	}
	/* One of three: relatime is the zero of them. */
	if (flags & MS_NOATIME)
		attr.attr_set |= MOUNT_ATTR_NOATIME;
	else if (!(flags & MS_RELATIME))
		attr.attr_set |= MOUNT_ATTR_STRICTATIME;
	if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return img_fail_sys(err, "set flags %#x", flags);
	return 0;
}

int kern_mount_propagation(int fd, uint32_t type, struct img_err *err)
{
	struct mount_attr attr = { .propagation = type };

	if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return img_fail_sys(err, "set propagation %#x", type);
	return 0;
}

int kern_mount_set_group(int from, int to, struct img_err *err)
{
	if (syscall(SYS_move_mount, from, "", to, "",
		    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH | MOVE_MOUNT_SET_GROUP) < 0)
		return img_fail_sys(err, "set the peer group");
	return 0;
}

int kern_mount_writable(int dir, struct img_err *err)
{
	struct mount_attr attr = { .attr_clr = MOUNT_ATTR_RDONLY };
	cleanup_fd int fd = -1;
	struct statvfs st;

	if (fstatvfs(dir, &st) < 0)
		return img_fail_sys(err, "statvfs");
	if (!(st.f_flag & ST_RDONLY)) {
		fd = fcntl(dir, F_DUPFD_CLOEXEC, 0);
		return fd < 0 ? img_fail_sys(err, "dup") : steal_fd(&fd);
	}
	fd = (int)syscall(SYS_open_tree, dir, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (fd < 0 || syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return img_fail_sys(err, "write where it is read-only");
	return steal_fd(&fd);
}
