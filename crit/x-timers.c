/* crit/x-timers.c -- crit x DIR timers: interval timers, POSIX timers, timerfds. */

#include <inttypes.h>
#include <stdio.h>

#include "criuimg/array.h"
#include "rows.h"
#include "timer.pb-c.h"
#include "timerfd.pb-c.h"
#include "x.h"

static const char *const clocks[] = { "realtime", "monotonic", "process_cputime", "thread_cputime", "monotonic_raw", "realtime_coarse",
	"monotonic_coarse", "boottime", "realtime_alarm", "boottime_alarm", "sgi_cycle", "tai" };

static void add_clock(struct rows *rows, uint32_t clock)
{
	if (clock < ARRAY_SIZE(clocks))
		rows_text(rows, "clock", clocks[clock]);
	else
		rows_int(rows, "clock", (int32_t)clock);
}

static void add_times(struct rows *rows, uint64_t vsec, uint64_t vnsec, uint64_t isec, uint64_t insec)
{
	if (vsec || vnsec)
		rows_format(rows, "next", "%" PRIu64 ".%09" PRIu64, vsec, vnsec);
	else
		rows_text(rows, "next", "off");
	if (isec || insec)
		rows_format(rows, "interval", "%" PRIu64 ".%09" PRIu64, isec, insec);
	else
		rows_value(rows, "interval", json_null());
}

static void begin(struct rows *rows, uint32_t pid, const char *kind)
{
	rows_next(rows);
	rows_int(rows, "pid", pid);
	rows_text(rows, "kind", kind);
}

/* An interval timer that is not set says nothing. */
static void add_itimer(struct rows *rows, uint32_t pid, const char *kind, const char *signal, const ItimerEntry *timer)
{
	if (!timer || !(timer->isec | timer->iusec | timer->vsec | timer->vusec))
		return;
	begin(rows, pid, kind);
	add_times(rows, timer->vsec, timer->vusec * 1000, timer->isec, timer->iusec * 1000);
	rows_text(rows, "signal", signal);
}

static void add_posix(struct rows *rows, uint32_t pid, const PosixTimerEntry *timer)
{
	char buf[16];

	begin(rows, pid, "posix");
	rows_int(rows, "id", timer->it_id);
	add_clock(rows, timer->clock_id);
	add_times(rows, timer->vsec, timer->vnsec, timer->isec, timer->insec);
	/* SIGEV_NONE is 1. */
	rows_text(rows, "signal", timer->it_sigev_notify == 1 ? NULL : x_signal_name(timer->si_signo, buf));
	rows_int(rows, "overrun", timer->overrun);
	if (timer->has_notify_thread_id)
		rows_int(rows, "thread", timer->notify_thread_id);
}

static const struct {
	const char *kind, *signal;
} itimers[] = { { "real", "ALRM" }, { "virtual", "VTALRM" }, { "prof", "PROF" } };

static int add_old(struct x *x, struct rows *rows, uint32_t pid, enum img_kind kind, struct img_err *err)
{
	struct img_reader *r;
	ProtobufCMessage *msg;
	size_t n = 0;
	int ret = img_reader_open(x->set, kind, pid, &r, err);

	if (ret <= 0)
		return ret;
	while ((ret = img_read(r, &msg, err)) > 0) {
		if (kind == IMG_POSIX_TIMERS)
			add_posix(rows, pid, (const PosixTimerEntry *)msg);
		else if (n < ARRAY_SIZE(itimers))
			add_itimer(rows, pid, itimers[n].kind, itimers[n].signal, (const ItimerEntry *)msg);
		n++;
		img_message_free(msg);
	}
	img_reader_close(r);
	return ret;
}

static int add_task(struct x *x, struct rows *rows, uint32_t pid, struct img_err *err)
{
	CoreEntry *core;
	int ret = x_read_core(x, pid, &core, err);
	const TaskTimersEntry *timers;

	if (ret < 0)
		return -1;
	timers = ret && core->tc ? core->tc->timers : NULL;
	if (timers) {
		add_itimer(rows, pid, "real", "ALRM", timers->real);
		add_itimer(rows, pid, "virtual", "VTALRM", timers->virt);
		add_itimer(rows, pid, "prof", "PROF", timers->prof);
		for (size_t i = 0; i < timers->n_posix; i++)
			add_posix(rows, pid, timers->posix[i]);
	}
	if (ret)
		img_message_free(&core->base);
	if (timers)
		return 0;
	return add_old(x, rows, pid, IMG_ITIMERS, err) < 0 ? -1 : add_old(x, rows, pid, IMG_POSIX_TIMERS, err);
}

static void add_timerfds(struct x *x, struct rows *rows)
{
	for (size_t i = 0; i < x->objects.nr_uses; i++) {
		const struct object_use *use = &x->objects.uses[i];
		const struct object *object = objects_find(&x->objects, use->type, use->id);
		const TimerfdEntry *timer;

		if (use->type != FD_TYPES__TIMERFD || !object)
			continue;
		timer = (const TimerfdEntry *)object->msg;
		begin(rows, use->pid, "timerfd");
		rows_int(rows, "id", use->fd);
		add_clock(rows, timer->clockid);
		add_times(rows, timer->vsec, timer->vnsec, timer->isec, timer->insec);
		rows_int(rows, "ticks", timer->ticks);
	}
}

static json_t *rows(struct x *x, struct img_err *err)
{
	struct rows rows;
	int ret;

	if (x_uses_read(x, err) < 0)
		return NULL;
	rows_init(&rows);
	ret = 0;
	for (size_t i = 0; i < x->tasks.nr && ret == 0; i++)
		ret = add_task(x, &rows, x->tasks.entries[i]->pid, err);
	if (ret == 0) {
		add_timerfds(x, &rows);
		return rows_sorted(rows_done(&rows, err), "pid", "pid");
	}
	rows_drop(&rows);
	return NULL;
}

static const struct column columns[] = {
	{ "pid", "PID", true, '6' },	    { "kind", "KIND", false, '2' }, { "id", "ID/FD", true, 0 },
	{ "clock", "CLOCK", false, 0 },	    { "next", "NEXT", true, 0 },    { "interval", "INTERVAL", true, 0 },
	{ "signal", "SIGNAL", false, 0 },   { "overrun", "OVERRUN", true, 0 }, { "ticks", "TICKS", true, 0 },
	{ 0 },
};

const struct x_view x_timers = {
	.name = "timers",
	.summary = "interval timers, POSIX timers, timerfds: seconds to the next, and between",
	.rows = rows,
	.columns = columns,
};
