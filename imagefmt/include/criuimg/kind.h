/* criuimg/kind.h -- the kinds of images: one row each, and the only list of them.
 *
 * The row says how a kind's file is named, which magic it starts with, which message its records are, and what raw bytes
 * follow a record. Facts: the images that CRIU 3.x and 4.x write (docs/format.md).
 */
#ifndef CRIUIMG_KIND_H
#define CRIUIMG_KIND_H

#include <stdbool.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#ifdef __cplusplus
extern "C" {
#endif

/* In the order of facts; the values are not part of any format. */
enum img_kind {
	IMG_INVENTORY,
	IMG_FDINFO,
	IMG_PAGEMAP,
	IMG_SHMEM_PAGEMAP,
	IMG_REG_FILES,
	IMG_EXT_FILES,
	IMG_NS_FILES,
	IMG_EVENTFD_FILE,
	IMG_EVENTPOLL_FILE,
	IMG_EVENTPOLL_TFD,
	IMG_SIGNALFD,
	IMG_INOTIFY_FILE,
	IMG_INOTIFY_WD,
	IMG_FANOTIFY_FILE,
	IMG_FANOTIFY_MARK,
	IMG_CORE,
	IMG_IDS,
	IMG_MM,
	IMG_VMAS,
	IMG_PIPES,
	IMG_PIPES_DATA,
	IMG_FIFO,
	IMG_FIFO_DATA,
	IMG_PSTREE,
	IMG_SIGACT,
	IMG_UNIXSK,
	IMG_INETSK,
	IMG_PACKETSK,
	IMG_NETLINK_SK,
	IMG_SK_QUEUES,
	IMG_ITIMERS,
	IMG_POSIX_TIMERS,
	IMG_CREDS,
	IMG_UTSNS,
	IMG_IPC_VAR,
	IMG_IPCNS_SHM,
	IMG_IPCNS_MSG,
	IMG_IPCNS_SEM,
	IMG_FS,
	IMG_REMAP_FPATH,
	IMG_GHOST_FILE,
	IMG_MEMFD_INODE,
	IMG_TCP_STREAM,
	IMG_MNTS,
	IMG_NETDEV,
	IMG_NETNS,
	IMG_IFADDR,
	IMG_ROUTE,
	IMG_ROUTE6,
	IMG_RULE,
	IMG_NEIGH,
	IMG_IPTABLES,
	IMG_IP6TABLES,
	IMG_NFTABLES,
	IMG_TMPFS_IMG,
	IMG_TMPFS_DEV,
	IMG_AUTOFS,
	IMG_BINFMT_MISC_OLD,
	IMG_BINFMT_MISC,
	IMG_TTY_FILES,
	IMG_TTY_INFO,
	IMG_TTY_DATA,
	IMG_FILE_LOCKS,
	IMG_RLIMIT,
	IMG_PAGES,
	IMG_PAGES_OLD,
	IMG_SHM_PAGES_OLD,
	IMG_SIGNAL,
	IMG_PSIGNAL,
	IMG_TUNFILE,
	IMG_CGROUP,
	IMG_TIMERFD,
	IMG_CPUINFO,
	IMG_SECCOMP,
	IMG_USERNS,
	IMG_NETNF_CT,
	IMG_NETNF_EXP,
	IMG_FILES,
	IMG_TIMENS,
	IMG_PIDNS,
	IMG_BPFMAP_FILE,
	IMG_BPFMAP_DATA,
	IMG_APPARMOR,
	IMG_PIDFD,
	IMG_STATS,
	IMG_IRMAP_CACHE,
	IMG_MANIFEST,
	IMG_KIND_NR,
	IMG_KIND_UNKNOWN = -1,
};

/* What the file starts with. */
enum img_framing {
	IMG_FRAMING_COMMON,  /* IMG_COMMON, then the kind's magic (v1.1); the kind's magic alone in v1.0 */
	IMG_FRAMING_SERVICE, /* IMG_SERVICE, then the kind's magic */
	IMG_FRAMING_OWN,     /* the kind's magic alone (inventory) */
	IMG_FRAMING_RAW,     /* no header at all, no records: bytes */
};

#define IMG_MAGIC_COMMON  0x54564319u
#define IMG_MAGIC_SERVICE 0x55105940u

struct img_kind_info {
	enum img_kind kind;
	const char *name;     /* "CORE": the word crit's JSON uses */
	const char *file;     /* printf pattern of the file name with at most one %-directive of 64 bits: "core-%" PRIu64 ".img" */
	uint32_t magic;	      /* 0: raw */
	enum img_framing framing;
	const ProtobufCMessageDescriptor *head;	 /* message of the first record where it differs, or NULL */
	const ProtobufCMessageDescriptor *entry; /* message of each (other) record; NULL: raw */
	bool single;	      /* exactly one record is expected */
	uint32_t revision;    /* of this kind's schema: what manifest.img says */
	const char *file_other; /* the name of image id 1 of a kind with two fixed names (stats), or NULL */
	const struct img_kind_ops *ops; /* payloads and checks of its own; NULL: none. Internal. */
};

/* The row of a kind. Never NULL for 0 <= kind < IMG_KIND_NR. */
const struct img_kind_info *img_kind_info(enum img_kind kind);
/* The kind called name ("CORE"), or IMG_KIND_UNKNOWN. */
enum img_kind img_kind_by_name(const char *name);
/* The kind (and id, 0 if the name has none; id may be NULL) of a file called name ("core-17.img"), or IMG_KIND_UNKNOWN.
 * Only the name that img_kind_file_name() would give is known: no leading zeros, no capital letters in hex. */
enum img_kind img_kind_by_file(const char *name, uint64_t *id);
/* The kind whose own magic this is (the first row with it), or IMG_KIND_UNKNOWN. */
enum img_kind img_kind_by_magic(uint32_t magic);
/* The file name of image id of a kind, into buf (size at least IMG_NAME_MAX). Returns buf. Kinds without a number in
 * their name ignore id; of stats, id 0 is stats-dump and 1 is stats-restore. */
#define IMG_NAME_MAX 64
const char *img_kind_file_name(enum img_kind kind, uint64_t id, char *buf);

#ifdef __cplusplus
}
#endif
#endif
