/* engines/criu-restore/rooms.c -- THE ROOMS that criu-restore has, save those of descriptors (files.h) and
 * memory (mem.h).
 *
 * The order matters only for what rooms do in the task itself; what they leave to the blob is ordered by its
 * phases (tape.h).
 */

#include "criu-restore/fd_ops.h"
#include "criu-restore/ns_ops.h"
#include "criu-restore/task_ops.h"
#include "criuimg/array.h"

extern const struct task_restore_ops aio_restore_ops, creds_restore_ops, cwd_restore_ops, futex_restore_ops, lsm_restore_ops,
	mm_restore_ops, prctl_restore_ops, regs_restore_ops, rlimit_restore_ops, rseq_restore_ops,
	sched_restore_ops, seccomp_restore_ops, mempolicy_restore_ops, signal_restore_ops, timer_restore_ops, vdso_restore_ops,
	files_restore_ops, cgroup_restore_ops, semundo_restore_ops;

const struct task_restore_ops *const restore_task_rooms[] = {
	&vdso_restore_ops, &aio_restore_ops, &mm_restore_ops, &lsm_restore_ops, &seccomp_restore_ops, &mempolicy_restore_ops, &creds_restore_ops,
	&rlimit_restore_ops, &sched_restore_ops, &signal_restore_ops, &timer_restore_ops, &rseq_restore_ops,
	&cgroup_restore_ops, &semundo_restore_ops, &futex_restore_ops, &prctl_restore_ops, &cwd_restore_ops, &files_restore_ops,
	&regs_restore_ops, /* last to be resumed: registers are the end of it */
};

const size_t restore_nr_task_rooms = ARRAY_SIZE(restore_task_rooms);

/* THE ROOMS of engines/fd/: whose type of records is theirs. */
extern const struct fd_restore_ops tun_restore_ops, nsfd_restore_ops, file_restore_ops, pipe_restore_ops, fifo_restore_ops, memfd_restore_ops,
	eventfd_restore_ops, timerfd_restore_ops, signalfd_restore_ops, inotify_restore_ops,
	fanotify_restore_ops, pidfd_restore_ops, unix_restore_ops, inet_restore_ops, netlink_restore_ops, packet_restore_ops, epoll_restore_ops, bpfmap_restore_ops, ext_restore_ops,
	tty_restore_ops;

const struct fd_restore_ops *const restore_fd_rooms[] = {
	&file_restore_ops,
	&pipe_restore_ops,
	&tun_restore_ops,
	&fifo_restore_ops,
	&memfd_restore_ops,
	&eventfd_restore_ops,
	&timerfd_restore_ops,
	&signalfd_restore_ops,
	&unix_restore_ops,
	&inet_restore_ops,
	&netlink_restore_ops,
	&packet_restore_ops,
	&inotify_restore_ops,
	&fanotify_restore_ops,
	&pidfd_restore_ops,
	&bpfmap_restore_ops,
	&ext_restore_ops,
	&epoll_restore_ops,
	&nsfd_restore_ops,
	&tty_restore_ops,
	NULL,
};

const size_t restore_nr_fd_rooms = ARRAY_SIZE(restore_fd_rooms) - 1;

/* THE ROOMS of engines/ns/, in the order in which the root fills its namespaces. */
extern const struct ns_restore_ops user_restore_ops, pid_restore_ops, uts_restore_ops, ipc_restore_ops, time_restore_ops, netnsid_restore_ops, netdev_restore_ops,
	netaddr_restore_ops, netfilter_restore_ops, conntrack_restore_ops, mnt_restore_ops, cgroup_ns_restore_ops;

const struct ns_restore_ops *const restore_ns_rooms[] = {
	&user_restore_ops, /* first: all others are made with its rights */
	&pid_restore_ops,
	&uts_restore_ops,
	&ipc_restore_ops,
	&netnsid_restore_ops,	/* before devices connect namespaces: that gives names */
	&netdev_restore_ops,	/* devices, then what refers to them */
	&netaddr_restore_ops,
	&netfilter_restore_ops,
	&conntrack_restore_ops,
	&time_restore_ops,
	&cgroup_ns_restore_ops,
	&mnt_restore_ops,	/* last: programs that the others run are outside */
};

const size_t restore_nr_ns_rooms = ARRAY_SIZE(restore_ns_rooms);
