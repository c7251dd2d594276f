/* engines/kernel/getfd.h -- descriptors of other tasks: a duplicate, and whether two are the same. */
#ifndef ENGINES_KERNEL_GETFD_H
#define ENGINES_KERNEL_GETFD_H

#include <sys/types.h>

#include "criuimg/err.h"

/* A duplicate, in our table and with FD_CLOEXEC, of descriptor fd of the task of pidfd: pidfd_getfd(2). The same file
 * description, O_PATH ones included. -1 with IMG_SYS: EBADF no such descriptor, ESRCH the task is gone, EPERM. */
int kern_getfd(int pidfd, int fd, struct img_err *err);

/* The order of the file descriptions behind two descriptors of two tasks: kcmp(2) with KCMP_FILE. 0 the same, 1 the first is
 * less, 2 it is greater (an order that holds while both are open), -1 with IMG_SYS. */
int kern_kcmp_file(pid_t pid1, int fd1, pid_t pid2, int fd2, struct img_err *err);

/* Is descriptor fd of task pid what epoll descriptor epfd of task epoll_pid watches under number tfd? Of several watches under one
 * number (it was closed and given out again), nth counts, in the order of fdinfo. 1 yes, 0 no, -1 with IMG_SYS. kcmp(2),
 * KCMP_EPOLL_TFD. */
int kern_kcmp_epoll(pid_t pid, int fd, pid_t epoll_pid, int epfd, int tfd, unsigned nth, struct img_err *err);

#endif
