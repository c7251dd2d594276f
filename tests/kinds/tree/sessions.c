/* tests/kinds/tree/sessions.c -- sessions and process groups of many shapes, and the signals that go to a group. */

#include "tests/harness/family.h"

/* What a child does before it is up. */
static struct shape {
	const char *name;
	int own_session, own_group;
	int joins; /* the group of this earlier row; -1: none */
	pid_t pid;
} shapes[] = {
	{ "as its parent", 0, 0, -1, 0 },
	{ "a group of its own", 0, 1, -1, 0 },
	{ "in the group of a sibling", 0, 0, 1, 0 },
	{ "in the group of a sibling too", 0, 0, 1, 0 },
	{ "a session of its own", 1, 0, -1, 0 },
};

enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

struct ids {
	pid_t pid, pgid, sid;
};

static volatile sig_atomic_t got;

static void handler(int nr)
{
	got++;
}

static struct ids ids(void)
{
	return (struct ids){ getpid(), getpgrp(), getsid(0) };
}

static void check_same(const char *name, struct ids was)
{
	struct ids now = ids();

	CHECK(now.pgid == was.pgid, "%s: process group %d, not %d", name, now.pgid, was.pgid);
	CHECK(now.sid == was.sid, "%s: session %d, not %d", name, now.sid, was.sid);
}

static void grandchild(void *arg)
{
	struct shape *s = arg;
	struct ids was = ids();

	child_up();
	subject_wait_for("go");
	check_same(s->name, was);
}

static void child(void *arg)
{
	struct shape *s = arg;
	struct ids was;
	pid_t pid;

	signal(SIGUSR1, handler);
	if (s->own_session)
		MUST(setsid() == getpid());
	if (s->own_group)
		MUST(setpgid(0, 0) == 0);
	if (s->joins >= 0)
		MUST(setpgid(0, shapes[s->joins].pid) == 0);
	was = ids();
	pid = child_start(grandchild, s);
	child_up();

	subject_wait_for("go");

	check_same(s->name, was);
	subject_wait_for("signalled");
	if (strstr(s->name, "in the group of a sibling"))
		CHECK(got == 1, "%s: the signal to the group came %d times", s->name, (int)got);
	else if (!s->own_group)
		CHECK(got == 0, "%s: the signal to another group came", s->name);
	child_end(pid);
}

int main(int argc, char **argv)
{
	struct ids was;

	subject_begin(argc, argv);
	for (int i = 0; i < SHAPES; i++)
		shapes[i].pid = child_start(child, &shapes[i]);
	was = ids();

	subject_wait();

	check_same("the root", was);
	MUST(kill(-shapes[1].pid, SIGUSR1) == 0);
	subject_nap();
	subject_leave("signalled", "");
	for (int i = 0; i < SHAPES; i++)
		child_end(shapes[i].pid);
	return subject_end();
}
