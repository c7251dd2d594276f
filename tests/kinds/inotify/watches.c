/* tests/kinds/inotify/watches.c -- watches on a directory, on a file, on one that was renamed, under numbers with gaps; and no
 * watch at all. */

#include <sys/inotify.h>

#include "tests/harness/subject.h"

static void make_file(const char *name)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	MUST(fd >= 0 && close(fd) == 0);
}

/* The next event: its watch and mask, and the name it has; 0 when there is none. */
static int next_event(int fd, uint32_t *mask, char *name)
{
	char buf[4096] __attribute__((aligned(8)));
	struct inotify_event *ev = (struct inotify_event *)buf;
	ssize_t got = read(fd, buf, sizeof(buf));

	if (got <= 0)
		return 0;
	*mask = ev->mask;
	strcpy(name, ev->len ? ev->name : "");
	return ev->wd;
}

int main(int argc, char **argv)
{
	int fd, none, dir, file, moved, wd;
	uint32_t mask;
	char name[256];

	subject_begin(argc, argv);
	MUST(mkdir("watched", 0700) == 0);
	make_file("one");
	make_file("two");
	fd = inotify_init1(IN_NONBLOCK);
	none = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	MUST(fd >= 0 && none >= 0);
	/* Numbers 1 to 4 are taken back again: 5 is the first in use. */
	for (int i = 0; i < 4; i++)
		MUST(inotify_rm_watch(fd, inotify_add_watch(fd, ".", IN_DELETE)) == 0);
	dir = inotify_add_watch(fd, "watched", IN_CREATE | IN_DELETE | IN_ONLYDIR);
	file = inotify_add_watch(fd, "one", IN_OPEN | IN_ONESHOT);
	moved = inotify_add_watch(fd, "two", IN_MODIFY);
	MUST(dir == 5 && file == 6 && moved == 7);
	MUST(rename("two", "three") == 0);
	while (next_event(fd, &mask, name))
		;

	subject_wait();

	CHECK(!next_event(fd, &mask, name), "there is an event nobody made: %#x", mask);
	make_file("watched/new");
	wd = next_event(fd, &mask, name);
	CHECK(wd == dir && mask == IN_CREATE && !strcmp(name, "new"), "watch %d says %#x of '%s'", wd, mask, name);
	make_file("one");
	make_file("one");
	wd = next_event(fd, &mask, name);
	CHECK(wd == file && mask == IN_OPEN, "watch %d says %#x", wd, mask);
	MUST(truncate("three", 10) == 0);
	wd = next_event(fd, &mask, name);
	if (wd == file && mask == IN_IGNORED) /* the one that watches once is gone */
		wd = next_event(fd, &mask, name);
	CHECK(wd == moved && mask == IN_MODIFY, "watch %d says %#x", wd, mask);
	wd = inotify_add_watch(fd, ".", IN_DELETE);
	CHECK(wd > moved, "the next watch has number %d", wd);
	CHECK(inotify_add_watch(none, ".", IN_DELETE) == 1, "the first watch of the empty one");
	return subject_end();
}
