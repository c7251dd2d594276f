/* tests/kinds/unix/names.c -- sockets with names: paths, absolute and relative, abstract names, deleted ones, one name for two; who listens,
 * who is connected, whose connection waits; owner and mode of the files. */
/* harness: to-peer: CRIU 4.2 does not give accepted sockets of a path their name back when their clients have one beside them. */

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/harness/subject.h"

static socklen_t address(struct sockaddr_un *addr, const char *name, size_t len)
{
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(addr->sun_path, name, len);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

#define PATH(text) text, sizeof(text)
#define ABSTRACT abstract, sizeof(abstract)

/* Abstract names are everybody's: this one has the number of the subject's directory in it. */
static char abstract[30] = "\0names.c of\0";

static int bound(int type, const char *name, size_t len)
{
	struct sockaddr_un addr;
	socklen_t size = address(&addr, name, len);
	int fd = socket(AF_UNIX, type, 0);

	MUST(fd >= 0 && bind(fd, (struct sockaddr *)&addr, size) == 0);
	return fd;
}

static int connected(int fd, const char *name, size_t len)
{
	struct sockaddr_un addr;
	socklen_t size = address(&addr, name, len);

	return connect(fd, (struct sockaddr *)&addr, size);
}

static int client(int type, const char *name, size_t len)
{
	int fd = socket(AF_UNIX, type, 0);

	MUST(connected(fd, name, len) == 0);
	return fd;
}

static void has_name(const char *what, int fd, const char *name, size_t len, int peer)
{
	struct sockaddr_un addr = { 0 };
	socklen_t size = sizeof(addr);
	int ret = peer ? getpeername(fd, (struct sockaddr *)&addr, &size) : getsockname(fd, (struct sockaddr *)&addr, &size);

	size -= (socklen_t)offsetof(struct sockaddr_un, sun_path);
	CHECK(ret == 0 && size == len && !memcmp(addr.sun_path, name, len), "%s: name of %u bytes '%.*s'", what, size, (int)size,
		addr.sun_path);
}

static void passes(const char *what, int from, int to)
{
	char c = 0;

	CHECK(send(from, "z", 1, MSG_DONTWAIT) == 1 && recv(to, &c, 1, MSG_DONTWAIT) == 1 && c == 'z', "%s: nothing passes: %s", what,
		strerror(errno));
}

static void reads(const char *what, int fd, const char *want)
{
	char buf[20] = "";

	CHECK(recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT) == (ssize_t)strlen(want) && !strcmp(buf, want), "%s: read '%s'", what, buf);
}

int main(int argc, char **argv)
{
	int old, gone, now, c_gone, c_now, l, c, a, waiting, absl, absc, absa, seq, server, talker, alone, both, bound_client, back;
	struct stat st;

	subject_begin(argc, argv);
	MUST(stat(".", &st) == 0);
	memcpy(abstract + 12, &st.st_ino, sizeof(st.st_ino));
	/* two of one name, the first deleted, each with somebody connected to it */
	gone = bound(SOCK_DGRAM, PATH("twice"));
	c_gone = client(SOCK_DGRAM, PATH("twice"));
	MUST(unlink("twice") == 0);
	now = bound(SOCK_DGRAM, PATH("twice"));
	c_now = client(SOCK_DGRAM, PATH("twice"));
	/* a server */
	l = bound(SOCK_STREAM, PATH("listens"));
	MUST(chmod("listens", 0640) == 0 && chown("listens", 12, 34) == 0 && listen(l, 3) == 0);
	bound_client = bound(SOCK_STREAM, PATH("calls"));
	MUST(connected(bound_client, PATH("listens")) == 0);
	MUST((back = accept(l, NULL, NULL)) >= 0);
	c = client(SOCK_STREAM, PATH("listens"));
	a = accept(l, NULL, NULL);
	MUST(a >= 0 && send(c, "question", 8, 0) == 8 && send(a, "answer", 6, 0) == 6);
	waiting = client(SOCK_STREAM, PATH("listens"));
	/* the same with an abstract name */
	absl = bound(SOCK_SEQPACKET, ABSTRACT);
	MUST(listen(absl, 2) == 0);
	absc = client(SOCK_SEQPACKET, ABSTRACT);
	MUST((absa = accept(absl, NULL, NULL)) >= 0 && send(absa, "one", 3, 0) == 3 && send(absa, "two", 3, 0) == 3);
	seq = client(SOCK_SEQPACKET, ABSTRACT);
	/* dgram: messages from somebody who is gone */
	server = bound(SOCK_DGRAM, PATH("server"));
	talker = client(SOCK_DGRAM, PATH("server"));
	MUST(send(talker, "first", 5, 0) == 5 && close(talker) == 0);
	alone = bound(SOCK_DGRAM, PATH("alone"));
	MUST(connected(alone, PATH("alone")) == 0);
	both = bound(SOCK_DGRAM, PATH("both"));
	MUST(connected(both, PATH("server")) == 0 && send(both, "second", 6, 0) == 6);
	old = bound(SOCK_STREAM, PATH("unlinked"));
	MUST(listen(old, 1) == 0 && unlink("unlinked") == 0);
	subject_wait();

	passes("deleted", c_gone, gone);
	passes("its successor", c_now, now);
	has_name("deleted", gone, PATH("twice"), 0);
	has_name("its successor", c_now, PATH("twice"), 1);
	has_name("server", l, PATH("listens"), 0);
	has_name("accepted", a, PATH("listens"), 0);
	has_name("client", c, PATH("listens"), 1);
	has_name("client with a name", bound_client, PATH("calls"), 0);
	has_name("its other side", back, PATH("calls"), 1);
	passes("client with a name", bound_client, back);
	reads("accepted", a, "question");
	reads("client", c, "answer");
	CHECK(stat("listens", &st) == 0 && S_ISSOCK(st.st_mode) && (st.st_mode & 07777) == 0640 && st.st_uid == 12 && st.st_gid == 34,
		"file: mode %o, owner %d:%d", st.st_mode, (int)st.st_uid, (int)st.st_gid);
	a = accept4(l, NULL, NULL, SOCK_NONBLOCK);
	CHECK(a >= 0, "the connection does not wait");
	passes("waiting", waiting, a);
	c = client(SOCK_STREAM, PATH("listens"));
	CHECK((a = accept4(l, NULL, NULL, SOCK_NONBLOCK)) >= 0, "no new connection");
	passes("new", c, a);
	reads("seqpacket", absc, "one");
	reads("seqpacket", absc, "two");
	passes("seqpacket", absc, absa);
	has_name("abstract", absa, ABSTRACT, 0);
	CHECK((a = accept(absl, NULL, NULL)) >= 0, "the seqpacket connection does not wait");
	passes("abstract, waiting", seq, a);
	reads("server", server, "first");
	reads("server", server, "second");
	passes("both", both, server);
	passes("alone", alone, alone);
	has_name("unlinked", old, PATH("unlinked"), 0);
	CHECK(access("unlinked", F_OK) < 0, "the deleted file is there");
	return subject_end();
}
