/* kinds/table.c -- ONE row per kind of image: the only list of them. */

#include "kinds/ops.h"

#include <inttypes.h>

#include "apparmor.pb-c.h"
#include "autofs.pb-c.h"
#include "binfmt-misc.pb-c.h"
#include "bpfmap-data.pb-c.h"
#include "bpfmap-file.pb-c.h"
#include "cgroup.pb-c.h"
#include "core.pb-c.h"
#include "cpuinfo.pb-c.h"
#include "creds.pb-c.h"
#include "eventfd.pb-c.h"
#include "eventpoll.pb-c.h"
#include "ext-file.pb-c.h"
#include "fdinfo.pb-c.h"
#include "fh.pb-c.h"
#include "fifo.pb-c.h"
#include "file-lock.pb-c.h"
#include "fs.pb-c.h"
#include "fsnotify.pb-c.h"
#include "ghost-file.pb-c.h"
#include "inventory.pb-c.h"
#include "ipc-msg.pb-c.h"
#include "ipc-sem.pb-c.h"
#include "ipc-shm.pb-c.h"
#include "ipc-var.pb-c.h"
#include "manifest.pb-c.h"
#include "memfd.pb-c.h"
#include "mm.pb-c.h"
#include "mnt.pb-c.h"
#include "netdev.pb-c.h"
#include "ns.pb-c.h"
#include "packet-sock.pb-c.h"
#include "pagemap.pb-c.h"
#include "pidfd.pb-c.h"
#include "pidns.pb-c.h"
#include "pipe-data.pb-c.h"
#include "pipe.pb-c.h"
#include "pstree.pb-c.h"
#include "regfile.pb-c.h"
#include "remap-file-path.pb-c.h"
#include "rlimit.pb-c.h"
#include "sa.pb-c.h"
#include "seccomp.pb-c.h"
#include "siginfo.pb-c.h"
#include "signalfd.pb-c.h"
#include "sk-inet.pb-c.h"
#include "sk-netlink.pb-c.h"
#include "sk-packet.pb-c.h"
#include "sk-unix.pb-c.h"
#include "stats.pb-c.h"
#include "tcp-stream.pb-c.h"
#include "timens.pb-c.h"
#include "timer.pb-c.h"
#include "timerfd.pb-c.h"
#include "tty.pb-c.h"
#include "tun.pb-c.h"
#include "userns.pb-c.h"
#include "utsns.pb-c.h"
#include "vma.pb-c.h"

#define U "%" PRIu64 /* the number in a file's name */
#define X "%" PRIx64

#define OF(message)   .entry = &message##__descriptor
#define HEAD(message) .head = &message##__descriptor
#define SINGLE	      .single = true
#define SERVICE	      .framing = IMG_FRAMING_SERVICE
#define OWN	      .framing = IMG_FRAMING_OWN
#define RAW	      .framing = IMG_FRAMING_RAW
#define OPS(of)	      .ops = &img_##of##_ops

/* clang-format off */
/* `rev` is 1 for what CRIU 4.2 writes; it grows when fields from 1000 up are added to the kind's messages. */
#define ROW(word, file_name, number, rev, ...) \
	[IMG_##word] = { .kind = IMG_##word, .name = #word, .file = file_name, .magic = number, .revision = rev, __VA_ARGS__ },

static const struct img_kind_info kinds[IMG_KIND_NR] = {
	ROW(INVENTORY,        "inventory.img",                  0x58313116, 1, OF(inventory_entry), OWN, SINGLE)
	ROW(FDINFO,           "fdinfo-" U ".img",               0x56213732, 1, OF(fdinfo_entry))
	ROW(PAGEMAP,          "pagemap-" U ".img",              0x56084025, 2, HEAD(pagemap_head), OF(pagemap_entry), OPS(pagemap))
	ROW(SHMEM_PAGEMAP,    "pagemap-shmem-" U ".img",        0x56084025, 2, HEAD(pagemap_head), OF(pagemap_entry), OPS(pagemap))
	ROW(REG_FILES,        "reg-files.img",                  0x50363636, 1, OF(reg_file_entry))
	ROW(EXT_FILES,        "ext-files.img",                  0x59255641, 1, OF(ext_file_entry))
	ROW(NS_FILES,         "ns-files.img",                   0x61394011, 1, OF(ns_file_entry))
	ROW(EVENTFD_FILE,     "eventfd.img",                    0x44523722, 2, OF(eventfd_file_entry))
	ROW(EVENTPOLL_FILE,   "eventpoll.img",                  0x45023858, 1, OF(eventpoll_file_entry))
	ROW(EVENTPOLL_TFD,    "eventpoll-tfd.img",              0x44433746, 1, OF(eventpoll_tfd_entry))
	ROW(SIGNALFD,         "signalfd.img",                   0x57323820, 1, OF(signalfd_entry))
	ROW(INOTIFY_FILE,     "inotify.img",                    0x48424431, 1, OF(inotify_file_entry))
	ROW(INOTIFY_WD,       "inotify-wd.img",                 0x54562009, 1, OF(inotify_wd_entry))
	ROW(FANOTIFY_FILE,    "fanotify.img",                   0x55096122, 1, OF(fanotify_file_entry))
	ROW(FANOTIFY_MARK,    "fanotify-mark.img",              0x56506035, 1, OF(fanotify_mark_entry))
	ROW(CORE,             "core-" U ".img",                 0x55053847, 6, OF(core_entry), SINGLE)
	ROW(IDS,              "ids-" U ".img",                  0x54432030, 1, OF(task_kobj_ids_entry), SINGLE)
	ROW(MM,               "mm-" U ".img",                   0x57492820, 6, OF(mm_entry), SINGLE)
	ROW(VMAS,             "vmas-" U ".img",                 0x54123737, 3, OF(vma_entry))
	ROW(PIPES,            "pipes.img",                      0x56513555, 2, OF(pipe_entry))
	ROW(PIPES_DATA,       "pipes-data.img",                 0x56453709, 2, OF(pipe_data_entry), OPS(pipe_data))
	ROW(FIFO,             "fifo.img",                       0x58364939, 1, OF(fifo_entry))
	ROW(FIFO_DATA,        "fifo-data.img",                  0x59333054, 2, OF(pipe_data_entry), OPS(pipe_data))
	ROW(PSTREE,           "pstree.img",                     0x50273030, 1, OF(pstree_entry))
	ROW(SIGACT,           "sigacts-" U ".img",              0x55344201, 1, OF(sa_entry))
	ROW(UNIXSK,           "unixsk.img",                     0x54373943, 4, OF(unix_sk_entry))
	ROW(INETSK,           "inetsk.img",                     0x56443851, 3, OF(inet_sk_entry))
	ROW(PACKETSK,         "packetsk.img",                   0x60454618, 3, OF(packet_sock_entry))
	ROW(NETLINK_SK,       "netlinksk.img",                  0x58005614, 3, OF(netlink_sk_entry))
	ROW(SK_QUEUES,        "sk-queues.img",                  0x56264026, 2, OF(sk_packet_entry), OPS(sk_queues))
	ROW(ITIMERS,          "itimers-" U ".img",              0x57464056, 1, OF(itimer_entry))
	ROW(POSIX_TIMERS,     "posix-timers-" U ".img",         0x52603957, 1, OF(posix_timer_entry))
	ROW(CREDS,            "creds-" U ".img",                0x54023547, 1, OF(creds_entry), SINGLE)
	ROW(UTSNS,            "utsns-" U ".img",                0x54473203, 1, OF(utsns_entry), SINGLE)
	ROW(IPC_VAR,          "ipcns-var-" U ".img",            0x53115007, 1, OF(ipc_var_entry), SINGLE)
	ROW(IPCNS_SHM,        "ipcns-shm-" U ".img",            0x46283044, 1, OF(ipc_shm_entry), OPS(ipc_shm))
	ROW(IPCNS_MSG,        "ipcns-msg-" U ".img",            0x55453737, 1, OF(ipc_msg_entry), OPS(ipc_msg))
	ROW(IPCNS_SEM,        "ipcns-sem-" U ".img",            0x59573019, 1, OF(ipc_sem_entry), OPS(ipc_sem))
	ROW(FS,               "fs-" U ".img",                   0x51403912, 1, OF(fs_entry), SINGLE)
	ROW(REMAP_FPATH,      "remap-fpath.img",                0x59133954, 1, OF(remap_file_path_entry))
	ROW(GHOST_FILE,       "ghost-file-" X ".img",           0x52583605, 1, HEAD(ghost_file_entry), OF(ghost_chunk_entry), OPS(ghost_file))
	ROW(MEMFD_INODE,      "memfd.img",                      0x48453499, 1, OF(memfd_inode_entry))
	ROW(TCP_STREAM,       "tcp-stream-" X ".img",           0x51465506, 1, OF(tcp_stream_entry), SINGLE, OPS(tcp_stream))
	ROW(MNTS,             "mountpoints-" U ".img",          0x55563928, 1, OF(mnt_entry))
	ROW(NETDEV,           "netdev-" U ".img",               0x57373951, 2, OF(net_device_entry))
	ROW(NETNS,            "netns-" U ".img",                0x55933752, 2, OF(netns_entry), SINGLE)
	ROW(IFADDR,           "ifaddr-" U ".img",               0,          1, RAW)
	ROW(ROUTE,            "route-" U ".img",                0,          1, RAW)
	ROW(ROUTE6,           "route6-" U ".img",               0,          1, RAW)
	ROW(RULE,             "rule-" U ".img",                 0,          1, RAW)
	ROW(NEIGH,            "neigh-" U ".img",                0,          1, RAW)
	ROW(IPTABLES,         "iptables-" U ".img",             0,          1, RAW)
	ROW(IP6TABLES,        "ip6tables-" U ".img",            0,          1, RAW)
	ROW(NFTABLES,         "nftables-" U ".img",             0,          1, RAW)
	ROW(TMPFS_IMG,        "tmpfs-" U ".tar.gz.img",         0,          1, RAW)
	ROW(TMPFS_DEV,        "tmpfs-dev-" U ".tar.gz.img",     0,          1, RAW)
	ROW(AUTOFS,           "autofs-" U ".img",               0x49353943, 1, OF(autofs_entry))
	ROW(BINFMT_MISC_OLD,  "binfmt-misc-" U ".img",          0x67343323, 1, OF(binfmt_misc_entry))
	ROW(BINFMT_MISC,      "binfmt-misc.img",                0x67343323, 1, OF(binfmt_misc_entry))
	ROW(TTY_FILES,        "tty.img",                        0x59433025, 2, OF(tty_file_entry))
	ROW(TTY_INFO,         "tty-info.img",                   0x59453036, 2, OF(tty_info_entry))
	ROW(TTY_DATA,         "tty-data.img",                   0x59413026, 2, OF(tty_data_entry))
	ROW(FILE_LOCKS,       "filelocks.img",                  0x54323616, 1, OF(file_lock_entry))
	ROW(RLIMIT,           "rlimit-" U ".img",               0x57113925, 1, OF(rlimit_entry))
	ROW(PAGES,            "pages-" U ".img",                0,          1, RAW)
	ROW(PAGES_OLD,        "pages-" U ".img",                0x56084025, 1, OWN)
	ROW(SHM_PAGES_OLD,    "pages-shmem-" U ".img",          0x56084025, 1, OWN)
	ROW(SIGNAL,           "signal-s-" U ".img",             0x59255647, 1, OF(signal_queue_entry))
	ROW(PSIGNAL,          "signal-p-" U ".img",             0x59255647, 1, OF(signal_queue_entry))
	ROW(TUNFILE,          "tunfile.img",                    0x57143751, 2, OF(tunfile_entry))
	ROW(CGROUP,           "cgroup.img",                     0x59383330, 1, OF(cgroup_entry), SINGLE)
	ROW(TIMERFD,          "timerfd.img",                    0x50493712, 1, OF(timerfd_entry))
	ROW(CPUINFO,          "cpuinfo.img",                    0x61404013, 1, OF(cpuinfo_entry), SINGLE)
	ROW(SECCOMP,          "seccomp.img",                    0x64413049, 1, OF(seccomp_entry), SINGLE)
	ROW(USERNS,           "userns-" U ".img",               0x55474906, 1, OF(userns_entry), SINGLE)
	ROW(NETNF_CT,         "netns-ct-" U ".img",             0,          1, RAW)
	ROW(NETNF_EXP,        "netns-exp-" U ".img",            0,          1, RAW)
	ROW(FILES,            "files.img",                      0x56303138, 7, OF(file_entry))
	ROW(TIMENS,           "timens-" U ".img",               0x43114433, 1, OF(timens_entry), SINGLE)
	ROW(PIDNS,            "pidns-" U ".img",                0x61157326, 1, OF(pidns_entry), SINGLE)
	ROW(BPFMAP_FILE,      "bpfmap-file.img",                0x57506142, 1, OF(bpfmap_file_entry))
	ROW(BPFMAP_DATA,      "bpfmap-data.img",                0x64324033, 1, OF(bpfmap_data_entry), OPS(bpfmap_data))
	ROW(APPARMOR,         "apparmor.img",                   0x59423047, 1, OF(apparmor_entry), SINGLE)
	ROW(PIDFD,            "pidfd.img",                      0x54435556, 1, OF(pidfd_entry))
	ROW(STATS,            "stats-dump",                     0x57093306, 1, OF(stats_entry), SERVICE, SINGLE, .file_other = "stats-restore")
	ROW(IRMAP_CACHE,      "irmap-cache",                    0x57004059, 1, OF(irmap_cache_entry), SERVICE)
	ROW(MANIFEST,         "manifest.img",                   0x46494e4d, 1, OF(manifest_entry), OWN, SINGLE, OPS(manifest))
};
/* clang-format on */

const struct img_kind_info *img_kind_info(enum img_kind kind)
{
	return &kinds[kind];
}
