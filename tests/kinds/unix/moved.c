/* tests/kinds/unix/moved.c -- sockets whose file has another name than the one they were bound to: renamed (to be there at once), moved
 * into another directory, and one whose name another socket has taken since.
 *
 * harness: to-peer: it takes the file for a deleted one
 * harness: from-peer: it takes the file for a deleted one
 */

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/harness/subject.h"

static struct sockaddr_un address(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", name);
	return addr;
}

static int listens(const char *name)
{
	struct sockaddr_un addr = address(name);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	MUST(fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 && listen(fd, 5) == 0);
	return fd;
}

static int client(const char *name)
{
	struct sockaddr_un addr = address(name);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 ? fd : -1;
}

static void check(int l, int c, int a, const char *path, const char *name)
{
	struct sockaddr_un addr;
	socklen_t len = sizeof(addr);
	char text[8] = "";
	struct stat st;
	int fd, back;

	CHECK(getsockname(l, (struct sockaddr *)&addr, &len) == 0 && !strcmp(addr.sun_path, name), "%s: is bound to %s", name, addr.sun_path);
	CHECK(stat(path, &st) == 0 && S_ISSOCK(st.st_mode) && (st.st_mode & 0777) == 0750, "%s: mode %o", path, st.st_mode);
	CHECK(write(c, "x", 1) == 1 && recv(a, text, 8, MSG_DONTWAIT) == 1, "%s: the connection", path);
	fd = client(path);
	CHECK(fd >= 0, "%s: no new connection: %s", path, strerror(errno));
	back = accept4(l, NULL, NULL, SOCK_NONBLOCK);
	CHECK(back >= 0, "%s: the new connection is not there", path);
	close(fd);
	close(back);
}

int main(int argc, char **argv)
{
	static const char *const to[] = { "renamed", "below/moved", "first" };
	static const char *const name[] = { "new", "other", "taken" };
	int l[3], c[3], a[3], second;
	char whole[3000];

	subject_begin(argc, argv);
	MUST(mkdir("below", 0700) == 0);
	for (int i = 0; i < 3; i++) {
		l[i] = listens(name[i]);
		MUST(rename(name[i], to[i]) == 0 && chmod(to[i], 0750) == 0);
		c[i] = client(to[i]);
		a[i] = accept(l[i], NULL, NULL);
		MUST(c[i] >= 0 && a[i] >= 0);
	}
	second = listens("taken");
	MUST(getcwd(whole, sizeof(whole)));

	subject_wait();

	for (int i = 0; i < 3; i++)
		check(l[i], c[i], a[i], to[i], name[i]);
	CHECK(access("new", F_OK) < 0 && access("other", F_OK) < 0, "the names are there");
	CHECK(client("taken") >= 0 && accept4(second, NULL, NULL, SOCK_NONBLOCK) >= 0, "the second of the name");
	return subject_end();
}
