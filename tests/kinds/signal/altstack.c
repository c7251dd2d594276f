/* tests/kinds/signal/altstack.c -- alternate signal stacks: of each thread, idle, in use, disarming themselves, none. */

#include <pthread.h>
#include <signal.h>
#include <stdint.h>

#include "tests/harness/subject.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

enum { SIZE = 65536 };

struct stack {
	const char *name;
	unsigned int flags;
	int in_handler; /* dumped while it runs on the stack */
	char memory[SIZE] __attribute__((aligned(64)));
};

static struct stack stacks[] = {
	{ .name = "idle" },
	{ .name = "in use", .in_handler = 1 },
	{ .name = "disarming itself", .flags = SS_AUTODISARM },
	{ .name = "disarmed", .flags = SS_AUTODISARM, .in_handler = 1 },
};

enum { THREADS = sizeof(stacks) / sizeof(stacks[0]) };

static pthread_barrier_t up;
static __thread struct stack *mine;
static __thread int handled;

static int on_stack(const void *p)
{
	return (const char *)p >= mine->memory && (const char *)p < mine->memory + SIZE;
}

static void handler(int nr)
{
	int local = 0x5a;
	stack_t now;

	CHECK(on_stack(&local), "%s: the handler does not run on the stack", mine->name);
	if (mine->in_handler && !handled) {
		pthread_barrier_wait(&up);
		subject_wait_for("go");
		MUST(sigaltstack(NULL, &now) == 0);
		if (mine->flags & SS_AUTODISARM)
			CHECK(now.ss_flags == SS_DISABLE, "%s: flags %#x in the handler", mine->name, now.ss_flags);
		else
			CHECK(now.ss_flags == SS_ONSTACK && now.ss_sp == mine->memory, "%s: flags %#x in the handler",
			      mine->name, now.ss_flags);
	}
	handled++;
	CHECK(local == 0x5a, "%s: what was on the stack is %#x", mine->name, local);
}

static void *thread(void *arg)
{
	stack_t now;

	mine = arg;
	MUST(sigaltstack(&(stack_t){ .ss_sp = mine->memory, .ss_size = SIZE, .ss_flags = mine->flags }, NULL) == 0);
	if (mine->in_handler) {
		pthread_kill(pthread_self(), SIGUSR1);
	} else {
		pthread_barrier_wait(&up);
		subject_wait_for("go");
	}
	MUST(sigaltstack(NULL, &now) == 0);
	CHECK(now.ss_sp == mine->memory && now.ss_size == SIZE, "%s: %p, %zu bytes", mine->name, now.ss_sp, now.ss_size);
	CHECK((unsigned int)now.ss_flags == mine->flags, "%s: flags %#x", mine->name, now.ss_flags);
	pthread_kill(pthread_self(), SIGUSR1);
	CHECK(handled == 1 + mine->in_handler, "%s: the handler ran %d times", mine->name, handled);
	return NULL;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_ONSTACK };
	pthread_t threads[THREADS];
	stack_t now;

	subject_begin(argc, argv);
	MUST(sigaction(SIGUSR1, &sa, NULL) == 0);
	MUST(pthread_barrier_init(&up, NULL, THREADS + 1) == 0);
	for (int i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, thread, &stacks[i]) == 0);
	pthread_barrier_wait(&up);

	subject_wait();

	MUST(sigaltstack(NULL, &now) == 0);
	CHECK(now.ss_flags == SS_DISABLE, "the first thread has a stack at %p, flags %#x", now.ss_sp, now.ss_flags);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return subject_end();
}
