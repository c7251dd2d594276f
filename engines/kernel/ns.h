/* kernel/ns.h -- doing something inside another mount namespace. */
#ifndef ENGINES_KERNEL_NS_H
#define ENGINES_KERNEL_NS_H

#include <sys/types.h>

#include "criuimg/err.h"

/* Call fn in a child that has entered the mount namespace of pid: it opens something and returns the descriptor, which becomes ours.
 * Everything else that it does is its own. Returns our descriptor, or -1 with fn's failure. With `copy` the child is in a private copy of
 * that namespace, where it may unmount what is in its way. */
int kern_in_mntns(pid_t pid, int copy, int (*fn)(void *arg, struct img_err *err), void *arg, struct img_err *err);

/* The root of the mount namespace of pid, with O_PATH: not that of the process, which may have another one (chroot(2)). */
int kern_mntns_root(pid_t pid, struct img_err *err);

/* Open a path as if root_fd were "/": links and ".." stay below it (openat2(2), RESOLVE_IN_ROOT). flags: O_*, O_CLOEXEC is
 * added. -1 with errno. */
int kern_open_in_root(int root_fd, const char *path, int flags);

#endif
