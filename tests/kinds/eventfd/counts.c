/* tests/kinds/eventfd/counts.c -- eventfds with a count, empty, non-blocking, shared with a child. */

#include <sys/eventfd.h>
#include <sys/wait.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	int some, none, shared, status = -1;
	uint64_t n = 0;
	pid_t pid;

	subject_begin(argc, argv);
	some = eventfd(12345, EFD_CLOEXEC);
	none = eventfd(0, EFD_NONBLOCK);
	shared = eventfd(0, 0);
	MUST(some >= 0 && none >= 0 && shared >= 0);
	pid = fork();
	MUST(pid >= 0);
	if (pid == 0) {
		/* Waits in read(2) while it is dumped. */
		_exit(read(shared, &n, sizeof(n)) == sizeof(n) && n == 7 ? 0 : 1);
	}

	subject_wait();

	CHECK(read(some, &n, sizeof(n)) == sizeof(n) && n == 12345, "the count is %llu", (unsigned long long)n);
	CHECK(read(none, &n, sizeof(n)) < 0 && errno == EAGAIN, "an empty non-blocking one: %s", strerror(errno));
	n = 7;
	CHECK(write(shared, &n, sizeof(n)) == sizeof(n), "write: %s", strerror(errno));
	CHECK(waitpid(pid, &status, 0) == pid && status == 0, "the child read something else: %#x", status);
	return subject_end();
}
