/* engines/criu-restore/plan-shares.c -- tables that tasks share: descriptors (CLONE_FILES), directories (CLONE_FS).
 *
 * A task gets a table when it is made, from whoever makes it (clone(2)), and can leave it for a copy of its own (unshare(2)): there is no
 * other way to come by one. So all tasks between two that share have to pass the table on, though it is not theirs in the end. They do so one
 * table after the other: what they were born with first, then those that only their children share, then their own.
 *
 * Tables are empty at that time, or the same for all: what belongs into them is made later.
 */

#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "criu-restore/plan-shares.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"

/* The kernel objects that clone(2) lets tasks share. */
struct shareable {
	const char *what;
	size_t id;     /* offset in TaskKobjIdsEntry */
	unsigned flag; /* 0: tasks of an image that share it cannot be made */
};

static const struct shareable shareables[] = {
	[RESTORE_SHARE_VM] = { "its memory (CLONE_VM)", offsetof(TaskKobjIdsEntry, vm_id), 0 },
	[RESTORE_SHARE_SIGHAND] = { "its signal handlers (CLONE_SIGHAND)", offsetof(TaskKobjIdsEntry, sighand_id), 0 },
	[RESTORE_SHARE_FILES] = { "its descriptors (CLONE_FILES)", offsetof(TaskKobjIdsEntry, files_id), CLONE_FILES },
	[RESTORE_SHARE_FS] = { "its current directory (CLONE_FS)", offsetof(TaskKobjIdsEntry, fs_id), CLONE_FS },
};

/* When a task is made, as far as one kind of table goes: its maker has this table then. */
enum rank {
	ANY,		  /* whenever */
	BORN,		  /* with the maker's first one */
	LOCAL,		  /* LOCAL + n: one that only children of the maker have */
	OWN = UINT32_MAX, /* the one that the maker keeps */
};

/* Of each task, by its index. Tables are known by the first task that has them. */
struct node {
	struct restore_task *own;    /* its table, when others have it too */
	struct restore_task *passed; /* what it has to be born with, NULL: whatever there is */
	const struct restore_task *stamp; /* last table that was looked at here */
	unsigned depth;
};

struct plan {
	struct restore *r;
	struct node *nodes;
	const struct shareable *kind;
	struct restore_task **sharers;	/* those that live, as the kind has them together */
	struct restore_task **local;	/* tables of its children alone */
};

static uint32_t shared_id(const struct restore_task *t, const struct shareable *s)
{
	return *(const uint32_t *)((const char *)t->ids + s->id);
}

static int by_shared_id(const void *a, const void *b, void *arg)
{
	const struct restore_task *x = *(struct restore_task *const *)a,
				  *y = *(struct restore_task *const *)b;
	uint32_t i = shared_id(x, arg), k = shared_id(y, arg);

	if (i != k)
		return i < k ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static struct node *node(struct plan *p, const struct restore_task *t)
{
	return &p->nodes[t->index];
}

static int impossible(const struct plan *p, const struct restore_task *t, const struct restore_task *first, struct img_err *err)
{
	return img_fail(err, IMG_UNSUPPORTED, "pid %d: shares %s with pid %d, in a way that cannot be made", t->pid, p->kind->what,
		first->pid);
}

/* ---- who passes what on ---- */

static unsigned depth(struct plan *p, const struct restore_task *t)
{
	unsigned n = 0;

	/* Makers mostly come first; helpers do not. */
	for (const struct restore_task *c = t; c->creator; c = c->creator) {
		if (node(p, c)->depth) {
			n += node(p, c)->depth;
			break;
		}
		n++;
	}
	return node(p, t)->depth = n;
}

/* One step towards the root, with the table: 1 when it has been there already, 0, -1. */
static int climb(struct plan *p, struct restore_task **at, struct restore_task *first, const struct restore_task *for_whom,
	struct img_err *err)
{
	struct node *n = node(p, *at);

	if (n->passed && n->passed != first)
		return impossible(p, for_whom, first, err);
	n->passed = first;
	*at = (*at)->creator;
	n = node(p, *at);
	if (n->stamp == first)
		return 1;
	n->stamp = first;
	return 0;
}

/* From t up to where the others of its table meet; *top, the uppermost of them, goes further up when that is where. */
static int meet(struct plan *p, struct restore_task *t, struct restore_task *first, struct restore_task **top, struct img_err *err)
{
	struct restore_task *at = t;
	int met = node(p, at)->stamp == first;

	node(p, at)->stamp = first;
	while (met == 0)
		met = climb(p, node(p, at)->depth > node(p, *top)->depth ? &at : top, first, t, err);
	return met < 0 ? -1 : 0;
}

/* All tasks that share one table: sorted, so `first` is the first that has it. */
static int pass_on(struct plan *p, struct restore_task **tasks, size_t nr, struct img_err *err)
{
	struct restore_task *first = tasks[0], *top = first;

	if (!p->kind->flag)
		return img_fail(err, IMG_UNSUPPORTED, "pid %d: shares %s with pid %d", tasks[1]->pid, p->kind->what, first->pid);
	node(p, first)->stamp = first;
	for (size_t i = 0; i < nr; i++) {
		node(p, tasks[i])->own = first;
		if (meet(p, tasks[i], first, &top, err) < 0)
			return -1;
	}
	return 0;
}

static int pass_all_on(struct plan *p, size_t nr, struct img_err *err)
{
	struct restore_task **tasks = p->sharers;

	qsort_r(tasks, nr, sizeof(*tasks), by_shared_id, (void *)p->kind);
	for (size_t first = 0, next; first < nr; first = next) {
		for (next = first + 1; next < nr && shared_id(tasks[next], p->kind) == shared_id(tasks[first], p->kind);)
			next++;
		if (next > first + 1 && pass_on(p, tasks + first, next - first, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- in which order a task makes others ---- */

static uint32_t rank_of(struct plan *p, const struct restore_task *maker, const struct restore_task *t, size_t *nr_local)
{
	struct restore_task *passed = node(p, t)->passed;
	size_t i = 0;

	if (!passed)
		return ANY;
	if (passed == node(p, maker)->passed)
		return BORN;
	if (passed == node(p, maker)->own)
		return OWN;
	while (i < *nr_local && p->local[i] != passed)
		i++;
	if (i == *nr_local)
		p->local[(*nr_local)++] = passed;
	return LOCAL + i;
}

/* A maker that is born with its own table cannot have another one in between: then of those of its children that share one the first
 * makes the others, as its brothers. */
static int by_brother(struct plan *p, struct restore_task *maker, size_t kind, struct img_err *err)
{
	struct restore_task *first = maker->made_first, *t;

	while (first->share_rank[kind] < LOCAL || first->share_rank[kind] == OWN)
		first = first->made_next;
	for (t = first->made_next; t->share_rank[kind] != first->share_rank[kind]; t = t->made_next)
		;
	if (t->sid != first->sid || t->leads_session || first->leads_session || t->clone_flags & CLONE_PARENT ||
		!restore_task_lives(t) || !restore_task_lives(first))
		return impossible(p, t, node(p, t)->passed, err);
	t->creator = first;
	t->clone_flags |= CLONE_PARENT;
	t->adopted = first->adopted;
	t->born_before_setsid = false;
	return 1;
}

/* 1: somebody is made by somebody else now, and it is all to be looked at again; 0; -1. */
static int rank_children(struct plan *p, struct restore_task *maker, size_t kind, struct img_err *err)
{
	const struct node *m = node(p, maker);
	size_t nr_local = 0;

	for (struct restore_task *t = maker->made_first; t; t = t->made_next)
		t->share_rank[kind] = rank_of(p, maker, t, &nr_local);
	if (nr_local && m->own && m->own == m->passed)
		return by_brother(p, maker, kind, err);
	return 0;
}

static int look_at_kind(struct plan *p, size_t kind, size_t nr, struct img_err *err)
{
	struct restore *r = p->r;

	p->kind = &shareables[kind];
	memset(p->nodes, 0, r->nr_tasks * sizeof(*p->nodes));
	for (size_t i = 0; i < r->nr_tasks; i++)
		depth(p, &r->tasks[i]);
	if (pass_all_on(p, nr, err) < 0)
		return -1;
	for (size_t i = 0; i < r->nr_tasks; i++) {
		struct restore_task *t = &r->tasks[i];
		int ret = rank_children(p, t, kind, err);

		if (ret)
			return ret;
		t->clone_flags &= ~p->kind->flag;
		if (node(p, t)->passed)
			t->clone_flags |= p->kind->flag;
		t->share_first[kind] = node(p, t)->own;
	}
	return 0;
}

int restore_plan_shares(struct restore *r, size_t nr_image, struct img_err *err)
{
	cleanup_free struct node *nodes = calloc(r->nr_tasks, sizeof(*nodes));
	cleanup_free struct restore_task **sharers = calloc(r->nr_tasks, sizeof(*sharers));
	cleanup_free struct restore_task **local = calloc(r->nr_tasks, sizeof(*local));
	struct plan p = { .r = r, .nodes = nodes, .sharers = sharers, .local = local };
	size_t nr = 0;
	int again;

	if (!nodes || !sharers || !local)
		return img_fail_nomem(err);
	for (size_t i = 0; i < nr_image; i++)
		if (restore_task_lives(&r->tasks[i]))
			sharers[nr++] = &r->tasks[i];
	do {
		again = 0;
		restore_link_creators(r);
		for (size_t kind = 0; kind < RESTORE_SHARES && again == 0; kind++)
			again = look_at_kind(&p, kind, nr, err);
	} while (again > 0);
	return again;
}

/* Those before its setsid come first in any case. The others in the order of their ranks; where two kinds of tables do not agree, that is
 * seen afterwards. */
static int by_rank(const void *a, const void *b)
{
	const struct restore_task *x = *(struct restore_task *const *)a, *y = *(struct restore_task *const *)b;
	uint32_t i = 0, k = 0;

	if (x->born_before_setsid != y->born_before_setsid)
		return x->born_before_setsid ? -1 : 1;
	for (size_t kind = 0; kind < RESTORE_SHARES; kind++) {
		i = x->share_rank[kind] > i ? x->share_rank[kind] : i;
		k = y->share_rank[kind] > k ? y->share_rank[kind] : k;
	}
	if (i != k)
		return i < k ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* When the maker leaves one table for the next. */
static int leave_tables(struct restore_task *maker, size_t kind, struct img_err *err)
{
	unsigned flag = shareables[kind].flag;
	/* What nobody else has need not be left. */
	uint32_t has = maker->clone_flags & flag ? BORN : ANY;

	for (struct restore_task *t = maker->made_first; t; t = t->made_next) {
		uint32_t rank = t->share_rank[kind];

		if (rank == ANY || rank == has)
			continue;
		if (rank < has)
			return img_fail(err, IMG_UNSUPPORTED, "pid %d: shares %s with others, in a way that cannot be made", t->pid,
				shareables[kind].what);
		if (has != ANY)
			t->unshare_first |= flag;
		has = rank;
	}
	if (has != ANY && !maker->share_first[kind] && maker->state != RESTORE_HELPER)
		maker->unshare_last |= flag;
	return 0;
}

int restore_plan_shares_order(struct restore *r, struct img_err *err)
{
	cleanup_free struct restore_task **children = calloc(r->nr_tasks, sizeof(*children));

	if (!children)
		return img_fail_nomem(err);
	for (size_t i = 0; i < r->nr_tasks; i++) {
		struct restore_task *maker = &r->tasks[i], **link = &maker->made_first;
		size_t nr = 0;

		for (struct restore_task *t = maker->made_first; t; t = t->made_next)
			children[nr++] = t;
		qsort(children, nr, sizeof(*children), by_rank);
		for (size_t k = 0; k < nr; k++) {
			*link = children[k];
			link = &children[k]->made_next;
		}
		*link = NULL;
		for (size_t kind = 0; kind < RESTORE_SHARES; kind++)
			if (shareables[kind].flag && leave_tables(maker, kind, err) < 0)
				return -1;
	}
	return 0;
}
