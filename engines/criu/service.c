/* engines/criu/service.c -- `criu service`: a socket that clients connect to; a process for each of them.
 *
 * Anybody may connect and ask what this can do; only root, and the user that this runs as, may have something done: it would be done
 * with all of our rights (rpc-serve.c).
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "criu/front.h"
#include "criu/rpc.h"
#include "criuimg/cleanup.h"
#include "log/log.h"

#define ADDRESS "/var/run/criu_service.socket"

enum {
	BACKLOG = 16,
	ANYBODY = 0666,
};

/* A socket of somebody who has ended is in the way; one that answers is another service. */
static int clear_address(const struct sockaddr_un *addr, struct img_err *err)
{
	cleanup_fd int probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct stat st;

	if (lstat(addr->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return 0;
	if (probe < 0)
		return img_fail_sys(err, "socket");
	if (connect(probe, (const struct sockaddr *)addr, sizeof(*addr)) == 0)
		return img_fail(err, IMG_SYS, "%s: somebody serves there already", addr->sun_path);
	if (errno == ECONNREFUSED && unlink(addr->sun_path) < 0)
		return img_fail_sys(err, "%s", addr->sun_path);
	return 0;
}

static int listen_at(const char *path, struct img_err *err)
{
	cleanup_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	mode_t mask;
	int ret;

	if (fd < 0)
		return img_fail_sys(err, "socket");
	if (strlen(path) >= sizeof(addr.sun_path))
		return img_fail(err, IMG_USAGE, "--address %s: too long for a socket", path);
	strcpy(addr.sun_path, path);
	if (clear_address(&addr, err) < 0)
		return -1;
	mask = umask(0777 & ~ANYBODY);
	ret = bind(fd, (const struct sockaddr *)&addr, sizeof(addr));
	umask(mask);
	if (ret < 0)
		return img_fail_sys(err, "%s", path);
	if (listen(fd, BACKLOG) < 0) {
		img_fail_sys(err, "%s", path);
		unlink(path);
		return -1;
	}
	return steal_fd(&fd);
}

static int write_pidfile(const struct options *opt, int dir, pid_t pid, struct img_err *err)
{
	cleanup_fd int fd = -1;

	if (!opt->pidfile)
		return 0;
	fd = openat(dir, opt->pidfile, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || dprintf(fd, "%d", pid) < 0)
		return img_fail_sys(err, "pid file %s", opt->pidfile);
	return 0;
}

static int tell_ready(const struct options *opt, struct img_err *err)
{
	if (opt->status_fd < 0)
		return 0;
	if (write(opt->status_fd, "", 1) != 1)
		return img_fail_sys(err, "--status-fd %d", opt->status_fd);
	close(opt->status_fd);
	return 0;
}

/* In a process of its own. */
static void serve_one(struct log *log, int fd) __attribute__((noreturn));
static void serve_one(struct log *log, int fd)
{
	struct img_err err = IMG_ERR_INIT;
	struct rpc_client client;
	sigset_t none;
	int ret;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	ret = rpc_client_init(&client, fd, &err);
	if (ret == 0) {
		log_info(log, "client: pid %d, user %u", client.pid, client.uid);
		ret = rpc_serve(&client, &err);
	}
	if (ret < 0)
		log_error(log, "%s", err.text);
	_exit(ret != 0);
}

static void accept_one(struct log *log, int listener)
{
	cleanup_fd int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	/* Without memory or descriptors for it the client sees the connection close. */
	if (fd >= 0 && fork() == 0)
		serve_one(log, fd);
}

/* Until SIGTERM or SIGINT. Those that are being served then are served to their end. */
static int loop(struct log *log, int listener, struct img_err *err)
{
	cleanup_fd int signals = -1;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0)
		return img_fail_sys(err, "signalfd");
	for (;;) {
		struct pollfd p[] = { { .fd = listener, .events = POLLIN }, { .fd = signals, .events = POLLIN } };
		struct signalfd_siginfo info;

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return img_fail_sys(err, "poll");
		if (p[1].revents && read(signals, &info, sizeof(info)) == sizeof(info)) {
			if (info.ssi_signo != SIGCHLD)
				return 0;
			while (waitpid(-1, NULL, WNOHANG) > 0)
				;
		}
		if (p[0].revents)
			accept_one(log, listener);
	}
}

/* 0 in the daemon, its pid in who started it. */
static pid_t become_daemon(struct img_err *err)
{
	cleanup_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid = null < 0 ? -1 : fork();

	if (pid < 0)
		return img_fail_sys(err, "become a daemon");
	if (pid == 0) {
		setsid();
		for (int fd = 0; fd <= STDERR_FILENO; fd++)
			dup2(null, fd);
	}
	return pid;
}

static int serve(const struct options *opt, struct log *log, int dir, int listener, struct img_err *err)
{
	pid_t pid = opt->daemon ? become_daemon(err) : 0;

	if (pid < 0)
		return -1;
	if (pid) {
		/* The daemon has the socket from here on; nobody can be too early. */
		if (write_pidfile(opt, dir, pid, err) < 0 || tell_ready(opt, err) < 0) {
			kill(pid, SIGTERM);
			return -1;
		}
		return 1;
	}
	if (!opt->daemon && (write_pidfile(opt, dir, getpid(), err) < 0 || tell_ready(opt, err) < 0))
		return -1;
	signal(SIGPIPE, SIG_IGN);
	/* Where it was started nobody listens any more. */
	if (opt->daemon && !opt->log_file)
		log_close(log);
	log_info(log, "serves requests");
	return loop(log, listener, err);
}

int front_service(const struct options *opt, struct img_err *err)
{
	const char *path = opt->address ? opt->address : ADDRESS;
	cleanup_fd int dir = open(opt->work_dir ? opt->work_dir : opt->images_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int listener = -1;
	struct log log = { .fd = -1 };
	int ret;

	if (dir < 0)
		return img_fail_sys(err, "work directory");
	if (log_open(&log, dir, opt->log_file, opt->verbosity, err) < 0)
		return -1;
	log.with_pid = true;
	listener = listen_at(path, err);
	if (listener < 0)
		return -1;
	ret = serve(opt, &log, dir, listener, err);
	if (ret == 1)
		return 0;
	unlink(path);
	return ret;
}
