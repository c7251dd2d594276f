/* kernel/self.c -- what the kernel tells a process of itself. */

#include "kernel/self.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE /* Linux 6.1 */
#define MADV_COLLAPSE 25
#endif

enum {
	HUGE_PAGE = 2 << 20,
	WORTH_IT = 4 * HUGE_PAGE, /* below that fork(2) is quick anyway */
};

/* A proc of our own pid namespace, that can be written to. */
static int proc_is_ours(void)
{
	struct statvfs fs;
	char text[16];
	ssize_t len = readlink("/proc/self", text, sizeof(text) - 1);

	if (len <= 0)
		return 0;
	text[len] = '\0';
	return atoi(text) == getpid() && statvfs("/proc", &fs) == 0 && !(fs.f_flag & ST_RDONLY);
}

const char *kern_self_path(char *buf, size_t size, const char *what, ...)
{
	int used = snprintf(buf, size, "%sself/", proc_is_ours() || access("self/fd", F_OK) < 0 ? "/proc/" : "");
	va_list ap;

	va_start(ap, what);
	if (used > 0 && (size_t)used < size)
		vsnprintf(buf + used, size - (size_t)used, what, ap);
	va_end(ap);
	return buf;
}

void kern_self_compact(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];
	unsigned long start, end;

	while (f && fgets(line, sizeof(line), f)) {
		if (!strstr(line, "[heap]") || sscanf(line, "%lx-%lx", &start, &end) != 2 || end - start < WORTH_IT)
			continue;
		start = (start + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1ul);
		madvise((void *)start, (end - start) & ~(HUGE_PAGE - 1ul), MADV_COLLAPSE);
	}
	if (f)
		fclose(f);
}
