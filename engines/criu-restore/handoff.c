/* engines/criu-restore/handoff.c -- from the host part of a task to its blob: writing the tapes, and the
 * jump. */

#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-restore/handoff.h"
#include "criu-restore/map.h"
#include "criu-restore/mem.h"
#include "criu-restore/stage.h"
#include "criu-restore/task_ops.h"
#include "kernel/sigaction.h"
#include "parasite/restore-code.h"

enum {
	RSEQ_ROUND = 32,
};

int restore_blob_map(struct restore *r, struct img_err *err)
{
	void *code;

	r->blob_code = restore_scratch_take(r, restore_blob_size, err);
	if (!r->blob_code)
		return -1;
	code = mmap((void *)r->blob_code, restore_blob_size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (code != (void *)r->blob_code)
		return img_fail_sys(err, "map the blob");
	memcpy(code, restore_blob_code, restore_blob_size);
	if (mprotect(code, restore_blob_size, PROT_READ | PROT_EXEC) < 0)
		return img_fail_sys(err, "map the blob");
	return 0;
}

/* ---- the spine's own steps ---- */

/* All but the scratch: what was premapped, shared memory, the tape and the blob are there. */
static void tape_unmap(struct restore *r, struct restore_tape *tape)
{
	tape_step(tape, TAPE_UNMAP, "unmap criu-restore", SYS_munmap, 0, r->scratch.start);
	tape_step(tape, TAPE_UNMAP, "unmap criu-restore", SYS_munmap, r->scratch.end,
		r->task_top - r->scratch.end);
}

static void close_between(struct restore_tape *tape, uint32_t first, uint32_t last)
{
	tape_step(tape, TAPE_CLOSE, "close what is not of the image", SYS_close_range, first, last, 0);
}

/* A table that several tasks share is cleared by its leader, when none of the others needs anything in it any
 * more. */
static void tape_close(struct restore_task *t, struct restore_tape *tape)
{
	const struct restore_fdtable *table = t->fdtable;
	uint32_t next = 0;

	if (table->leader != t) {
		tape_step(tape, TAPE_CLOSE, "mappings done", BLOB_ADD, table->unmapped, (uint32_t)-1);
		return;
	}
	if (table->nr_users > 1) {
		tape_step(tape, TAPE_CLOSE, "mappings done", BLOB_ADD, table->unmapped, (uint32_t)-1);
		tape_step(tape, TAPE_CLOSE, "wait for those who share the descriptors", BLOB_WAIT,
			table->unmapped, 0);
	}
	for (size_t i = 0; i < table->nr_fds; i++) {
		uint32_t fd = table->fds[i]->fd;

		if (fd > next)
			close_between(tape, next, fd - 1);
		next = fd + 1;
	}
	close_between(tape, next, ~0u);
}

static struct blob_thread *new_thread(
	struct restore *r, struct restore_task *t, struct restore_thread *th, struct restore_tape *leader)
{
	uint64_t stack = tape_zero(leader, BLOB_STACK_SIZE);
	uint64_t at = tape_zero(leader, sizeof(struct blob_thread));
	struct blob_thread *b = (struct blob_thread *)at;

	if (!at)
		return NULL;
	b->pid = t->pid;
	b->tid = th->tid;
	b->stack = stack + BLOB_STACK_SIZE;
	b->shared = r->shared;
	return b;
}

static int tape_thread(struct restore *r, struct restore_task *t, struct restore_thread *th,
	struct restore_tape *tape, struct img_err *err)
{
	for (size_t k = 0; k < restore_nr_task_rooms; k++) {
		const struct task_restore_ops *room = restore_task_rooms[k];

		if (room->thread && room->thread(r, t, th, tape, err) < 0)
			return img_wrap(err, "thread %d: %s", th->tid, room->name);
	}
	return 0;
}

/* The other threads: each with a tape of its own; the leader goes on to TAPE_ARM when all have said they are
 * through. */
static int tape_threads(struct restore *r, struct restore_task *t, struct tape_area *area,
	struct restore_tape *leader, struct img_err *err)
{
	uint64_t left = tape_zero(leader, sizeof(uint32_t));

	for (size_t i = 1; i < t->nr_threads; i++) {
		struct restore_thread *th = &t->threads[i];
		struct blob_thread *b = new_thread(r, t, th, leader);
		struct restore_tape *tape = b ? tape_new(area, false) : NULL;
		char what[32];

		if (!tape)
			return img_fail_nomem(err);
		if (tape_thread(r, t, th, tape, err) < 0) {
			tape_finish(tape, &b->tape, NULL);
			return -1;
		}
		tape_step(tape, TAPE_THREAD_LAST, "through", BLOB_ADD, left, (uint32_t)-1);
		if (tape_finish(tape, &b->tape, err) < 0)
			return -1;
		snprintf(what, sizeof(what), "make thread %d", th->tid);
		tape_step(leader, TAPE_THREADS, what, BLOB_SPAWN, b);
	}
	if (t->nr_threads > 1) {
		*(uint32_t *)left = t->nr_threads - 1;
		tape_step(leader, TAPE_TOGETHER, "wait for the threads", BLOB_WAIT, left, 0);
	}
	return tape_thread(r, t, &t->threads[0], leader, err);
}

static int write_tapes(struct restore *r, struct restore_task *t, struct tape_area *area,
	struct restore_tape *leader, struct img_err *err)
{
	for (size_t k = 0; k < restore_nr_task_rooms; k++) {
		const struct task_restore_ops *room = restore_task_rooms[k];

		if (room->tape && room->tape(r, t, leader, err) < 0)
			return img_wrap(err, "%s", room->name);
	}
	tape_unmap(r, leader);
	restore_map_tape(t, leader);
	if (restore_mem_tape(r, t, leader, err) < 0)
		return img_wrap(err, "mem");
	tape_close(t, leader);
	return tape_threads(r, t, area, leader, err);
}

/* ---- the last of libc ---- */

/* What came while the tree was made (children that ended) is nothing that the task should see: a signal set
 * to be ignored is dropped where it is pending. */
static int drop_pending(struct img_err *err)
{
	sigset_t pending;

	if (sigpending(&pending) < 0)
		return img_fail_sys(err, "pending signals");
	for (int sig = 1; sig < NSIG; sig++) {
		if (sigismember(&pending, sig) != 1)
			continue;
		kern_signal_set(sig, SIG_IGN);
		kern_signal_set(sig, SIG_DFL);
	}
	return 0;
}

/* The kernel writes to memory of the libc's when it schedules this thread (rseq) and when it ends (robust
 * list, tid). */
static int leave_libc(struct img_err *err)
{
	if (__rseq_size) {
		void *rseq = (char *)__builtin_thread_pointer() + __rseq_offset;
		/* __rseq_size is what is in use of the area; what was registered is that, rounded up. */
		unsigned size = (__rseq_size + RSEQ_ROUND - 1) & ~(RSEQ_ROUND - 1);

		if (syscall(SYS_rseq, rseq, size, 1 /* RSEQ_FLAG_UNREGISTER */, RSEQ_SIG) < 0)
			return img_fail_sys(err, "leave rseq");
	}
	syscall(SYS_set_robust_list, NULL, 24);
	syscall(SYS_set_tid_address, NULL);
	return 0;
}

void restore_handoff(struct restore *r, struct restore_task *t, struct img_err *err)
{
	struct restore_tape *tape;
	struct blob_thread *leader;
	struct blob_tape steps;
	struct tape_area area;

	if (tape_area_init(&area, r, err) < 0)
		return;
	tape = tape_new(&area, true);
	leader = tape ? new_thread(r, t, &t->threads[0], tape) : NULL;
	if (!leader) {
		img_fail_nomem(err);
		return;
	}
	if (write_tapes(r, t, &area, tape, err) < 0) {
		tape_finish(tape, &steps, NULL);
		return;
	}
	if (tape_finish(tape, &leader->tape, err) < 0)
		return;
	log_debug(r->log, "pid %d: %llu steps for the blob, %llu bytes", t->pid,
		(unsigned long long)leader->tape.nr, (unsigned long long)(area.next - area.start));
	if (drop_pending(err) < 0 || leave_libc(err) < 0)
		return;
	((blob_entry_fn)r->blob_code)(leader);
}
