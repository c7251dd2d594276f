/* criu-dump/rooms.c -- THE ROOMS: every room that criu-dump has, and the only list of them.
 *
 * Hooks are called in this order. A room is added with two lines: its ops declared, and its place in the
 * list.
 */

#include "criu-dump/fd_ops.h"
#include "criu-dump/ns_ops.h"
#include "criu-dump/task_ops.h"
#include "criuimg/array.h"

/* task/ */
extern const struct task_dump_ops regs_dump_ops, creds_dump_ops, keyrings_dump_ops, lsm_dump_ops, signal_dump_ops,
	timer_dump_ops, seccomp_dump_ops, mempolicy_dump_ops, rlimit_dump_ops, sched_dump_ops, rseq_dump_ops, futex_dump_ops,
	prctl_dump_ops, cwd_dump_ops, semundo_dump_ops, cgroup_dump_ops;
/* mem/ */
extern const struct task_dump_ops vma_dump_ops, aio_dump_ops, pages_dump_ops, mm_dump_ops, shmem_dump_ops;
/* files.c: the descriptors */
extern const struct task_dump_ops files_dump_ops;

const struct task_dump_ops *const dump_task_rooms[] = {
	&regs_dump_ops,
	&creds_dump_ops,
	&keyrings_dump_ops,
	&lsm_dump_ops,
	&signal_dump_ops,
	&timer_dump_ops,
	&seccomp_dump_ops,
	&mempolicy_dump_ops,
	&rlimit_dump_ops,
	&sched_dump_ops,
	&rseq_dump_ops,
	&futex_dump_ops,
	&prctl_dump_ops,
	&semundo_dump_ops,
	&cwd_dump_ops,
	&cgroup_dump_ops,
	&vma_dump_ops,
	&aio_dump_ops,	 /* after vma: its mappings */
	&pages_dump_ops, /* after vma: looks at its mappings */
	&mm_dump_ops,	 /* after both: writes the records they made */
	&shmem_dump_ops,
	&files_dump_ops, /* the last: the others hand files over to it */
	NULL,
};

/* Asked in this order whether a descriptor is theirs. */
extern const struct fd_dump_ops tun_dump_ops, file_dump_ops, pipe_dump_ops, fifo_dump_ops, memfd_dump_ops, eventfd_dump_ops,
	timerfd_dump_ops, signalfd_dump_ops, inotify_dump_ops, fanotify_dump_ops, pidfd_dump_ops,
	unix_dump_ops, inet_dump_ops, netlink_dump_ops, packet_dump_ops, epoll_dump_ops, nsfd_dump_ops, bpfmap_dump_ops, ext_dump_ops,
	tty_dump_ops;

const struct fd_dump_ops *const dump_fd_rooms[] = {
	&pipe_dump_ops,
	&tun_dump_ops,
	&fifo_dump_ops,
	&memfd_dump_ops,
	&eventfd_dump_ops,
	&timerfd_dump_ops,
	&signalfd_dump_ops,
	&unix_dump_ops,
	&inet_dump_ops,
	&netlink_dump_ops,
	&packet_dump_ops,
	&inotify_dump_ops,
	&fanotify_dump_ops,
	&pidfd_dump_ops,
	&bpfmap_dump_ops,
	&ext_dump_ops,
	&epoll_dump_ops,
	&tty_dump_ops,
	&nsfd_dump_ops,
	&file_dump_ops,
	NULL,
};
const size_t dump_nr_fd_rooms = ARRAY_SIZE(dump_fd_rooms) - 1;

/* THE ROOMS of engines/ns/. */
extern const struct ns_dump_ops user_dump_ops, pid_dump_ops, uts_dump_ops, ipc_dump_ops, time_dump_ops, netdev_dump_ops, netaddr_dump_ops,
	netfilter_dump_ops, conntrack_dump_ops, mnt_dump_ops, cgroup_ns_dump_ops;

const struct ns_dump_ops *const dump_ns_rooms[] = {
	&pid_dump_ops,
	&uts_dump_ops,
	&ipc_dump_ops,
	&time_dump_ops,
	&netdev_dump_ops,
	&netaddr_dump_ops,
	&netfilter_dump_ops, &conntrack_dump_ops,
	&mnt_dump_ops,
	&cgroup_ns_dump_ops,
	&user_dump_ops,
	NULL,
};
