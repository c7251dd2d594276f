/* tests/kinds/ipc/sysctl.c -- an IPC namespace of its own: its settings.
 *
 * harness: places: host
 */

#include <sched.h>

#include "tests/harness/subject.h"

static const struct {
	const char *path, *value;
} settings[] = {
	{ "/proc/sys/kernel/msgmax", "4096" },
	{ "/proc/sys/kernel/shmmni", "77" },
	{ "/proc/sys/kernel/sem", "250\t32000\t32\t128" },
};

#define NR (sizeof(settings) / sizeof(settings[0]))

static void set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);

	MUST(fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value));
	close(fd);
}

int main(int argc, char **argv)
{
	MUST(unshare(CLONE_NEWIPC) == 0);
	for (size_t i = 0; i < NR; i++)
		set(settings[i].path, settings[i].value);
	subject_begin(argc, argv);

	subject_wait();

	for (size_t i = 0; i < NR; i++) {
		char now[64] = "";
		int fd = open(settings[i].path, O_RDONLY);

		MUST(fd >= 0 && read(fd, now, sizeof(now) - 1) > 0);
		close(fd);
		now[strcspn(now, "\n")] = '\0';
		CHECK(!strcmp(now, settings[i].value), "%s is %s", settings[i].path, now);
	}
	return subject_end();
}
