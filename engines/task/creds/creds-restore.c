/* engines/task/creds/creds-restore.c -- how criu-restore gives a thread its credentials.
 *
 * Each thread sets its own (the system calls act on the calling thread alone). The order is that of what each
 * call needs and of what it takes away, see capabilities(7):
 *
 *	groups			needs CAP_SETGID
 *	securebits, for now	NO_SETUID_FIXUP: changing ids leaves capabilities alone
 *	ids			fs ids last: the others reset them
 *	inheritable set		while the bounding set is whole: it limits what may be added
 *	ambient set		wants permitted and inheritable, and NO_CAP_AMBIENT_RAISE off
 *	bounding set		needs CAP_SETPCAP
 *	securebits, final	needs CAP_SETPCAP, may lock itself
 *	permitted, effective	nothing privileged works afterwards
 *	no_new_privs		cannot be taken back
 *
 * Filters (seccomp(2)) come later still, and want no_new_privs or CAP_SYS_ADMIN: a thread that has filters and
 * neither of these keeps that capability until it has them back.
 */

#include <errno.h>
#include <sched.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-restore/namespaces.h"
#include "criu-restore/resume.h"
#include "criu-restore/task_ops.h"
#include "criuimg/array.h"

/* To the kernel: leave it as it is. */
#define NO_ID (~0u)

enum {
	CAP_WORDS = 2,
	GROUPS_MAX = 65536, /* NGROUPS_MAX of the kernel: include/uapi/linux/limits.h */
};

static const CredsEntry *creds_of(const struct restore_thread *th)
{
	return th->core->thread_core->creds;
}

static uint64_t words(size_t nr, const uint32_t *word)
{
	uint64_t set = 0;

	for (size_t i = 0; i < nr && i < CAP_WORDS; i++)
		set |= (uint64_t)word[i] << 32 * i;
	return set;
}
#define cap_set(creds, which) words((creds)->n_cap_##which, (creds)->cap_##which)

/* criu-restore's own: all that tasks start with. Asked once. */
struct restore_caps {
	uint64_t permitted, bounding;
	struct last_caps *last; /* in shared memory */
};

/* Arguments of capset(2) for a thread that is held. */
struct last_caps {
	struct __user_cap_header_struct header;
	struct __user_cap_data_struct data[CAP_WORDS];
};

#define KEPT_FOR_FILTERS (1ull << CAP_SYS_ADMIN)

static int own_caps(struct restore *r, struct img_err *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[CAP_WORDS] = { 0 };

	if (r->caps)
		return 0;
	r->caps = img_arena_alloc(&r->arena, sizeof(*r->caps));
	if (!r->caps)
		return img_fail_nomem(err);
	if (syscall(SYS_capget, &header, data) < 0)
		return img_fail_sys(err, "capget");
	r->caps->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	for (int cap = 0; cap < 64; cap++) {
		int has = prctl(PR_CAPBSET_READ, cap);

		if (has < 0)
			break; /* the kernel has no more */
		/* A new user namespace gives all of them. */
		if (restore_ns_new(r, CLONE_NEWUSER)) {
			r->caps->permitted |= 1ull << cap;
			has = 1;
		}
		r->caps->bounding |= (uint64_t)has << cap;
	}
	return 0;
}

static const size_t ids[] = {
	offsetof(CredsEntry, uid),
	offsetof(CredsEntry, euid),
	offsetof(CredsEntry, suid),
	offsetof(CredsEntry, fsuid),
	offsetof(CredsEntry, gid),
	offsetof(CredsEntry, egid),
	offsetof(CredsEntry, sgid),
	offsetof(CredsEntry, fsgid),
};

static bool keeps_for_filters(const struct restore_task *t, const struct restore_thread *th)
{
	const ThreadCoreEntry *tc = th->core->thread_core;
	const TaskCoreEntry *old = t->core->tc;
	const CredsEntry *c = creds_of(th);
	bool filters = tc->has_seccomp_mode ? tc->seccomp_mode == SECCOMP_MODE__filter
					    : old->has_old_seccomp_mode &&
						      old->old_seccomp_mode == SECCOMP_MODE__filter;

	return filters && !(c->has_no_new_privs && c->no_new_privs) && !(cap_set(c, eff) & KEPT_FOR_FILTERS);
}

static int creds_plan(struct restore *r, struct restore_task *t, struct img_err *err)
{
	if (own_caps(r, err) < 0)
		return -1;
	for (size_t i = 0; i < t->nr_threads; i++) {
		const CredsEntry *c = creds_of(&t->threads[i]);
		uint64_t lacking;

		if (!c)
			return img_fail(err, IMG_CORRUPT, "thread %d: no credentials", t->threads[i].tid);
		for (size_t k = 0; k < ARRAY_SIZE(ids); k++)
			if (*(const uint32_t *)((const char *)c + ids[k]) == NO_ID)
				return img_fail(
					err, IMG_CORRUPT, "thread %d: an id that is none", t->threads[i].tid);
		if (c->n_groups > GROUPS_MAX)
			return img_fail(
				err, IMG_CORRUPT, "thread %d: %zu groups", t->threads[i].tid, c->n_groups);
		lacking = (cap_set(c, prm) | cap_set(c, inh)) & ~r->caps->permitted;
		if (lacking)
			return img_fail(err, IMG_UNSUPPORTED,
				"thread %d: has capabilities that criu-restore has not and cannot give: "
				"%#llx",
				t->threads[i].tid, (unsigned long long)lacking);
		if (!keeps_for_filters(t, &t->threads[i]) || r->caps->last)
			continue;
		r->caps->last = restore_shared_alloc(r, sizeof(*r->caps->last), err);
		if (!r->caps->last)
			return -1;
	}
	return 0;
}

static void set_caps(struct restore_tape *tape, const char *what, uint64_t eff, uint64_t prm, uint64_t inh)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[CAP_WORDS] = {
		{ .effective = eff, .permitted = prm, .inheritable = inh },
		{ .effective = eff >> 32, .permitted = prm >> 32, .inheritable = inh >> 32 },
	};

	tape_step(tape, TAPE_THREAD_CREDS, what, SYS_capset, tape_data(tape, &header, sizeof(header)),
		tape_data(tape, data, sizeof(data)));
}

static void set_ids(struct restore_tape *tape, const CredsEntry *c)
{
	uint64_t groups = c->n_groups ? tape_data(tape, c->groups, c->n_groups * sizeof(*c->groups)) : 0;
	struct {
		const char *what;
		long nr;
		uint32_t id;
	} fs[] = { { "set fsgid", SYS_setfsgid, c->fsgid }, { "set fsuid", SYS_setfsuid, c->fsuid } };

	tape_step(tape, TAPE_THREAD_CREDS, "set groups", SYS_setgroups, c->n_groups, groups);
	tape_step(tape, TAPE_THREAD_CREDS, "set securebits for now", SYS_prctl, PR_SET_SECUREBITS,
		SECBIT_NO_SETUID_FIXUP);
	tape_step(tape, TAPE_THREAD_CREDS, "set gids", SYS_setresgid, c->gid, c->egid, c->sgid);
	tape_step(tape, TAPE_THREAD_CREDS, "set uids", SYS_setresuid, c->uid, c->euid, c->suid);

	/* These return what was before, whether or not it worked: ask again with an id that is not valid. */
	for (size_t i = 0; i < ARRAY_SIZE(fs); i++) {
		struct blob_step *step;

		tape_step(tape, TAPE_THREAD_CREDS, fs[i].what, fs[i].nr, fs[i].id)->flags = BLOB_MAY_FAIL;
		step = tape_step(tape, TAPE_THREAD_CREDS, fs[i].what, fs[i].nr, ~0u);
		step->flags = BLOB_EXPECT;
		step->expect = fs[i].id;
	}
}

static int creds_thread(struct restore *r, struct restore_task *t, struct restore_thread *th,
	struct restore_tape *tape, struct img_err *err)
{
	const CredsEntry *c = creds_of(th);
	uint64_t drop = r->caps->bounding & ~cap_set(c, bnd), all = r->caps->permitted;
	uint64_t prm = cap_set(c, prm), inh = cap_set(c, inh), amb = cap_set(c, amb);
	uint64_t keep = keeps_for_filters(t, th) ? KEPT_FOR_FILTERS : 0;
	char what[64];

	set_ids(tape, c);
	set_caps(tape, "set inheritable capabilities", all, all, inh);
	for (int cap = 0; cap < 64; cap++) {
		if (!(amb & 1ull << cap))
			continue;
		snprintf(what, sizeof(what), "raise ambient capability %d", cap);
		tape_step(
			tape, TAPE_THREAD_CREDS, what, SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap);
	}
	for (int cap = 0; cap < 64; cap++) {
		if (!(drop & 1ull << cap))
			continue;
		snprintf(what, sizeof(what), "drop capability %d from the bounding set", cap);
		tape_step(tape, TAPE_THREAD_CREDS, what, SYS_prctl, PR_CAPBSET_DROP, cap);
	}
	tape_step(tape, TAPE_THREAD_CREDS, "set securebits", SYS_prctl, PR_SET_SECUREBITS, c->secbits);
	set_caps(tape, "set capabilities", cap_set(c, eff) | keep, prm | keep, inh);
	if (c->has_no_new_privs && c->no_new_privs)
		tape_step(tape, TAPE_THREAD_CREDS, "no new privileges", SYS_prctl, PR_SET_NO_NEW_PRIVS, 1);
	return 0;
}

static int creds_held(
	struct restore *r, struct restore_task *t, struct restore_thread *th, struct img_err *err)
{
	const CredsEntry *c = creds_of(th);
	uint64_t eff = cap_set(c, eff), prm = cap_set(c, prm), inh = cap_set(c, inh);
	struct last_caps *last = r->caps->last;
	int64_t ret;

	if (!keeps_for_filters(t, th))
		return 0;
	last->header = (struct __user_cap_header_struct){ .version = _LINUX_CAPABILITY_VERSION_3 };
	for (int i = 0; i < CAP_WORDS; i++)
		last->data[i] = (struct __user_cap_data_struct){ eff >> 32 * i, prm >> 32 * i, inh >> 32 * i };
	if (restore_remote_call(r, t, th->here, SYS_capset,
		    (const uint64_t[6]){ (uintptr_t)&last->header, (uintptr_t)last->data }, &ret, err) < 0)
		return img_wrap(err, "set capabilities");
	if (ret < 0) {
		errno = -ret;
		return img_fail_sys(err, "set capabilities");
	}
	return 0;
}

extern const struct task_restore_ops creds_restore_ops;

const struct task_restore_ops creds_restore_ops = {
	.name = "creds",
	.plan = creds_plan,
	.thread = creds_thread,
	.held = creds_held,
};
