/* tests/kinds/epoll/watches.c -- watches of pipes and eventfds with their data; edge-triggered, one-shot and spent; a duplicate; under a number
 * that was closed; an epoll in an epoll; an empty one. */

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "tests/harness/subject.h"

static void add(int ep, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event ev = { .events = events, .data.u64 = data };

	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == 0);
}

/* The data of the one event that is there; 0 when there is none, -1 when there are more. */
static uint64_t ready(int ep, uint32_t *events)
{
	struct epoll_event ev[4];
	int nr = epoll_wait(ep, ev, 4, 0);

	if (nr == 1)
		*events = ev[0].events;
	return nr == 1 ? ev[0].data.u64 : nr ? (uint64_t)-1 : 0;
}

static int pipe_read_end(int *write_end)
{
	int ends[2];

	MUST(pipe(ends) == 0);
	*write_end = ends[1];
	return ends[0];
}

int main(int argc, char **argv)
{
	enum { PLAIN = 1, EDGE, ONCE, CLOSED, DUP };
	const uint64_t wide = 0x123456789abcdef0;
	int plain, edge, once, spent, closed, inner, outer, empty, watched, w[6], moved, dup_fd, dup_ep;
	uint32_t events = 0;
	uint64_t n = 1;

	subject_begin(argc, argv);
	plain = epoll_create1(0);
	edge = epoll_create1(EPOLL_CLOEXEC);
	once = epoll_create1(0);
	spent = epoll_create1(0);
	closed = epoll_create1(0);
	inner = epoll_create1(0);
	outer = epoll_create1(0);
	empty = epoll_create1(0);
	dup_ep = epoll_create1(0);
	MUST(dup_ep >= 0);
	add(plain, pipe_read_end(&w[0]), EPOLLIN, wide);
	add(edge, pipe_read_end(&w[1]), EPOLLIN | EPOLLET, EDGE);
	add(once, pipe_read_end(&w[2]), EPOLLIN | EPOLLONESHOT, ONCE);
	/* Has fired, and watches no more until it is armed again. */
	add(spent, pipe_read_end(&w[3]), EPOLLIN | EPOLLONESHOT, ONCE);
	MUST(write(w[3], "x", 1) == 1 && ready(spent, &events) == ONCE);
	/* Added under a number that is closed, and then given to another file. */
	watched = pipe_read_end(&w[4]);
	add(closed, watched, EPOLLIN, CLOSED);
	moved = dup(watched);
	MUST(moved >= 0 && close(watched) == 0 && eventfd(0, 0) == watched);
	/* One file under two numbers. */
	dup_fd = pipe_read_end(&w[5]);
	add(dup_ep, dup_fd, EPOLLIN, DUP);
	add(dup_ep, dup(dup_fd), EPOLLIN | EPOLLET, DUP + 1);
	add(inner, eventfd(0, 0), EPOLLOUT | EPOLLIN | EPOLLET, 5);
	add(outer, inner, EPOLLIN, 77);

	subject_wait();

	CHECK(ready(plain, &events) == 0, "an event nobody made");
	CHECK(write(w[0], "x", 1) == 1 && ready(plain, &events) == wide && events == EPOLLIN, "plain: events %#x", events);
	CHECK(ready(plain, &events) == wide, "a level does not stay");
	CHECK(write(w[1], "x", 1) == 1 && ready(edge, &events) == EDGE, "edge: no event");
	CHECK(ready(edge, &events) == 0, "an edge stays");
	CHECK(write(w[2], "x", 1) == 1 && ready(once, &events) == ONCE, "one-shot: no event");
	CHECK(ready(once, &events) == 0, "the one shot is two");
	CHECK(ready(spent, &events) == 0, "the spent one fires again");
	CHECK(write(w[4], "x", 1) == 1 && ready(closed, &events) == CLOSED, "closed number: no event");
	CHECK(write(w[5], "x", 1) == 1 && ready(dup_ep, &events) == (uint64_t)-1, "a duplicate is not watched");
	CHECK(ready(outer, &events) == 77, "the epoll in the epoll is not seen");
	CHECK(ready(empty, &events) == 0, "the empty one has an event");
	CHECK(write(watched, &n, sizeof(n)) == sizeof(n), "the number that was given out again: %s", strerror(errno));
	return subject_end();
}
