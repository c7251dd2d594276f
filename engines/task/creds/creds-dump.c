/* engines/task/creds/creds-dump.c -- what criu-dump saves of a thread's credentials: ids, groups,
 * capabilities, securebits. */

#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "criu-dump/task_ops.h"
#include "criu-dump/ns_ops.h"

extern const struct task_dump_ops creds_dump_ops;

enum {
	CAP_WORDS = 2,
};

static int creds_ask_thread(
	struct dump *d, struct dump_thread *th, struct inject_batch *b, struct img_err *err)
{
	long *secbits = dump_keep_thread(d, th, &creds_dump_ops, sizeof(*secbits));

	if (!secbits)
		return img_fail_nomem(err);
	inject_call(b, secbits, SYS_prctl, inj_val(PR_GET_SECUREBITS));
	return 0;
}

static int capabilities(struct img_arena *arena, uint64_t set, size_t *nr, uint32_t **words)
{
	*words = img_arena_array(arena, CAP_WORDS, sizeof(**words));
	if (!*words)
		return -1;
	(*words)[0] = set;
	(*words)[1] = set >> 32;
	*nr = CAP_WORDS;
	return 0;
}

static int creds_thread(struct dump *d, struct dump_thread *th, struct img_err *err)
{
	long *secbits = dump_keep_thread(d, th, &creds_dump_ops, sizeof(*secbits));
	const struct kern_status *s = &th->status;
	struct img_arena *arena = &th->task->arena;
	CredsEntry *c = img_arena_message(arena, CredsEntry, creds_entry);

	if (*secbits < 0) {
		errno = -*secbits;
		return img_fail_sys(err, "prctl(PR_GET_SECUREBITS)");
	}
	if (!c)
		return img_fail_nomem(err);
	c->uid = dump_uid(d, s->uid[0]);
	c->euid = dump_uid(d, s->uid[1]);
	c->suid = dump_uid(d, s->uid[2]);
	c->fsuid = dump_uid(d, s->uid[3]);
	c->gid = dump_gid(d, s->gid[0]);
	c->egid = dump_gid(d, s->gid[1]);
	c->sgid = dump_gid(d, s->gid[2]);
	c->fsgid = dump_gid(d, s->gid[3]);
	if (capabilities(arena, s->cap_inh, &c->n_cap_inh, &c->cap_inh) < 0 ||
		capabilities(arena, s->cap_prm, &c->n_cap_prm, &c->cap_prm) < 0 ||
		capabilities(arena, s->cap_eff, &c->n_cap_eff, &c->cap_eff) < 0 ||
		capabilities(arena, s->cap_bnd, &c->n_cap_bnd, &c->cap_bnd) < 0 ||
		capabilities(arena, s->cap_amb, &c->n_cap_amb, &c->cap_amb) < 0)
		return img_fail_nomem(err);
	c->secbits = *secbits;
	c->n_groups = s->nr_groups;
	c->groups = img_arena_array(arena, s->nr_groups + 1, sizeof(*c->groups));
	if (!c->groups)
		return img_fail_nomem(err);
	for (size_t i = 0; i < c->n_groups; i++)
		c->groups[i] = dump_gid(d, s->groups[i]);
	if (s->no_new_privs) {
		c->has_no_new_privs = 1;
		c->no_new_privs = 1;
	}
	th->core->thread_core->creds = c;
	return 0;
}

const struct task_dump_ops creds_dump_ops = {
	.name = "creds",
	.ask_thread = creds_ask_thread,
	.thread = creds_thread,
};
