/* tests/kinds/tree/shapes.c -- trees of a few processes in every shape that can be reached: who is whose child, session and group, who is
 * a zombie, whose leader is gone.
 *
 * The shapes are found by trying all that processes can do (fork, setsid, setpgid, exit, being waited for) on a model, breadth first; then
 * each is made by doing just that. The subject is the reaper of orphans. Environment: SHAPES="TASKS MADE ZOMBIES FIRST COUNT", where TASKS is how
 * many there are at most, MADE how many ever were, ZOMBIES 0 or 1.
 *
 * harness: compare: no
 * harness: to-peer: some orphans come back as children of init
 *
 * harness: places: host
 */

#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/harness/subject.h"

enum { MAX = 6, OPS = 24, NOBODY = -1, NOTE = 100 };

/* ---- the model ---- */

enum { FORK, SETSID, SETPGID, EXIT, END, REAP }; /* exit: nobody waits; end: somebody does */
struct op {
	signed char what, who, arg;
};
struct task {
	signed char id, parent, sid, pgid, zombie;
};
/* A session or group of the subject itself is NOBODY's. */
struct shape {
	struct task tasks[MAX];
	int nr, made, nr_ops;
	struct op ops[OPS];
};

static struct shape *shapes;
static size_t nr_shapes, room_shapes;
static int max_tasks = 2, max_made = 3, zombies = 1;

static int by_id(const void *a, const void *b)
{
	return ((const struct task *)a)->id - ((const struct task *)b)->id;
}

/* The least of the encodings under all numberings in which parents come first. */
struct code {
	signed char bytes[MAX * 5 + 1];
};

static void encode(const struct shape *s, const signed char *number, struct code *out)
{
	signed char gone[MAX], nr_gone = 0;
	struct task rows[MAX];

	for (int i = 0; i < s->nr; i++) {
		const struct task *t = &s->tasks[i];

		rows[i] = *t;
		rows[i].id = number[t->id];
		rows[i].parent = t->parent == NOBODY ? NOBODY : number[t->parent];
	}
	qsort(rows, s->nr, sizeof(rows[0]), by_id);
	memset(out, 0, sizeof(*out));
	out->bytes[0] = s->nr;
	for (int i = 0; i < s->nr; i++) {
		signed char *of[2] = { &rows[i].sid, &rows[i].pgid };

		for (int k = 0; k < 2; k++) {
			signed char x = *of[k], j;

			if (x == NOBODY)
				continue;
			if (number[x] >= 0) {
				*of[k] = number[x];
				continue;
			}
			for (j = 0; j < nr_gone && gone[j] != x; j++)
				;
			if (j == nr_gone)
				gone[nr_gone++] = x;
			*of[k] = NOTE + j;
		}
		memcpy(out->bytes + 1 + i * 5, &rows[i], 5);
	}
}

static void number_all(const struct shape *s, signed char *number, int next, struct code *best, bool *any)
{
	struct code c;

	if (next == s->nr) {
		encode(s, number, &c);
		if (!*any || memcmp(&c, best, sizeof(c)) < 0)
			*best = c;
		*any = true;
		return;
	}
	for (int i = 0; i < s->nr; i++) {
		const struct task *t = &s->tasks[i];

		if (number[t->id] >= 0 || (t->parent != NOBODY && number[t->parent] < 0))
			continue;
		number[t->id] = next;
		number_all(s, number, next + 1, best, any);
		number[t->id] = -1;
	}
}

static struct code code_of(const struct shape *s)
{
	signed char number[MAX + 1];
	struct code best = { 0 };
	bool any = false;

	memset(number, -1, sizeof(number));
	number_all(s, number, 0, &best, &any);
	best.bytes[MAX * 5] = s->made;
	return best;
}

static struct code *codes; /* a hash table of all that were seen */
static size_t *slots, nr_slots, nr_codes;

static size_t hash(const struct code *c)
{
	size_t h = 1469598103934665603ull;

	for (size_t i = 0; i < sizeof(*c); i++)
		h = (h ^ (unsigned char)c->bytes[i]) * 1099511628211ull;
	return h;
}

/* Is it new? */
static bool note(struct code c)
{
	size_t at;

	if (2 * nr_codes >= nr_slots) {
		nr_slots = nr_slots ? 2 * nr_slots : 4096;
		slots = realloc(slots, nr_slots * sizeof(*slots));
		codes = realloc(codes, nr_slots * sizeof(*codes));
		MUST(slots && codes);
		memset(slots, 0, nr_slots * sizeof(*slots));
		for (size_t i = 0; i < nr_codes; i++) {
			for (at = hash(&codes[i]); slots[at % nr_slots]; at++)
				;
			slots[at % nr_slots] = i + 1;
		}
	}
	for (at = hash(&c); slots[at % nr_slots]; at++)
		if (!memcmp(&codes[slots[at % nr_slots] - 1], &c, sizeof(c)))
			return false;
	codes[nr_codes++] = c;
	slots[at % nr_slots] = nr_codes;
	return true;
}

static void consider(struct shape next, int what, int who, int arg)
{
	if (!next.nr || next.nr_ops == OPS || !note(code_of(&next)))
		return;
	next.ops[next.nr_ops++] = (struct op){ what, who, arg };
	if (nr_shapes == room_shapes) {
		room_shapes = room_shapes ? 2 * room_shapes : 1024;
		shapes = realloc(shapes, room_shapes * sizeof(*shapes));
		MUST(shapes);
	}
	shapes[nr_shapes++] = next;
}

static void remove_task(struct shape *s, int i)
{
	memmove(s->tasks + i, s->tasks + i + 1, (s->nr - i - 1) * sizeof(s->tasks[0]));
	s->nr--;
}

static const struct task *of_group(const struct shape *s, int pgid)
{
	for (int i = 0; i < s->nr; i++)
		if (s->tasks[i].pgid == pgid)
			return &s->tasks[i];
	return NULL;
}

static void try_groups(const struct shape *s, int i)
{
	const struct task *t = &s->tasks[i];

	if (t->sid == t->id)
		return;
	for (int g = NOBODY; g < s->made; g++) {
		const struct task *of = of_group(s, g);
		struct shape next = *s;

		if (g == t->pgid)
			continue;
		if (g == NOBODY ? t->sid != NOBODY : of ? of->sid != t->sid : g != t->id)
			continue;
		next.tasks[i].pgid = g;
		consider(next, SETPGID, t->id, g);
	}
}

static void try_all(const struct shape *s)
{
	for (int i = 0; i < s->nr; i++) {
		const struct task *t = &s->tasks[i];
		struct shape next = *s;

		if (t->zombie) {
			remove_task(&next, i);
			consider(next, REAP, t->id, t->parent);
			continue;
		}
		if (s->nr < max_tasks && s->made < max_made) {
			next.tasks[next.nr] = *t;
			next.tasks[next.nr].id = s->made;
			next.tasks[next.nr].parent = t->id;
			next.nr++;
			next.made++;
			consider(next, FORK, t->id, s->made);
			next = *s;
		}
		if (t->pgid != t->id && !of_group(s, t->id)) {
			next.tasks[i].sid = next.tasks[i].pgid = t->id;
			consider(next, SETSID, t->id, 0);
			next = *s;
		}
		try_groups(s, i);
		for (int k = 0; k < s->nr; k++)
			if (next.tasks[k].parent == t->id)
				next.tasks[k].parent = NOBODY;
		next.tasks[i].zombie = 1;
		if (zombies)
			consider(next, EXIT, t->id, 0);
		remove_task(&next, i);
		consider(next, END, t->id, t->parent);
	}
}

/* ---- the processes ---- */

struct cell {
	unsigned turn; /* odd: something is to be done */
	int op, arg;
	pid_t pid, of_arg;
	long result;
};
static struct cell (*cells)[MAX];

static void live(struct cell *row, struct cell *me) __attribute__((noreturn));
static void live(struct cell *row, struct cell *me)
{
	for (;;) {
		unsigned turn = __atomic_load_n(&me->turn, __ATOMIC_SEQ_CST);
		struct cell *child;
		pid_t pid;

		if (!(turn & 1)) {
			syscall(SYS_futex, &me->turn, FUTEX_WAIT, turn, NULL, NULL, 0);
			continue;
		}
		me->result = 0;
		switch (me->op) {
		case FORK:
			/* Once the parent has answered it is told something else. */
			child = &row[me->arg];
			pid = fork();
			if (pid == 0)
				live(row, child);
			me->result = child->pid = pid;
			break;
		case SETSID:
			me->result = setsid();
			break;
		case SETPGID:
			me->result = setpgid(0, me->of_arg);
			break;
		case REAP:
			me->result = waitpid(me->of_arg, NULL, 0);
			break;
		case EXIT:
			_exit(7);
		}
		__atomic_add_fetch(&me->turn, 1, __ATOMIC_SEQ_CST);
		syscall(SYS_futex, &me->turn, FUTEX_WAKE, INT_MAX);
	}
}

static void tell(struct cell *c, int op, int arg, pid_t of_arg)
{
	c->op = op;
	c->arg = arg;
	c->of_arg = of_arg;
	__atomic_add_fetch(&c->turn, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &c->turn, FUTEX_WAKE, INT_MAX);
	if (op == EXIT) {
		char path[64], state = 'R';

		/* It may be nobody's child of ours: see it dead. */
		while (state != 'Z') {
			FILE *f;

			snprintf(path, sizeof(path), "/proc/%d/stat", c->pid);
			f = fopen(path, "re");
			if (!f || fscanf(f, "%*d %*s %c", &state) != 1)
				state = 'Z';
			if (f)
				fclose(f);
			sched_yield();
		}
		return;
	}
	for (unsigned turn; (turn = __atomic_load_n(&c->turn, __ATOMIC_SEQ_CST)) & 1;)
		syscall(SYS_futex, &c->turn, FUTEX_WAIT, turn, NULL, NULL, 0);
	MUST(c->result >= 0);
}

static void reap(struct cell *row, int parent, pid_t pid)
{
	if (parent == NOBODY)
		MUST(waitpid(pid, NULL, 0) == pid);
	else
		tell(&row[parent], REAP, 0, pid);
}

static void make(const struct shape *s, struct cell *row)
{
	pid_t pid = fork();

	MUST(pid >= 0);
	if (pid == 0)
		live(row, &row[0]);
	row[0].pid = pid;
	for (int i = 0; i < s->nr_ops; i++) {
		const struct op *o = &s->ops[i];
		pid_t arg = o->arg == NOBODY ? getpid() : row[(int)o->arg].pid;

		if (o->what == END) {
			tell(&row[(int)o->who], EXIT, 0, 0);
			reap(row, o->arg, row[(int)o->who].pid);
		} else if (o->what == REAP) {
			reap(row, o->arg, row[(int)o->who].pid);
		} else {
			tell(&row[(int)o->who], o->what, o->arg, arg);
		}
	}
}

static pid_t number(const struct cell *row, int id)
{
	return id == NOBODY ? getpid() : row[id].pid;
}

static void check(const struct shape *s, const struct cell *row, size_t at)
{
	for (int i = 0; i < s->nr; i++) {
		const struct task *t = &s->tasks[i];
		int ppid = 0, pgid = 0, sid = 0;
		char path[64], state = '?';
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/stat", row[(int)t->id].pid);
		f = fopen(path, "re");
		if (f && fscanf(f, "%*d %*s %c %d %d %d", &state, &ppid, &pgid, &sid) != 4)
			state = '?';
		if (f)
			fclose(f);
		CHECK((state == 'Z') == (t->zombie != 0) && state != '?', "shape %zu: task %d is in state %c", at, t->id, state);
		CHECK(ppid == number(row, t->parent), "shape %zu: task %d: its parent is %d, not %d", at, t->id, ppid,
			number(row, t->parent));
		CHECK(pgid == number(row, t->pgid), "shape %zu: task %d: its group is %d, not %d", at, t->id, pgid,
			number(row, t->pgid));
		CHECK(sid == number(row, t->sid), "shape %zu: task %d: its session is %d, not %d", at, t->id, sid,
			number(row, t->sid));
	}
}

/* How it is made. */
static void say(const struct shape *s, size_t at)
{
	static const char *const names[] = { "fork", "setsid", "setpgid", "exit", "end", "reap" };

	printf("shape %zu:", at);
	for (int i = 0; i < s->nr_ops; i++)
		printf(" %s(%d, %d)", names[(int)s->ops[i].what], s->ops[i].who, s->ops[i].arg);
	printf("\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct shape first = { .nr = 1, .made = 1, .tasks = { { 0, NOBODY, NOBODY, NOBODY, 0 } } };
	size_t from = 0, count = SIZE_MAX, upto;
	size_t tasks = 0;

	subject_begin(argc, argv);
	if (getenv("SHAPES"))
		MUST(sscanf(getenv("SHAPES"), "%d %d %d %zu %zu", &max_tasks, &max_made, &zombies, &from, &count) >= 3);
	MUST(max_tasks <= MAX && max_made <= MAX);
	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	shapes = malloc(sizeof(*shapes));
	room_shapes = nr_shapes = 1;
	MUST(shapes);
	shapes[0] = first;
	note(code_of(&first));
	for (size_t i = 0; i < nr_shapes; i++) {
		struct shape s = shapes[i];

		try_all(&s);
	}
	upto = count < nr_shapes && from + count < nr_shapes ? from + count : nr_shapes;
	printf("%zu shapes\n", nr_shapes);
	fflush(stdout);
	free(codes);
	free(slots);
	cells = mmap(NULL, nr_shapes * sizeof(*cells), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(cells != MAP_FAILED);
	for (size_t i = from; i < upto; i++) {
		say(&shapes[i], i);
		make(&shapes[i], cells[i]);
		check(&shapes[i], cells[i], i);
		tasks += shapes[i].nr;
	}

	subject_wait();

	for (size_t i = from; i < upto; i++)
		check(&shapes[i], cells[i], i);
	for (size_t i = from; i < upto; i++)
		for (int k = 0; k < shapes[i].nr; k++)
			kill(cells[i][(int)shapes[i].tasks[k].id].pid, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	return subject_end();
}
