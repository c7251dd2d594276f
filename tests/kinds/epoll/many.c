/* tests/kinds/epoll/many.c -- thousands of watches of eventfds, sockets and pipes. Of some the number is closed (another one leads to the
 * file still), of some it is another file's since; some numbers are watched twice, for two files.
 *
 * harness: timeout: 90
 * harness: to-peer: it finds a watch by its number alone
 * harness: from-peer: it finds a watch by its number alone
 */

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "tests/harness/subject.h"

enum { NR = 2000, APART = 300, TOP = 10000 };

static int made[NR], other[NR], is_now[NR]; /* what was added; its other end; a number that it has now */

static void watch(int epfd, int fd, int nr)
{
	struct epoll_event ev = { .events = EPOLLIN | (nr % 3 ? 0 : EPOLLET), .data.u64 = (uint64_t)nr << 32 | 7 };

	MUST(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev) == 0);
}

static void make(int nr)
{
	int ends[2];

	switch (nr % 4) {
	case 0:
		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
		break;
	case 1:
		MUST(pipe(ends) == 0);
		break;
	default:
		ends[0] = ends[1] = eventfd(0, EFD_NONBLOCK);
		MUST(ends[0] >= 0);
	}
	made[nr] = is_now[nr] = ends[0];
	other[nr] = ends[1];
}

int main(int argc, char **argv)
{
	struct rlimit limit = { 20000, 20000 };
	static struct epoll_event events[NR + 10];
	static char seen[NR];
	int epfd, nr, fresh, twice = 0;
	uint64_t one = 1;

	subject_begin(argc, argv);
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		subject_skip("not enough descriptors are allowed");
	epfd = epoll_create1(EPOLL_CLOEXEC);
	MUST(epfd >= 0);
	for (int i = 0; i < NR; i++) {
		make(i);
		watch(epfd, made[i], i);
	}
	for (int i = 2; i < NR; i += APART) {
		/* eventfds: the number is closed, or an eventfd again, or one that is watched under it, too */
		is_now[i] = fcntl(made[i], F_DUPFD, TOP);
		other[i] = is_now[i];
		MUST(is_now[i] >= 0 && close(made[i]) == 0);
		if (i / APART % 3 == 0)
			continue;
		fresh = eventfd(0, 0);
		MUST(fresh >= 0 && (fresh == made[i] || (dup2(fresh, made[i]) == made[i] && close(fresh) == 0)));
		if (i / APART % 3 == 2) {
			watch(epfd, made[i], NR + i);
			MUST(write(made[i], &one, 8) == 8);
			twice++;
		}
	}

	subject_wait();

	for (int i = 0; i < NR; i++)
		CHECK(write(other[i], &one, 8) == 8, "%d: %s", i, strerror(errno));
	nr = epoll_wait(epfd, events, NR + 10, 0);
	CHECK(nr == NR + twice || nr == NR + 10, "%d events of %d", nr, NR + twice);
	for (int i = 0; i < nr; i++) {
		uint64_t which = events[i].data.u64 >> 32;

		CHECK((events[i].data.u64 & 0xffffffff) == 7, "data %#llx", (unsigned long long)events[i].data.u64);
		if (which < NR)
			seen[which] = 1;
		else
			CHECK((which - NR) % APART == 2, "an event of %d", (int)which);
	}
	for (int i = 0; nr == NR + twice && i < NR; i++)
		CHECK(seen[i], "watch %d is not there", i);
	return subject_end();
}
