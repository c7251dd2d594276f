/* tests/kinds/sched/autogroup.c -- the nice value that a session has as a whole: sched(7), "The autogroup feature".
 *
 * harness: peer: has no field for it
 */

#include "tests/harness/family.h"

static int nice_of_session(void)
{
	char text[64];
	int nice = 99, fd = open("/proc/self/autogroup", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	close(fd);
	text[len < 0 ? 0 : len] = 0;
	sscanf(text, "%*s nice %d", &nice);
	return nice;
}

static void set(const char *value)
{
	int fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		subject_skip("there are no autogroups");
	MUST(fd >= 0 && write(fd, value, strlen(value)) > 0 && close(fd) == 0);
}

static void child(void *arg)
{
	MUST(setsid() > 0);
	set("-4");
	child_up();
	subject_wait_for("go");
	CHECK(nice_of_session() == -4, "the child's session has nice %d", nice_of_session());
}

int main(int argc, char **argv)
{
	pid_t pid;

	subject_begin(argc, argv);
	setsid();
	set("7");
	if (nice_of_session() != 7)
		subject_skip("autogroups do not count here");
	pid = child_start(child, NULL);

	subject_wait();

	CHECK(nice_of_session() == 7, "nice %d", nice_of_session());
	child_end(pid);
	return subject_end();
}
