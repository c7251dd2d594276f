/* tests/kinds/tty/hangup.c -- terminals whose other end is closed: a slave that was hung up by that, a master in packet mode with what
 * the slave has left; a pair that lives beside them.
 *
 * harness: to-peer: it opens the terminal again, which is as good as new
 * harness: from-peer: it opens the terminal again, which is as good as new
 */

#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "tests/harness/subject.h"

static int master(void)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY);

	MUST(fd >= 0 && grantpt(fd) == 0 && unlockpt(fd) == 0);
	return fd;
}

static int slave(int master)
{
	int fd = open(ptsname(master), O_RDWR | O_NOCTTY);

	MUST(fd >= 0);
	return fd;
}

static void is_hung_up(const char *what, int fd)
{
	struct termios t;
	char c;

	CHECK(read(fd, &c, 1) == 0, "%s: it can be read", what);
	CHECK(write(fd, "x", 1) < 0 && errno == EIO, "%s: it can be written to: %s", what, strerror(errno));
	CHECK(tcgetattr(fd, &t) < 0 && errno == EIO, "%s: it has settings", what);
}

int main(int argc, char **argv)
{
	int m1, s1, m2, s2, m3, s3, one = 1;
	struct pollfd p;
	char c[4];

	subject_begin(argc, argv);
	m2 = master();
	s2 = slave(m2);
	close(m2);
	m3 = master();
	s3 = slave(m3);
	MUST(ioctl(m3, TIOCPKT, &one) == 0 && write(s3, "left", 4) == 4);
	close(s3);
	m1 = master();
	s1 = slave(m1);
	MUST(write(m1, "typed\n", 6) == 6);

	subject_wait();

	is_hung_up("the slave of a closed master", s2);
	p = (struct pollfd){ .fd = m3, .events = POLLIN };
	CHECK(poll(&p, 1, 0) == 1 && p.revents & POLLHUP, "the master of a closed slave: events %#x", p.revents);
	CHECK(read(m3, c, 4) > 0, "what the slave has left is gone: %s", strerror(errno));
	CHECK(write(s1, "back", 4) == 4 && read(m1, c, 1) == 1, "the pair that lives");
	return subject_end();
}
