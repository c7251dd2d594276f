/* tests/kinds/inotify/deleted.c -- a watch on a file that is deleted and still open cannot be carried, and is named. */
/* harness: expect: refused it watches a deleted file */

#include <sys/inotify.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	int fd, file;

	subject_begin(argc, argv);
	fd = inotify_init1(0);
	file = open("gone", O_CREAT | O_RDWR, 0600);
	MUST(fd >= 0 && file >= 0 && inotify_add_watch(fd, "gone", IN_MODIFY) == 1 && unlink("gone") == 0);

	subject_wait();

	CHECK(inotify_rm_watch(fd, 1) == 0, "the watch is gone: %s", strerror(errno));
	return subject_end();
}
