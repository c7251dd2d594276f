/* crit/x-signals.c -- crit x DIR signals: what each task does on signals, which it blocks, which are pending. */

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "criuimg/array.h"
#include "rows.h"
#include "sa.pb-c.h"
#include "siginfo.pb-c.h"
#include "x.h"

#define SIGNALS 64

/* What is known of one task's or thread's signals; [n] is signal n. */
struct signals {
	const SaEntry *actions[SIGNALS + 1];
	uint64_t blocked;
	unsigned int pending[SIGNALS + 1];
};

static const struct {
	uint64_t flag;
	const char *name;
} flags[] = { { SA_NOCLDSTOP, "NOCLDSTOP" }, { SA_NOCLDWAIT, "NOCLDWAIT" }, { SA_SIGINFO, "SIGINFO" }, { SA_ONSTACK, "ONSTACK" },
	{ SA_RESTART, "RESTART" }, { SA_NODEFER, "NODEFER" }, { SA_RESETHAND, "RESETHAND" } };

static json_t *flag_names(uint64_t mask)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(flags) && list; i++)
		if (mask & flags[i].flag)
			json_array_append_new(list, json_string(flags[i].name));
	return list;
}

static void count_pending(struct signals *signals, const SignalQueueEntry *queue)
{
	for (size_t i = 0; queue && i < queue->n_signals; i++) {
		const ProtobufCBinaryData *info = &queue->signals[i]->siginfo;
		int32_t number = 0;

		if (info->len >= sizeof(number))
			memcpy(&number, info->data, sizeof(number));
		if (number > 0 && number <= SIGNALS)
			signals->pending[number]++;
	}
}

static void add_rows(struct rows *rows, uint32_t pid, uint32_t tid, const struct signals *signals)
{
	for (unsigned int n = 1; n <= SIGNALS; n++) {
		const SaEntry *action = signals->actions[n];
		bool handled = action && action->sigaction > 1, ignored = action && action->sigaction == 1;
		bool blocked = signals->blocked >> (n - 1) & 1;
		char buf[16];

		if (!handled && !ignored && !blocked && !signals->pending[n])
			continue;
		rows_next(rows);
		rows_int(rows, "pid", pid);
		rows_int(rows, "tid", tid);
		rows_int(rows, "number", n);
		rows_text(rows, "signal", x_signal_name(n, buf));
		/* Actions are the whole task's. */
		if (pid == tid) {
			if (handled)
				rows_hex(rows, "action", action->sigaction);
			else
				rows_text(rows, "action", ignored ? "ignore" : "default");
			rows_value(rows, "flags", flag_names(action ? action->flags : 0));
			if (action)
				rows_hex(rows, "mask", action->mask);
		}
		rows_bool(rows, "blocked", blocked);
		rows_int(rows, "pending", signals->pending[n]);
	}
}

/* sigactions are numbered without SIGKILL and SIGSTOP. */
static void take_actions(struct signals *signals, SaEntry *const *actions, size_t n)
{
	unsigned int number = 1;

	for (size_t i = 0; i < n && number <= SIGNALS; i++, number++) {
		while (number == SIGKILL || number == SIGSTOP)
			number++;
		signals->actions[number] = actions[i];
	}
}

/* Of old sets: records of an image of their own, one after the other. The messages are kept by the caller. */
struct kept {
	ProtobufCMessage *msgs[2 * SIGNALS];
	size_t nr;
};

static int read_old(struct x *x, enum img_kind kind, uint32_t id, struct kept *kept, struct img_err *err)
{
	struct img_reader *r;
	int ret = img_reader_open(x->set, kind, id, &r, err);

	if (ret <= 0)
		return ret;
	while (kept->nr < ARRAY_SIZE(kept->msgs) && (ret = img_read(r, &kept->msgs[kept->nr], err)) > 0)
		kept->nr++;
	img_reader_close(r);
	return ret < 0 ? -1 : 0;
}

static int take_old(struct x *x, uint32_t tid, bool leader, struct signals *signals, struct kept *kept, struct img_err *err)
{
	size_t queues;

	if (leader && read_old(x, IMG_SIGACT, tid, kept, err) < 0)
		return -1;
	take_actions(signals, (SaEntry *const *)kept->msgs, kept->nr);
	queues = kept->nr;
	if ((leader && read_old(x, IMG_SIGNAL, tid, kept, err) < 0) || read_old(x, IMG_PSIGNAL, tid, kept, err) < 0)
		return -1;
	for (size_t i = queues; i < kept->nr; i++)
		count_pending(signals, (const SignalQueueEntry *)kept->msgs[i]);
	return 0;
}

static int add_thread(struct x *x, struct rows *rows, uint32_t pid, uint32_t tid, struct img_err *err)
{
	struct signals signals = { 0 };
	struct kept kept = { .nr = 0 };
	CoreEntry *core;
	int ret = x_read_core(x, tid, &core, err);

	if (ret <= 0)
		return ret;
	if (core->tc) {
		take_actions(&signals, core->tc->sigactions, core->tc->n_sigactions);
		count_pending(&signals, core->tc->signals_s);
		signals.blocked = core->tc->blk_sigset;
	}
	if (core->thread_core) {
		count_pending(&signals, core->thread_core->signals_p);
		if (core->thread_core->has_blk_sigset)
			signals.blocked = core->thread_core->blk_sigset;
	}
	ret = core->tc && core->tc->n_sigactions ? 0 : take_old(x, tid, pid == tid, &signals, &kept, err);
	if (ret == 0)
		add_rows(rows, pid, tid, &signals);
	for (size_t i = 0; i < kept.nr; i++)
		img_message_free(kept.msgs[i]);
	img_message_free(&core->base);
	return ret;
}

static int add_task(struct x *x, struct rows *rows, const PstreeEntry *task, struct img_err *err)
{
	return x_each_thread(x, rows, task, add_thread, err);
}

static const struct column columns[] = {
	{ "pid", "PID", true, '6' },	     { "tid", "TID", true, '6' },	    { "signal", "SIGNAL", false, '2' },
	{ "action", "ACTION", false, 0 },    { "blocked", "BLOCKED", false, 0 },    { "pending", "PENDING", true, 0 },
	{ "flags", "FLAGS", false, 0 },	     { 0 },
};

const struct x_view x_signals = {
	.name = "signals",
	.summary = "signals that are handled, ignored, blocked or pending",
	.task = add_task,
	.columns = columns,
};
