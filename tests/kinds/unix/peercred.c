/* tests/kinds/unix/peercred.c -- SO_PEERCRED: a pair of a parent, one of its child who is somebody else, and a connection of both. */
/* harness: peer: CRIU 4.2 makes all sockets itself */

#include <sys/socket.h>
#include <sys/un.h>

#include "tests/harness/family.h"

static int pair[2], listener;
static const struct sockaddr_un name = { AF_UNIX, "server" };

static void made_by(const char *what, int fd, pid_t pid, uid_t uid)
{
	struct ucred c = { -1, (uid_t)-1, (gid_t)-1 };
	socklen_t len = sizeof(c);

	CHECK(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len) == 0 && (!pid || c.pid == pid) && c.uid == uid && c.gid == uid,
		"%s: made by pid %d, uid %d, gid %d, not %d, %d", what, (int)c.pid, (int)c.uid, (int)c.gid, (int)pid, (int)uid);
}

static void child(void *arg)
{
	int own[2], client = socket(AF_UNIX, SOCK_STREAM, 0);

	MUST(setresgid(1234, 1234, 1234) == 0 && setresuid(1234, 1234, 1234) == 0);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, own) == 0);
	MUST(connect(client, (const struct sockaddr *)&name, sizeof(name)) == 0);
	made_by("before: the pair of a child", own[0], getpid(), 1234);
	made_by("before: the server", client, getppid(), 0);
	child_up();
	subject_wait_for("go");
	made_by("the pair of a child", own[0], getpid(), 1234);
	made_by("the pair of a child", own[1], getpid(), 1234);
	made_by("the pair of the parent", pair[1], getppid(), 0);
	made_by("the server", client, 0, 0); /* one of both makes the connection: the pid is that of the client */
	CHECK(write(client, "x", 1) == 1, "write: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	int accepted;
	char c = 0;
	pid_t pid;

	subject_begin(argc, argv);
	MUST(chmod(".", 0777) == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	MUST(listener >= 0 && bind(listener, (const struct sockaddr *)&name, sizeof(name)) == 0 && listen(listener, 5) == 0);
	MUST(chmod("server", 0777) == 0);
	pid = child_fork(child, NULL);
	accepted = accept(listener, NULL, NULL);
	child_wait_up(pid);
	MUST(accepted >= 0);

	subject_wait();

	made_by("the pair of the parent", pair[0], getpid(), 0);
	made_by("the client", accepted, pid, 1234);
	CHECK(read(accepted, &c, 1) == 1 && c == 'x', "nothing passes");
	child_end(pid);
	return subject_end();
}
