/* tests/kinds/inotify/deleted.c -- watches on a file that is deleted and still open, of the tree and by a mapping; the directory where it was is watched
 * too, and sees nothing of what restore does there. */
/* harness: peer: CRIU 4.2 leaves events of its own behind */

#include <sys/inotify.h>
#include <sys/mman.h>

#include "tests/harness/subject.h"

static uint32_t next(int fd, int *wd)
{
	char buf[4096] __attribute__((aligned(8)));
	const struct inotify_event *e = (void *)buf;
	ssize_t len = read(fd, buf, sizeof(buf));

	*wd = len > 0 ? e->wd : 0;
	return len > 0 ? e->mask : 0;
}

int main(int argc, char **argv)
{
	int fd, file, other, wd;
	char *map;

	subject_begin(argc, argv);
	fd = inotify_init1(IN_NONBLOCK);
	MUST(fd >= 0 && mkdir("dir", 0700) == 0);
	file = open("dir/gone", O_CREAT | O_RDWR, 0600);
	other = open("dir/mapped", O_CREAT | O_RDWR, 0600);
	MUST(file >= 0 && other >= 0 && ftruncate(other, 4096) == 0);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, other, 0);
	MUST(map != MAP_FAILED && close(other) == 0);
	MUST(inotify_add_watch(fd, "dir/gone", IN_MODIFY | IN_CLOSE_WRITE) == 1);
	MUST(inotify_add_watch(fd, "dir/mapped", IN_MODIFY) == 2);
	MUST(inotify_add_watch(fd, "dir", IN_CREATE | IN_DELETE) == 3);
	MUST(unlink("dir/gone") == 0 && unlink("dir/mapped") == 0);
	while (next(fd, &wd))
		;

	subject_wait();

	CHECK(next(fd, &wd) == 0, "watch %d sees something", wd);
	CHECK(write(file, "x", 1) == 1, "write: %s", strerror(errno));
	CHECK(next(fd, &wd) == IN_MODIFY && wd == 1, "no event of a write, watch %d", wd);
	CHECK(close(open("dir/new", O_CREAT | O_RDWR, 0600)) == 0, "create: %s", strerror(errno));
	CHECK(next(fd, &wd) == IN_CREATE && wd == 3, "no event of a creation, watch %d", wd);
	CHECK(inotify_rm_watch(fd, 2) == 0, "the watch is gone: %s", strerror(errno));
	return subject_end();
}
