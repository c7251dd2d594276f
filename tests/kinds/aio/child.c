/* tests/kinds/aio/child.c -- a context of asynchronous I/O with an event waiting, and a child that was made by fork(2) and so has the ring,
 * but not the context. */

#include <linux/aio_abi.h>
#include <sys/syscall.h>

#include "tests/harness/family.h"

static void child(void *arg)
{
	child_up();
	subject_wait_for("go");
	/* Its copy of the ring has what was in it. */
	CHECK(((volatile unsigned *)arg)[4] == 0xa10a10a1, "there is no ring");
}

int main(int argc, char **argv)
{
	aio_context_t ctx = 0;
	struct iocb io = { .aio_data = 5, .aio_lio_opcode = IOCB_CMD_PREAD }, *list = &io;
	struct io_event e = { 0 };
	pid_t pid;

	subject_begin(argc, argv);
	io.aio_fildes = open("/dev/null", O_RDONLY);
	MUST(syscall(SYS_io_setup, 4, &ctx) == 0);
	MUST(syscall(SYS_io_submit, ctx, 1, &list) == 1);
	pid = child_start(child, (void *)ctx);

	subject_wait();

	CHECK(syscall(SYS_io_getevents, ctx, 1, 1, &e, NULL) == 1 && e.data == 5, "the event is gone");
	child_end(pid);
	return subject_end();
}
