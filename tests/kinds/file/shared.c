/* tests/kinds/file/shared.c -- descriptions shared by fork, at other numbers, after the parent closed them, between siblings. */

#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/harness/subject.h"

static int *stage;

static void reach(int n)
{
	while (*(volatile int *)stage < n)
		subject_nap();
}

int main(int argc, char **argv)
{
	char c = 0;
	int both, only_children, moved, status;
	pid_t one, two;

	subject_begin(argc, argv);
	both = open("stage", O_RDWR | O_CREAT, 0600);
	MUST(both >= 0 && ftruncate(both, 4096) == 0);
	stage = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, both, 0);
	MUST(stage != MAP_FAILED && close(both) == 0);
	both = open("both", O_RDWR | O_CREAT, 0644);
	only_children = open("children", O_RDWR | O_CREAT, 0644);
	MUST(both >= 0 && only_children >= 0);
	MUST(write(both, "0123456789", 10) == 10 && lseek(both, 0, SEEK_SET) == 0);
	MUST(write(only_children, "abcdefghij", 10) == 10 && lseek(only_children, 0, SEEK_SET) == 0);
	one = fork();
	if (one == 0) {
		moved = dup2(both, 77);
		close(both);
		subject_leave("one", "");
		reach(1);
		if (read(moved, &c, 1) != 1 || c != '0')
			_exit(1);
		if (read(only_children, &c, 1) != 1 || c != 'a')
			_exit(2);
		__atomic_store_n(stage, 2, __ATOMIC_SEQ_CST);
		reach(4);
		_exit(0);
	}
	two = fork();
	if (two == 0) {
		fcntl(only_children, F_SETFD, FD_CLOEXEC);
		subject_leave("two", "");
		reach(2);
		if (read(only_children, &c, 1) != 1 || c != 'b')
			_exit(3);
		if (fcntl(only_children, F_GETFD) != FD_CLOEXEC)
			_exit(4);
		__atomic_store_n(stage, 3, __ATOMIC_SEQ_CST);
		reach(4);
		_exit(0);
	}
	MUST(one > 0 && two > 0);
	close(only_children);
	subject_wait_for("one");
	subject_wait_for("two");
	subject_wait();

	__atomic_store_n(stage, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 600 && *(volatile int *)stage < 3 && waitpid(-1, &status, WNOHANG) == 0; i++)
		subject_nap();
	CHECK(*stage == 3, "a child failed with status %d", status >> 8);
	CHECK(read(both, &c, 1) == 1 && c == '1', "the child's reading did not move the parent's position: '%c'", c);
	CHECK(read(only_children, &c, 1) < 0 && errno == EBADF, "what the parent closed is open");
	__atomic_store_n(stage, 4, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 2; i++) {
		if (waitpid(-1, &status, 0) > 0)
			CHECK(status == 0, "a child ends with status %d", status >> 8);
	}
	return subject_end();
}
