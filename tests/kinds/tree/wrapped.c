/* tests/kinds/tree/wrapped.c -- pids that have gone round: children and threads have lower numbers than who made them. */

#include <pthread.h>

#include "tests/harness/family.h"

/* The next pid is one more than this. */
static void set_last_pid(pid_t last)
{
	int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
	char text[16];

	MUST(fd >= 0);
	snprintf(text, sizeof(text), "%d", last);
	MUST(write(fd, text, strlen(text)) > 0);
	close(fd);
}

static void *thread(void *arg)
{
	pid_t tid = gettid();

	*(pid_t *)arg = tid;
	subject_wait_for("go");
	CHECK(gettid() == tid, "tid %d, not %d", gettid(), tid);
	return NULL;
}

static void grandchild(void *arg)
{
	child_up();
	subject_wait_for("go");
}

static void child(void *arg)
{
	volatile pid_t tid = 0;
	pthread_t t;
	pid_t pid;

	set_last_pid(19999);
	MUST(pthread_create(&t, NULL, thread, (void *)&tid) == 0);
	while (!tid)
		subject_nap();
	set_last_pid(9999);
	pid = child_start(grandchild, NULL);
	MUST(tid == 20000 && pid == 10000 && getpid() == 30000);
	child_up();
	subject_wait_for("go");
	CHECK(getpid() == 30000, "pid %d", getpid());
	child_end(pid);
	pthread_join(t, NULL);
}

int main(int argc, char **argv)
{
	pid_t pid;

	subject_begin(argc, argv);
	set_last_pid(29999);
	pid = child_start(child, NULL);

	subject_wait();

	child_end(pid);
	return subject_end();
}
