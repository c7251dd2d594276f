/* tests/kinds/unix/across.c -- a pair with one side here and the other side in a child, and one that only children have. */

#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	char buf[20] = "";
	int ours[2], theirs[2], status;

	subject_begin(argc, argv);
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ours) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, theirs) == 0);
	if (fork() == 0) {
		ssize_t got;

		close(ours[0]);
		close(theirs[0]);
		subject_leave("one", "");
		/* Hands on what comes, and answers. */
		while ((got = recv(ours[1], buf, sizeof(buf), 0)) > 0)
			if (send(theirs[1], buf, (size_t)got, 0) != got || recv(theirs[1], buf, 20, 0) <= 0 ||
				send(ours[1], buf, (size_t)got, 0) != got)
				_exit(1);
		_exit(0);
	}
	if (fork() == 0) {
		ssize_t got;

		close(ours[0]);
		close(ours[1]);
		close(theirs[1]);
		subject_leave("two", "");
		while ((got = recv(theirs[0], buf, sizeof(buf), 0)) > 0) {
			for (ssize_t i = 0; i < got; i++)
				buf[i] ^= 0x20;
			if (send(theirs[0], buf, (size_t)got, 0) != got)
				_exit(2);
		}
		_exit(0);
	}
	close(ours[1]);
	close(theirs[0]);
	close(theirs[1]);
	subject_wait_for("one");
	subject_wait_for("two");
	subject_wait();

	CHECK(send(ours[0], "question", 8, 0) == 8, "%s", strerror(errno));
	CHECK(recv(ours[0], buf, 20, 0) == 8 && !memcmp(buf, "QUESTION", 8), "'%s'", buf);
	close(ours[0]);
	for (int i = 0; i < 2; i++) {
		if (wait(&status) > 0)
			CHECK(status == 0, "a child ends with status %#x", status);
	}
	return subject_end();
}
