/* tests/kinds/prctl/oom.c -- oom_score_adj of a parent and its child. */

#include "tests/harness/family.h"

static void write_score(const char *text)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	MUST(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void check_score(const char *want)
{
	char text[16] = "";
	int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);

	MUST(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	CHECK(strcmp(text, want) == 0, "oom_score_adj is %s, not %s", text, want);
}

static void child(void *arg)
{
	write_score("1000\n");
	child_up();
	subject_wait_for("go");
	check_score("1000\n");
}

int main(int argc, char **argv)
{
	pid_t pid;

	subject_begin(argc, argv);
	pid = child_start(child, NULL);
	write_score("333\n");

	subject_wait();

	check_score("333\n");
	child_end(pid);
	return subject_end();
}
