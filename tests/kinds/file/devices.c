/* tests/kinds/file/devices.c -- the memory devices, and what is on file systems that the kernel makes up. */

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	char buf[64] = "x";
	int null, zero, full, random, urandom, path, sys, sysctl;

	subject_begin(argc, argv);
	null = open("/dev/null", O_RDWR);
	zero = open("/dev/zero", O_RDONLY);
	full = open("/dev/full", O_RDWR);
	random = open("/dev/random", O_RDONLY | O_NONBLOCK);
	urandom = open("/dev/urandom", O_RDONLY);
	path = open("/dev/null", O_PATH);
	MUST(null >= 0 && zero >= 0 && full >= 0 && random >= 0 && urandom >= 0 && path >= 0);
	sys = open("/sys/kernel/uevent_seqnum", O_RDONLY);
	sysctl = open("/proc/sys/kernel/ostype", O_RDONLY);
	MUST(sysctl >= 0 && read(sysctl, buf, 3) == 3);
	subject_wait();

	CHECK(write(null, "x", 1) == 1 && read(null, buf, 1) == 0, "/dev/null");
	CHECK(read(zero, buf, 8) == 8 && !buf[0] && !buf[7], "/dev/zero");
	CHECK(write(full, "x", 1) < 0 && errno == ENOSPC, "/dev/full");
	CHECK(read(urandom, buf, 8) == 8, "/dev/urandom");
	CHECK(read(random, buf, 8) == 8, "/dev/random");
	CHECK(read(path, buf, 1) < 0 && errno == EBADF, "O_PATH");
	CHECK(sys < 0 || read(sys, buf, sizeof(buf)) > 0, "sysfs");
	memset(buf, 0, sizeof(buf));
	CHECK(read(sysctl, buf, sizeof(buf)) == 3 && !strcmp(buf, "ux\n"), "sysctl at its position: '%s'", buf);
	return subject_end();
}
