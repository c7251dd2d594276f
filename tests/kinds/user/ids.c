/* tests/kinds/user/ids.c -- a user namespace of its own: ids and their maps.
 *
 * harness: places: host
 */

#include <grp.h>
#include <sched.h>

#include "tests/harness/subject.h"

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	MUST(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

int main(int argc, char **argv)
{
	char text[256] = "";
	unsigned a, b, c;
	int fd;

	subject_begin(argc, argv);
	MUST(unshare(CLONE_NEWUSER) == 0);
	put("/proc/self/setgroups", "deny");
	put("/proc/self/uid_map", "0 0 1");
	put("/proc/self/gid_map", "0 0 1");

	subject_wait();

	CHECK(getuid() == 0 && getgid() == 0, "ids are %d and %d", (int)getuid(), (int)getgid());
	fd = open("/proc/self/uid_map", O_RDONLY);
	MUST(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	CHECK(sscanf(text, "%u %u %u", &a, &b, &c) == 3 && a == 0 && b == 0 && c == 1, "the map is %s", text);
	return subject_end();
}
