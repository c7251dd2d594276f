/* tests/kinds/lsm/label.c -- the security label of a task, on a machine that has such. */

#include "tests/harness/subject.h"

static int label(char *text, size_t size)
{
	int fd = open("/proc/self/attr/current", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	text[n > 0 ? n : 0] = 0;
	if (fd >= 0)
		close(fd);
	return n > 0;
}

int main(int argc, char **argv)
{
	char before[256], after[256];

	subject_begin(argc, argv);
	if (!label(before, sizeof(before)))
		subject_skip("there are no security labels here");

	subject_wait();

	CHECK(label(after, sizeof(after)) && strcmp(before, after) == 0, "the label is %s, not %s", after, before);
	return subject_end();
}
