/* criu-dump/track.c -- what was written since the set before this one. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "inventory.pb-c.h"

#include "criu-dump/mem-remote.h"
#include "criu-dump/mem.h"
#include "criu-dump/spine.h"
#include "criu-dump/track.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "kernel/getfd.h"
#include "kernel/maps.h"
#include "kernel/pagemap.h"
#include "kernel/proc-file.h"
#include "kernel/uffd.h"

IMG_DEFINE_CLEANUP(struct inject_batch *, inject_batch_free);

uint64_t dump_uptime_us(void)
{
	struct timespec ts;

	/* As /proc/PID/stat counts. */
	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * 1000000ull + ts.tv_nsec / 1000;
}

/* ---- the set before ---- */

static int read_parent(struct dump_track *tr, struct img_err *err)
{
	ProtobufCMessage *msg;
	const InventoryEntry *inv;
	int ret = img_read_single(tr->parent, IMG_INVENTORY, 0, &msg, err);

	if (ret <= 0)
		return ret < 0 ? -1 : img_fail(err, IMG_CORRUPT, "inventory.img is missing");
	inv = (const InventoryEntry *)msg;
	if (inv->dump_criu_run_id)
		snprintf(tr->parent_id, sizeof(tr->parent_id), "%s", inv->dump_criu_run_id);
	tr->parent_uptime = inv->has_dump_uptime ? inv->dump_uptime : 0;
	img_message_free(msg);
	return 0;
}

/* An archive or a stream has its parent by identity, and its link says where it was. */
static int use_parent(struct dump *d, const char *path, struct img_err *err)
{
	struct dump_track *tr = d->track;
	char dir[PATH_MAX], full[2 * PATH_MAX];
	struct options where = *d->opt;

	/* Relative to where the images are, -W or not. */
	where.work_dir = NULL;
	snprintf(full, sizeof(full), "%s%s%s", *path == '/' ? "" : options_work_dir(&where, dir), *path == '/' ? "" : "/", path);
	tr->parent = img_set_open(full, err);
	if (!tr->parent)
		return img_wrap(err, "--prev-images-dir %s", path);
	if (img_set_use_parent(d->set, tr->parent, err) < 0) {
		img_set_close(tr->parent);
		tr->parent = NULL;
		return -1;
	}
	if ((img_set_maps_first(d->set) && img_set_link_parent(d->set, path, err) < 0) || read_parent(tr, err) < 0)
		return img_wrap(err, "--prev-images-dir %s", path);
	return 0;
}

static int open_parent(struct dump *d, struct img_err *err)
{
	struct dump_track *tr = d->track;
	const char *path = d->opt->prev_images_dir;
	int ret;

	if (img_set_dirfd(d->set) < 0)
		return path ? use_parent(d, path, err) : 0;
	if (img_set_link_parent(d->set, path, err) < 0)
		return -1;
	if (!path)
		return 0;
	ret = img_set_parent(d->set, &tr->parent, err);
	if (ret == 0)
		ret = img_fail(err, IMG_USAGE, "there is no such directory");
	if (ret < 0 || read_parent(tr, err) < 0)
		return img_wrap(err, "--prev-images-dir %s", path);
	return 0;
}

static int make_id(struct dump_track *tr, struct img_err *err)
{
	size_t len;
	cleanup_free char *text = kern_proc_read(&len, err, "/proc/sys/kernel/random/uuid");

	if (!text)
		return -1;
	snprintf(tr->id, sizeof(tr->id), "%.*s", (int)strcspn(text, "\n"), text);
	return 0;
}

/* Marks before soft-dirty bits, which anybody can clear without our knowing. */
static enum dump_track_by what_kernel_can(void)
{
	if (kern_pagemap_has_protect() && kern_uffd_has_tracking())
		return TRACK_BY_MARKS;
	return kern_pagemap_has_soft_dirty() ? TRACK_BY_SOFT_DIRTY : TRACK_BY_NOTHING;
}

static int check_word(const char *option, const char *word, const char *one, const char *other, struct img_err *err)
{
	if (!word || !strcmp(word, one) || !strcmp(word, other))
		return 0;
	return img_fail(err, IMG_USAGE, "--%s: \"%s\" is neither %s nor %s", option, word, one, other);
}

int dump_track_begin(struct dump *d, struct img_err *err)
{
	struct dump_track *tr = d->track = img_arena_alloc(&d->arena, sizeof(*tr));

	if (!tr)
		return img_fail_nomem(err);
	tr->keeper = -1;
	if (check_word("pre-dump-mode", d->opt->pre_dump_mode, "splice", "read", err) < 0 ||
		check_word("image-io-mode", d->opt->image_io_mode, "writeback", "direct", err) < 0)
		return -1;
	if (d->opt->auto_dedup && img_set_dirfd(d->set) < 0)
		return img_fail(err, IMG_UNSUPPORTED, "--auto-dedup: only directories can give back pages, and this set is an archive");
	tr->wanted = d->opt->command == CMD_PRE_DUMP || (d->opt->track_mem && (d->opt->leave_running || d->opt->leave_stopped));
	if (make_id(tr, err) < 0 || open_parent(d, err) < 0)
		return -1;
	tr->by = what_kernel_can();
	return tr->wanted && tr->by == TRACK_BY_MARKS ? keeper_fork(&tr->keeper, err) : 0;
}

/* ---- who is tracked ---- */

/* Marks split what is one mapping. */
static void mend(struct kern_maps *maps)
{
	for (size_t i = 0; i < maps->nr; i++) {
		struct kern_vma *v = &maps->vmas[i], *last = i ? v - 1 : NULL;

		v->flags &= ~KERN_VM(UFFD_WP);
		v->continues = last && last->end == v->start && !v->ino && !last->ino && last->prot == v->prot &&
			last->shared == v->shared && last->flags == v->flags &&
			last->page_size == v->page_size && last->pkey == v->pkey && last->dev_major == v->dev_major &&
			last->dev_minor == v->dev_minor && !strcmp(last->name, v->name) &&
			(!*v->name || !strcmp(v->name, "[heap]") || !strncmp(v->name, "[anon:", 6));
	}
}

/* Take a keeper's descriptors over to the tasks they belong to. */
static void take_over(struct dump *d, struct keeper *k)
{
	for (size_t i = 0; i < k->nr; i++) {
		struct keeper_task *kt = &k->tasks[i];
		struct dump_task *t = dump_task_by_pid(d, kt->pid);

		if (!t || t->state == DUMP_TASK_ZOMBIE || t->stat.starttime != kt->start || !dump_mem(t) || t->mem->uffd >= 0)
			continue;
		t->mem->uffd = steal_fd(&kt->uffd);
		t->mem->marked = !strcmp(k->set_id, d->track->parent_id) && *k->set_id;
		if (t->maps)
			mend(t->maps);
		log_debug(d->log, "pid %d: tracked since set %s%s", t->pid, k->set_id,
			t->mem->marked ? "" : ", which is not the one before this one");
	}
}

static int look_for(struct dump *d, pid_t pid, uint64_t start, struct img_err *err)
{
	struct dump_track *tr = d->track;
	struct keeper *k = img_array_more(&tr->found, tr->nr_found, &tr->room_found);
	struct img_err why = IMG_ERR_INIT;
	int ret;

	if (!k)
		return img_fail_nomem(err);
	ret = keeper_find(pid, start, k, &why);
	if (ret < 0)
		log_warn(d->log, "pid %d: the keeper of its tracking: %s", pid, why.text);
	if (ret == 1)
		take_over(d, &tr->found[tr->nr_found++]);
	return 0;
}

/* Without a set before, or one to come, a keeper is of interest only where it has left something to be seen. */
static bool is_of_interest(const struct dump *d)
{
	if (d->track->parent || d->track->wanted)
		return true;
	for_each_live_task(d, t)
		for (size_t i = 0; t->maps && i < t->maps->nr; i++)
			if (t->maps->vmas[i].flags & KERN_VM(UFFD_WP))
				return true;
	return false;
}

int dump_track_look(struct dump *d, struct img_err *err)
{
	struct kern_stat stat;

	if (!is_of_interest(d))
		return 0;
	/* A keeper goes by the root of the tree that it was started for: that may have been one of these tasks, or
	 * one above. */
	for_each_live_task(d, t)
		if (look_for(d, t->pid, t->stat.starttime, err) < 0)
			return -1;
	if (kern_stat_read(d->tasks.items[0]->pid, &stat, err) < 0)
		return -1;
	while (stat.ppid > 1 && kern_stat_read(stat.ppid, &stat, NULL) == 0)
		if (look_for(d, stat.pid, stat.starttime, err) < 0)
			return -1;
	return 0;
}

enum dump_track_by dump_track_of(const struct dump *d, const struct dump_task *t)
{
	const struct dump_track *tr = d->track;
	uint64_t hz = sysconf(_SC_CLK_TCK);

	if (!tr || !tr->parent)
		return TRACK_BY_NOTHING;
	if (t->mem->marked)
		return TRACK_BY_MARKS;
	/* The start of a task is told in ticks: one that started in the same tick is not believed to be older. */
	if (tr->by == TRACK_BY_SOFT_DIRTY && tr->parent_uptime &&
		(t->stat.starttime + 1) * 1000000 / hz < tr->parent_uptime)
		return TRACK_BY_SOFT_DIRTY;
	return TRACK_BY_NOTHING;
}

/* ---- marking ---- */

/* A descriptor of the task's own making: made inside, taken out, and closed inside. */
static int make_descriptor(struct dump *d, struct dump_task *t, struct img_err *err)
{
	cleanup_with(inject_batch_free) struct inject_batch *make = inject_batch_new();
	cleanup_with(inject_batch_free) struct inject_batch *end = inject_batch_new();
	cleanup_fd int fd = -1;
	long inside = -1;

	if (!make || !end)
		return img_fail_nomem(err);
	inject_call(make, &inside, SYS_userfaultfd, inj_val(kern_uffd_flags()));
	if (dump_ask_leader(d, t, make, err) < 0)
		return -1;
	if (inside < 0) {
		errno = -inside;
		return img_fail_sys(err, "userfaultfd inside");
	}
	fd = syscall(SYS_pidfd_getfd, t->pidfd, (int)inside, 0);
	if (fd < 0)
		img_fail_sys(err, "taking its userfaultfd");
	inject_call(end, NULL, SYS_close, inj_val(inside));
	if (dump_ask_leader(d, t, end, fd < 0 ? NULL : err) < 0 || fd < 0)
		return -1;
	if (kern_uffd_tracking(fd, err) < 0)
		return -1;
	t->mem->uffd = steal_fd(&fd);
	return 0;
}

/* What is marked: private anonymous memory of ordinary pages. What else there is, is compared. */
static bool can_mark(const struct kern_vma *v)
{
	const uint64_t special = KERN_VM(HUGETLB) | KERN_VM(DROPPABLE) | KERN_VM(SHADOW_STACK) | KERN_VM(PFNMAP) | KERN_VM(IO);

	return !v->shared && !v->ino && !v->dev_major && !v->dev_minor && !(v->flags & special) && v->end <= INT64_MAX &&
	       (!*v->name || !strcmp(v->name, "[heap]") || !strcmp(v->name, "[stack]") || !strncmp(v->name, "[anon:", 6));
}

/* Pages with a mark in mappings that are not registered: mremap(2) can join a mapping with one that it moves, and unregister both.
 * Such a page can be written without losing its mark, and goes on like that when it is registered again. */
static const struct kern_page_query stale_marks = {
	.without = KERN_PAGE_WPALLOWED | KERN_PAGE_WRITTEN,
	.any = KERN_PAGE_PRESENT | KERN_PAGE_SWAPPED,
};

struct stale {
	struct kern_pages *ranges;
	size_t nr, room;
};

static int note_stale(void *arg, const struct kern_pages *pages, struct img_err *err)
{
	struct stale *stale = arg;
	struct kern_pages *range = img_array_more(&stale->ranges, stale->nr, &stale->room);

	if (!range)
		return img_fail_nomem(err);
	*range = *pages;
	stale->nr++;
	return 0;
}

static int note_fresh(void *arg, const struct kern_pages *pages, struct img_err *err)
{
	struct dump_mem *mem = arg;
	struct kern_pages *last = mem->nr_fresh ? &mem->fresh[mem->nr_fresh - 1] : NULL, *range;

	if (last && last->end == pages->start) {
		last->end = pages->end;
		return 0;
	}
	range = img_array_more(&mem->fresh, mem->nr_fresh, &mem->room_fresh);
	if (!range)
		return img_fail_nomem(err);
	*range = *pages;
	mem->nr_fresh++;
	return 0;
}

static int mark_one(struct dump_mem *mem, const struct kern_pagemap *pm, const struct kern_vma *v, struct img_err *err)
{
	int uffd = mem->uffd;
	struct stale stale = { 0 };
	int ret = kern_pagemap_scan(pm, v->start, v->end, &stale_marks, note_stale, &stale, err);

	if (ret == 0)
		ret = kern_uffd_register(uffd, v->start, v->end, err);
	for (size_t i = 0; i < stale.nr && ret == 0; i++)
		if (kern_uffd_unmark(uffd, stale.ranges[i].start, stale.ranges[i].end, err) < 0) {
			/* Not tracked is better than wrong. */
			kern_uffd_unregister(uffd, v->start, v->end);
			ret = -1;
		}
	free(stale.ranges);
	return ret == 0 ? kern_pagemap_protect(pm, v->start, v->end, note_fresh, mem, err) : ret;
}

/* Register and mark. Mappings that cannot be are left alone: they are seen as not marked. Returns how many were marked. */
static int mark_all(struct dump *d, struct dump_task *t, const struct kern_pagemap *pm, int *lost, struct img_err *err)
{
	int nr = 0;

	*lost = 0;
	for (size_t i = 0; i < t->maps->nr; i++) {
		const struct kern_vma *v = &t->maps->vmas[i];
		struct img_err why = IMG_ERR_INIT;

		if (!can_mark(v))
			continue;
		if (mark_one(t->mem, pm, v, &why) == 0) {
			nr++;
			continue;
		}
		/* The memory that the descriptor was made for is gone (execve(2)), or it is not this task's. */
		if (why.sys_errno == ESRCH || why.sys_errno == EPERM)
			*lost += 1;
		log_debug(d->log, "pid %d: mapping %" PRIx64 "-%" PRIx64 " is not tracked: %s", t->pid, v->start, v->end,
			why.text);
	}
	return nr;
}

static int arm_task(struct dump *d, struct dump_task *t, struct img_err *err)
{
	struct kern_pagemap pm;
	int nr = 0, lost = 1;

	if (!dump_mem(t))
		return img_fail_nomem(err);
	if (kern_pagemap_open(t->pid, &pm, err) < 0)
		return -1;
	if (t->mem->uffd >= 0)
		nr = mark_all(d, t, &pm, &lost, err);
	if (t->mem->uffd < 0 || (!nr && lost)) {
		if (t->mem->uffd >= 0)
			close(steal_fd(&t->mem->uffd));
		nr = make_descriptor(d, t, err);
		if (nr == 0)
			nr = mark_all(d, t, &pm, &lost, err);
	}
	kern_pagemap_close(&pm);
	log_debug(d->log, "pid %d: %d mappings are tracked", t->pid, nr);
	t->mem->armed = nr > 0;
	return nr < 0 ? -1 : 0;
}

static int clear_soft_dirty(const struct dump_task *t, struct img_err *err)
{
	cleanup_fd int fd = -1;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/clear_refs", t->pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, "4", 1) == 1 ? 0 : img_fail_sys(err, "%s", path);
}

int dump_track_arm(struct dump *d, struct img_err *err)
{
	struct dump_track *tr = d->track;

	if (!tr->wanted || tr->by == TRACK_BY_NOTHING)
		return 0;
	/* From here on the marks count from no set, until this one is complete. */
	for (size_t i = 0; i < tr->nr_found; i++)
		keeper_end(&tr->found[i]);
	for_each_live_task(d, t) {
		struct img_err why = IMG_ERR_INIT;

		if (dump_go_on(d, err) < 0)
			return -1;
		/* Who shares its memory is tracked by the one. */
		if (t->shares[DUMP_SHARE_VM] != t)
			continue;
		if ((tr->by == TRACK_BY_MARKS ? arm_task(d, t, &why) : clear_soft_dirty(t, &why)) < 0)
			log_warn(d->log, "pid %d: changes of its memory are not tracked: %s", t->pid, why.text);
	}
	return 0;
}

/* ---- the end ---- */

/* A page server lacks what was zero, and nobody can see that when it comes to the next set: so this is to be looked at again. Mappings that
 * are gone since, whole or in part, have nothing to take marks off. */
static void unmark_zeros(const struct dump *d, const struct dump_task *t)
{
	const struct img_run *run;

	for (size_t i = 0; (run = dump_remote_zeros(d, t->vpid, i)); i++) {
		struct img_err gone = IMG_ERR_INIT;

		if (kern_uffd_unmark(t->mem->uffd, run->addr, run->addr + run->nr_pages * IMG_PAGE, &gone) == 0)
			continue;
		for (uint64_t k = 0; k < run->nr_pages; k++)
			kern_uffd_unmark(t->mem->uffd, run->addr + k * IMG_PAGE, run->addr + (k + 1) * IMG_PAGE, &gone);
	}
}

static int hand_over(struct dump *d, struct img_err *err)
{
	const struct dump_task *root = d->tasks.items[0];
	struct dump_track *tr = d->track;
	size_t nr = 0;

	for_each_live_task(d, t) {
		const struct keeper_task kt = { t->pid, t->stat.starttime, t->mem ? t->mem->uffd : -1 };

		if (kt.uffd < 0)
			continue;
		unmark_zeros(d, t);
		if (keeper_give(tr->keeper, &kt, t->pidfd, err) < 0)
			return -1;
		nr++;
	}
	return nr ? keeper_go(tr->keeper, tr->id, root->pid, root->stat.starttime, err) : 0;
}

int dump_track_keep(struct dump *d, struct img_err *err)
{
	struct dump_track *tr = d->track;
	struct img_err why = IMG_ERR_INIT;

	if (tr->keeper >= 0 && hand_over(d, &why) < 0)
		log_warn(d->log, "changes of memory are not tracked: %s", why.text);
	/* Nobody needs the others any more: the tasks end, or run on as they were before it all. */
	for (size_t i = 0; i < tr->nr_found; i++)
		keeper_end(&tr->found[i]);
	return 0;
}

void dump_track_free(struct dump *d)
{
	struct dump_track *tr = d->track;

	if (!tr)
		return;
	for (size_t i = 0; i < tr->nr_found; i++)
		keeper_release(&tr->found[i]);
	free(tr->found);
	if (tr->keeper >= 0)
		close(steal_fd(&tr->keeper));
	d->track = NULL;
}
