/* tests/kinds/file/table.c -- one table for two processes (CLONE_FILES), another of the same files for a third. */

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/harness/subject.h"

struct shared {
	int stage, opened, seen, other;
};

static void reach(struct shared *s, int n)
{
	while (*(volatile int *)&s->stage < n)
		subject_nap();
}

int main(int argc, char **argv)
{
	struct shared *s;
	int fd, ends[2], status;
	pid_t same, own;

	subject_begin(argc, argv);
	fd = open("stage", O_RDWR | O_CREAT, 0600);
	MUST(fd >= 0 && ftruncate(fd, 4096) == 0);
	s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	MUST(s != MAP_FAILED && close(fd) == 0);
	fd = open("data", O_RDWR | O_CREAT, 0644);
	MUST(fd >= 0 && pipe(ends) == 0);
	same = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
	if (same == 0) {
		reach(s, 1);
		s->opened = open("/dev/zero", O_RDONLY);
		close(fd);
		__atomic_store_n(&s->stage, 2, __ATOMIC_SEQ_CST);
		reach(s, 3);
		_exit(0);
	}
	own = fork();
	if (own == 0) {
		reach(s, 2);
		s->other = fcntl(s->opened, F_GETFD);
		s->seen = fcntl(fd, F_GETFD);
		__atomic_store_n(&s->stage, 3, __ATOMIC_SEQ_CST);
		_exit(0);
	}
	MUST(same > 0 && own > 0);
	subject_wait();

	__atomic_store_n(&s->stage, 1, __ATOMIC_SEQ_CST);
	reach(s, 3);
	CHECK(s->opened >= 0 && fcntl(s->opened, F_GETFD) == 0, "what the one opens the other has not (%d)", s->opened);
	CHECK(fcntl(fd, F_GETFD) < 0 && errno == EBADF, "what the one closes the other still has");
	CHECK(s->seen == 0, "the table of its own was changed from outside");
	CHECK(s->other < 0, "the table of its own has what others opened");
	CHECK(write(ends[1], "x", 1) == 1, "%s", strerror(errno));
	for (int i = 0; i < 2; i++) {
		if (waitpid(-1, &status, 0) > 0)
			CHECK(status == 0, "a process ends with status %d", status);
	}
	return subject_end();
}
