/* engines/task/seccomp/seccomp-dump.c -- what criu-dump saves of seccomp(2): the mode of each thread, its
 * filters, and seccomp.img with all of them.
 *
 * Filters are a chain that threads share the older parts of. The kernel shows what is in them and not which
 * are the same, so equal chains are one. In the image a filter points to the one that was installed next: a
 * thread names its oldest, and the way from there is the way to install them.
 */

#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "seccomp.pb-c.h"

#include "criu-dump/task_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "kernel/ptrace.h"

extern const struct task_dump_ops seccomp_dump_ops;

/* A filter as it was read: of a thread, oldest first, or of the whole tree, in the order of the image. */
struct filter {
	size_t nr; /* instructions; they live in the arena of the run */
	struct sock_filter *insns;
	uint32_t flags;
	int64_t prev; /* index in the image of the next one, -1: it is the newest */
	uint64_t hash;
};

struct chain {
	struct filter *items;
	size_t nr, room;
};

/* Of a task: the chains of its threads. Of the first task of the tree also the list of all filters. */
struct seccomp_state {
	struct chain *threads;
	struct chain all;
	uint32_t *slots; /* hash table with linear probing: index in all + 1, 0 free */
	size_t nr_slots;
};

static struct seccomp_state *state_of(struct dump *d, struct dump_task *t)
{
	return dump_keep(d, t, &seccomp_dump_ops, sizeof(struct seccomp_state));
}

/* ---- check: the filters are read, and looked through ---- */

static bool asks_supervisor(const struct filter *f)
{
	for (size_t i = 0; i < f->nr; i++)
		if (f->insns[i].code == (BPF_RET | BPF_K) &&
			(f->insns[i].k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF)
			return true;
	return false;
}

static bool computes_result(const struct filter *f)
{
	for (size_t i = 0; i < f->nr; i++)
		if (f->insns[i].code == (BPF_RET | BPF_A))
			return true;
	return false;
}

/* Is the n-th filter of this chain what was just read? Threads mostly have what the one before them has. */
static bool same_filter(const struct chain *c, size_t n, const struct kern_filter *k)
{
	return c && n < c->nr && c->items[n].nr == k->nr && c->items[n].flags == k->flags &&
	       !memcmp(c->items[n].insns, k->insns, k->nr * sizeof(k->insns[0]));
}

static int read_chain(struct dump *d, struct dump_thread *th, struct chain *c, const struct chain *like,
	struct kern_filter *buf, struct img_err *err)
{
	cleanup_free struct filter *items = NULL;
	size_t nr = 0, room = 0, same = 0;
	int ret;

	while ((ret = kern_ptrace_get_filter(th->tid, nr, buf, err)) > 0) {
		struct filter *f = img_array_more(&items, nr, &room);
		size_t size = buf->nr * sizeof(buf->insns[0]);

		if (!f)
			return img_fail_nomem(err);
		if (same_filter(like, nr, buf)) {
			*f = like->items[nr];
			same++;
		} else {
			*f = (struct filter){ .nr = buf->nr, .flags = buf->flags, .prev = -1 };
			f->insns = img_arena_memdup(&d->arena, buf->insns, size);
			if (!f->insns)
				return img_fail_nomem(err);
			f->hash = XXH3_64bits(f->insns, size);
		}
		nr++;
	}
	if (ret < 0)
		return -1;
	if (!nr)
		return img_fail(err, IMG_SYS, "thread %d: the kernel shows none of its filters", th->tid);
	c->nr = nr;
	c->items = like && same == like->nr && same == nr
			   ? like->items
			   : img_arena_memdup(&d->arena, items, nr * sizeof(*items));
	return c->items ? 0 : img_fail_nomem(err);
}

static int check_thread(struct dump *d, struct dump_thread *th, const struct chain *c)
{
	struct dump_task *t = th->task;

	for (size_t i = 0; i < c->nr; i++) {
		if (asks_supervisor(&c->items[i]))
			return dump_block(d, t, "",
				"thread %d: seccomp filter %zu asks another process (SECCOMP_RET_USER_NOTIF): "
				"that is not supported",
				th->tid, i);
		if (computes_result(&c->items[i]) &&
			dump_unknown(d, t, "", "thread %d: what seccomp filter %zu may answer is not known",
				th->tid, i) < 0)
			return -1;
	}
	return 0;
}

static int seccomp_check(struct dump *d, struct dump_task *t, struct img_err *err)
{
	struct seccomp_state *s = state_of(d, t);
	cleanup_free struct kern_filter *buf = NULL;
	const struct chain *like = NULL;

	if (!s)
		return img_fail_nomem(err);
	/* Filters are shown of a thread that is stopped, and no other. */
	for_each_thread(t, th) {
		size_t i = th - t->threads;

		if (d->dry_run || th->status.seccomp != SECCOMP_MODE_FILTER)
			continue;
		if (!s->threads)
			s->threads = img_arena_array(&d->arena, t->nr_threads, sizeof(*s->threads));
		if (!buf)
			buf = malloc(sizeof(*buf));
		if (!s->threads || !buf)
			return img_fail_nomem(err);
		if (read_chain(d, th, &s->threads[i], like, buf, err) < 0)
			return -1;
		if ((!like || s->threads[i].items != like->items) &&
			check_thread(d, th, &s->threads[i]) < 0)
			return img_fail_nomem(err);
		like = &s->threads[i];
	}
	return 0;
}

/* ---- the records ---- */

static uint64_t filter_hash(const struct filter *f)
{
	const uint64_t key[] = { f->hash, f->prev, f->flags };

	return XXH3_64bits(key, sizeof(key));
}

static bool filter_equal(const struct filter *a, const struct filter *b)
{
	return a->hash == b->hash && a->prev == b->prev && a->flags == b->flags && a->nr == b->nr &&
	       !memcmp(a->insns, b->insns, a->nr * sizeof(a->insns[0]));
}

static uint32_t *slot_of(struct seccomp_state *s, const struct filter *f)
{
	for (uint64_t at = filter_hash(f);; at++) {
		uint32_t *slot = &s->slots[at & (s->nr_slots - 1)];

		if (!*slot || filter_equal(&s->all.items[*slot - 1], f))
			return slot;
	}
}

static int more_slots(struct dump *d, struct seccomp_state *s, struct img_err *err)
{
	s->nr_slots = s->nr_slots ? 4 * s->nr_slots : 256;
	s->slots = img_arena_array(&d->arena, s->nr_slots, sizeof(*s->slots));
	if (!s->slots)
		return img_fail_nomem(err);
	for (size_t i = 0; i < s->all.nr; i++)
		*slot_of(s, &s->all.items[i]) = i + 1;
	return 0;
}

/* Index of a filter in the image. */
static int64_t filter_index(struct dump *d, struct seccomp_state *s, const struct filter *f, struct img_err *err)
{
	uint32_t *slot;

	if (2 * (s->all.nr + 1) > s->nr_slots && more_slots(d, s, err) < 0)
		return -1;
	slot = slot_of(s, f);
	if (*slot)
		return *slot - 1;
	if (s->all.nr == s->all.room) {
		size_t room = s->all.room ? 2 * s->all.room : 64;
		struct filter *grown = img_arena_array(&d->arena, room, sizeof(*grown));

		if (!grown)
			return img_fail_nomem(err);
		if (s->all.nr)
			memcpy(grown, s->all.items, s->all.nr * sizeof(*grown));
		s->all.items = grown;
		s->all.room = room;
	}
	s->all.items[s->all.nr++] = *f;
	*slot = s->all.nr;
	return s->all.nr - 1;
}

static bool chains_equal(const struct chain *a, const struct chain *b)
{
	if (a->nr != b->nr)
		return false;
	for (size_t i = 0; a->items != b->items && i < a->nr; i++)
		if (!filter_equal(&a->items[i], &b->items[i]))
			return false;
	return true;
}

/* As CRIU says it: the flag with which one thread puts a filter on all of its process, where all of them have
 * the same ones. */
static uint32_t sync_flag(const struct dump_task *t, const struct seccomp_state *s)
{
	for (size_t i = 1; i < t->nr_threads; i++)
		if (!chains_equal(&s->threads[i - 1], &s->threads[i]))
			return 0;
	return SECCOMP_FILTER_FLAG_TSYNC;
}

static int thread_filters(
	struct dump *d, struct dump_thread *th, const struct chain *c, uint32_t sync, struct img_err *err)
{
	struct seccomp_state *all = state_of(d, d->tasks.items[0]);
	ThreadCoreEntry *tc = th->core->thread_core;
	int64_t prev = -1;

	if (!all)
		return img_fail_nomem(err);
	for (size_t i = c->nr; i-- > 0;) {
		struct filter f = c->items[i];

		f.prev = prev;
		f.flags |= sync;
		prev = filter_index(d, all, &f, err);
		if (prev < 0)
			return -1;
	}
	tc->has_seccomp_mode = 1;
	tc->seccomp_mode = SECCOMP_MODE__filter;
	tc->has_seccomp_filter = 1;
	tc->seccomp_filter = prev;
	log_info(d->log, "pid %d: thread %d: %zu seccomp filters, from %" PRId64 " on", th->task->pid, th->tid,
		c->nr, prev);
	return 0;
}

static int seccomp_task(struct dump *d, struct dump_task *t, struct img_err *err)
{
	struct seccomp_state *s = state_of(d, t);
	uint32_t sync = s && s->threads ? sync_flag(t, s) : 0;

	if (!s)
		return img_fail_nomem(err);
	for_each_thread(t, th) {
		ThreadCoreEntry *tc = th->core->thread_core;

		if (th->status.seccomp == SECCOMP_MODE_STRICT) {
			tc->has_seccomp_mode = 1;
			tc->seccomp_mode = SECCOMP_MODE__strict;
		} else if (th->status.seccomp == SECCOMP_MODE_FILTER &&
			   thread_filters(d, th, &s->threads[th - t->threads], sync, err) < 0) {
			return -1;
		}
	}
	return 0;
}

static int seccomp_tree(struct dump *d, struct img_err *err)
{
	const struct seccomp_state *s = state_of(d, d->tasks.items[0]);
	SeccompEntry e = SECCOMP_ENTRY__INIT;

	if (!s)
		return img_fail_nomem(err);
	if (s->all.nr) {
		e.seccomp_filters = img_arena_array(&d->arena, s->all.nr, sizeof(*e.seccomp_filters));
		if (!e.seccomp_filters)
			return img_fail_nomem(err);
	}
	for (size_t i = 0; i < s->all.nr; i++) {
		const struct filter *f = &s->all.items[i];
		SeccompFilter *rec = img_arena_message(&d->arena, SeccompFilter, seccomp_filter);

		if (!rec)
			return img_fail_nomem(err);
		rec->filter.data = (uint8_t *)f->insns;
		rec->filter.len = f->nr * sizeof(f->insns[0]);
		rec->has_prev = f->prev >= 0;
		rec->prev = rec->has_prev ? f->prev : 0;
		rec->has_flags = 1;
		rec->flags = f->flags;
		e.seccomp_filters[e.n_seccomp_filters++] = rec;
	}
	return img_write_single(d->set, IMG_SECCOMP, 0, &e.base, err);
}

const struct task_dump_ops seccomp_dump_ops = {
	.name = "seccomp",
	.check = seccomp_check,
	.task = seccomp_task,
	.tree = seccomp_tree,
};
