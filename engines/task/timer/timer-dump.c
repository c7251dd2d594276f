/* engines/task/timer/timer-dump.c -- what criu-dump saves of a task's timers: setitimer(2) and
 * timer_create(2). */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "criu-dump/task_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/posix-timers.h"

extern const struct task_dump_ops timer_dump_ops;

struct posix_state {
	long ret, overrun;
	struct itimerspec spec;
};

static const int itimers[] = { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };

struct timer_state {
	long ret[ARRAY_SIZE(itimers)];
	struct itimerval it[ARRAY_SIZE(itimers)];
	size_t nr;
	struct kern_timer *timers; /* what they are */
	struct posix_state *posix; /* when they go off */
};

static int timer_ask(struct dump *d, struct dump_task *t, struct inject_batch *b, struct img_err *err)
{
	struct timer_state *s = dump_keep(d, t, &timer_dump_ops, sizeof(*s));
	cleanup_free struct kern_timer *timers = NULL;

	if (!s)
		return img_fail_nomem(err);
	for (size_t i = 0; i < ARRAY_SIZE(itimers); i++)
		inject_call(b, &s->ret[i], SYS_getitimer, inj_val(itimers[i]),
			inj_out(&s->it[i], sizeof(s->it[i])));

	if (kern_timers_read(t->pid, &timers, &s->nr, err) < 0)
		return -1;
	if (!s->nr)
		return 0;
	s->timers = img_arena_memdup(&t->arena, timers, s->nr * sizeof(*timers));
	s->posix = img_arena_array(&t->arena, s->nr, sizeof(*s->posix));
	if (!s->timers || !s->posix)
		return img_fail_nomem(err);
	for (size_t i = 0; i < s->nr; i++) {
		struct posix_state *p = &s->posix[i];

		inject_call(b, &p->overrun, SYS_timer_getoverrun, inj_val(timers[i].id));
		inject_call(b, &p->ret, SYS_timer_gettime, inj_val(timers[i].id),
			inj_out(&p->spec, sizeof(p->spec)));
	}
	return 0;
}

static ItimerEntry *interval(struct dump_task *t, const struct timer_state *s, size_t i, struct img_err *err)
{
	ItimerEntry *e = img_arena_message(&t->arena, ItimerEntry, itimer_entry);

	if (s->ret[i] < 0) {
		errno = -s->ret[i];
		img_fail_sys(err, "getitimer(%d)", itimers[i]);
		return NULL;
	}
	if (!e) {
		img_fail_nomem(err);
		return NULL;
	}
	e->isec = s->it[i].it_interval.tv_sec;
	e->iusec = s->it[i].it_interval.tv_usec;
	e->vsec = s->it[i].it_value.tv_sec;
	e->vusec = s->it[i].it_value.tv_usec;
	return e;
}

static PosixTimerEntry *posix(
	struct dump_task *t, const struct kern_timer *k, const struct posix_state *p, struct img_err *err)
{
	PosixTimerEntry *e = img_arena_message(&t->arena, PosixTimerEntry, posix_timer_entry);
	long ret = p->ret < 0 ? p->ret : p->overrun;

	if (ret < 0) {
		errno = -ret;
		img_fail_sys(err, "timer %d", k->id);
		return NULL;
	}
	if (!e) {
		img_fail_nomem(err);
		return NULL;
	}
	e->it_id = k->id;
	e->clock_id = k->clock;
	e->si_signo = k->signo;
	e->it_sigev_notify = k->notify;
	e->sival_ptr = k->sigval;
	e->overrun = p->overrun;
	e->isec = p->spec.it_interval.tv_sec;
	e->insec = p->spec.it_interval.tv_nsec;
	e->vsec = p->spec.it_value.tv_sec;
	e->vnsec = p->spec.it_value.tv_nsec;
	if (k->notify & SIGEV_THREAD_ID) {
		e->has_notify_thread_id = 1;
		for_each_thread(t, th)
			if (th->tid == k->tid)
				e->notify_thread_id = th->vtid;
	}
	return e;
}

static int timer_task(struct dump *d, struct dump_task *t, struct img_err *err)
{
	struct timer_state *s = dump_keep(d, t, &timer_dump_ops, sizeof(*s));
	TaskTimersEntry *e = img_arena_message(&t->arena, TaskTimersEntry, task_timers_entry);

	if (!e)
		return img_fail_nomem(err);
	e->real = interval(t, s, 0, err);
	e->virt = interval(t, s, 1, err);
	e->prof = interval(t, s, 2, err);
	if (!e->real || !e->virt || !e->prof)
		return -1;
	if (s->nr) {
		e->posix = img_arena_array(&t->arena, s->nr, sizeof(*e->posix));
		if (!e->posix)
			return img_fail_nomem(err);
	}
	for (size_t i = 0; i < s->nr; i++) {
		PosixTimerEntry *one = posix(t, &s->timers[i], &s->posix[i], err);

		if (!one)
			return -1;
		e->posix[e->n_posix++] = one;
		log_info(d->log, "pid %d: timer %d: clock %d, signal %d", t->pid, s->timers[i].id,
			s->timers[i].clock, s->timers[i].signo);
	}
	t->threads[0].core->tc->timers = e;
	return 0;
}

const struct task_dump_ops timer_dump_ops = {
	.name = "timer",
	.ask = timer_ask,
	.task = timer_task,
};
