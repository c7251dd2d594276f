/* tests/kinds/semundo/ends.c -- what the kernel undoes in semaphores when processes end: up and down, in several sets, at the ends of the
 * range, by a process with threads, and none where nothing was to be undone.
 *
 * harness: places: host
 * harness: from-peer: does not know of it
 * harness: chain-to-peer: does not know of it
 * harness: to-peer: does not know of it
 */

#include <pthread.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/sem.h>

#include "tests/harness/family.h"

static int few, many;

static void change(int id, int num, int value, int flags)
{
	struct sembuf op = { (unsigned short)num, (short)value, (short)(flags | IPC_NOWAIT) };

	MUST(semop(id, &op, 1) == 0);
}

static void expect(int id, int num, int value)
{
	int now = semctl(id, num, GETVAL);

	CHECK(now == value, "semaphore %d of %d is %d, not %d", num, id, now, value);
}

static void *nothing(void *arg)
{
	subject_wait_for("done");
	return NULL;
}

static void holds(void *arg)
{
	change(few, 0, -1, SEM_UNDO);
	change(few, 1, 3, SEM_UNDO);
	change(many, 7, -5, SEM_UNDO);
	child_up();
	subject_wait_for("end");
}

static void threaded(void *arg)
{
	pthread_t t;

	change(few, 2, -7, SEM_UNDO);
	/* Taken back: nothing is left to undo. */
	change(many, 3, 2, SEM_UNDO);
	change(many, 3, -2, SEM_UNDO);
	MUST(pthread_create(&t, NULL, nothing, NULL) == 0);
	child_up();
	subject_wait_for("done");
	pthread_join(t, NULL);
}

static void not_undone(void *arg)
{
	change(many, 9, 4, 0);
	child_up();
	subject_wait_for("done");
}

int main(int argc, char **argv)
{
	pid_t a, b, c;

	subject_begin(argc, argv);
	if (unshare(CLONE_NEWIPC) < 0)
		subject_skip("no ipc namespaces here");
	few = semget(0x5e3, 3, IPC_CREAT | 0600);
	many = semget(IPC_PRIVATE, 40, 0600);
	MUST(few >= 0 && many >= 0);
	MUST(semctl(few, 0, SETVAL, 1) == 0 && semctl(few, 1, SETVAL, 0) == 0 && semctl(few, 2, SETVAL, 32767) == 0 &&
		semctl(many, 7, SETVAL, 5) == 0);
	a = child_start(holds, NULL);
	b = child_start(threaded, NULL);
	c = child_start(not_undone, NULL);

	subject_wait();

	expect(few, 0, 0);
	expect(few, 1, 3);
	expect(few, 2, 32760);
	expect(many, 7, 0);
	expect(many, 3, 0);
	expect(many, 9, 4);
	subject_leave("end", "");
	child_end(a);
	expect(few, 0, 1);
	expect(few, 1, 0);
	expect(many, 7, 5);
	expect(few, 2, 32760);
	subject_leave("done", "");
	child_end(b);
	child_end(c);
	expect(few, 2, 32767);
	expect(many, 3, 0);
	expect(many, 9, 4);
	return subject_end();
}
