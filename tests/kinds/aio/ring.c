/* tests/kinds/aio/ring.c -- contexts of asynchronous I/O: one that was never used, one that has turned round and has events waiting, one that
 * is as full as can be, a large one; each goes on where it was. */

#include <linux/aio_abi.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

struct ring {
	unsigned id, nr, head, tail, magic, compat, incompat, header;
	struct io_event events[];
};

static int null;

/* A read of nothing: done at once. */
static int submit(aio_context_t ctx, uint64_t data)
{
	struct iocb io = { .aio_data = data, .aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = null }, *list = &io;

	return syscall(SYS_io_submit, ctx, 1, &list);
}

static void take(aio_context_t ctx, uint64_t data)
{
	struct io_event e = { 0 };
	struct timespec none = { 0, 0 };
	int got = syscall(SYS_io_getevents, ctx, 1, 1, &e, &none);

	CHECK(got == 1 && e.data == data && e.res == 0, "event %#llx: %d, %#llx", (unsigned long long)data, got,
		(unsigned long long)e.data);
}

static void none_left(aio_context_t ctx)
{
	struct io_event e;
	struct timespec none = { 0, 0 };

	CHECK(syscall(SYS_io_getevents, ctx, 0, 1, &e, &none) == 0, "an event that nobody made");
}

int main(int argc, char **argv)
{
	aio_context_t unused = 0, turned = 0, full = 0, large = 0, gone = 0;
	struct ring *ring;
	unsigned head, tail, waiting = 0;

	subject_begin(argc, argv);
	null = open("/dev/null", O_RDONLY);
	MUST(null >= 0);
	MUST(syscall(SYS_io_setup, 1, &gone) == 0);
	MUST(syscall(SYS_io_setup, 1, &unused) == 0);
	MUST(syscall(SYS_io_setup, 20, &turned) == 0);
	MUST(syscall(SYS_io_setup, 10, &full) == 0);
	MUST(syscall(SYS_io_setup, 1000, &large) == 0);
	MUST(syscall(SYS_io_destroy, gone) == 0);

	ring = (struct ring *)turned;
	for (unsigned i = 0; i < ring->nr + 10; i++) {
		MUST(submit(turned, 1000 + i) == 1);
		if (i < ring->nr - 5)
			take(turned, 1000 + i);
	}
	head = ring->head;
	tail = ring->tail;
	MUST(head > tail);
	while (submit(full, 2000 + waiting) == 1)
		waiting++;
	MUST(errno == EAGAIN && waiting >= 10);
	MUST(submit(large, 3) == 1);

	subject_wait();

	CHECK(ring->head == head && ring->tail == tail, "head %u and tail %u, not %u and %u", ring->head, ring->tail, head, tail);
	CHECK(submit(turned, 7) == 1, "it takes no more: %s", strerror(errno));
	for (unsigned i = ring->nr - 5; i < ring->nr + 10; i++)
		take(turned, 1000 + i);
	take(turned, 7);
	none_left(turned);
	CHECK(submit(full, 1) < 0 && errno == EAGAIN, "the full one takes more");
	for (unsigned i = 0; i < waiting; i++)
		take(full, 2000 + i);
	none_left(full);
	CHECK(submit(full, 8) == 1, "the full one takes nothing any more: %s", strerror(errno));
	take(full, 8);
	none_left(unused);
	CHECK(submit(unused, 9) == 1, "the unused one takes nothing: %s", strerror(errno));
	take(unused, 9);
	take(large, 3);
	none_left(large);
	CHECK(syscall(SYS_io_destroy, large) == 0 && syscall(SYS_io_destroy, unused) == 0, "io_destroy: %s", strerror(errno));
	return subject_end();
}
