/* engines/criu-restore/plan-tree.c -- who makes which task, when, and who joins which session and group.
 *
 * A process has the session it was born in until it makes its own (setsid(2)); nothing else puts it into one.
 * So a task whose session is neither its own nor its parent's must be made by somebody who is in it and gives
 * it the right parent:
 *
 *  - its parent, before the parent makes its own session (the task is in the one the parent was born in);
 *  - a brother of it that is in the session, with CLONE_PARENT: the child of our father is no child of ours;
 *  - where the leader of the session is dead, a helper stands in for it: a child of the task's parent that
 *    has the leader's pid, makes the session, makes the task with CLONE_PARENT, and ends;
 *  - where nobody of the session is a child of its parent, the task is an orphan that the parent adopted: a
 *    helper made by the leader makes it, and ends; the parent is a reaper meanwhile (PR_SET_CHILD_SUBREAPER).
 *
 * A group must be made by the process whose pid it has, alive, a zombie, or again a helper; the others join
 * once it is there. (setsid(2), setpgid(2), clone(2).)
 */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "criu-restore/images.h"
#include "criu-restore/plan-shares.h"
#include "criu-restore/plan-tree.h"
#include "criuimg/cleanup.h"

/* The session in which a task is born: that of its creator at that moment. */
static pid_t born_sid(const struct restore *r, const struct restore_task *t)
{
	if (!t->creator)
		return r->root->sid == r->root->pid ? 0 : r->root->sid;
	if (t->creator->leads_session && t->born_before_setsid)
		return born_sid(r, t->creator);
	return t->creator->sid;
}

static struct restore_task *add_helper(
	struct restore *r, pid_t pid, pid_t sid, pid_t pgid, struct restore_task *parent)
{
	struct restore_task *h = &r->tasks[r->nr_tasks];

	h->pid = pid;
	h->ppid = parent->pid;
	h->sid = sid;
	h->pgid = pgid;
	h->state = RESTORE_HELPER;
	h->parent = h->creator = parent;
	h->leads_session = sid == pid;
	h->index = r->nr_tasks++;
	return h;
}

/* Helpers are few and behind the tasks of the image; the index does not have them yet. */
static struct restore_task *find(struct restore *r, size_t nr_image, pid_t pid)
{
	for (size_t i = nr_image; i < r->nr_tasks; i++)
		if (r->tasks[i].pid == pid)
			return &r->tasks[i];
	for (size_t i = 0, n = nr_image; n;) { /* by_pid has the tasks of the image */
		size_t mid = i + n / 2;

		if (r->by_pid[mid]->pid == pid)
			return r->by_pid[mid];
		if (r->by_pid[mid]->pid < pid) {
			i = mid + 1;
			n -= n / 2 + 1;
		} else {
			n /= 2;
		}
	}
	return NULL;
}

static bool is_thread(const struct restore *r, size_t nr_image, pid_t tid)
{
	for (size_t i = 0; i < nr_image; i++)
		for (size_t k = 1; k < r->tasks[i].nr_threads; k++)
			if (r->tasks[i].threads[k].tid == tid)
				return true;
	return false;
}

static int session_outside(const struct restore *r, const struct restore_task *t, struct img_err *err)
{
	return img_fail(err, IMG_UNSUPPORTED,
		"pid %d: its session %d is not part of the images: a shell's job is restored with "
		"--shell-job",
		t->pid, t->sid);
}

static int plan_root(struct restore *r, struct img_err *err)
{
	struct restore_task *root = r->root;

	root->leads_session = root->sid == root->pid;
	if (!root->leads_session && root->sid != 0 && !r->opt->shell_job)
		return session_outside(r, root, err);
	if (r->opt->restore_sibling)
		root->clone_flags |= CLONE_PARENT;
	return 0;
}

/* Somebody in a session who is a child of the task's parent. */
static struct restore_task *brother_in_session(
	struct restore *r, size_t nr_image, struct restore_task *t, pid_t sid)
{
	struct restore_task *leader = find(r, nr_image, sid);

	if (leader && leader != t && leader->parent == t->parent)
		return leader;
	for (size_t i = 0; i < t->index; i++) {
		struct restore_task *b = &r->tasks[i];

		if (b->parent == t->parent && b->sid == sid && b->creator)
			return b;
	}
	return NULL;
}

/* A pid that is neither of the image nor in use here. */
static pid_t free_pid(struct restore *r, size_t nr_image)
{
	cleanup_file FILE *f = fopen("/proc/sys/kernel/pid_max", "re");
	int max = 0;

	if (!f || fscanf(f, "%d", &max) != 1)
		return 0;
	for (pid_t pid = max / 2; pid > 1; pid--)
		if (!find(r, nr_image, pid) && !is_thread(r, nr_image, pid) && kill(pid, 0) < 0 &&
			errno == ESRCH)
			return pid;
	return 0;
}

pid_t restore_pid_free(struct restore *r)
{
	return free_pid(r, r->nr_tasks);
}

static int plan_adoption(struct restore *r, size_t nr_image, struct restore_task *t,
	struct restore_task *leader, struct img_err *err)
{
	struct restore_task *a = leader->parent;
	pid_t pid = free_pid(r, nr_image);

	while (a && a != t->parent)
		a = a->parent;
	if (!a)
		return img_fail(err, IMG_UNSUPPORTED,
			"pid %d: is in session %d, and its parent %d neither is nor comes before the leader "
			"of it",
			t->pid, t->sid, t->parent->pid);
	if (!pid)
		return img_fail(err, IMG_SYS, "pid %d: no pid is free for a helper", t->pid);
	t->creator = add_helper(r, pid, leader->sid, leader->pgid, leader);
	t->adopted = true;
	t->parent->adopts = true;
	return 0;
}

/* An orphan goes to the nearest reaper above. */
static int check_adoptions(struct restore *r, struct img_err *err)
{
	for (size_t i = 0; i < r->nr_tasks; i++) {
		const struct restore_task *t = &r->tasks[i], *a = t->creator;

		if (!t->adopted)
			continue;
		while (a->state != RESTORE_HELPER)
			a = a->creator;
		for (a = a->parent; a != t->parent;) {
			if (a->adopts)
				return img_fail(err, IMG_UNSUPPORTED,
					"pid %d: is to be adopted by pid %d, and pid %d comes before", t->pid,
					t->ppid, a->pid);
			a = a->parent;
		}
	}
	return 0;
}

static int plan_birth(
	struct restore *r, size_t nr_image, struct restore_task *t, pid_t sid, struct img_err *err);

/* A task with a session of its own can be born in another one, and its children born there with it: see to it that it is this one.
 * They count on that from then on. */
static bool bear_in(struct restore *r, size_t nr_image, struct restore_task *t, pid_t sid)
{
	struct restore_task was = *t;
	size_t nr_tasks = r->nr_tasks;

	if (born_sid(r, t) != sid) {
		struct img_err why = IMG_ERR_INIT;

		if (!t->leads_session || t->birth_counts || !t->creator)
			return false;
		if (plan_birth(r, nr_image, t, sid, &why) < 0 || born_sid(r, t) != sid) {
			*t = was;
			memset(&r->tasks[nr_tasks], 0, (r->nr_tasks - nr_tasks) * sizeof(*r->tasks));
			r->nr_tasks = nr_tasks;
			return false;
		}
	}
	t->birth_counts = true;
	return true;
}

/* Who makes it, so that it is born in session sid. */
static int plan_birth(
	struct restore *r, size_t nr_image, struct restore_task *t, pid_t sid, struct img_err *err)
{
	struct restore_task *p = t->parent, *leader;

	t->creator = p;
	if (sid == p->sid)
		return 0;
	if (p->leads_session && bear_in(r, nr_image, p, sid)) {
		t->born_before_setsid = true;
		return 0;
	}

	leader = find(r, nr_image, sid);
	if (leader && !leader->leads_session && leader->sid != leader->pid)
		return img_fail(err, IMG_CORRUPT, "pid %d: in session %d, which pid %d is not the leader of",
			t->pid, sid, leader->pid);
	if (!leader) {
		if (sid == r->root->sid || sid == 0)
			return img_fail(err, IMG_UNSUPPORTED,
				"pid %d: is in the session %d of whoever started the tree, and its parent %d "
				"is not",
				t->pid, sid, p->pid);
		if (is_thread(r, nr_image, sid))
			return img_fail(err, IMG_UNSUPPORTED,
				"pid %d: its session has the number of a thread, %d", t->pid, sid);
		leader = add_helper(r, sid, sid, sid, p);
	}
	t->creator = brother_in_session(r, nr_image, t, sid);
	if (!t->creator)
		return plan_adoption(r, nr_image, t, leader, err);
	t->clone_flags |= CLONE_PARENT;
	t->adopted = t->creator->adopted; /* the father it is given is the brother's at that time */
	return 0;
}

static int plan_session(struct restore *r, size_t nr_image, struct restore_task *t, struct img_err *err)
{
	t->creator = t->parent;
	t->leads_session = t->sid == t->pid;
	return t->leads_session ? 0 : plan_birth(r, nr_image, t, t->sid, err);
}

static int plan_group(struct restore *r, size_t nr_image, struct restore_task *t, struct img_err *err)
{
	struct restore_task *leader;

	if (t->leads_session)
		return 0; /* setsid made the group too; it cannot leave it */
	if (t->pgid == t->pid) {
		t->makes_group = true;
		return 0;
	}
	t->joins_group = true;
	leader = find(r, nr_image, t->pgid);
	if (!leader && (t->pgid == 0 || (t->sid == r->root->sid && !r->root->leads_session &&
						t->pgid == r->root->pgid))) {
		t->group_external = true;
		return 0;
	}
	if (!leader) {
		if (is_thread(r, nr_image, t->pgid))
			return img_fail(err, IMG_UNSUPPORTED,
				"pid %d: its process group has the number of a thread, %d", t->pid, t->pgid);
		leader = add_helper(r, t->pgid, t->sid, t->pgid, t);
	}
	if (leader->sid != t->sid)
		return img_fail(err, IMG_CORRUPT,
			"pid %d: its process group %d is in session %d, not in its own, %d", t->pid, t->pgid,
			leader->sid, t->sid);
	if (!leader->leads_session)
		leader->makes_group = true;
	return 0;
}

/* What a task's end is told with. The parent of the root is another one now, and gets the usual. */
static int plan_exit_signal(struct restore *r, struct restore_task *t, struct img_err *err)
{
	const TaskCoreEntry *tc = t->core->tc;
	struct restore_task *c = t->creator;

	t->exit_signal = SIGCHLD;
	if (tc->has_exit_signal && tc->exit_signal >= NSIG)
		return img_fail(err, IMG_CORRUPT, "pid %d: exit signal %u", t->pid, tc->exit_signal);
	if (t == r->root)
		return 0;
	if (tc->has_exit_signal)
		t->exit_signal = tc->exit_signal;
	if (t->adopted && t->exit_signal != SIGCHLD)
		return img_fail(err, IMG_UNSUPPORTED,
			"pid %d: its exit signal is %d, and it is to be adopted, which makes it SIGCHLD", t->pid,
			t->exit_signal);
	if (!(t->clone_flags & CLONE_PARENT))
		return 0;
	/* A brother's child has the brother's. */
	if (c->state == RESTORE_HELPER && !c->exit_signal_named) {
		c->exit_signal = t->exit_signal;
		c->exit_signal_named = true;
	}
	if (c->exit_signal != t->exit_signal)
		return img_fail(err, IMG_UNSUPPORTED,
			"pid %d: its exit signal is %d, and pid %d, which has to make it, has %d", t->pid,
			t->exit_signal, c->pid, c->exit_signal);
	return 0;
}

static int plan_exit_signals(struct restore *r, size_t nr_image, struct img_err *err)
{
	for (size_t i = nr_image; i < r->nr_tasks; i++)
		r->tasks[i].exit_signal = SIGCHLD;
	for (size_t i = 0; i < nr_image; i++)
		if (plan_exit_signal(r, &r->tasks[i], err) < 0)
			return -1;
	return 0;
}

void restore_link_creators(struct restore *r)
{
	for (size_t i = 0; i < r->nr_tasks; i++)
		r->tasks[i].made_first = r->tasks[i].made_next = NULL;
	for (size_t i = r->nr_tasks; i-- > 0;) {
		struct restore_task *t = &r->tasks[i];

		if (!t->creator)
			continue;
		t->made_next = t->creator->made_first;
		t->creator->made_first = t;
	}
}

/* A group's maker that is a member of another group goes there after everybody has joined. */
/* Leaders leave their groups all at once, for groups of each other, too: a group that nobody else is to stay in gets a
 * helper that does so meanwhile. */
static int keep_group(struct restore *r, size_t nr_image, struct restore_task *leader, struct img_err *err)
{
	struct restore_task *maker = restore_task_lives(leader) ? leader : NULL, *keeper;
	bool wanted = false;
	pid_t pid;

	for (size_t i = 0; i < r->nr_tasks; i++) {
		struct restore_task *t = &r->tasks[i];

		if (t == leader || t->pgid != leader->pid)
			continue;
		if (!t->moves_group)
			return 0;
		wanted = true;
		if (!maker && restore_task_lives(t))
			maker = t;
	}
	if (!wanted || (!maker && !leader->parent))
		return 0;
	pid = free_pid(r, nr_image);
	if (!pid)
		return img_fail(err, IMG_SYS, "pid %d: no pid is free for a helper", leader->pid);
	keeper = add_helper(r, pid, leader->sid, leader->pid, maker ? maker : leader->parent);
	keeper->joins_group = true;
	keeper->exit_signal = SIGCHLD;
	if (!maker) {
		/* All are zombies: one of them makes it, and their parent waits for it. */
		keeper->creator = leader;
		keeper->clone_flags |= CLONE_PARENT;
		keeper->exit_signal = leader->exit_signal;
		keeper->adopted = leader->adopted;
	}
	return 0;
}

static int keep_groups(struct restore *r, size_t nr_image, struct img_err *err)
{
	size_t nr = r->nr_tasks;

	for (size_t i = 0; i < nr; i++)
		if (r->tasks[i].moves_group && keep_group(r, nr_image, &r->tasks[i], err) < 0)
			return -1;
	return 0;
}

static void plan_moves(struct restore *r)
{
	for (size_t i = 0; i < r->nr_tasks; i++) {
		struct restore_task *t = &r->tasks[i];

		t->moves_group = t->makes_group && t->pgid != t->pid;
		r->moves |= t->moves_group;
	}
}

int restore_plan_tree(struct restore *r, struct img_err *err)
{
	size_t nr_image = r->nr_tasks;

	if (plan_root(r, err) < 0)
		return -1;
	for (size_t i = 0; i < nr_image; i++)
		if (&r->tasks[i] != r->root && plan_session(r, nr_image, &r->tasks[i], err) < 0)
			return -1;
	for (size_t i = 0; i < nr_image; i++)
		if (plan_group(r, nr_image, &r->tasks[i], err) < 0)
			return -1;
	if (restore_plan_shares(r, nr_image, err) < 0)
		return -1;
	if (check_adoptions(r, err) < 0 || plan_exit_signals(r, nr_image, err) < 0)
		return -1;
	plan_moves(r);
	if (keep_groups(r, nr_image, err) < 0)
		return -1;
	restore_link_creators(r);
	return restore_plan_shares_order(r, err) < 0 ? -1 : restore_tasks_index(r, err);
}
