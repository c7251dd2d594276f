/* engines/kernel/handle.h -- file handles: how the kernel names the inodes that inotify and fanotify watch.
 *
 * Source: open_by_handle_at(2); "fhandle-bytes:8 fhandle-type:1 f_handle:1ac5030000000000" of fs/notify/fdinfo.c.
 */
#ifndef ENGINES_KERNEL_HANDLE_H
#define ENGINES_KERNEL_HANDLE_H

#include <stdint.h>
#include <sys/types.h>

#include "criuimg/err.h"

enum {
	KERN_HANDLE_MAX = 128, /* MAX_HANDLE_SZ */
};

struct kern_handle {
	uint32_t bytes, type;
	unsigned char data[KERN_HANDLE_MAX];
};

/* Out of a line of fdinfo. IMG_UNSUPPORTED when it has none or one that is too large. */
int kern_handle_parse(const char *line, struct kern_handle *handle, struct img_err *err);

/* Open what a handle names, on a file system that is mounted here, by its device (st_dev). -1 with IMG_SYS: ESTALE there is no
 * such inode any more. */
/* The same where the mounts are those of another mount namespace, whose root is root_fd (kern_open_in_root()). */
struct kern_mounts;
int kern_handle_open_in(const struct kern_mounts *mounts, int root_fd, dev_t dev, const struct kern_handle *handle, int flags,
	struct img_err *err);
int kern_handle_open(dev_t dev, const struct kern_handle *handle, int flags, struct img_err *err);

/* A device as fdinfo has it ("sdev:fe00000": the kernel's own form, 12 bits and 20) as st_dev. */
dev_t kern_dev(uint32_t sdev);

#endif
