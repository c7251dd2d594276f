/* tests/kinds/pipe/owner.c -- a pipe belongs to who made it: another user can open it again through /proc/self/fd. */
/* harness: user: 18943 */
/* harness: peer: its images have no place for the owner of a pipe */

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	struct stat st;
	char path[40];
	int p[2];

	subject_begin(argc, argv);
	MUST(pipe(p) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p[0]);
	MUST(close(open(path, O_RDONLY | O_NONBLOCK)) == 0);
	subject_wait();

	CHECK(fstat(p[0], &st) == 0 && st.st_uid == 18943 && st.st_gid == 18943, "owner %u:%u", st.st_uid, st.st_gid);
	CHECK(open(path, O_RDONLY | O_NONBLOCK) >= 0, "open it again: %s", strerror(errno));
	return subject_end();
}
