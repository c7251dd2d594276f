/* tests/kinds/ghost/types.c -- deleted things that are no regular files: a device, a symbolic link, a fifo with data, a socket. */
/* harness: peer: it does not dump sockets opened with O_PATH */

#include <sys/sysmacros.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	struct stat st;
	char buf[100] = "";
	int null, link, fifo, sock;

	subject_begin(argc, argv);
	if (mknod("null", S_IFCHR | 0640, makedev(1, 3)) < 0)
		subject_skip("devices cannot be made here");
	null = open("null", O_RDWR);
	MUST(symlink("nowhere/at/all", "link") == 0);
	link = open("link", O_PATH | O_NOFOLLOW);
	MUST(mkfifo("fifo", 0604) == 0);
	fifo = open("fifo", O_RDWR);
	MUST(mknod("sock", S_IFSOCK | 0600, 0) == 0);
	sock = open("sock", O_PATH);
	MUST(null >= 0 && link >= 0 && fifo >= 0 && sock >= 0 && write(fifo, "in the fifo", 11) == 11);
	MUST(unlink("null") == 0 && unlink("link") == 0 && unlink("fifo") == 0 && unlink("sock") == 0);
	subject_wait();

	CHECK(fstat(null, &st) == 0 && st.st_rdev == makedev(1, 3) && st.st_nlink == 0, "the device");
	CHECK((st.st_mode & 0777) == 0640, "mode %#o of the device", st.st_mode);
	CHECK(write(null, "x", 1) == 1, "the device: %s", strerror(errno));
	CHECK(readlinkat(link, "", buf, sizeof(buf)) == 14 && !memcmp(buf, "nowhere/at/all", 14), "the link");
	CHECK(fstat(fifo, &st) == 0 && S_ISFIFO(st.st_mode) && (st.st_mode & 0777) == 0604, "mode %#o of the fifo", st.st_mode);
	CHECK(read(fifo, buf, 100) == 11 && !memcmp(buf, "in the fifo", 11), "the fifo");
	CHECK(fstatat(sock, "", &st, AT_EMPTY_PATH) == 0 && S_ISSOCK(st.st_mode), "the socket's file");
	return subject_end();
}
