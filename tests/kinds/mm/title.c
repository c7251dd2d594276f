/* tests/kinds/mm/title.c -- a task that has written over its arguments, and one that has put them elsewhere. */

#include <linux/prctl.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "tests/harness/family.h"

enum { SIZE = 4096 };

static const char moved[] = "a title\0of three\0parts";

static void check_file(const char *name, const char *want, size_t size)
{
	char text[8192], path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = read(fd, text, sizeof(text));
	close(fd);
	CHECK(n == (ssize_t)size && memcmp(text, want, size) == 0, "%s has %zd bytes: %.*s", name, n, (int)n, text);
}

/* As setproctitle(3) of some systems does. */
static void overwriter(void *arg)
{
	char *title = arg;
	size_t size = strlen(title);

	memset(title, 'x', size);
	child_up();
	subject_wait_for("go");
	CHECK(title[0] == 'x' && title[size - 1] == 'x' && title[size] == 0, "the argument is \"%s\"", title);
}

/* PR_SET_MM_MAP is what the kernel lets a task without CAP_SYS_RESOURCE use, and it sets all addresses at once. */
static int read_stat(unsigned long *fields, int from, int n)
{
	char text[4096] = "", *at;
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return -1;
	close(fd);
	at = strrchr(text, ')') + 1;
	for (int i = 3; i < from; i++)
		at = strchr(at + 1, ' ');
	for (int i = 0; i < n; i++)
		fields[i] = strtoul(at, &at, 10);
	return 0;
}

static void mover(void *arg)
{
	char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct prctl_mm_map map = { .exe_fd = -1 };
	unsigned long code[3], data[7];

	MUST(memory != MAP_FAILED && read_stat(code, 26, 3) == 0 && read_stat(data, 45, 7) == 0);
	memcpy(memory, moved, sizeof(moved));
	map.start_code = code[0];
	map.end_code = code[1];
	map.start_stack = code[2];
	map.start_data = data[0];
	map.end_data = data[1];
	map.start_brk = data[2];
	map.brk = (uintptr_t)sbrk(0);
	map.arg_start = (uintptr_t)memory;
	map.arg_end = map.arg_start + sizeof(moved);
	map.env_start = map.arg_end;
	map.env_end = map.env_start;
	MUST(prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0) == 0);
	child_up();
	subject_wait_for("go");
	check_file("cmdline", moved, sizeof(moved));
	check_file("environ", "", 0);
}

int main(int argc, char **argv)
{
	pid_t a, b;

	subject_begin(argc, argv);
	a = child_start(overwriter, argv[0]);
	b = child_start(mover, NULL);

	subject_wait();

	child_end(a);
	child_end(b);
	CHECK(getauxval(AT_PAGESZ) == SIZE && getauxval(AT_SYSINFO_EHDR), "the auxiliary vector is not what it was");
	return subject_end();
}
