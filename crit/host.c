/* crit/host.c -- what this host can do. System calls are tried with arguments that none takes: ENOSYS is the only wrong answer. */

#include "host.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "criuimg/manifest.h"
#include "namespaces.h"

static bool have_file(const struct feature *feature)
{
	return !access(feature->path, F_OK);
}

static bool have_call(const struct feature *feature)
{
	return syscall(feature->call, -1L, -1L, -1L, -1L, -1L, -1L) >= 0 || errno != ENOSYS;
}

static bool have_tcp_repair(const struct feature *feature)
{
	cleanup_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	/* Without the privilege for it, the answer is EPERM. */
	return fd >= 0 && (!setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) || errno == EPERM);
}

#define NO_KIND IMG_KIND_UNKNOWN
#define NS(word, of)                                                                                                       \
	{ #word "ns", "namespaces of kind " #word, have_file, "/proc/self/ns/" #word, 0, NO_KIND, FD_TYPES__UND, of }
#define FD(word, about, call, type) { word, about, have_call, NULL, call, NO_KIND, type, -1 }

const struct feature host_features[] = {
	NS(pid, NS_PID), NS(net, NS_NET), NS(ipc, NS_IPC), NS(uts, NS_UTS), NS(mnt, NS_MNT), NS(user, NS_USER), NS(cgroup, NS_CGROUP),
	NS(time, NS_TIME),
	{ "tcp-repair", "established TCP connections", have_tcp_repair, NULL, 0, IMG_TCP_STREAM, FD_TYPES__UND, -1 },
	{ "seccomp", "filters of system calls", have_file, "/proc/sys/kernel/seccomp/actions_avail", 0, IMG_SECCOMP, FD_TYPES__UND, -1 },
	{ "cgroup", "control groups", have_file, "/proc/cgroups", 0, IMG_CGROUP, FD_TYPES__UND, -1 },
	{ "sysvipc", "System V IPC", have_file, "/proc/sysvipc/shm", 0, IMG_IPC_VAR, FD_TYPES__UND, -1 },
	{ "binfmt-misc", "formats of programs", have_file, "/proc/sys/fs/binfmt_misc", 0, IMG_BINFMT_MISC, FD_TYPES__UND, -1 },
	{ "apparmor", "AppArmor profiles", have_file, "/sys/module/apparmor", 0, IMG_APPARMOR, FD_TYPES__UND, -1 },
	{ "tun", "tun and tap devices", have_file, "/dev/net/tun", 0, NO_KIND, FD_TYPES__TUNF, -1 },
	{ "tty", "pseudo terminals", have_file, "/dev/ptmx", 0, NO_KIND, FD_TYPES__TTY, -1 },
	{ "netlink", "netlink sockets", have_file, "/proc/net/netlink", 0, NO_KIND, FD_TYPES__NETLINKSK, -1 },
	{ "packet", "packet sockets", have_file, "/proc/net/packet", 0, NO_KIND, FD_TYPES__PACKETSK, -1 },
	{ "unix", "UNIX sockets", have_file, "/proc/net/unix", 0, NO_KIND, FD_TYPES__UNIXSK, -1 },
	{ "inet", "IP sockets", have_file, "/proc/net/tcp", 0, NO_KIND, FD_TYPES__INETSK, -1 },
	FD("eventfd", "eventfds", SYS_eventfd2, FD_TYPES__EVENTFD),
	FD("epoll", "epoll", SYS_epoll_create1, FD_TYPES__EVENTPOLL),
	FD("inotify", "inotify", SYS_inotify_init1, FD_TYPES__INOTIFY),
	FD("fanotify", "fanotify", SYS_fanotify_init, FD_TYPES__FANOTIFY),
	FD("signalfd", "signalfds", SYS_signalfd4, FD_TYPES__SIGNALFD),
	FD("timerfd", "timerfds", SYS_timerfd_create, FD_TYPES__TIMERFD),
	FD("memfd", "memfds", SYS_memfd_create, FD_TYPES__MEMFD),
	FD("bpf", "BPF maps", SYS_bpf, FD_TYPES__BPFMAP),
	FD("pidfd", "pidfds", SYS_pidfd_open, FD_TYPES__PIDFD),
};
const size_t host_nr_features = sizeof(host_features) / sizeof(host_features[0]);

static json_t *filesystems(void)
{
	cleanup_file FILE *f = fopen("/proc/filesystems", "re");
	json_t *list = json_array();
	char line[128], name[64];

	while (f && list && fgets(line, sizeof(line), f))
		if (sscanf(line, "nodev %63s", name) == 1 || sscanf(line, " %63s", name) == 1)
			json_array_append_new(list, json_string(name));
	return list;
}

/* The words of the first line "flags" (x86) or "Features" (ARM). */
static json_t *cpu_features(void)
{
	cleanup_file FILE *f = fopen("/proc/cpuinfo", "re");
	cleanup_free char *line = NULL;
	json_t *list = json_array();
	char *word, *rest;
	size_t room = 0;

	while (f && list && getline(&line, &room, f) > 0) {
		if (strncmp(line, "flags", 5) && strncmp(line, "Features", 8))
			continue;
		rest = strchr(line, ':');
		for (rest = rest ? rest + 1 : line; (word = strtok_r(rest, " \t\n", &rest));)
			json_array_append_new(list, json_string(word));
		break;
	}
	return list;
}

static json_t *known_words(void)
{
	json_t *list = json_array();
	const char *word;

	for (size_t i = 0; list && (word = img_feature(i, NULL)); i++)
		json_array_append_new(list, json_string(word));
	return list;
}

json_t *host_describe(void)
{
	json_t *features = json_array();
	struct utsname uts;

	uname(&uts);
	for (size_t i = 0; i < host_nr_features && features; i++)
		if (host_features[i].have(&host_features[i]))
			json_array_append_new(features, json_string(host_features[i].word));
	return json_pack("{s:s, s:s, s:I, s:o, s:o, s:o, s:o}", "arch", uts.machine, "kernel", uts.release, "page_size",
		(json_int_t)sysconf(_SC_PAGESIZE), "cpu_features", cpu_features(), "features", features, "requires", known_words(),
		"filesystems", filesystems());
}

json_t *host_read(const char *path, struct img_err *err)
{
	json_error_t error;
	json_t *host = path ? json_load_file(path, 0, &error) : host_describe();

	if (!host && path)
		img_fail(err, IMG_USAGE, "%s: line %d: %s", path, error.line, error.text);
	else if (!host)
		img_fail_nomem(err);
	else if (!json_is_object(host)) {
		json_decref(host);
		host = NULL;
		img_fail(err, IMG_USAGE, "%s: no description of a host (`crit requires --describe` makes one)", path);
	}
	return host;
}
