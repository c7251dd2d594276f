/* tests/kinds/mnt/across.c -- files in the mount namespaces of two tasks: deleted ones on a read-only mount and seen through several
 * mounts, unix sockets of the same name, watches of what the other one has mounted, a mark of a mount.
 *
 * harness: places: host
 * harness: peer: wants the program and the root itself in mounts of the tree
 */

#include <sched.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/harness/family.h"

static int readonly, left, right, watch, mark;

static void put(int fd, const char *text)
{
	MUST(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

static void put_in(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_APPEND, 0600);

	put(fd, text);
	close(fd);
}

static void expect(int fd, const char *text, const char *what)
{
	char now[32] = "";

	CHECK(pread(fd, now, sizeof(now) - 1, 0) == (ssize_t)strlen(text) && !strcmp(now, text), "%s has '%s'", what, now);
}

/* Bound to a name in the tmpfs "own", with one that is connected to it. */
static void talk(int *bound, int *connected)
{
	struct sockaddr_un addr = { AF_UNIX, "own/socket" };

	*bound = socket(AF_UNIX, SOCK_DGRAM, 0);
	*connected = socket(AF_UNIX, SOCK_DGRAM, 0);
	MUST(*bound >= 0 && *connected >= 0 && bind(*bound, (struct sockaddr *)&addr, sizeof(addr)) == 0 &&
		connect(*connected, (struct sockaddr *)&addr, sizeof(addr)) == 0);
}

static void listen_to(int bound, int connected, const char *who)
{
	struct sockaddr_un addr = { AF_UNIX, "own/socket" };
	char text[32] = "";

	CHECK(write(connected, who, strlen(who)) == (ssize_t)strlen(who) && read(bound, text, sizeof(text) - 1) > 0 && !strcmp(text, who),
		"%s heard '%s'", who, text);
	close(connected);
	connected = socket(AF_UNIX, SOCK_DGRAM, 0);
	CHECK(connect(connected, (struct sockaddr *)&addr, sizeof(addr)) == 0, "%s: connect by name: %s", who, strerror(errno));
	CHECK(write(connected, "again", 5) == 5 && read(bound, text, sizeof(text)) == 5, "%s: the name leads elsewhere", who);
	close(connected);
	close(bound);
}

static void child(void *arg)
{
	int bound, connected;

	MUST(unshare(CLONE_NEWNS) == 0);
	/* What both had mounted is here as other mounts; of "part" the other half. */
	MUST(umount("part") == 0 && mount("whole/right", "part", NULL, MS_BIND, NULL) == 0 && umount("whole") == 0);
	right = open("part/file", O_RDWR);
	MUST(right >= 0);
	MUST(mount("own", "own", "tmpfs", 0, NULL) == 0);
	put_in("own/watched", "child");
	talk(&bound, &connected);
	child_up();
	subject_wait_for("go");
	expect(right, "both", "the child's file");
	CHECK(access("part/file", F_OK) < 0, "the deleted file is there in the child's mount");
	listen_to(bound, connected, "child");
	put_in("own/watched", "!");
	subject_leave("written", "");
	subject_wait_for("done");
}

int main(int argc, char **argv)
{
	char here[4096], path[4300], events[4096];
	int bound, connected;
	struct stat st;
	pid_t pid;

	subject_begin(argc, argv);
	MUST(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	MUST(mkdir("whole", 0755) == 0 && mkdir("part", 0755) == 0 && mkdir("own", 0755) == 0 && mkdir("ro", 0755) == 0);
	MUST(mount("whole", "whole", "tmpfs", 0, NULL) == 0 && mkdir("whole/left", 0755) == 0 && mkdir("whole/right", 0755) == 0);
	MUST(mount("whole/left", "part", NULL, MS_BIND, NULL) == 0);
	left = open("part/file", O_CREAT | O_RDWR, 0600);
	put(left, "both");
	MUST(link("whole/left/file", "whole/right/file") == 0);
	pid = child_start(child, NULL);
	MUST(unlink("whole/left/file") == 0 && unlink("whole/right/file") == 0);

	MUST(mount("ro", "ro", "tmpfs", 0, NULL) == 0);
	put_in("ro/file", "read-only");
	readonly = open("ro/file", O_RDONLY);
	MUST(readonly >= 0 && unlink("ro/file") == 0 && mount(NULL, "ro", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) == 0);

	MUST(mount("own", "own", "tmpfs", 0, NULL) == 0);
	talk(&bound, &connected);
	watch = inotify_init1(IN_NONBLOCK);
	MUST(getcwd(here, sizeof(here)));
	snprintf(path, sizeof(path), "/proc/%d/root%s/own/watched", (int)pid, here);
	MUST(watch >= 0 && inotify_add_watch(watch, path, IN_MODIFY) == 1);
	mark = fanotify_init(FAN_NONBLOCK | FAN_CLASS_NOTIF, O_RDONLY);
	MUST(mark >= 0 && fanotify_mark(mark, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_MODIFY, AT_FDCWD, "own") == 0);

	subject_wait();

	expect(readonly, "read-only", "the file on the read-only mount");
	CHECK(fstat(readonly, &st) == 0 && st.st_nlink == 0, "it has %d names", (int)st.st_nlink);
	CHECK(open("ro/new", O_CREAT | O_WRONLY, 0600) < 0 && errno == EROFS, "the mount is not read-only");
	expect(left, "both", "the parent's file");
	CHECK(access("part/file", F_OK) < 0 && access("whole/right/file", F_OK) < 0, "the deleted file is there");
	listen_to(bound, connected, "parent");
	subject_leave("go", "");
	subject_wait_for("written");
	CHECK(read(watch, events, sizeof(events)) > 0 && ((struct inotify_event *)events)->wd == 1, "nothing was seen of the child's mount");
	CHECK(read(mark, events, sizeof(events)) < 0 && errno == EAGAIN, "the mark saw what the child wrote in its own");
	put_in("own/new", "seen");
	CHECK(read(mark, events, sizeof(events)) > 0, "nothing was seen of the marked mount");
	/* They are one file, still. */
	CHECK(pwrite(left, "BOTH", 4, 0) == 4, "write: %s", strerror(errno));
	subject_leave("done", "");
	child_end(pid);
	return subject_end();
}
