/* engines/task/lsm/lsm-restore.c -- security modules: threads get their labels back, or that of --lsm-profile.
 *
 * By lsm_set_self_attr(2), which needs no file of /proc. A profile of AppArmor comes last, when nothing is done any more that it might
 * forbid. A label of SELinux is one for all threads, and can only be set while there is one.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "criu-restore/task_ops.h"
#include "criuimg/cleanup.h"
#include "kernel/lsm.h"

static const CredsEntry *creds_of(const struct restore_thread *th)
{
	return th->core->thread_core->creds;
}

static enum kern_lsm type_of_set(const struct restore *r)
{
	return r->inventory->has_lsmtype ? (enum kern_lsm)r->inventory->lsmtype : KERN_LSM_NONE;
}

/* What the thread is to have, NULL: nothing. */
static const char *label_of(const struct restore *r, const struct restore_thread *th)
{
	const CredsEntry *c = creds_of(th);
	const char *label = c && c->lsm_profile && *c->lsm_profile ? c->lsm_profile : NULL;
	const char *asked = r->opt->lsm_profile ? strchr(r->opt->lsm_profile, ':') : NULL;

	if (!label || !strcmp(label, "unconfined"))
		return NULL;
	return asked ? asked + 1 : label;
}

/* --lsm-profile TYPE:NAME */
static int check_asked(const struct restore *r, struct img_err *err)
{
	const char *asked = r->opt->lsm_profile, *colon = asked ? strchr(asked, ':') : NULL;
	int type = colon ? kern_lsm_by_name(asked, colon - asked) : -1;

	if (!asked)
		return 0;
	if (type < 0 || !colon[1])
		return img_fail(err, IMG_USAGE, "--lsm-profile %s: not apparmor:NAME or selinux:LABEL", asked);
	if ((enum kern_lsm)type != kern_lsm_active())
		return img_fail(err, IMG_UNSUPPORTED, "--lsm-profile %s: this host has %s", asked, kern_lsm_name(kern_lsm_active()));
	return 0;
}

static int lsm_plan(struct restore *r, struct restore_task *t, struct img_err *err)
{
	if (check_asked(r, err) < 0)
		return -1;
	for (size_t i = 0; i < t->nr_threads; i++) {
		const struct restore_thread *th = &t->threads[i];
		const char *label = label_of(r, th), *first = label_of(r, &t->threads[0]);
		const CredsEntry *c = creds_of(th);

		if (!label && !(c && c->lsm_sockcreate && *c->lsm_sockcreate))
			continue;
		if (type_of_set(r) != kern_lsm_active() || type_of_set(r) == KERN_LSM_NONE)
			return img_fail(err, IMG_UNSUPPORTED, "thread %d: label \"%.100s\" of %s: this host has %s", th->tid,
				label ? label : c->lsm_sockcreate, kern_lsm_name(type_of_set(r)), kern_lsm_name(kern_lsm_active()));
		if (type_of_set(r) == KERN_LSM_SELINUX && (!first || !label || strcmp(first, label)))
			return img_fail(err, IMG_UNSUPPORTED, "thread %d: another label than that of its process", th->tid);
		if (syscall(KERN_SYS_LSM_SET_SELF_ATTR, 0, NULL, 0, 0) < 0 && errno == ENOSYS)
			return img_fail(err, IMG_UNSUPPORTED, "thread %d: label \"%.100s\": this kernel has no lsm_set_self_attr(2)",
				th->tid, label ? label : c->lsm_sockcreate);
	}
	return 0;
}

static int set_attr(struct restore *r, struct restore_tape *tape, enum tape_phase phase, int attr, const char *text, struct img_err *err)
{
	size_t len = strlen(text) + 1, size = (sizeof(struct kern_lsm_ctx) + len + 7) & ~(size_t)7;
	cleanup_free struct kern_lsm_ctx *ctx = calloc(1, size);
	char what[128];

	if (!ctx)
		return img_fail_nomem(err);
	ctx->id = kern_lsm_id(type_of_set(r));
	ctx->len = size;
	ctx->ctx_len = len;
	memcpy(ctx->ctx, text, len);
	snprintf(what, sizeof(what), "set security label %s", text);
	tape_step(tape, phase, what, KERN_SYS_LSM_SET_SELF_ATTR, attr, tape_data(tape, ctx, size), size, 0);
	return 0;
}

static int lsm_tape(struct restore *r, struct restore_task *t, struct restore_tape *tape, struct img_err *err)
{
	const char *label = label_of(r, &t->threads[0]);

	if (!label || type_of_set(r) != KERN_LSM_SELINUX)
		return 0;
	return set_attr(r, tape, TAPE_SIGNALS, KERN_LSM_ATTR_CURRENT, label, err);
}

static int lsm_thread(struct restore *r, struct restore_task *t, struct restore_thread *th, struct restore_tape *tape,
	struct img_err *err)
{
	const CredsEntry *c = creds_of(th);
	const char *label = label_of(r, th);
	char text[512];

	if (c && c->lsm_sockcreate && *c->lsm_sockcreate &&
		set_attr(r, tape, TAPE_THREAD, KERN_LSM_ATTR_SOCKCREATE, c->lsm_sockcreate, err) < 0)
		return -1;
	if (!label || type_of_set(r) != KERN_LSM_APPARMOR)
		return 0;
	if (snprintf(text, sizeof(text), "changeprofile %s", label) >= (int)sizeof(text))
		return img_fail(err, IMG_UNSUPPORTED, "the name of its profile is too long");
	return set_attr(r, tape, TAPE_THREAD_LAST, KERN_LSM_ATTR_CURRENT, text, err);
}

extern const struct task_restore_ops lsm_restore_ops;

const struct task_restore_ops lsm_restore_ops = {
	.name = "lsm",
	.plan = lsm_plan,
	.tape = lsm_tape,
	.thread = lsm_thread,
};
