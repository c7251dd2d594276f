/* tests/kinds/prctl/coredump-filter.c -- which mappings a core file of each task would have (core(5)).
 *
 * harness: peer: has no field for it
 */

#include "tests/harness/family.h"

static unsigned filter(void)
{
	unsigned value = 0;
	FILE *f = fopen("/proc/self/coredump_filter", "r");

	if (f) {
		if (fscanf(f, "%x", &value) != 1)
			value = 0;
		fclose(f);
	}
	return value;
}

static void set(const char *value)
{
	int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		subject_skip("no core files here");
	MUST(write(fd, value, strlen(value)) > 0 && close(fd) == 0);
}

static void child(void *arg)
{
	set("0");
	child_up();
	subject_wait_for("go");
	CHECK(filter() == 0, "the child has %#x", filter());
}

int main(int argc, char **argv)
{
	pid_t pid;

	subject_begin(argc, argv);
	pid = child_start(child, NULL);
	set("0x7f");

	subject_wait();

	CHECK(filter() == 0x7f, "%#x", filter());
	child_end(pid);
	return subject_end();
}
