/* tests/kinds/mm/exe.c -- a task whose program file was removed after its start.
 *
 * It makes a copy of its program, becomes it, and removes it.
 */

#include <sys/sendfile.h>

#include "tests/harness/subject.h"

static void copy_self(const char *to)
{
	int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), out = open(to, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0755);
	struct stat st;

	MUST(in >= 0 && out >= 0 && fstat(in, &st) == 0);
	MUST(sendfile(out, in, NULL, st.st_size) == st.st_size);
	close(in);
	close(out);
}

int main(int argc, char **argv)
{
	char link[4096] = "", copy[4096];

	subject_begin(argc, argv);
	subject_path_(copy, sizeof(copy), "copy");
	if (argc == 2) {
		copy_self(copy);
		execl(copy, argv[0], argv[1], "again", NULL);
		MUST(!"execl");
	}
	MUST(unlink(copy) == 0);

	subject_wait();

	MUST(readlink("/proc/self/exe", link, sizeof(link) - 1) > 0);
	CHECK(strcmp(link + strlen(link) - 10, " (deleted)") == 0, "the program is %s", link);
	CHECK(access(copy, F_OK) < 0, "%s is there again", copy);
	return subject_end();
}
