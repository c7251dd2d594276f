/* tests/kinds/fanotify/marks.c -- fanotify marks on a file, with an ignored mask, and on a directory. */

#include <sys/fanotify.h>

#include "tests/harness/subject.h"

/* The mask of the next event, 0 when there is none. */
static uint64_t next_event(int fd)
{
	struct fanotify_event_metadata ev;

	if (read(fd, &ev, sizeof(ev)) < (ssize_t)sizeof(ev))
		return 0;
	if (ev.fd >= 0)
		close(ev.fd);
	return ev.mask;
}

static void touch(const char *name)
{
	int fd = open(name, O_CREAT | O_RDWR, 0600);

	MUST(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
}

int main(int argc, char **argv)
{
	int fd;
	uint64_t mask;

	subject_begin(argc, argv);
	fd = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK | FAN_CLOEXEC, O_RDONLY | O_LARGEFILE);
	if (fd < 0)
		subject_skip("no fanotify");
	MUST(mkdir("dir", 0700) == 0);
	touch("file");
	touch("dir/inside");
	MUST(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN | FAN_MODIFY, AT_FDCWD, "file") == 0);
	MUST(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY, FAN_OPEN, AT_FDCWD, "file") == 0);
	MUST(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN | FAN_EVENT_ON_CHILD, AT_FDCWD, "dir") == 0);

	subject_wait();

	CHECK(next_event(fd) == 0, "there is an event nobody made");
	touch("file");
	mask = next_event(fd);
	CHECK(mask == FAN_MODIFY, "the file: %#llx", (unsigned long long)mask);
	touch("dir/inside");
	mask = next_event(fd);
	CHECK(mask == FAN_OPEN, "the directory: %#llx", (unsigned long long)mask);
	return subject_end();
}
