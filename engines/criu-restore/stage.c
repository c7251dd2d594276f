/* engines/criu-restore/stage.c -- how the processes of a run keep step, and how a failure travels. */

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "criu-restore/made.h"
#include "criu-restore/stage.h"
#include "criuimg/array.h"

/* How long the front takes to see what nobody woke it for: a signal; a process that crashed. */
static const struct timespec look_again = { .tv_nsec = 50 * 1000 * 1000 };
#define LOOK_AT_ALL_NS 500000000ll

static uint32_t load(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void wake(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void sleep_on(uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT, value, &look_again, NULL, 0);
}

/* A task: until the word has changed, or the front is gone. (futex_waitv(2): Linux 5.16) */
static void sleep_beside_front(struct restore *r, uint32_t *word, uint32_t value)
{
	struct futex_waitv on[] = {
		{ .val = value, .uaddr = (uintptr_t)word, .flags = FUTEX_32 },
		{ .val = load(&r->shared->front), .uaddr = (uintptr_t)&r->shared->front, .flags = FUTEX_32 },
	};
	struct timespec look_up;

	/* Now and then we look up in any case: whoever was to pass it on may have been killed. */
	clock_gettime(CLOCK_MONOTONIC, &look_up);
	look_up.tv_sec++;
	if (getpid() == r->front_pid || on[1].val & FUTEX_OWNER_DIED ||
		(syscall(SYS_futex_waitv, on, ARRAY_SIZE(on), 0, &look_up, CLOCK_MONOTONIC) < 0 &&
			errno == ENOSYS))
		sleep_on(word, value);
	/* The kernel has woken one of those who sleep on the front. */
	if (load(&r->shared->front) & FUTEX_OWNER_DIED)
		wake(&r->shared->front);
}

void restore_post(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
	wake(word);
}

void restore_add(uint32_t *word, int32_t add)
{
	__atomic_add_fetch(word, add, __ATOMIC_SEQ_CST);
	wake(word);
}

/* Has anybody failed, or is the front gone? What the text says is of no interest then. */
static int go_on(struct restore *r, struct img_err *err)
{
	if (!restore_has_failed(r) && !(load(&r->shared->front) & FUTEX_OWNER_DIED))
		return 0;
	return img_fail(err, IMG_SYS, "another process of the run failed");
}

int restore_front_watch(struct restore *r, struct img_err *err)
{
	struct front_list {
		struct robust_list_head head;
		struct robust_list entry;
	} *list = restore_shared_alloc(r, sizeof(*list), err);

	if (!list)
		return -1;
	list->entry.next = &list->head.list;
	list->head.list.next = &list->entry;
	list->head.futex_offset = (char *)&r->shared->front - (char *)&list->entry;
	r->shared->front = (uint32_t)gettid() | FUTEX_WAITERS;
	/* In place of the libc's, which has only robust mutexes on it: there are none in this program. */
	if (syscall(SYS_set_robust_list, list, sizeof(list->head)) < 0)
		return img_fail_sys(err, "set_robust_list");
	return 0;
}

void restore_rest(struct restore *r)
{
	uint32_t *front = &r->shared->front;
	uint32_t now;

	while (!((now = load(front)) & FUTEX_OWNER_DIED))
		sleep_on(front, now);
	wake(front);
	_exit(1);
}

int restore_wait(struct restore *r, uint32_t *word, uint32_t value, struct img_err *err)
{
	uint32_t now;

	while ((now = load(word)) != value) {
		if (go_on(r, err) < 0)
			return -1;
		sleep_beside_front(r, word, now);
	}
	return 0;
}

/* ---- stages ---- */

void restore_stage_open(struct restore *r, enum restore_stage stage, size_t nr)
{
	__atomic_store_n(&r->shared->busy, (uint32_t)nr, __ATOMIC_SEQ_CST);
	restore_post(&r->shared->stage, stage);
}

int restore_stage_await(struct restore *r, struct img_err *err)
{
	struct blob_shared *s = r->shared;
	struct timespec before, now;

	clock_gettime(CLOCK_MONOTONIC, &before);
	for (;;) {
		uint32_t events = load(&s->events);

		if (load(&s->failed))
			return restore_fail_get(r, err);
		if (!load(&s->busy))
			return 0;
		sleep_on(&s->events, events);
		if (restore_interrupted(r, err) < 0)
			return -1;

		/* Looking at every process is not for free: only when nothing has happened for a while. */
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (load(&s->events) != events) {
			before = now;
		} else if ((now.tv_sec - before.tv_sec) * 1000000000ll + now.tv_nsec - before.tv_nsec >=
			   LOOK_AT_ALL_NS) {
			before = now;
			if (restore_made_check(r, err) < 0 && !load(&s->failed))
				return -1;
		}
	}
}

int restore_interrupted(struct restore *r, struct img_err *err)
{
	int sig = sigtimedwait(&r->stop_signals, NULL, &(struct timespec){ 0 });

	return sig > 0 ? img_fail(err, IMG_SYS, "interrupted by signal %d (%s)", sig, strsignal(sig)) : 0;
}

void restore_stage_leave(struct restore *r)
{
	if (!__atomic_sub_fetch(&r->shared->busy, 1, __ATOMIC_SEQ_CST))
		restore_add(&r->shared->events, 1);
}

int restore_stage_pass(struct restore *r, enum restore_stage next, struct img_err *err)
{
	uint32_t now;

	restore_stage_leave(r);
	while ((now = load(&r->shared->stage)) < next) {
		if (go_on(r, err) < 0)
			return -1;
		sleep_beside_front(r, &r->shared->stage, now);
	}
	return 0;
}

/* ---- failures ---- */

bool restore_has_failed(const struct restore *r)
{
	return load(&r->shared->failed);
}

void restore_fail_note(struct restore *r, pid_t pid, const struct img_err *err)
{
	struct blob_shared *s = r->shared;
	uint32_t none = 0;

	if (!__atomic_compare_exchange_n(&s->failed, &none, 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return;
	s->err_pid = s->err_tid = pid;
	s->err_code = err->code;
	s->err_errno = err->sys_errno;
	snprintf(s->err_text, sizeof(s->err_text), "%s", err->text);
	__atomic_store_n(&s->failed, 2, __ATOMIC_SEQ_CST);
	restore_add(&s->events, 1);
}

int restore_fail_get(struct restore *r, struct img_err *err)
{
	struct blob_shared *s = r->shared;

	/* Whoever writes it is a few instructions from the end, unless it is dead. */
	for (int i = 0; load(&s->failed) != 2 && i < 100; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 1000 * 1000 }, NULL);

	if (s->err_code) {
		img_fail(err, s->err_code, "%s", s->err_text);
		err->sys_errno = s->err_errno;
	} else if (s->err_errno) {
		errno = s->err_errno;
		img_fail_sys(err, "%s", s->err_text);
	} else {
		img_fail(err, IMG_SYS, "%s: not what was asked for", s->err_text);
	}
	if (s->err_tid != s->err_pid)
		img_wrap(err, "thread %d", s->err_tid);
	if (s->err_pid)
		img_wrap(err, "pid %d", s->err_pid);
	return -1;
}
