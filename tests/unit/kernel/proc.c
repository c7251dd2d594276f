/* tests/unit/kernel/proc.c -- the parsers of /proc/PID/{stat,status,limits,timers}, over saved texts and
 * our own. */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "criuimg/cleanup.h"
#include "kernel/limits.h"
#include "kernel/posix-timers.h"
#include "kernel/proc-file.h"
#include "kernel/proc-stat.h"
#include "kernel/proc-status.h"

/* ---- stat ---- */

#define STAT_TAIL                                                                                            \
	" S 7 8 9 34816 -1 4194560 98 0 0 0 0 0 0 0 20 -5 3 0 170149 3133440 408 18446744073709551615 "      \
	"94050310955008 "                                                                                    \
	"94050310974889 140730060081920 0 0 0 0 0 0 0 0 0 17 0 1 2 0 0 0 94050310990896 94050310992512 "     \
	"94050864562176 "                                                                                    \
	"140730060085901 140730060085921 140730060085921 140730060087275 1792\n"

static void stat_fields(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct kern_stat s;

	assert_int_equal(kern_stat_parse("42 (cat)" STAT_TAIL, &s, &err), 0);
	assert_int_equal(s.pid, 42);
	assert_string_equal(s.comm, "cat");
	assert_int_equal(s.state, 'S');
	assert_int_equal(s.ppid, 7);
	assert_int_equal(s.pgrp, 8);
	assert_int_equal(s.session, 9);
	assert_int_equal(s.tty_nr, 34816);
	assert_int_equal(s.flags, 0x400100);
	assert_int_equal(s.nice, -5);
	assert_int_equal(s.num_threads, 3);
	assert_int_equal(s.starttime, 170149);
	assert_int_equal(s.start_code, 94050310955008);
	assert_int_equal(s.start_stack, 140730060081920);
	assert_int_equal(s.rt_priority, 1);
	assert_int_equal(s.policy, 2);
	assert_int_equal(s.start_brk, 94050864562176);
	assert_int_equal(s.env_end, 140730060087275);
	assert_int_equal(s.exit_code, 1792);
}

static void stat_names(void **state)
{
	static const char *const names[] = { "", ")", "a) R (b", "x\ny", "(((" };
	struct img_err err = IMG_ERR_INIT;
	struct kern_stat s;
	char text[1024];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(text, sizeof(text), "1 (%s)" STAT_TAIL, names[i]);
		assert_int_equal(kern_stat_parse(text, &s, &err), 0);
		assert_string_equal(s.comm, names[i]);
		assert_int_equal(s.ppid, 7);
	}
}

static void stat_refused(void **state)
{
	static const char *const texts[] = { "", "1", "1 (a", "1 (a)", "1 (a) S 1 2 3", "1 )a( S 1" };
	struct kern_stat s;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct img_err err = IMG_ERR_INIT;

		assert_int_equal(kern_stat_parse(texts[i], &s, &err), -1);
		assert_int_equal(err.code, IMG_UNSUPPORTED);
	}
}

static void stat_own(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct kern_stat s;

	assert_int_equal(kern_stat_read(getpid(), &s, &err), 0);
	assert_int_equal(s.pid, getpid());
	assert_int_equal(s.ppid, getppid());
	assert_int_equal(s.session, getsid(0));
	assert_int_equal(kern_stat_read(0x7ffffff, &s, &err), -1);
	assert_int_equal(err.sys_errno, ENOENT);
}

/* ---- status ---- */

static const char status_text[] = "Name:\ta\\nb\nUmask:\t0027\nState:\tT "
				  "(stopped)\nTgid:\t2546\nNgid:\t0\nPid:\t2547\nPPid:\t2535\nTracerPid:\t9\n"
				  "Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nFDSize:\t256\nGroups:\t4 24 40000 "
				  "\nNStgid:\t2546\t1\nNSpid:\t2547\t2\n"
				  "NSpgid:\t2535\t0\nNSsid:\t25275\t0\nKthread:\t0\nVmPeak:\t    3060 "
				  "kB\nTHP_enabled:\t0\nThreads:\t2\nSigQ:\t4/96365\n"
				  "SigPnd:\t0000000000000200\nShdPnd:\t0000000000000800\nSigBlk:"
				  "\tfffffffe7ffbfeff\nSigIgn:\t0000000000001000\n"
				  "SigCgt:\t0000000180000000\nCapInh:\t0000000000002000\nCapPrm:"
				  "\t000001fffeffffff\nCapEff:\t0000000000000021\n"
				  "CapBnd:\t000001fffeffffff\nCapAmb:\t0000000000002000\nNoNewPrivs:"
				  "\t1\nSeccomp:\t2\nSeccomp_filters:\t3\n"
				  "x86_Thread_features:\tshstk wrss \nnew_line_of_some_day:\t1\n";

static void status_fields(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct kern_status s;

	assert_int_equal(kern_status_parse(status_text, &s, &err), 0);
	assert_int_equal(s.umask, 027);
	assert_int_equal(s.state, 'T');
	assert_int_equal(s.tgid, 2546);
	assert_int_equal(s.pid, 2547);
	assert_int_equal(s.tracer, 9);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(s.uid[i], 1 + i);
		assert_int_equal(s.gid[i], 5 + i);
	}
	assert_int_equal(s.nr_groups, 3);
	assert_int_equal(s.groups[2], 40000);
	assert_int_equal(s.ns_depth, 2);
	assert_int_equal(s.ns_tid[1], 2);
	assert_int_equal(s.ns_tgid[1], 1);
	assert_int_equal(s.ns_sid[0], 25275);
	assert_int_equal(s.ns_sid[1], 0);
	assert_false(s.thp_enabled);
	assert_int_equal(s.threads, 2);
	assert_int_equal(s.sig_pending, 0x200);
	assert_int_equal(s.sig_shared_pending, 0x800);
	assert_int_equal(s.sig_blocked, 0xfffffffe7ffbfeff);
	assert_int_equal(s.cap_inh, 0x2000);
	assert_int_equal(s.cap_eff, 0x21);
	assert_true(s.no_new_privs);
	assert_int_equal(s.seccomp, 2);
	assert_int_equal(s.seccomp_filters, 3);
	assert_true(s.shadow_stack);
	kern_status_free(&s);
}

static void status_without_groups(void **state)
{
	char text[sizeof(status_text)];
	struct img_err err = IMG_ERR_INIT;
	struct kern_status s;

	strcpy(text, status_text);
	memset(strstr(text, "4 24 40000"), ' ', strlen("4 24 40000"));
	assert_int_equal(kern_status_parse(text, &s, &err), 0);
	assert_int_equal(s.nr_groups, 0);
	kern_status_free(&s);
}

static void status_refused(void **state)
{
	char text[sizeof(status_text)];
	struct img_err err = IMG_ERR_INIT;
	struct kern_status s;

	strcpy(text, status_text);
	memcpy(strstr(text, "CapAmb"), "CapXxx", 6);
	assert_int_equal(kern_status_parse(text, &s, &err), -1);
	assert_int_equal(err.code, IMG_UNSUPPORTED);
	assert_non_null(strstr(err.text, "CapAmb"));

	strcpy(text, status_text);
	memcpy(strstr(text, "SigCgt:\t0"), "SigCgt:\tx", 9);
	assert_int_equal(kern_status_parse(text, &s, &err), -1);
}

static void status_own(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct kern_status s;

	assert_int_equal(kern_status_read(getpid(), gettid(), &s, &err), 0);
	assert_int_equal(s.pid, gettid());
	assert_int_equal(s.uid[1], geteuid());
	assert_int_equal(s.ns_tid[s.ns_depth - 1] > 0, 1);
	kern_status_free(&s);
}

/* ---- limits ---- */

static void limits_own(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct rlimit64 limits[RLIM_NLIMITS], one;

	assert_int_equal(kern_limits_read(getpid(), limits, &err), 0);
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		assert_int_equal(getrlimit64(i, &one), 0);
		assert_int_equal(limits[i].rlim_cur, one.rlim_cur);
		assert_int_equal(limits[i].rlim_max, one.rlim_max);
	}
}

static void limits_refused(void **state)
{
	struct rlimit64 limits[RLIM_NLIMITS];
	struct img_err err = IMG_ERR_INIT;

	assert_int_equal(kern_limits_parse("", limits, &err), -1);
	assert_int_equal(kern_limits_parse("Max cpu time  unlimited  maybe  seconds\n", limits, &err), -1);
	assert_non_null(strstr(err.text, "Max cpu time"));
}

/* ---- timers ---- */

static void timers_fields(void **state)
{
	static const char text[] =
		"ID: 2\nsignal: 40/0000000000000000\nnotify: none/pid.29957\nClockID: 7\n"
		"ID: 1\nsignal: 35/000056423a00bbcc\nnotify: signal/tid.29958\nClockID: -6\n"
		"ID: 0\nsignal: 14/ffffffffffffffff\nnotify: thread/pid.29957\nClockID: 1\n";
	struct img_err err = IMG_ERR_INIT;
	cleanup_free struct kern_timer *t = NULL;
	size_t nr;

	assert_int_equal(kern_timers_parse(text, &t, &nr, &err), 0);
	assert_int_equal(nr, 3);
	assert_int_equal(t[0].id, 0);
	assert_int_equal(t[0].signo, 14);
	assert_int_equal(t[0].sigval, UINT64_MAX);
	assert_int_equal(t[0].notify, SIGEV_THREAD);
	assert_int_equal(t[1].notify, SIGEV_SIGNAL | SIGEV_THREAD_ID);
	assert_int_equal(t[1].tid, 29958);
	assert_int_equal(t[1].clock, -6);
	assert_int_equal(t[1].sigval, 0x56423a00bbcc);
	assert_int_equal(t[2].notify, SIGEV_NONE);
	assert_int_equal(t[2].clock, 7);
}

static void timers_none(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct kern_timer *t;
	size_t nr;

	assert_int_equal(kern_timers_parse("", &t, &nr, &err), 0);
	assert_int_equal(nr, 0);
	assert_int_equal(
		kern_timers_parse("ID: 1\nsignal: 3/0\nnotify: pigeon/pid.1\nClockID: 0\n", &t, &nr, &err),
		-1);
	assert_int_equal(err.code, IMG_UNSUPPORTED);
	assert_int_equal(kern_timers_parse("ID: 1\nsignal: 3/0\n", &t, &nr, &err), -1);
}

static void timers_own(void **state)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1 };
	cleanup_free struct kern_timer *t = NULL;
	struct img_err err = IMG_ERR_INIT;
	timer_t timer;
	size_t nr;

	assert_int_equal(timer_create(CLOCK_MONOTONIC, &ev, &timer), 0);
	if (kern_timers_read(getpid(), &t, &nr, &err) < 0) {
		print_message("skipped: %s\n", err.text);
		return;
	}
	assert_int_equal(nr, 1);
	assert_int_equal(t[0].signo, SIGRTMIN + 1);
	assert_int_equal(t[0].clock, CLOCK_MONOTONIC);
	assert_int_equal(t[0].tid, getpid());
	timer_delete(timer);
}

/* ---- small files ---- */

static void numbers_and_children(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	cleanup_free int *tids = NULL, *kids = NULL;
	size_t nr;
	pid_t child;

	assert_int_equal(kern_proc_numbers(&tids, &nr, &err, "/proc/%d/task", getpid()), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(tids[0], gettid());
	child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	assert_int_equal(kern_proc_children(getpid(), gettid(), &kids, &nr, &err), 0);
	kill(child, SIGKILL);
	assert_int_equal(nr, 1);
	assert_int_equal(kids[0], child);
	assert_int_equal(kern_proc_numbers(&tids, &nr, &err, "/proc/self/nothing"), -1);
	assert_int_equal(err.sys_errno, ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stat_fields),
		cmocka_unit_test(stat_names),
		cmocka_unit_test(stat_refused),
		cmocka_unit_test(stat_own),
		cmocka_unit_test(status_fields),
		cmocka_unit_test(status_without_groups),
		cmocka_unit_test(status_refused),
		cmocka_unit_test(status_own),
		cmocka_unit_test(limits_own),
		cmocka_unit_test(limits_refused),
		cmocka_unit_test(timers_fields),
		cmocka_unit_test(timers_none),
		cmocka_unit_test(timers_own),
		cmocka_unit_test(numbers_and_children),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
