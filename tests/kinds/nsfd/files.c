/* tests/kinds/nsfd/files.c -- open files of /proc/PID/ns: of namespaces of the subject's own, and of those that it shares with others.
 */

#include <sched.h>

#include "tests/harness/subject.h"

static const char *const names[] = { "uts", "ipc", "net", "pid", "mnt" };

#define NR (sizeof(names) / sizeof(names[0]))

static ino_t now(const char *name)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	MUST(stat(path, &st) == 0);
	return st.st_ino;
}

int main(int argc, char **argv)
{
	int fds[NR];

	subject_begin(argc, argv);
	for (size_t i = 0; i < NR; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		fds[i] = open(path, O_RDONLY);
		MUST(fds[i] >= 0);
	}

	subject_wait();

	for (size_t i = 0; i < NR; i++) {
		struct stat st;

		MUST(fstat(fds[i], &st) == 0);
		CHECK(st.st_ino == now(names[i]), "the %s namespace is another one", names[i]);
	}
	return subject_end();
}
