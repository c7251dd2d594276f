/* engines/kernel/probe.h -- what this kernel can do, found out by trying it.
 *
 * A probe answers one question: 1 the kernel can, 0 it cannot (err says what was tried and what came back), -1 the question
 * could not be put (err says why). None leaves anything behind; those that must change the process that asks do so in a child.
 */
#ifndef ENGINES_KERNEL_PROBE_H
#define ENGINES_KERNEL_PROBE_H

#include <stddef.h>

#include "criuimg/err.h"

enum probe_category {
	PROBE_ESSENTIAL = 1,	/* no dump or restore works without */
	PROBE_EXTRA = 2,	/* some trees need it */
	PROBE_EXPERIMENTAL = 3, /* only our own newest ways need it */
};

struct probe {
	const char *name; /* as `criu check --feature` has it */
	enum probe_category category;
	const char *what; /* for people: what it is needed for */
	int (*run)(struct img_err *err);
};

extern const struct probe kern_probes[];
extern const size_t kern_probes_nr;

/* The probe called name, or NULL. */
const struct probe *kern_probe_find(const char *name);

/* Run fn in a child process; the child's answer (1, 0, -1 and its error) is returned. */
int kern_probe_in_child(int (*fn)(struct img_err *err), struct img_err *err);

/* "cannot: <what>: <errno>": sets err and returns 0. Saves the callers a line. */
int kern_probe_no(struct img_err *err, const char *what);

/* The probes, by file. probe-task.c: */
int probe_kcmp(struct img_err *err);
int probe_kcmp_epoll(struct img_err *err);
int probe_proc_children(struct img_err *err);
int probe_map_files(struct img_err *err);
int probe_peeksiginfo(struct img_err *err);
int probe_set_mm_map(struct img_err *err);
int probe_clone3_set_tid(struct img_err *err);
int probe_ns_last_pid(struct img_err *err);
int probe_get_rseq_conf(struct img_err *err);
int probe_seccomp_suspend(struct img_err *err);
int probe_seccomp_filters(struct img_err *err);
int probe_loginuid(struct img_err *err);
int probe_timer_cr_ids(struct img_err *err);
int probe_breakpoints(struct img_err *err);
int probe_pidfd_store(struct img_err *err);
int probe_compat_cr(struct img_err *err);
int probe_apparmor_stacking(struct img_err *err);
/* probe-mem.c: */
int probe_pagemap(struct img_err *err);
int probe_pagemap_scan(struct img_err *err);
int probe_pagemap_scan_guard_pages(struct img_err *err);
int probe_mem_dirty_track(struct img_err *err);
int probe_uffd(struct img_err *err);
int probe_uffd_noncoop(struct img_err *err);
int probe_can_map_vdso(struct img_err *err);
int probe_memfd_hugetlb(struct img_err *err);
int probe_aio_remap(struct img_err *err);
/* probe-file.c: */
int probe_mnt_id(struct img_err *err);
int probe_fdinfo_lock(struct img_err *err);
int probe_timerfd(struct img_err *err);
int probe_openat2(struct img_err *err);
int probe_autofs(struct img_err *err);
int probe_overlayfs_maps(struct img_err *err);
int probe_move_mount_set_group(struct img_err *err);
/* probe-net.c: */
int probe_sock_diag(struct img_err *err);
int probe_tcp_half_closed(struct img_err *err);
int probe_net_diag_raw(struct img_err *err);
int probe_sk_unix_file(struct img_err *err);
int probe_sk_ns(struct img_err *err);
int probe_sockopt_buf_lock(struct img_err *err);
int probe_ipv6_freebind(struct img_err *err);
int probe_tun(struct img_err *err);
int probe_tun_ns(struct img_err *err);
int probe_newifindex(struct img_err *err);
int probe_nsid(struct img_err *err);
int probe_link_nsid(struct img_err *err);
int probe_external_net_ns(struct img_err *err);
int probe_has_ipt_legacy(struct img_err *err);
int probe_nftables(struct img_err *err);
/* probe-ns.c: */
int probe_userns(struct img_err *err);
int probe_cgroupns(struct img_err *err);
int probe_timens(struct img_err *err);
int probe_ns_pid(struct img_err *err);

#endif
