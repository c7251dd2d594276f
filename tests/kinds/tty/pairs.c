/* tests/kinds/tty/pairs.c -- pseudoterminals: settings of each, raw and cooked, what waits in both directions, packet mode, exclusive, locked, a
 * master whose slave is shut, a slave whose master is shut, /dev/tty, a session and its foreground group. */
/* harness: to-peer: CRIU 4.2 forgets a line that is being typed, and ends of file. */
/* harness: from-peer: the same. */

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "tests/harness/family.h"

static int open_pty(int *slave, char *name)
{
	int m = posix_openpt(O_RDWR | O_NOCTTY);

	MUST(m >= 0 && grantpt(m) == 0 && unlockpt(m) == 0 && ptsname_r(m, name, 64) == 0);
	*slave = open(name, O_RDWR | O_NOCTTY);
	MUST(*slave >= 0);
	return m;
}

static void gives(const char *what, int fd, const char *text)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[200] = "";
	ssize_t len = 0;

	if (poll(&p, 1, 1000) > 0)
		len = read(fd, buf, sizeof(buf) - 1);
	CHECK(len == (ssize_t)strlen(text) && !strcmp(buf, text), "%s: %zd bytes '%s', not '%s'", what, len, buf, text);
}

static void silent(const char *what, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	CHECK(poll(&p, 1, 0) == 0, "%s: something waits (%#x)", what, p.revents);
}

static void settle(void)
{
	struct timespec t = { 0, 30 * 1000 * 1000 };

	nanosleep(&t, NULL);
}

static void member(void *arg)
{
	MUST(setpgid(0, 0) == 0);
	child_up();
	subject_wait_for("go");
	CHECK(tcgetpgrp(*(int *)arg) == getpid(), "the foreground group is %d", (int)tcgetpgrp(*(int *)arg));
}

/* Its terminal is known to it by /dev/tty only, to its child too. */
static void session(void *arg)
{
	char name[64], name2[64];
	int m, s, tty;
	pid_t pid;

	MUST(setsid() > 0);
	m = posix_openpt(O_RDWR | O_NOCTTY);
	MUST(m >= 0 && unlockpt(m) == 0 && ptsname_r(m, name, sizeof(name)) == 0);
	s = open(name, O_RDWR);
	MUST(s >= 0 && (tty = open("/dev/tty", O_RDWR)) >= 0);
	pid = child_start(member, &tty);
	signal(SIGTTOU, SIG_IGN);
	MUST(tcsetpgrp(s, pid) == 0);
	close(s);
	child_up();
	subject_wait_for("go");
	CHECK(tcgetsid(m) == getpid(), "the session is %d", (int)tcgetsid(m));
	CHECK(write(m, "to it\n", 6) == 6, "write: %s", strerror(errno));
	child_end(pid);
	CHECK(tcsetpgrp(tty, getpid()) == 0, "take the terminal back: %s", strerror(errno));
	gives("/dev/tty", tty, "to it\n");
	s = open("/dev/tty", O_RDWR);
	CHECK(s >= 0 && ptsname_r(m, name2, sizeof(name2)) == 0 && !strcmp(name, name2), "%s is %s", name, name2);
}

int main(int argc, char **argv)
{
	struct winsize ws = { 25, 80, 640, 480 }, now = { 0 };
	char name[8][64], again[64];
	int m[8], s[8], on = 1, value = 0;
	struct termios raw, got;
	struct pollfd hup;
	struct stat st;
	pid_t pid;

	subject_begin(argc, argv);
	/* 0: cooked; two lines, an end of file, a line without an end, and one that is being typed */
	m[0] = open_pty(&s[0], name[0]);
	MUST(ioctl(m[0], TIOCSWINSZ, &ws) == 0 && fchmod(s[0], 0604) == 0);
	MUST(write(m[0], "one\ntwo\npart\004\004thr", 17) == 17);
	settle();
	MUST(write(s[0], "printed\n", 8) == 8);
	/* 1: raw, packets, exclusive, more than one read */
	m[1] = open_pty(&s[1], name[1]);
	MUST(tcgetattr(s[1], &raw) == 0);
	cfmakeraw(&raw);
	raw.c_cc[VMIN] = 3;
	cfsetspeed(&raw, B9600);
	MUST(tcsetattr(s[1], TCSANOW, &raw) == 0 && ioctl(m[1], TIOCPKT, &on) == 0 && ioctl(s[1], TIOCEXCL) == 0);
	MUST(write(m[1], "ab", 2) == 2 && write(s[1], "raw\n", 4) == 4);
	/* 2: a locked master; 3: a master whose slave is shut; 4: a slave whose master is shut */
	m[2] = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
	m[3] = open_pty(&s[3], name[3]);
	MUST(m[2] >= 0 && write(s[3], "last words", 10) == 10);
	close(s[3]);
	m[4] = open_pty(&s[4], name[4]);
	close(m[4]);
	/* 5: two descriptions of a slave, one of them does not wait */
	m[5] = open_pty(&s[5], name[5]);
	s[6] = open(name[5], O_RDONLY | O_NOCTTY | O_NONBLOCK);
	MUST(s[6] >= 0);
	pid = child_start(session, NULL);
	settle();

	subject_wait();

	gives("line 1", s[0], "one\n");
	gives("line 2", s[0], "two\n");
	gives("a part", s[0], "part");
	gives("an end", s[0], "");
	silent("a line being typed", s[0]);
	CHECK(write(m[0], "ee\n", 3) == 3, "write: %s", strerror(errno));
	gives("line 3", s[0], "three\n");
	settle();
	gives("the screen", m[0], "one\r\ntwo\r\npartthrprinted\r\nee\r\n");
	CHECK(ioctl(s[0], TIOCGWINSZ, &now) == 0 && !memcmp(&now, &ws, sizeof(ws)), "window %ux%u", now.ws_row, now.ws_col);
	CHECK(fstat(s[0], &st) == 0 && (st.st_mode & 0777) == 0604, "mode %#o", st.st_mode);
	CHECK(ptsname_r(m[0], again, sizeof(again)) == 0 && !strcmp(again, name[0]), "%s is %s now", name[0], again);

	CHECK(tcgetattr(s[1], &got) == 0 && got.c_lflag == raw.c_lflag && got.c_iflag == raw.c_iflag && got.c_oflag == raw.c_oflag &&
		got.c_cflag == raw.c_cflag && got.c_cc[VMIN] == 3, "settings are others");
	CHECK(ioctl(m[1], TIOCGPKT, &value) == 0 && value, "not in packet mode");
	CHECK(ioctl(s[1], TIOCGEXCL, &value) == 0 && value, "not exclusive");
	{
		char buf[20] = "";
		ssize_t len = read(m[1], buf, sizeof(buf));

		CHECK(len == 5 && !memcmp(buf, "\0raw\n", 5), "a packet of %zd bytes", len);
	}
	CHECK(write(m[1], "c", 1) == 1, "write: %s", strerror(errno));
	gives("raw", s[1], "abc");
	CHECK(ioctl(m[2], TIOCGPTLCK, &value) == 0 && value, "not locked");
	CHECK(fcntl(m[2], F_GETFL) & O_NONBLOCK, "waits");
	gives("a shut slave", m[3], "last words");
	hup = (struct pollfd){ .fd = m[3] };
	CHECK(poll(&hup, 1, 0) == 1 && hup.revents & POLLHUP, "a shut slave: %#x", hup.revents);
	hup = (struct pollfd){ .fd = m[2] };
	CHECK(poll(&hup, 1, 0) == 0, "a slave that never was: %#x", hup.revents);
	CHECK(read(s[4], again, 1) == 0, "a shut master");
	CHECK(tcgetattr(s[4], &got) < 0 && errno == EIO, "a shut master: %s", strerror(errno));
	CHECK(fcntl(s[6], F_GETFL) & O_NONBLOCK && !(fcntl(s[5], F_GETFL) & O_NONBLOCK), "flags");
	CHECK(read(s[6], again, 1) < 0 && errno == EAGAIN, "should not wait: %s", strerror(errno));
	CHECK(write(m[5], "x\n", 2) == 2, "write: %s", strerror(errno));
	gives("the second description", s[6], "x\n");
	child_end(pid);
	return subject_end();
}
