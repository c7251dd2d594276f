/* criu-dump/freezer.c -- --freeze-cgroup: a control group whose freezer stops all that is in it at once.
 *
 * A frozen task can be seized and told to stop, and does so when it is thawed, before it returns to its own code. So nothing of the
 * tree runs from the moment the group is frozen, however many tasks there are and however fast they fork. On version 1 a frozen task
 * does not even stop for its tracer: the group is thawed as soon as all are seized, and if it was frozen before, frozen again when they
 * are let go. Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst, cgroup-v2.rst.
 */

#include "criu-dump/freezer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "criu-dump/spine.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/cgroup.h"
#include "kernel/ptrace.h"

enum {
	NAP_US = 200,
	NAPS_A_TRY = 250, /* 50 ms */
	NAPS_AT_THE_END = 5000, /* a second */
};

/* How each version of control groups says it. */
static const struct freezer_way {
	const char *file, *freeze, *thaw;
	const char *own, *own_frozen;	   /* whether this group was told to be frozen */
	const char *all, *all_frozen, *not; /* whether all in it is */
} ways[] = {
	{ "freezer.state", "FROZEN", "THAWED", "freezer.self_freezing", "1", "freezer.state", "FROZEN", "THAWED" },
	{ "cgroup.freeze", "1", "0", "cgroup.freeze", "1", "cgroup.events", "frozen 1", "frozen 0" },
};

struct dump_freezer {
	int dir;
	const struct freezer_way *way;
	bool was_frozen;
	bool done; /* the group is as it was */
};

static int open_group(const char *path, const struct freezer_way **way, struct img_err *err)
{
	cleanup_fd int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return img_fail_sys(err, "--freeze-cgroup %s", path);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (faccessat(dir, ways[i].file, F_OK, 0) == 0) {
			*way = &ways[i];
			return steal_fd(&dir);
		}
	return img_fail(err, IMG_USAGE, "--freeze-cgroup %s: no control group with a freezer", path);
}

static int is_frozen(int dir, const struct freezer_way *way, bool *frozen, struct img_err *err)
{
	cleanup_free char *text = kern_cgroup_read(dir, ".", way->own, err);

	if (!text)
		return -1;
	*frozen = !strcmp(text, way->own_frozen);
	return 0;
}

static int set_frozen(const struct dump_freezer *f, bool frozen, struct img_err *err)
{
	return kern_cgroup_write(f->dir, ".", f->way->file, frozen ? f->way->freeze : f->way->thaw, err);
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = NAP_US * 1000 }, NULL);
}

/* Version 1 can miss a task that is just being made: it gets another chance. */
static int try_again(const struct dump_freezer *f, struct img_err *err)
{
	return set_frozen(f, false, err) < 0 ? -1 : set_frozen(f, true, err);
}

/* As it was before. Frozen: for a while it is seen to that all in it are. */
static int put_back(const struct dump_freezer *f, bool frozen, struct img_err *err)
{
	if (set_frozen(f, frozen, err) < 0)
		return -1;
	for (unsigned naps = 1; frozen && naps < NAPS_AT_THE_END; naps++) {
		cleanup_free char *text = kern_cgroup_read(f->dir, ".", f->way->all, err);

		if (!text)
			return -1;
		if (strstr(text, f->way->all_frozen))
			break;
		if (naps % NAPS_A_TRY == 0 && try_again(f, err) < 0)
			return -1;
		nap();
	}
	return 0;
}

/* Wait until all in it is frozen, or thawed. */
static int await(struct dump *d, const struct dump_freezer *f, bool frozen, uint64_t until_us, struct img_err *err)
{
	const char *wanted = frozen ? f->way->all_frozen : f->way->not;

	for (unsigned naps = 1;; naps++) {
		cleanup_free char *text = kern_cgroup_read(f->dir, ".", f->way->all, err);

		if (!text)
			return -1;
		if (strstr(text, wanted))
			return 0;
		if (dump_go_on(d, err) < 0)
			return -1;
		if (until_us && dump_now_us() > until_us)
			return img_fail(err, IMG_SYS, "--freeze-cgroup %s: does not %s within %u s%s", d->opt->freeze_cgroup,
				frozen ? "freeze" : "thaw", d->opt->timeout, frozen ? "" : ": is a group above it frozen?");
		nap();
		if (frozen && naps % NAPS_A_TRY == 0 && try_again(f, err) < 0)
			return -1;
	}
}

/* ---- seizing what stands still ---- */

/* A child of vfork(2) that has not called execve(2) yet: its parent does not stop before it has. */
static bool borrows_memory(const struct dump_task *t)
{
	return t->parent && syscall(SYS_kcmp, t->pid, t->parent->pid, KCMP_VM, 0, 0) == 0;
}


static int seize_all(struct dump *d, struct kern_seizer *s, struct img_err *err)
{
	for (size_t i = 0; i < d->tasks.nr; i++) {
		struct dump_task *t = d->tasks.items[i];
		int fresh;

		if (borrows_memory(t))
			continue; /* its turn comes with those that are found later */
		if (dump_plugins_pause(d, t->pid, err) < 0)
			return -1;
		fresh = dump_seize_threads(t, s, err);
		if (fresh < 0)
			return img_wrap(err, "pid %d", t->pid);
		if (dump_find_children(d, t, err) < 0)
			return -1;
	}
	return 0;
}

/* After the tasks were let go, since it is pushed before that is. */
static int undo_freezer(struct dump *d, void *obj, struct img_err *err)
{
	struct dump_freezer *f = obj;
	int ret = dump_freezer_back(d, err);

	close(f->dir);
	f->dir = -1;
	d->freezer = NULL;
	return ret;
}

static int freeze(struct dump *d, struct kern_seizer *s, uint64_t until_us, struct img_err *err)
{
	const struct dump_freezer *f = d->freezer;

	if (set_frozen(f, true, err) < 0 || await(d, f, true, until_us, err) < 0)
		return -1;
	return seize_all(d, s, err);
}

int dump_freezer_open(struct dump *d, struct img_err *err)
{
	struct dump_freezer *f;

	if (!d->opt->freeze_cgroup)
		return 0;
	f = img_arena_alloc(&d->arena, sizeof(*f));
	if (!f)
		return img_fail_nomem(err);
	f->dir = open_group(d->opt->freeze_cgroup, &f->way, err);
	if (f->dir < 0)
		return -1;
	if (is_frozen(f->dir, f->way, &f->was_frozen, err) < 0 ||
		undo_push(&d->undo, UNDO_ALWAYS, "the group is frozen as it was", undo_freezer, f, err) < 0) {
		close(f->dir);
		return -1;
	}
	d->freezer = f;
	return 0;
}

int dump_freezer_seize(struct dump *d, struct kern_seizer *s, uint64_t until_us, struct img_err *err)
{
	const struct dump_freezer *f = d->freezer;
	struct img_err thaw = IMG_ERR_INIT;
	int ret;

	if (!f)
		return 0;
	ret = freeze(d, s, until_us, err);
	if (set_frozen(f, false, &thaw) < 0 && ret == 0) {
		*err = thaw;
		return -1;
	}
	if (ret < 0)
		return -1;
	log_info(d->log, "%s: %zu tasks seized while it was frozen%s", d->opt->freeze_cgroup, d->tasks.nr,
		f->was_frozen ? ", as it was before" : "");
	return await(d, f, false, until_us, err);
}

int dump_freezer_back(struct dump *d, struct img_err *err)
{
	struct dump_freezer *f = d->freezer;

	if (!f || f->done)
		return 0;
	f->done = true;
	return put_back(f, f->was_frozen, err);
}

bool dump_freezer_was_frozen(const struct dump *d)
{
	return d->freezer && d->freezer->was_frozen;
}

const char *dump_freezer_says(const struct dump *d, int root, const char *path, const char *file)
{
	const struct dump_freezer *f = d->freezer;
	struct stat a, b;

	if (!f || strcmp(file, f->way->file) || fstat(f->dir, &a) < 0 || fstatat(root, kern_cgroup_rel(path), &b, 0) < 0)
		return NULL;
	if (a.st_dev != b.st_dev || a.st_ino != b.st_ino)
		return NULL;
	return f->was_frozen ? f->way->freeze : f->way->thaw;
}

/* ---- the front, whose worker was killed ---- */

void dump_freezer_look(const struct options *opt, struct freezer_before *before)
{
	const struct freezer_way *way;
	cleanup_fd int dir = opt->freeze_cgroup ? open_group(opt->freeze_cgroup, &way, NULL) : -1;

	before->known = dir >= 0 && is_frozen(dir, way, &before->frozen, NULL) == 0;
}

void dump_freezer_put_back(const struct options *opt, const struct freezer_before *before)
{
	struct dump_freezer f;
	cleanup_fd int dir = before->known ? open_group(opt->freeze_cgroup, &f.way, NULL) : -1;

	f.dir = dir;
	if (dir >= 0)
		put_back(&f, before->frozen, NULL);
}
