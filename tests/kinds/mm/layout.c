/* tests/kinds/mm/layout.c -- what a program can ask of its address space: brk, arguments, environment, auxv, exe. */

#include <elf.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

#include "tests/harness/subject.h"

static size_t slurp(const char *path, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t got;
	int fd = open(path, O_RDONLY);

	while (fd >= 0 && len < size && (got = read(fd, buf + len, size - len)) > 0)
		len += got;
	if (fd >= 0)
		close(fd);
	return len;
}

int main(int argc, char **argv)
{
	static const char *const files[] = { "/proc/self/auxv", "/proc/self/cmdline", "/proc/self/environ" };
	static char before[3][8192], after[8192];
	size_t lens[3], len;
	char exe[2][4096] = { "", "" }, *brk0, *brk1;

	subject_begin(argc, argv);
	brk0 = sbrk(3 * 4096 + 100);
	MUST(brk0 != (void *)-1);
	memset(brk0, 'h', 3 * 4096 + 100);
	brk1 = sbrk(0);
	for (int i = 0; i < 3; i++)
		lens[i] = slurp(files[i], before[i], sizeof(before[i]));
	MUST(readlink("/proc/self/exe", exe[0], sizeof(exe[0]) - 1) > 0);
	MUST(prctl(PR_SET_DUMPABLE, 0) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0);

	subject_wait();

	for (int i = 0; i < 3; i++) {
		len = slurp(files[i], after, sizeof(after));
		CHECK(len == lens[i] && !memcmp(before[i], after, len), "%s differs: %zu bytes, now %zu",
			files[i], lens[i], len);
	}
	CHECK(readlink("/proc/self/exe", exe[1], sizeof(exe[1]) - 1) > 0 && !strcmp(exe[0], exe[1]),
		"exe: %s, now %s", exe[0], exe[1]);
	CHECK(sbrk(0) == brk1, "the break is at %p, was at %p", sbrk(0), (void *)brk1);
	for (int i = 0; i < 3 * 4096 + 100; i++)
		if (brk0[i] != 'h') {
			CHECK(brk0[i] == 'h', "the heap at byte %d", i);
			break;
		}
	CHECK(sbrk(64 * 4096) == brk1, "the heap does not grow: %s", strerror(errno));
	memset(brk1, 'H', 64 * 4096);
	CHECK(sbrk(-64 * 4096) != (void *)-1 && sbrk(0) == brk1, "the heap does not shrink");
	CHECK(prctl(PR_GET_DUMPABLE) == 1, "dumpable is %d", prctl(PR_GET_DUMPABLE));
	return subject_end();
}
