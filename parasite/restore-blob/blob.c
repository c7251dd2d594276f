/* parasite/restore-blob/blob.c -- plays the tape of a thread, then waits to be taken over.
 *
 * Runs in a task whose old address space it has just thrown away: no libc, no descriptors, all signals
 * blocked. What it is to do was all decided before; here is only how. A failure is noted once for the whole
 * run; whoever fails, or sees that somebody has, just waits for criu-restore to kill it.
 */

#include <asm-generic/errno-base.h>
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/time_types.h>

#include "parasite/nolibc/string.h"
#include "parasite/nolibc/syscall.h"
#include "parasite/restore.h"

void blob_play(struct blob_thread *th) __attribute__((noreturn));
long blob_clone(struct clone_args *args, unsigned long size, struct blob_thread *th);

enum {
	/* The kernel gives timers of a task ascending numbers; a program that has used up so many is not
	 * likely. */
	BLOB_TIMER_TRIES = 1 << 20,
	BLOB_AIO_BATCH = 32,
};

static void blob_wake(uint32_t *word)
{
	nolibc_syscall(__NR_futex, word, FUTEX_WAKE, 0x7fffffff);
}

static void blob_add(uint32_t *word, uint32_t add)
{
	__atomic_add_fetch(word, add, __ATOMIC_SEQ_CST);
	blob_wake(word);
}

/* Until the word has changed from what it was. Now and then we look up: whoever was to wake us may be
 * gone. */
static void blob_sleep(uint32_t *word, uint32_t was)
{
	static const struct __kernel_timespec look_up = { .tv_nsec = 200 * 1000 * 1000 };

	nolibc_syscall(__NR_futex, word, FUTEX_WAIT, was, &look_up);
}

/* Nothing is left to do here but to be taken over, or to see that nobody is left to do that. */
static void blob_rest(struct blob_thread *th) __attribute__((noreturn));
static void blob_rest(struct blob_thread *th)
{
	uint32_t *front = &th->shared->front;
	uint32_t now;

	while (!((now = __atomic_load_n(front, __ATOMIC_SEQ_CST)) & FUTEX_OWNER_DIED))
		blob_sleep(front, now);
	blob_wake(front);
	for (;;)
		nolibc_syscall(__NR_exit_group, 1);
}

static void blob_wait(struct blob_thread *th, uint32_t *word, uint32_t value)
{
	uint32_t now;

	while ((now = __atomic_load_n(word, __ATOMIC_SEQ_CST)) != value) {
		blob_sleep(word, now);
		if (__atomic_load_n(&th->shared->front, __ATOMIC_SEQ_CST) & FUTEX_OWNER_DIED)
			blob_rest(th);
	}
}

static void blob_event(struct blob_shared *s)
{
	blob_add(&s->events, 1);
}

static void blob_fail(struct blob_thread *th, const struct blob_step *step, long ret)
	__attribute__((noreturn));
static void blob_fail(struct blob_thread *th, const struct blob_step *step, long ret)
{
	struct blob_shared *s = th->shared;
	uint32_t none = 0;

	if (__atomic_compare_exchange_n(&s->failed, &none, 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		s->err_pid = th->pid;
		s->err_tid = th->tid;
		s->err_code = 0;
		s->err_errno = nolibc_is_error(ret) ? -ret : 0;
		nolibc_copy_text(s->err_text, step->what, sizeof(s->err_text));
		__atomic_store_n(&s->failed, 2, __ATOMIC_SEQ_CST);
		blob_event(s);
	}
	blob_rest(th);
}

static long blob_spawn(struct blob_thread *th)
{
	int32_t tid = th->tid;
	struct clone_args args;

	memset(&args, 0, sizeof(args));
	args.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	args.stack = th->stack - BLOB_STACK_SIZE;
	args.stack_size = BLOB_STACK_SIZE;
	args.set_tid = (uintptr_t)&tid;
	args.set_tid_size = 1;
	return blob_clone(&args, sizeof(args), th);
}

static long blob_timer_create(long clock, void *event, int wanted)
{
	for (int i = 0; i < BLOB_TIMER_TRIES; i++) {
		int id = -1;
		long ret = nolibc_syscall(__NR_timer_create, clock, event, &id);

		if (ret || id == wanted)
			return ret;
		ret = nolibc_syscall(__NR_timer_delete, id);
		if (ret)
			return ret;
	}
	return -EAGAIN;
}

/* Bring the kernel's tail n places further: by reads of nothing, which are done at once. drain: their events
 * are taken away, else they stay. */
static long blob_aio_turn(
	unsigned long ctx, volatile struct blob_aio_ring *ring, int fd, uint32_t n, int drain)
{
	struct iocb io, *list[BLOB_AIO_BATCH];

	memset(&io, 0, sizeof(io));
	io.aio_lio_opcode = IOCB_CMD_PREAD;
	io.aio_fildes = fd;
	for (int i = 0; i < BLOB_AIO_BATCH; i++)
		list[i] = &io;
	while (n) {
		long did = nolibc_syscall(
			__NR_io_submit, ctx, n < BLOB_AIO_BATCH ? n : BLOB_AIO_BATCH, list);

		if (did <= 0)
			return did ? did : -EAGAIN;
		n -= did;
		if (drain)
			ring->head = ring->tail;
	}
	return 0;
}

/* What is in the ring is what the kernel thinks is there: it counts what was not taken yet. */
static long blob_aio(const struct blob_aio *aio)
{
	const struct blob_aio_ring *old = aio->content;
	volatile struct blob_aio_ring *ring;
	unsigned long ctx = 0;
	long ret = nolibc_syscall(__NR_io_setup, aio->nr_req, &ctx);

	if (ret)
		return ret;
	ring = (volatile struct blob_aio_ring *)ctx;
	if (ring->magic != old->magic || ring->nr != old->nr || ring->header != old->header)
		return -ENOEXEC;
	ret = blob_aio_turn(ctx, ring, aio->fd, old->head, 1);
	if (!ret)
		ret = blob_aio_turn(ctx, ring, aio->fd, (old->tail + old->nr - old->head) % old->nr, 0);
	if (ret)
		return ret;
	if (ring->head != old->head || ring->tail != old->tail)
		return -EIO;
	memcpy((char *)ctx + old->header, (const char *)old + old->header, aio->len - old->header);
	ret = nolibc_syscall6(__NR_mremap, ctx, aio->len, aio->len,
		MREMAP_MAYMOVE | MREMAP_FIXED, aio->at, 0);
	return nolibc_is_error(ret) ? ret : 0;
}

static long blob_step_run(struct blob_thread *th, const struct blob_step *s)
{
	const uint64_t *a = s->args;

	switch (s->nr) {
	case BLOB_COPY:
		memcpy((void *)a[0], (const void *)a[1], a[2]);
		return 0;
	case BLOB_ADD:
		blob_add((uint32_t *)a[0], a[1]);
		return 0;
	case BLOB_WAIT:
		blob_wait(th, (uint32_t *)a[0], a[1]);
		return 0;
	case BLOB_SPAWN:
		return blob_spawn((struct blob_thread *)a[0]);
	case BLOB_TIMER_CREATE:
		return blob_timer_create(a[0], (void *)a[1], a[2]);
	case BLOB_AIO:
		return blob_aio((const struct blob_aio *)a[0]);
	case BLOB_COMPAT:
		return nolibc_syscall_compat(a[0], a[1], a[2], a[3], a[4]);
	default:
		return nolibc_syscall6(s->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
}

void blob_play(struct blob_thread *th)
{
	struct blob_shared *shared = th->shared;

	for (uint64_t i = 0; i < th->tape.nr; i++) {
		const struct blob_step *s = &th->tape.steps[i];
		long ret = blob_step_run(th, s);

		if (s->flags & BLOB_EXPECT ? (uint64_t)ret == s->expect : !nolibc_is_error(ret))
			i += s->skip;
		else if (!(s->flags & BLOB_MAY_FAIL))
			blob_fail(th, s, ret);
	}

	/* Nothing of the tape is used any more: the front may take this thread over at any moment from here
	 * on. */
	if (!__atomic_sub_fetch(&shared->busy, 1, __ATOMIC_SEQ_CST))
		blob_event(shared);
	blob_rest(th);
}
