/* criu-dump/check.c -- all that stops a dump, told at once. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "criu-dump/files.h"
#include "criu-dump/spine.h"
#include "criu-dump/task_ops.h"
#include "criuimg/array.h"

static struct dump_blocker *new_blocker(struct dump *d, const struct dump_task *t, const char *what)
{
	struct dump_blockers *all = &d->blockers;
	struct dump_blocker *b = img_array_more(&all->items, all->nr, &all->room);

	if (!b)
		return NULL;
	all->nr++;
	b->pid = t ? t->pid : 0;
	snprintf(b->what, sizeof(b->what), "%s", what ? what : "");
	return b;
}

int dump_block(struct dump *d, const struct dump_task *t, const char *what, const char *why, ...)
{
	struct dump_blocker *b = new_blocker(d, t, what);
	va_list ap;

	if (!b)
		return -1;
	va_start(ap, why);
	vsnprintf(b->why, sizeof(b->why), why, ap);
	va_end(ap);
	return 0;
}

int dump_unknown(struct dump *d, const struct dump_task *t, const char *what, const char *why, ...)
{
	char text[sizeof(((struct dump_blocker *)0)->why)];
	va_list ap;

	va_start(ap, why);
	vsnprintf(text, sizeof(text), why, ap);
	va_end(ap);
	if (d->opt->strict)
		return dump_block(d, t, what, "%s", text);
	log_warn(d->log, "pid %d: %s%s%s", t ? t->pid : 0, what ? what : "", what && *what ? ": " : "", text);
	return 0;
}

/* include/uapi/linux/capability.h */
enum {
	CAP_NR_SYS_PTRACE = 19,
	CAP_NR_SYS_ADMIN = 21,
	CAP_NR_CHECKPOINT_RESTORE = 40,
};

/* What the kernel asks for to look into a task's mappings (/proc/PID/map_files) and at tasks of others. */
int dump_rights(struct dump *d, struct img_err *err)
{
	struct kern_status self;
	uint64_t caps;

	if (kern_status_read(getpid(), gettid(), &self, err) < 0)
		return -1;
	caps = self.cap_eff;
	kern_status_free(&self);
	if (caps & (1ull << CAP_NR_SYS_ADMIN | 1ull << CAP_NR_CHECKPOINT_RESTORE) &&
		caps & 1ull << CAP_NR_SYS_PTRACE)
		return 0;
	if (dump_block(d, NULL, "",
		    "criu-dump may not look into tasks: it must be started by root, or with CAP_SYS_PTRACE "
		    "and "
		    "CAP_CHECKPOINT_RESTORE") < 0)
		return img_fail_nomem(err);
	return d->dry_run ? 0 : dump_refuse(d, err);
}

/* A session or group that the tree does not bring along: it would have to be there, with the same number,
 * at restore. */
static int check_session(struct dump *d, struct img_err *err)
{
	const struct dump_task *root = d->tasks.items[0];

	if (d->opt->shell_job || root->sid == root->vpid)
		return 0;
	if (dump_block(d, root, "",
		    "it belongs to session %d, whose leader is outside of the tree (see --shell-job)",
		    root->sid) < 0)
		return img_fail_nomem(err);
	return 0;
}

int dump_check(struct dump *d, struct img_err *err)
{
	if (check_session(d, err) < 0)
		return -1;
	for_each_live_task(d, t) {
		if (dump_go_on(d, err) < 0)
			return -1;
		for (const struct task_dump_ops *const *room = dump_task_rooms; *room; room++)
			if ((*room)->check && (*room)->check(d, t, err) < 0) {
				img_wrap(err, "%s", (*room)->name);
				return img_wrap(err, "pid %d", t->pid);
			}
	}
	return 0;
}

int dump_refuse(struct dump *d, struct img_err *err)
{
	const struct dump_blockers *all = &d->blockers;
	const struct dump_blocker *first = all->items;

	if (!all->nr)
		return 0;
	for (size_t i = 0; i < all->nr && all->nr > 1; i++) {
		const struct dump_blocker *b = &all->items[i];

		log_warn(d->log, "pid %d: %s%s%s", b->pid, b->what, *b->what ? ": " : "", b->why);
	}
	if (first->pid)
		img_fail(err, IMG_UNSUPPORTED, "pid %d: %s%s%s", first->pid, first->what,
			*first->what ? ": " : "", first->why);
	else
		img_fail(err, IMG_UNSUPPORTED, "%s%s%s", first->what, *first->what ? ": " : "", first->why);
	if (all->nr > 1) {
		size_t len = strlen(err->text);

		snprintf(err->text + len, sizeof(err->text) - len,
			" (and %zu more: see the log, or --dry-run)", all->nr - 1);
	}
	return -1;
}
