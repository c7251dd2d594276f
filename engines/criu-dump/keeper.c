/* criu-dump/keeper.c -- the process that keeps the tracking of changes alive: started, asked, ended. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "criu-dump/keeper.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"

enum {
	PATIENCE_S = 5, /* for an answer of the other end */
	LAST_FD = 3,	/* what the keeper has open when it starts */
};

enum message_kind {
	TASK = 1, /* with descriptors */
	GO,	  /* to the keeper: all were told, take the name of this task */
	DONE,	  /* from the keeper: all were told */
	END,	  /* to the keeper */
};

/* Between two versions of criu-dump: the name of the socket has a number for this. */
struct message {
	uint32_t kind;
	int32_t pid;
	uint64_t start;
	char set_id[KEEPER_ID];
};

/* ---- messages ---- */

static int message_send(int sock, const struct message *m, const int *fds, int nr, struct img_err *err)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(2 * sizeof(int))];
	} control;
	struct iovec iov = { (void *)m, sizeof(*m) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (nr) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof(control));
		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(nr * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nr * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nr * sizeof(int));
	}
	if (sendmsg(sock, &msg, MSG_NOSIGNAL) != sizeof(*m))
		return img_fail_sys(err, "talking to the keeper");
	return 0;
}

/* 1, 0 at the end, -1. fds: places for two, -1 where there is none. */
static int message_receive(int sock, struct message *m, int fds[2], struct img_err *err)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(2 * sizeof(int))];
	} control;
	struct iovec iov = { m, sizeof(*m) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = sizeof(control)
	};
	ssize_t got;

	fds[0] = fds[1] = -1;
	do
		got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return img_fail_sys(err, "listening to the keeper");
	if (!got)
		return 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			memcpy(fds, CMSG_DATA(c), (c->cmsg_len - CMSG_LEN(0)) / sizeof(int) * sizeof(int));
	if (got != sizeof(*m) || msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		for (int i = 0; i < 2; i++)
			if (fds[i] >= 0)
				close(fds[i]);
		return img_fail(err, IMG_SYS, "a message of the keeper is not one");
	}
	m->set_id[KEEPER_ID - 1] = '\0';
	return 1;
}

static socklen_t name_of(pid_t pid, uint64_t start, struct sockaddr_un *addr)
{
	struct stat st = { 0 };
	int len;

	/* Pids mean something in a pid namespace. */
	if (stat("/proc/self/ns/pid", &st) < 0)
		st.st_ino = 0;
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	len = snprintf(addr->sun_path + 1, sizeof(addr->sun_path) - 1, "criu-keeper.1/%llu/%d/%llu",
		(unsigned long long)st.st_ino, pid, (unsigned long long)start);
	return offsetof(struct sockaddr_un, sun_path) + 1 + len;
}

/* Anybody can take a name: only who is what we are is believed. */
static bool is_one_of_us(int sock)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 && cred.uid == geteuid();
}

/* ---- the keeper itself ---- */

struct kept {
	int uffd, pidfd;
	int32_t pid;
	uint64_t start;
};

struct house {
	int sock; /* to whoever started it; then the one it listens at */
	char set_id[KEEPER_ID];
	struct kept *tasks;
	struct pollfd *polls; /* the socket, then the tasks */
	size_t nr, room, room_polls;
};

/* Everything of the process it was forked from goes. */
static void settle(int *sock)
{
	static const int usual[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGCHLD, SIGPIPE, SIGXFSZ };
	int null = open("/dev/null", O_RDWR);
	struct rlimit files;
	sigset_t none;

	setsid();
	prctl(PR_SET_NAME, "criu-keeper");
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		signal(usual[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int fd = 0; fd < LAST_FD; fd++)
		dup2(null, fd);
	/* The socket may have a number that the others are to have. */
	if (*sock != LAST_FD)
		dup3(*sock, LAST_FD, O_CLOEXEC);
	*sock = LAST_FD;
	syscall(SYS_close_range, LAST_FD + 1, ~0u, 0);
	if (chdir("/") < 0)
		_exit(1);
	/* Two descriptors a task. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static void note(struct house *h, const struct message *m, const int fds[2])
{
	struct kept *k = img_array_more(&h->tasks, h->nr, &h->room);

	if (!k || fds[0] < 0 || fds[1] < 0)
		_exit(1);
	*k = (struct kept){ fds[0], fds[1], m->pid, m->start };
	h->nr++;
}

/* The name is ours from here on, or there is no point in being there. */
static void open_up(struct house *h, const struct message *go)
{
	struct message done = { .kind = DONE };
	struct sockaddr_un addr;
	socklen_t len = name_of(go->pid, go->start, &addr);
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	memcpy(h->set_id, go->set_id, sizeof(h->set_id));
	if (listener < 0 || bind(listener, (struct sockaddr *)&addr, len) < 0 || listen(listener, 8) < 0 ||
		message_send(h->sock, &done, NULL, 0, NULL) < 0)
		_exit(1);
	close(h->sock);
	h->sock = listener;
}

static void drop(struct house *h, size_t i)
{
	close(h->tasks[i].uffd);
	close(h->tasks[i].pidfd);
	h->tasks[i] = h->tasks[--h->nr];
}

/* Somebody asks: tell all, and do what he says. */
static void answer(struct house *h)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct message m = { .kind = DONE }, said;
	cleanup_fd int sock = accept4(h->sock, NULL, NULL, SOCK_CLOEXEC);
	int none[2];

	if (sock < 0 || !is_one_of_us(sock))
		return;
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	for (size_t i = 0; i < h->nr; i++) {
		struct message task = { .kind = TASK, .pid = h->tasks[i].pid, .start = h->tasks[i].start };

		if (message_send(sock, &task, &h->tasks[i].uffd, 1, NULL) < 0)
			return;
	}
	memcpy(m.set_id, h->set_id, sizeof(m.set_id));
	if (message_send(sock, &m, NULL, 0, NULL) < 0)
		return;
	/* As long as it takes: a dump of much memory. Others wait meanwhile, so there is one at a time. */
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ 0 }, sizeof(struct timeval));
	if (message_receive(sock, &said, none, NULL) == 1 && said.kind == END)
		_exit(0);
}

static void keep(struct house *h)
{
	while (h->nr) {
		h->polls = reallocarray(h->polls, h->nr + 1, sizeof(*h->polls));
		if (!h->polls)
			_exit(1);
		h->polls[0] = (struct pollfd){ .fd = h->sock, .events = POLLIN };
		for (size_t i = 0; i < h->nr; i++)
			h->polls[i + 1] = (struct pollfd){ .fd = h->tasks[i].pidfd, .events = POLLIN };
		if (poll(h->polls, h->nr + 1, -1) < 0)
			continue;
		/* From the end: the last one takes the place of one that is dropped. */
		for (size_t i = h->nr; i-- > 0;)
			if (h->polls[i + 1].revents)
				drop(h, i);
		if (h->polls[0].revents)
			answer(h);
	}
}

static void live(int sock)
{
	struct house h = { .sock = sock };
	struct message m;
	int fds[2];

	settle(&h.sock);
	while (message_receive(h.sock, &m, fds, NULL) == 1) {
		if (m.kind == TASK)
			note(&h, &m, fds);
		if (m.kind != GO)
			continue;
		open_up(&h, &m);
		keep(&h);
		break;
	}
	_exit(0);
}

/* ---- from outside ---- */

int keeper_fork(int *sock, struct img_err *err)
{
	cleanup_fd int ours = -1, theirs = -1;
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return img_fail_sys(err, "socketpair");
	ours = ends[0];
	theirs = ends[1];
	pid = fork();
	if (pid < 0)
		return img_fail_sys(err, "fork");
	if (pid == 0)
		live(theirs);
	*sock = steal_fd(&ours);
	return 0;
}

int keeper_give(int sock, const struct keeper_task *t, int pidfd, struct img_err *err)
{
	const struct message m = { .kind = TASK, .pid = t->pid, .start = t->start };
	const int fds[2] = { t->uffd, pidfd };

	return message_send(sock, &m, fds, 2, err);
}

int keeper_go(int sock, const char *set_id, pid_t pid, uint64_t start, struct img_err *err)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct message m = { .kind = GO, .pid = pid, .start = start }, said;
	int none[2];

	snprintf(m.set_id, sizeof(m.set_id), "%s", set_id);
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (message_send(sock, &m, NULL, 0, err) < 0)
		return -1;
	if (message_receive(sock, &said, none, err) != 1 || said.kind != DONE)
		return img_fail(err, IMG_SYS, "the keeper has not come up");
	return 0;
}

static int hear(struct keeper *k, struct img_err *err)
{
	for (;;) {
		struct message m;
		struct keeper_task *t;
		int fds[2], ret = message_receive(k->sock, &m, fds, err);

		if (ret < 0)
			return -1;
		if (ret == 0)
			return 0;
		if (m.kind == DONE) {
			memcpy(k->set_id, m.set_id, sizeof(k->set_id));
			return 1;
		}
		t = img_array_more(&k->tasks, k->nr, &k->room);
		if (!t) {
			close(fds[0]);
			return img_fail_nomem(err);
		}
		*t = (struct keeper_task){ m.pid, m.start, fds[0] };
		k->nr++;
	}
}

int keeper_find(pid_t pid, uint64_t start, struct keeper *k, struct img_err *err)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct sockaddr_un addr;
	socklen_t len = name_of(pid, start, &addr);
	int ret = 0;

	*k = (struct keeper){ .sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0) };
	if (k->sock < 0)
		return img_fail_sys(err, "socket");
	setsockopt(k->sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(k->sock, (struct sockaddr *)&addr, len) == 0 && is_one_of_us(k->sock))
		ret = hear(k, err);
	if (ret != 1)
		keeper_release(k);
	return ret;
}

void keeper_end(struct keeper *k)
{
	const struct message m = { .kind = END };
	struct message none;
	int fds[2];

	if (k->sock >= 0 && message_send(k->sock, &m, NULL, 0, NULL) == 0)
		message_receive(k->sock, &none, fds, NULL); /* until it is closed */
	if (k->sock >= 0)
		close(k->sock);
	k->sock = -1;
}

void keeper_release(struct keeper *k)
{
	for (size_t i = 0; i < k->nr; i++)
		if (k->tasks[i].uffd >= 0)
			close(k->tasks[i].uffd);
	free(k->tasks);
	if (k->sock >= 0)
		close(k->sock);
	*k = (struct keeper){ .sock = -1 };
}
