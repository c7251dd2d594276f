/* criu-dump/fd-kind.c -- the names of what descriptors can point to: to refuse by name what no room claims. */

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "criu-dump/dump.h"
#include "criu-dump/file-images.h"
#include "criuimg/array.h"

#define MQUEUE_MAGIC 0x19800202 /* ipc/mqueue.c */

/* Texts of /proc/PID/fd links by their beginning. Anonymous inodes are named where the kernel makes them
 * (anon_inode_getfile() and its like), the others where their file system names its entries (d_dname). */
static const struct {
	const char *link;
	const char *name;
} kinds[] = {
	{ "anon_inode:[eventfd]", "eventfd" },
	{ "anon_inode:[eventpoll]", "epoll" },
	{ "anon_inode:[timerfd]", "timerfd" },
	{ "anon_inode:[signalfd]", "signalfd" },
	{ "anon_inode:inotify", "inotify" },
	{ "anon_inode:[fanotify]", "fanotify" },
	{ "anon_inode:[io_uring]", "io_uring" },
	{ "anon_inode:[userfaultfd]", "userfaultfd" },
	{ "anon_inode:[pidfd]", "pidfd" },
	{ "pidfd:", "pidfd" },
	{ "anon_inode:[perf_event]", "perf_event" },
	{ "anon_inode:bpf-map", "bpf map" },
	{ "anon_inode:bpf-prog", "bpf program" },
	{ "anon_inode:bpf_link", "bpf link" },
	{ "anon_inode:bpf_iter", "bpf iterator" },
	{ "anon_inode:btf", "btf" },
	{ "anon_inode:seccomp notify", "seccomp notification" },
	{ "anon_inode:[landlock-ruleset]", "landlock ruleset" },
	{ "anon_inode:kvm", "kvm" },
	{ "anon_inode:[fscontext]", "file system context" },
	{ "anon_inode:[vfio", "vfio" },
	{ "anon_inode:sync_file", "sync file" },
	{ "mqueue:", "POSIX message queue" },
	{ "net:[", "network namespace" },
	{ "mnt:[", "mount namespace" },
	{ "pid:[", "pid namespace" },
	{ "pid_for_children:[", "pid namespace" },
	{ "user:[", "user namespace" },
	{ "uts:[", "uts namespace" },
	{ "ipc:[", "ipc namespace" },
	{ "cgroup:[", "cgroup namespace" },
	{ "time:[", "time namespace" },
	{ "time_for_children:[", "time namespace" },
	{ "/memfd:", "memfd" },
	{ "/secretmem", "memfd_secret" },
	{ "/dmabuf:", "dma buffer" },
	{ "/[aio]", "aio ring" },
	{ "/anon_hugepage", "anonymous huge pages" },
	{ "/SYSV", "System V shared memory" },
	{ "/dev/zero (deleted)", "shared anonymous memory" },
};

static const struct {
	int domain, type; /* 0: any */
	const char *name;
} sockets[] = {
	{ AF_UNIX, 0, "unix socket" },
	{ AF_INET, SOCK_STREAM, "tcp socket" },
	{ AF_INET6, SOCK_STREAM, "tcp socket (IPv6)" },
	{ AF_INET, SOCK_DGRAM, "udp socket" },
	{ AF_INET6, SOCK_DGRAM, "udp socket (IPv6)" },
	{ AF_INET, 0, "raw IP socket" },
	{ AF_INET6, 0, "raw IPv6 socket" },
	{ AF_NETLINK, 0, "netlink socket" },
	{ AF_PACKET, 0, "packet socket" },
	{ AF_ALG, 0, "crypto (AF_ALG) socket" },
	{ AF_VSOCK, 0, "vsock" },
	{ AF_XDP, 0, "XDP socket" },
	{ AF_BLUETOOTH, 0, "bluetooth socket" },
	{ AF_CAN, 0, "CAN socket" },
};

/* Character devices by their numbers (Documentation/admin-guide/devices.txt). */
static const struct {
	unsigned major, minor_first, minor_last;
	const char *name;
} devices[] = {
	{ 4, 0, 255, "tty" },
	{ 5, 0, 1, "tty" },
	{ 5, 2, 2, "tty" },
	{ 136, 0, ~0u, "tty" },
	{ 137, 0, ~0u, "tty" },
	{ 138, 0, ~0u, "tty" },
	{ 139, 0, ~0u, "tty" },
	{ 140, 0, ~0u, "tty" },
	{ 141, 0, ~0u, "tty" },
	{ 142, 0, ~0u, "tty" },
	{ 143, 0, ~0u, "tty" },
	{ 10, 200, 200, "tun" },
	{ 10, 229, 229, "fuse" },
};

static const char *socket_kind(const struct fd_probe *probe)
{
	if (probe->domain < 0)
		return "socket";
	for (size_t i = 0; i < ARRAY_SIZE(sockets); i++)
		if (sockets[i].domain == probe->domain && (!sockets[i].type || sockets[i].type == probe->type))
			return sockets[i].name;
	return "socket of an unknown family";
}

static const char *device_kind(dev_t rdev)
{
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (major(rdev) == devices[i].major && minor(rdev) >= devices[i].minor_first &&
		    minor(rdev) <= devices[i].minor_last)
			return devices[i].name;
	return "character device";
}

bool dump_is_mqueue(pid_t pid, int fd)
{
	char path[64];
	struct statfs fs;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
	return statfs(path, &fs) == 0 && fs.f_type == MQUEUE_MAGIC;
}

/* An io_uring with the sizes of its rings: what whoever used it would have to make again. io_uring/fdinfo.c */
static bool ring_kind(const struct fd_probe *probe, char *buf, size_t size)
{
	struct ring {
		uint64_t submissions, completions; /* masks */
	} ring = { 0 };
	static const struct fdinfo_field fields[] = {
		{ "SqMask", FDINFO_HEX, offsetof(struct ring, submissions), true },
		{ "CqMask", FDINFO_HEX, offsetof(struct ring, completions), true },
	};
	struct img_err ignored = IMG_ERR_INIT;

	if (strcmp(probe->link, "anon_inode:[io_uring]") ||
		kern_fdinfo_fields(probe->extra, fields, ARRAY_SIZE(fields), &ring, NULL, NULL, &ignored) < 0)
		return false;
	snprintf(buf, size, "io_uring (rings of %llu submissions and %llu completions)", (unsigned long long)ring.submissions + 1,
		(unsigned long long)ring.completions + 1);
	return true;
}

void dump_fd_kind(struct dump *d, struct dump_task *t, const struct fd_probe *probe, char *buf, size_t size)
{
	if (!probe->link[0]) {
		snprintf(buf, size, "a file whose path is longer than a page");
		return;
	}
	if (S_ISSOCK(probe->mode) && probe->link[0] != '/') {
		snprintf(buf, size, "%s", socket_kind(probe));
		return;
	}
	if (probe->link[0] == '/' && S_ISCHR(probe->mode)) {
		snprintf(buf, size, "%s %u:%u ('%s')", device_kind(probe->rdev), major(probe->rdev), minor(probe->rdev),
			probe->link);
		return;
	}
	if (probe->link[0] == '/' && S_ISBLK(probe->mode)) {
		snprintf(buf, size, "block device %u:%u ('%s')", major(probe->rdev), minor(probe->rdev), probe->link);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!strncmp(probe->link, kinds[i].link, strlen(kinds[i].link))) {
			if (!ring_kind(probe, buf, size))
				snprintf(buf, size, "%s", kinds[i].name);
			return;
		}
	}
	snprintf(buf, size, "'%s'", probe->link);
}
