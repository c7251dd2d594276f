/* kernel/posix-timers.c -- /proc/PID/timers: groups of four lines. */

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/posix-timers.h"
#include "kernel/proc-file.h"

static const struct {
	const char *word;
	int notify;
} notifies[] = {
	{ "signal", SIGEV_SIGNAL },
	{ "none", SIGEV_NONE },
	{ "thread", SIGEV_THREAD },
};

static int parse_notify(const char *word, const char *who, struct kern_timer *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(notifies); i++) {
		if (strcmp(word, notifies[i].word))
			continue;
		t->notify = notifies[i].notify;
		if (!strcmp(who, "tid"))
			t->notify |= SIGEV_THREAD_ID;
		return !strcmp(who, "tid") || !strcmp(who, "pid") ? 0 : -1;
	}
	return -1;
}

static int compare_timers(const void *a, const void *b)
{
	const struct kern_timer *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

int kern_timers_parse(const char *text, struct kern_timer **timers, size_t *nr, struct img_err *err)
{
	cleanup_free struct kern_timer *found = NULL;
	size_t count = 0, room = 0;

	while (*text) {
		struct kern_timer *t = img_array_more(&found, count, &room);
		char word[16], who[8];
		int len = 0;

		if (!t)
			return img_fail_nomem(err);
		if (sscanf(text,
			    "ID: %d\nsignal: %d/%" SCNx64 "\nnotify: %15[a-z]/%7[a-z].%d\nClockID: %d\n%n",
			    &t->id, &t->signo, &t->sigval, word, who, &t->tid, &t->clock, &len) != 7 ||
			!len || parse_notify(word, who, t) < 0)
			return img_fail(err, IMG_UNSUPPORTED, "\"%.60s\" is not a timer", text);
		count++;
		text += len;
	}
	if (count)
		qsort(found, count, sizeof(*found), compare_timers);
	*timers = steal_ptr(&found);
	*nr = count;
	return 0;
}

int kern_timers_read(pid_t pid, struct kern_timer **timers, size_t *nr, struct img_err *err)
{
	cleanup_free char *text = kern_proc_read(NULL, err, "/proc/%d/timers", pid);

	if (!text)
		return -1;
	if (kern_timers_parse(text, timers, nr, err) < 0)
		return img_wrap(err, "/proc/%d/timers", pid);
	return 0;
}
