/* tests/kinds/vma/deleted.c -- mappings, private and shared, of a file that was deleted, of one that was replaced under its name, and of a
 * memfd; nobody has descriptors of them any more. A child has them too.
 *
 * harness: compare: no
 */

#include <sys/mman.h>

#include "tests/harness/family.h"

enum { SIZE = 3 * 4096 };

static char *map(int fd, int flags)
{
	char *at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, fd, 0);

	MUST(at != MAP_FAILED);
	return at;
}

static int file(const char *name, char c)
{
	int fd = name ? open(name, O_RDWR | O_CREAT | O_EXCL, 0600) : memfd_create("mapped", MFD_CLOEXEC);
	char page[SIZE];

	memset(page, c, sizeof(page));
	MUST(fd >= 0 && write(fd, page, sizeof(page)) == sizeof(page));
	return fd;
}

static char *shared[3], *private[3];

static void child(void *arg)
{
	child_up();
	subject_wait_for("written");
	for (int i = 0; i < 3; i++)
		CHECK(shared[i][0] == 'x' && private[i][0] == 'P', "file %d: the child sees %c and %c", i, shared[i][0], private[i][0]);
}

int main(int argc, char **argv)
{
	pid_t pid;

	subject_begin(argc, argv);
	for (int i = 0; i < 3; i++) {
		int fd = file(i == 2 ? NULL : i ? "replaced" : "deleted", 'a' + i);

		shared[i] = map(fd, MAP_SHARED);
		private[i] = map(fd, MAP_PRIVATE);
		private[i][0] = 'P';
		shared[i][4096] = 'S';
		close(fd);
	}
	MUST(unlink("deleted") == 0 && unlink("replaced") == 0);
	close(file("replaced", 'z'));
	pid = child_start(child, NULL);

	subject_wait();

	for (int i = 0; i < 3; i++) {
		CHECK(shared[i][0] == 'a' + i && shared[i][4096] == 'S', "file %d: shared: %c %c", i, shared[i][0], shared[i][4096]);
		CHECK(private[i][0] == 'P' && private[i][2 * 4096] == 'a' + i, "file %d: private", i);
		shared[i][0] = 'x';
	}
	subject_leave("written", "");
	child_end(pid);
	return subject_end();
}
