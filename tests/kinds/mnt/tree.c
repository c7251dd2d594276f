/* tests/kinds/mnt/tree.c -- a mount namespace of its own: tmpfs with content, a read-only bind, shared and slave mounts, one over
 * another.
 *
 * harness: places: host
 * harness: peer: wants the program and the root itself in mounts of the tree
 */

#include <sched.h>
#include <sys/mount.h>

#include "tests/harness/subject.h"

static void put(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_WRONLY, 0640);

	MUST(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void expect(const char *path, const char *text)
{
	char now[64] = "";
	int fd = open(path, O_RDONLY);

	CHECK(fd >= 0, "%s: %s", path, strerror(errno));
	if (fd < 0)
		return;
	CHECK(read(fd, now, sizeof(now) - 1) == (ssize_t)strlen(text) && !strcmp(now, text), "%s has '%s'", path, now);
	close(fd);
}

int main(int argc, char **argv)
{
	subject_begin(argc, argv);
	MUST(unshare(CLONE_NEWNS) == 0);
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	MUST(mkdir("t", 0755) == 0 && mount("files", "t", "tmpfs", MS_NODEV, "size=1m,mode=750") == 0);
	put("t/file", "content");
	MUST(mkdir("t/dir", 0700) == 0 && link("t/file", "t/dir/link") == 0 && symlink("../file", "t/dir/symlink") == 0);
	MUST(mkdir("t/bind", 0755) == 0 && mount("t/dir", "t/bind", NULL, MS_BIND, NULL) == 0);
	MUST(mount(NULL, "t/bind", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) == 0);
	MUST(mkdir("s", 0755) == 0 && mount("shared", "s", "tmpfs", 0, NULL) == 0 && mount(NULL, "s", NULL, MS_SHARED, NULL) == 0);
	MUST(mkdir("slave", 0755) == 0 && mount("s", "slave", NULL, MS_BIND, NULL) == 0 &&
		mount(NULL, "slave", NULL, MS_SLAVE, NULL) == 0);
	MUST(mkdir("s/one", 0755) == 0);
	MUST(mkdir("o", 0755) == 0 && mount("below", "o", "tmpfs", 0, NULL) == 0);
	put("o/hidden", "below");
	MUST(mount("above", "o", "tmpfs", 0, NULL) == 0);
	put("o/seen", "above");

	subject_wait();

	expect("t/file", "content");
	expect("t/bind/link", "content");
	expect("t/bind/symlink", "content");
	CHECK(open("t/bind/new", O_CREAT | O_WRONLY, 0600) < 0 && errno == EROFS, "the bind is not read-only");
	expect("o/seen", "above");
	MUST(umount("o") == 0);
	expect("o/hidden", "below");
	/* What happens at the master is seen by the slave, and not the other way. */
	MUST(mount("in", "s/one", "tmpfs", 0, NULL) == 0);
	put("s/one/f", "propagated");
	expect("slave/one/f", "propagated");
	return subject_end();
}
