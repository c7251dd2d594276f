/* engines/task/timer/timer-restore.c -- how criu-restore makes a task's timers: setitimer(2) and
 * timer_create(2).
 *
 * Timers have numbers that the program knows. Since Linux 6.15 a task can ask for them
 * (PR_TIMER_CREATE_RESTORE_IDS); before, a task numbers its timers from 0 up, and making and deleting them
 * gets there.
 */

#include <linux/time_types.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "criu-restore/task_ops.h"
#include "criuimg/cleanup.h"

#ifndef PR_TIMER_CREATE_RESTORE_IDS
#define PR_TIMER_CREATE_RESTORE_IDS	77
#define PR_TIMER_CREATE_RESTORE_IDS_OFF 0
#define PR_TIMER_CREATE_RESTORE_IDS_ON	1
#define PR_TIMER_CREATE_RESTORE_IDS_GET 2
#endif

#define NS_PER_S 1000000000ull
#define US_PER_S 1000000ull

/* ---- plan ---- */

static bool has_thread(const struct restore_task *t, pid_t tid)
{
	for (size_t i = 0; i < t->nr_threads; i++)
		if (t->threads[i].tid == tid)
			return true;
	return false;
}

static int timer_plan(struct restore *r, struct restore_task *t, struct img_err *err)
{
	const TaskTimersEntry *e = t->core->tc->timers;

	if (!e)
		return 0;
	if (e->real->vusec >= US_PER_S || e->real->iusec >= US_PER_S || e->virt->vusec >= US_PER_S ||
		e->virt->iusec >= US_PER_S || e->prof->vusec >= US_PER_S || e->prof->iusec >= US_PER_S)
		return img_fail(err, IMG_CORRUPT, "interval timer: microseconds out of range");
	for (size_t i = 0; i < e->n_posix; i++) {
		const PosixTimerEntry *p = e->posix[i];

		if (p->insec >= NS_PER_S || p->vnsec >= NS_PER_S || p->it_id > INT32_MAX)
			return img_fail(err, IMG_CORRUPT, "timer %u: numbers out of range", p->it_id);
		if (p->has_notify_thread_id && !has_thread(t, p->notify_thread_id))
			return img_fail(err, IMG_CORRUPT, "timer %u: for thread %d, which is not there",
				p->it_id, p->notify_thread_id);
		if (p->it_sigev_notify & SIGEV_THREAD_ID && !p->has_notify_thread_id)
			return img_fail(err, IMG_UNSUPPORTED,
				"timer %u: for a thread, and the image does not say which", p->it_id);
	}
	return 0;
}

/* ---- tape ---- */

static void set_interval(struct restore_tape *tape, const char *what, int which, const ItimerEntry *e)
{
	struct itimerval it = { { e->isec, e->iusec }, { e->vsec, e->vusec } };

	/* The real one shows nothing left while its signal waits: the kernel starts it again when that is
	 * taken. The signal that restore queues is a signal only, and starts nothing. */
	if (which == ITIMER_REAL && !e->vsec && !e->vusec)
		it.it_value = it.it_interval;
	if (e->vsec || e->vusec || e->isec || e->iusec)
		tape_step(tape, TAPE_ARM, what, SYS_setitimer, which, tape_data(tape, &it, sizeof(it)), 0);
}

static int by_id(const void *a, const void *b)
{
	const PosixTimerEntry *x = *(PosixTimerEntry *const *)a, *y = *(PosixTimerEntry *const *)b;

	return x->it_id < y->it_id ? -1 : x->it_id > y->it_id;
}

static void make_posix(struct restore_tape *tape, const PosixTimerEntry *p, bool by_number)
{
	struct sigevent ev;
	uint64_t event;
	int id = p->it_id;
	char what[32];

	memset(&ev, 0, sizeof(ev));
	ev.sigev_notify = p->it_sigev_notify;
	ev.sigev_signo = p->si_signo;
	ev.sigev_value.sival_ptr = (void *)p->sival_ptr;
	if (p->has_notify_thread_id)
		ev._sigev_un._tid = p->notify_thread_id;
	event = tape_data(tape, &ev, sizeof(ev));

	snprintf(what, sizeof(what), "make timer %d", id);
	if (by_number)
		tape_step(tape, TAPE_TIMERS, what, SYS_timer_create, (int64_t)(int32_t)p->clock_id, event,
			tape_data(tape, &id, sizeof(id)));
	else
		tape_step(
			tape, TAPE_TIMERS, what, BLOB_TIMER_CREATE, (int64_t)(int32_t)p->clock_id, event, id);
}

static void arm_posix(struct restore_tape *tape, const PosixTimerEntry *p)
{
	struct __kernel_itimerspec its = { { p->isec, p->insec }, { p->vsec, p->vnsec } };
	char what[32];

	if (!p->vsec && !p->vnsec)
		return;
	snprintf(what, sizeof(what), "arm timer %u", p->it_id);
	tape_step(
		tape, TAPE_ARM, what, SYS_timer_settime, p->it_id, 0, tape_data(tape, &its, sizeof(its)), 0);
}

static int timer_tape(
	struct restore *r, struct restore_task *t, struct restore_tape *tape, struct img_err *err)
{
	const TaskTimersEntry *e = t->core->tc->timers;
	cleanup_free PosixTimerEntry **sorted = NULL;
	bool by_number;

	if (!e)
		return 0;
	set_interval(tape, "arm ITIMER_REAL", ITIMER_REAL, e->real);
	set_interval(tape, "arm ITIMER_VIRTUAL", ITIMER_VIRTUAL, e->virt);
	set_interval(tape, "arm ITIMER_PROF", ITIMER_PROF, e->prof);
	if (!e->n_posix)
		return 0;

	sorted = calloc(e->n_posix, sizeof(*sorted));
	if (!sorted)
		return img_fail_nomem(err);
	memcpy(sorted, e->posix, e->n_posix * sizeof(*sorted));
	qsort(sorted, e->n_posix, sizeof(*sorted), by_id);

	by_number = prctl(PR_TIMER_CREATE_RESTORE_IDS, PR_TIMER_CREATE_RESTORE_IDS_GET, 0, 0, 0) >= 0;
	if (by_number)
		tape_step(tape, TAPE_TIMERS, "timers by number", SYS_prctl, PR_TIMER_CREATE_RESTORE_IDS,
			PR_TIMER_CREATE_RESTORE_IDS_ON);
	for (size_t i = 0; i < e->n_posix; i++)
		make_posix(tape, sorted[i], by_number);
	if (by_number)
		tape_step(tape, TAPE_TIMERS, "timers by number", SYS_prctl, PR_TIMER_CREATE_RESTORE_IDS,
			PR_TIMER_CREATE_RESTORE_IDS_OFF);
	for (size_t i = 0; i < e->n_posix; i++)
		arm_posix(tape, sorted[i]);
	return 0;
}

extern const struct task_restore_ops timer_restore_ops;

const struct task_restore_ops timer_restore_ops = {
	.name = "timer",
	.plan = timer_plan,
	.tape = timer_tape,
};
