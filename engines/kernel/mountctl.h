/* kernel/mountctl.h -- mounts by descriptor: move_mount(2), mount_setattr(2). Includes sys/mount.h in a way that does not clash with
 * linux/mount.h. */
#ifndef ENGINES_KERNEL_MOUNTCTL_H
#define ENGINES_KERNEL_MOUNTCTL_H

#include <stdint.h>
#include <sys/mount.h>

#include "criuimg/err.h"

/* Attach a detached mount, or move one, onto what `place` is open of (O_PATH). Both descriptors stay the caller's. */
int kern_mount_move(int fd, int place, struct img_err *err);

/* Flags of a mount as mount(2) has them: MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOATIME, MS_NODIRATIME, MS_RELATIME
 * (without any of these: strict) and MS_NOSYMFOLLOW; others are left out. */
int kern_mount_flags(int fd, uint32_t flags, struct img_err *err);

/* MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE, of this mount alone. */
int kern_mount_propagation(int fd, uint32_t type, struct img_err *err);

/* Give `to`, which is private, the peer group and the master of `from`: another mount of the same file system whose root is above
 * that of `to` (Linux 5.15). */
int kern_mount_set_group(int from, int to, struct img_err *err);

/* The same directory, through a detached mount of its own that is not read-only: what is made there is seen in dir. A no-op
 * descriptor of dir itself where that can be written. -1 where the whole file system is read-only too, or dir is in a mount namespace
 * other than the caller's. */
int kern_mount_writable(int dir, struct img_err *err);

#endif
