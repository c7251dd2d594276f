/* engines/task/semundo/semundo-dump.c -- what criu-dump saves of what the kernel will do to semaphores when a process ends (semop(2),
 * SEM_UNDO).
 *
 * The kernel shows these adjustments to nobody. But it refuses with ERANGE an operation that would bring one out of its range, before it
 * looks whether a later operation of the same call would have to wait; and a call that would have to wait changes nothing. So each
 * question is a call that cannot succeed, and its error is the answer: ipc/sem.c, perform_atomic_semop_slow(). Whether a process has a
 * list of adjustments at all is told by kcmp(2): we have none.
 */

#include <errno.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-dump/ns_ops.h"
#include "criu-dump/task_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"

extern const struct task_dump_ops semundo_dump_ops;

enum {
	VALUE_MAX = 32767,   /* SEMVMX, and the range of an adjustment: -32768 to this */
	ADJ_MAX = 32,	     /* adjustments up to this are found out */
	SEMAPHORES_MAX = 512, /* so many are asked about */
	OPS_MAX = 5,
};

union semarg {
	struct semid_ds *buf;
	struct seminfo *info;
	uint16_t *array;
};

/* What is asked of one semaphore: is its adjustment at least 1, 2, ... and at most -1, -2, ... */
struct asked {
	int id;
	uint16_t num, value;
	long above[ADJ_MAX], below[ADJ_MAX];
};

struct semundo {
	struct asked *items;
	size_t nr, room;
};

static bool has_list(const struct dump_task *t)
{
	return syscall(SYS_kcmp, t->pid, getpid(), KCMP_SYSVSEM, 0, 0) > 0;
}

/* How many sets there are in the namespace that we are in. */
static int number_of_sets(void)
{
	struct seminfo info = { 0 };

	return semctl(0, 0, SEM_INFO, (union semarg){ .info = &info }) < 0 ? 0 : info.semusz;
}

/* Semaphores of the host's namespace are changed by others as well. Threads share a list that pthread_create(3) has made, used or not. */
static int semundo_check(struct dump *d, struct dump_task *t, struct img_err *err)
{
	bool ours = !dump_ns_of(d, t, CLONE_NEWIPC);

	if (!(ours || t->compat) || t->nr_threads > 1 || !has_list(t) || (ours && !number_of_sets()))
		return 0;
	return dump_unknown(d, t, "semaphores", "what is undone when the process ends (SEM_UNDO) is lost: %s",
		ours ? "the IPC namespace is not the tree's own" : "it is a process of 32-bit code");
}

/* Operations on one semaphore; one of nothing would wait for zero. */
struct ops {
	struct sembuf items[OPS_MAX];
	size_t nr;
	uint16_t num;
};

static void add(struct ops *o, int value, int flags)
{
	if (value)
		o->items[o->nr++] = (struct sembuf){ o->num, (short)value, (short)flags };
}

/* The operations must be there when the batch is run. */
static void ask(struct inject_batch *b, long *ret, int id, const struct ops *o, struct img_arena *arena)
{
	const void *kept = img_arena_memdup(arena, o->items, o->nr * sizeof(o->items[0]));

	*ret = -ENOMEM;
	if (kept)
		inject_call(b, ret, SYS_semop, inj_val((uint64_t)id), inj_in(kept, o->nr * sizeof(o->items[0])), inj_val(o->nr));
}

/* Up to the highest value, then down by what takes an adjustment of k, and none below that, out of its range; then no further. */
static void ask_above(struct inject_batch *b, struct asked *a, int k, struct img_arena *arena)
{
	struct ops o = { .num = a->num };

	add(&o, VALUE_MAX - a->value, 0);
	add(&o, -(VALUE_MAX + 1 - k), SEM_UNDO);
	add(&o, -VALUE_MAX, IPC_NOWAIT);
	ask(b, &a->above[k - 1], a->id, &o, arena);
}

/* Down to zero, then up. For -1 it takes more than one operation can. */
static void ask_below(struct inject_batch *b, struct asked *a, int k, struct img_arena *arena)
{
	struct ops o = { .num = a->num };

	add(&o, -a->value, 0);
	if (k == 1) {
		add(&o, 1, SEM_UNDO);
		add(&o, -1, 0);
		add(&o, VALUE_MAX, SEM_UNDO);
	} else {
		add(&o, VALUE_MAX + 2 - k, SEM_UNDO);
	}
	add(&o, -VALUE_MAX - 1, IPC_NOWAIT);
	ask(b, &a->below[k - 1], a->id, &o, arena);
}

static int collect_set(struct semundo *u, int id, size_t nr, uint16_t *values, struct img_err *err)
{
	if (semctl(id, 0, GETALL, (union semarg){ .array = values }) < 0)
		return img_fail_sys(err, "values of semaphores %d", id);
	if (u->nr + nr > SEMAPHORES_MAX)
		return img_fail(err, IMG_UNSUPPORTED, "what is to be undone (SEM_UNDO) in more than %d semaphores", SEMAPHORES_MAX);
	for (size_t i = 0; i < nr; i++) {
		struct asked *a = img_array_more(&u->items, u->nr, &u->room);

		if (!a)
			return img_fail_nomem(err);
		u->nr++;
		a->id = id;
		a->num = (uint16_t)i;
		a->value = values[i];
	}
	return 0;
}

/* In the namespace of the task. */
static int collect(struct semundo *u, struct img_err *err)
{
	struct seminfo info;
	int last = semctl(0, 0, SEM_INFO, (union semarg){ .info = &info });

	for (int i = 0; i <= last; i++) {
		cleanup_free uint16_t *values = NULL;
		struct semid_ds ds;
		int id = semctl(i, 0, SEM_STAT, (union semarg){ .buf = &ds });

		if (id < 0)
			continue;
		values = calloc(ds.sem_nsems + 1, sizeof(*values));
		if (!values)
			return img_fail_nomem(err);
		if (collect_set(u, id, ds.sem_nsems, values, err) < 0)
			return -1;
	}
	return 0;
}

static int semundo_ask(struct dump *d, struct dump_task *t, struct inject_batch *b, struct img_err *err)
{
	struct semundo *u = dump_keep(d, t, &semundo_dump_ops, sizeof(*u));
	int own = -1, ret;

	if (!u)
		return img_fail_nomem(err);
	if (!dump_ns_of(d, t, CLONE_NEWIPC) || t->compat || !has_list(t))
		return 0;
	if (dump_ns_enter(d, t, CLONE_NEWIPC, &own, err) < 0)
		return -1;
	ret = collect(u, err);
	if (dump_ns_leave(CLONE_NEWIPC, &own, err) < 0 || ret < 0)
		return -1;
	for (size_t i = 0; i < u->nr; i++)
		for (int k = 1; k <= ADJ_MAX; k++) {
			ask_above(b, &u->items[i], k, &t->arena);
			ask_below(b, &u->items[i], k, &t->arena);
		}
	return 0;
}

/* How many of the answers in a row say yes. */
static int count(const struct asked *a, const long *answers, int *nr, struct img_err *err)
{
	for (*nr = 0; *nr < ADJ_MAX && answers[*nr] == -ERANGE; ++*nr)
		;
	if (*nr == ADJ_MAX)
		return img_fail(err, IMG_UNSUPPORTED, "more than %d to be undone (SEM_UNDO) in semaphore %u of %d", ADJ_MAX - 1, a->num, a->id);
	/* Who may not change it has not. */
	if (answers[*nr] != -EAGAIN && answers[*nr] != -EACCES)
		return img_fail(err, IMG_UNSUPPORTED, "what is to be undone (SEM_UNDO) in semaphore %u of %d: %s", a->num, a->id,
			strerror((int)-answers[*nr]));
	return 0;
}

static int add_entry(struct dump *d, struct dump_task *t, const struct asked *a, int adj, struct img_err *err)
{
	TaskCoreEntry *tc = t->threads[0].core->tc;
	SemUndoEntry *e = img_arena_message(&t->arena, SemUndoEntry, sem_undo_entry);

	if (!e)
		return img_fail_nomem(err);
	e->semid = (uint32_t)a->id;
	e->num = a->num;
	e->adj = adj;
	tc->sem_undo[tc->n_sem_undo++] = e;
	log_info(d->log, "pid %d: semaphore %u of %d: %d when it ends", t->vpid, a->num, a->id, adj);
	return 0;
}

static int semundo_task(struct dump *d, struct dump_task *t, struct img_err *err)
{
	struct semundo *u = dump_keep(d, t, &semundo_dump_ops, sizeof(*u));
	TaskCoreEntry *tc = t->threads[0].core->tc;
	int ret = 0;

	if (!u)
		return img_fail_nomem(err);
	tc->sem_undo = img_arena_array(&t->arena, u->nr + 1, sizeof(*tc->sem_undo));
	if (!tc->sem_undo)
		ret = img_fail_nomem(err);
	for (size_t i = 0; ret == 0 && i < u->nr; i++) {
		const struct asked *a = &u->items[i];
		int above = 0, below = 0;

		ret = count(a, a->above, &above, err) < 0 || count(a, a->below, &below, err) < 0 ? -1 : 0;
		if (ret == 0 && (above || below))
			ret = add_entry(d, t, a, above - below, err);
	}
	free(u->items);
	*u = (struct semundo){ 0 };
	return ret;
}

const struct task_dump_ops semundo_dump_ops = {
	.name = "semundo",
	.check = semundo_check,
	.ask = semundo_ask,
	.task = semundo_task,
};
