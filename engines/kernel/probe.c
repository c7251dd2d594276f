/* engines/kernel/probe.c -- the list of probes, and what they have in common. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/probe.h"

const struct probe kern_probes[] = {
	{ "kcmp", PROBE_ESSENTIAL, "telling shared objects apart", probe_kcmp },
	{ "proc_children", PROBE_ESSENTIAL, "finding the tasks of a tree", probe_proc_children },
	{ "map_files", PROBE_ESSENTIAL, "opening mapped files", probe_map_files },
	{ "pagemap", PROBE_ESSENTIAL, "finding pages of memory", probe_pagemap },
	{ "peeksiginfo", PROBE_ESSENTIAL, "reading pending signals", probe_peeksiginfo },
	{ "set_mm_map", PROBE_ESSENTIAL, "restoring the layout of an address space", probe_set_mm_map },
	{ "sock_diag", PROBE_ESSENTIAL, "looking at sockets", probe_sock_diag },
	{ "mnt_id", PROBE_ESSENTIAL, "mount IDs in fdinfo", probe_mnt_id },
	{ "clone3_set_tid", PROBE_ESSENTIAL, "restoring pids", probe_clone3_set_tid },
	{ "fdinfo_lock", PROBE_EXTRA, "file locks (--file-locks)", probe_fdinfo_lock },
	{ "mem_dirty_track", PROBE_EXTRA, "following changes of memory for incremental dumps", probe_mem_dirty_track },
	{ "aio_remap", PROBE_EXTRA, "AIO rings", probe_aio_remap },
	{ "timerfd", PROBE_EXTRA, "timerfd", probe_timerfd },
	{ "tun", PROBE_EXTRA, "tun and tap devices", probe_tun },
	{ "tun_ns", PROBE_EXTRA, "tun and tap devices in namespaces", probe_tun_ns },
	{ "userns", PROBE_EXTRA, "user namespaces", probe_userns },
	{ "seccomp_suspend", PROBE_EXTRA, "tasks with seccomp", probe_seccomp_suspend },
	{ "seccomp_filters", PROBE_EXTRA, "seccomp filters", probe_seccomp_filters },
	{ "loginuid", PROBE_EXTRA, "login user IDs", probe_loginuid },
	{ "cgroupns", PROBE_EXTRA, "cgroup namespaces", probe_cgroupns },
	{ "autofs", PROBE_EXTRA, "autofs mounts", probe_autofs },
	{ "tcp_half_closed", PROBE_EXTRA, "half-closed TCP connections", probe_tcp_half_closed },
	{ "compat_cr", PROBE_EXTRA, "32-bit tasks", probe_compat_cr },
	{ "uffd", PROBE_EXTRA, "lazy pages", probe_uffd },
	{ "uffd-noncoop", PROBE_EXTRA, "lazy pages of tasks that change their mappings", probe_uffd_noncoop },
	{ "can_map_vdso", PROBE_EXTRA, "mapping the vDSO where it was", probe_can_map_vdso },
	{ "sk_ns", PROBE_EXTRA, "the network namespace of a socket", probe_sk_ns },
	{ "sk_unix_file", PROBE_EXTRA, "the file of a unix socket", probe_sk_unix_file },
	{ "net_diag_raw", PROBE_EXTRA, "raw sockets", probe_net_diag_raw },
	{ "nsid", PROBE_EXTRA, "IDs of network namespaces", probe_nsid },
	{ "link_nsid", PROBE_EXTRA, "where the other end of a link is", probe_link_nsid },
	{ "kcmp_epoll", PROBE_EXTRA, "targets of epoll", probe_kcmp_epoll },
	{ "timens", PROBE_EXTRA, "time namespaces", probe_timens },
	{ "external_net_ns", PROBE_EXTRA, "network namespaces given from outside", probe_external_net_ns },
	{ "newifindex", PROBE_EXTRA, "indices of links that move", probe_newifindex },
	{ "nftables", PROBE_EXTRA, "nftables rule sets", probe_nftables },
	{ "has_ipt_legacy", PROBE_EXTRA, "iptables rule sets (legacy)", probe_has_ipt_legacy },
	{ "pidfd_store", PROBE_EXTRA, "noticing reused pids between pre-dumps", probe_pidfd_store },
	{ "ns_pid", PROBE_EXTRA, "restoring into a pid namespace given from outside", probe_ns_pid },
	{ "ns_last_pid", PROBE_EXTRA, "restoring pids the older way", probe_ns_last_pid },
	{ "apparmor_stacking", PROBE_EXTRA, "stacked AppArmor profiles", probe_apparmor_stacking },
	{ "network_lock_nftables", PROBE_EXTRA, "--network-lock nftables", probe_nftables },
	{ "sockopt_buf_lock", PROBE_EXTRA, "locked socket buffers", probe_sockopt_buf_lock },
	{ "memfd_hugetlb", PROBE_EXTRA, "memfds of huge pages", probe_memfd_hugetlb },
	{ "move_mount_set_group", PROBE_EXTRA, "mount propagation", probe_move_mount_set_group },
	{ "openat2", PROBE_EXTRA, "opening files below a root", probe_openat2 },
	{ "get_rseq_conf", PROBE_EXTRA, "restartable sequences", probe_get_rseq_conf },
	{ "ipv6_freebind", PROBE_EXTRA, "IPv6 addresses bound before they are there", probe_ipv6_freebind },
	{ "pagemap_scan", PROBE_EXTRA, "finding pages quickly", probe_pagemap_scan },
	{ "pagemap_scan_guard_pages", PROBE_EXTRA, "guard regions", probe_pagemap_scan_guard_pages },
	{ "timer_cr_ids", PROBE_EXTRA, "IDs of POSIX timers", probe_timer_cr_ids },
	{ "overlayfs_maps", PROBE_EXTRA, "mapped files on overlayfs", probe_overlayfs_maps },
	{ "breakpoints", PROBE_EXTRA, "hardware breakpoints", probe_breakpoints },
};

const size_t kern_probes_nr = ARRAY_SIZE(kern_probes);

const struct probe *kern_probe_find(const char *name)
{
	size_t i;

	for (i = 0; i < kern_probes_nr; i++) {
		if (!strcmp(kern_probes[i].name, name))
			return &kern_probes[i];
	}
	return NULL;
}

int kern_probe_no(struct img_err *err, const char *what)
{
	img_fail_sys(err, "%s", what);
	return 0;
}

struct answer {
	int ret;
	struct img_err err;
};

int kern_probe_in_child(int (*fn)(struct img_err *err), struct img_err *err)
{
	struct answer answer = { -1, IMG_ERR_INIT };
	int pipe_fds[2], status;
	ssize_t got;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return img_fail_sys(err, "pipe");
	pid = fork();
	if (pid == 0) {
		answer.ret = fn(&answer.err);
		got = write(pipe_fds[1], &answer, sizeof(answer));
		_exit(got != sizeof(answer));
	}
	close(pipe_fds[1]);
	got = pid < 0 ? -1 : read(pipe_fds[0], &answer, sizeof(answer));
	close(pipe_fds[0]);
	if (pid < 0)
		return img_fail_sys(err, "fork");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (got != sizeof(answer))
		return img_fail(err, IMG_SYS, "the probe died with status %#x", status);
	if (answer.ret != 1)
		*err = answer.err;
	return answer.ret;
}
