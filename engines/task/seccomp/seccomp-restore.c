/* engines/task/seccomp/seccomp-restore.c -- how criu-restore puts a thread under seccomp(2): strict mode, or
 * its filters.
 *
 * A thread so confined could do nothing of what is left to be done, so it is the last thing, by calls made
 * from outside while the front has its rules suspended (PTRACE_O_SUSPEND_SECCOMP); they apply from the moment
 * it is let go.
 *
 * What the threads of a process have in common, from the oldest filter on, the leader installs for all of
 * them (SECCOMP_FILTER_FLAG_TSYNC): so they share it, and can be put under further ones together.
 */

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "seccomp.pb-c.h"

#include "criu-restore/resume.h"
#include "criu-restore/task_ops.h"
#include "criuimg/array.h"
#include "criuimg/image.h"

#define FLAGS_KEPT  (SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW)
#define FLAGS_KNOWN (FLAGS_KEPT | SECCOMP_FILTER_FLAG_TSYNC)

struct filter {
	struct sock_filter *insns;
	size_t size; /* bytes */
	uint32_t flags;
	int64_t prev; /* the one installed after it; -1: it is the newest */
};

/* A filter on its way into the kernel. */
struct program {
	uint64_t len, insns; /* struct sock_fprog, as 64-bit tasks have it */
	struct sock_filter code[BPF_MAXINSNS];
};

/* Of the run. */
struct restore_seccomp {
	struct filter *filters;
	size_t nr;
	size_t *shared;	      /* by task: how many its threads have in common */
	struct program *call; /* in shared memory */
};

static const struct filter *filter_at(const struct restore *r, int64_t index)
{
	return &r->seccomp->filters[index];
}

/* ---- the image ---- */

static int check_filter(const SeccompEntry *list, size_t i, struct img_err *err)
{
	const SeccompFilter *f = list->seccomp_filters[i];
	size_t nr = f->filter.len / sizeof(struct sock_filter);
	struct sock_filter insn;

	if (f->filter.len % sizeof(struct sock_filter) || !nr || nr > BPF_MAXINSNS)
		return img_fail(err, IMG_CORRUPT, "seccomp.img: filter %zu: %zu bytes", i, f->filter.len);
	/* So chains end. */
	if (f->has_prev && f->prev >= i)
		return img_fail(err, IMG_CORRUPT, "seccomp.img: filter %zu: the next one is %u", i, f->prev);
	if (f->flags & ~(uint32_t)FLAGS_KNOWN)
		return img_fail(err, IMG_UNSUPPORTED, "seccomp.img: filter %zu: flags %#x", i, f->flags);
	for (size_t k = 0; k < nr; k++) {
		memcpy(&insn, f->filter.data + k * sizeof(insn), sizeof(insn));
		if (insn.code == (BPF_RET | BPF_K) &&
			(insn.k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF)
			return img_fail(err, IMG_UNSUPPORTED,
				"seccomp.img: filter %zu asks another process (SECCOMP_RET_USER_NOTIF)", i);
	}
	return 0;
}

static int keep_filters(struct restore *r, const SeccompEntry *list, struct img_err *err)
{
	struct restore_seccomp *s = r->seccomp;

	for (size_t i = 0; i < list->n_seccomp_filters; i++)
		if (check_filter(list, i, err) < 0)
			return -1;
	s->filters = img_arena_array(&r->arena, list->n_seccomp_filters + 1, sizeof(*s->filters));
	if (!s->filters)
		return img_fail_nomem(err);
	for (; s->nr < list->n_seccomp_filters; s->nr++) {
		const SeccompFilter *rec = list->seccomp_filters[s->nr];
		struct filter *f = &s->filters[s->nr];

		f->size = rec->filter.len;
		f->insns = img_arena_memdup(&r->arena, rec->filter.data, f->size);
		f->flags = rec->flags & FLAGS_KEPT;
		f->prev = rec->has_prev ? (int64_t)rec->prev : -1;
		if (!f->insns)
			return img_fail_nomem(err);
	}
	return 0;
}

static int read_filters(struct restore *r, struct img_err *err)
{
	ProtobufCMessage *msg = NULL;
	int ret = 0;

	if (r->seccomp)
		return 0;
	r->seccomp = img_arena_alloc(&r->arena, sizeof(*r->seccomp));
	if (!r->seccomp || !(r->seccomp->shared = img_arena_array(&r->arena, r->nr_tasks, sizeof(size_t))))
		return img_fail_nomem(err);
	if (img_read_single(r->set, IMG_SECCOMP, 0, &msg, err) < 0)
		return -1;
	if (msg) {
		ret = keep_filters(r, (SeccompEntry *)msg, err);
		img_message_free(msg);
	}
	return ret;
}

/* ---- who has which ---- */

/* The oldest filter of a thread, or -1. */
static int64_t oldest(const struct restore_task *t, const struct restore_thread *th)
{
	const ThreadCoreEntry *tc = th->core->thread_core;
	const TaskCoreEntry *old = t->core->tc;

	if (tc->has_seccomp_mode)
		return tc->seccomp_mode == SECCOMP_MODE__filter ? (int64_t)tc->seccomp_filter : -1;
	/* Before CRIU 3.0 all threads had what the process had. */
	return old->has_old_seccomp_mode && old->old_seccomp_mode == SECCOMP_MODE__filter
		       ? (int64_t)old->old_seccomp_filter
		       : -1;
}

static bool strict(const struct restore_task *t, const struct restore_thread *th)
{
	const ThreadCoreEntry *tc = th->core->thread_core;
	const TaskCoreEntry *old = t->core->tc;

	if (tc->has_seccomp_mode)
		return tc->seccomp_mode == SECCOMP_MODE__strict;
	return old->has_old_seccomp_mode && old->old_seccomp_mode == SECCOMP_MODE__strict;
}

static bool no_new_privs(const struct restore_thread *th)
{
	const CredsEntry *c = th->core->thread_core->creds;

	return c && c->has_no_new_privs && c->no_new_privs;
}

static bool filter_equal(const struct filter *a, const struct filter *b)
{
	return a == b || (a->flags == b->flags && a->size == b->size && !memcmp(a->insns, b->insns, a->size));
}

/* How many filters two chains have in common, max at most. */
static size_t alike(const struct restore *r, int64_t a, int64_t b, size_t max)
{
	size_t nr = 0;

	while (nr < max && a >= 0 && b >= 0 && filter_equal(filter_at(r, a), filter_at(r, b))) {
		nr++;
		a = filter_at(r, a)->prev;
		b = filter_at(r, b)->prev;
	}
	return nr;
}

/* How many filters, from the oldest on, all threads have in common. */
static size_t common(const struct restore *r, const struct restore_task *t)
{
	int64_t first = oldest(t, &t->threads[0]);
	size_t nr = alike(r, first, first, SIZE_MAX);

	for (size_t i = 1; nr && i < t->nr_threads; i++) {
		const struct restore_thread *th = &t->threads[i];

		/* The leader would pass this on too. */
		if (no_new_privs(&t->threads[0]) && !no_new_privs(th))
			return 0;
		if (oldest(t, th) != first)
			nr = alike(r, first, oldest(t, th), nr);
	}
	return t->nr_threads > 1 ? nr : 0;
}

/* ---- plan ---- */

static int seccomp_plan(struct restore *r, struct restore_task *t, struct img_err *err)
{
	bool any = false;

	if (read_filters(r, err) < 0)
		return -1;
	for (size_t i = 0; i < t->nr_threads; i++) {
		int64_t at = oldest(t, &t->threads[i]);

		if (at >= 0 && (uint64_t)at >= r->seccomp->nr)
			return img_fail(err, IMG_CORRUPT, "thread %d: filter %lld of %zu", t->threads[i].tid,
				(long long)at, r->seccomp->nr);
		any |= at >= 0;
	}
	if (!any)
		return 0;
	r->seccomp->shared[t->index] = common(r, t);
	if (!r->seccomp->call)
		r->seccomp->call = restore_shared_alloc(r, sizeof(*r->seccomp->call), err);
	return r->seccomp->call ? 0 : -1;
}

/* ---- held ---- */

static int call(struct restore *r, struct restore_task *t, struct restore_thread *th, int64_t nr,
	const uint64_t args[6], const char *what, struct img_err *err)
{
	int64_t ret;

	if (restore_remote_call(r, t, th->here, nr, args, &ret, err) < 0)
		return img_wrap(err, "%s", what);
	if (ret < 0) {
		errno = -ret;
		return img_fail_sys(err, "%s", what);
	}
	if (ret > 0)
		return img_fail(err, IMG_SYS, "%s: thread %lld does not follow", what, (long long)ret);
	return 0;
}

static int install(struct restore *r, struct restore_task *t, struct restore_thread *th,
	const struct filter *f, uint32_t sync, struct img_err *err)
{
	const uint64_t args[6] = { SECCOMP_SET_MODE_FILTER, f->flags | sync, (uintptr_t)r->seccomp->call };

	r->seccomp->call->len = f->size / sizeof(struct sock_filter);
	r->seccomp->call->insns = (uintptr_t)r->seccomp->call->code;
	memcpy(r->seccomp->call->code, f->insns, f->size);
	return call(r, t, th, SYS_seccomp, args, "install a filter", err);
}

/* From here on rules would apply to what is still done in them. */
static int suspend(struct restore_task *t, struct img_err *err)
{
	for (size_t i = 0; i < t->nr_threads; i++) {
		struct restore_thread *th = &t->threads[i];

		if ((strict(t, th) || oldest(t, th) >= 0) &&
			kern_ptrace_options(th->here, PTRACE_O_EXITKILL | PTRACE_O_SUSPEND_SECCOMP, err) < 0)
			return -1;
	}
	return 0;
}

static int seccomp_held(
	struct restore *r, struct restore_task *t, struct restore_thread *th, struct img_err *err)
{
	const uint64_t strict_args[6] = { PR_SET_SECCOMP, SECCOMP_MODE_STRICT };
	bool leader = th == t->threads;
	int64_t at = oldest(t, th);
	size_t shared;

	if (leader && suspend(t, err) < 0)
		return -1;
	if (strict(t, th))
		return call(r, t, th, SYS_prctl, strict_args, "strict mode", err);
	if (at < 0)
		return 0;
	shared = r->seccomp->shared[t->index];
	for (size_t n = 0; at >= 0; n++, at = filter_at(r, at)->prev)
		if ((leader || n >= shared) &&
			install(r, t, th, filter_at(r, at), n < shared ? SECCOMP_FILTER_FLAG_TSYNC : 0, err) < 0)
			return img_wrap(err, "filter %zu", n);
	return 0;
}

extern const struct task_restore_ops seccomp_restore_ops;

const struct task_restore_ops seccomp_restore_ops = {
	.name = "seccomp",
	.plan = seccomp_plan,
	.held = seccomp_held,
};
