/* engines/criu-restore/images.c -- the small records of a set, read whole before anything is planned.
 *
 * pstree.img says which tasks there are; each has a core image for every thread and, when it is not a zombie,
 * ids, mm and fs. A table of descriptors (fdinfo) belongs to a files id, which tasks may share.
 */

#include <stdlib.h>
#include <string.h>

#include "criu-restore/images.h"
#include "criu-restore/mem.h"
#include "criuimg/array.h"
#include "criuimg/image.h"
#include "criuimg/manifest.h"
#include "manifest.pb-c.h"

enum {
	IMG_VERSION_OLDEST = 1,
	IMG_VERSION_NEWEST = 2,
	PID_LIMIT = 1 << 22, /* PID_MAX_LIMIT of the kernel: include/linux/threads.h */
};

/* A record that must be there. */
static int read_needed(struct restore *r, enum img_kind kind, uint64_t id, void *msg, struct img_err *err)
{
	char name[IMG_NAME_MAX];
	int ret = img_read_single(r->set, kind, id, msg, err);

	if (ret == 0)
		return img_fail(err, IMG_CORRUPT, "%s is missing", img_kind_file_name(kind, id, name));
	return ret < 0 ? -1 : 0;
}

static int read_inventory(struct restore *r, struct img_err *err)
{
	InventoryEntry *inv;

	if (read_needed(r, IMG_INVENTORY, 0, &r->inventory, err) < 0)
		return -1;
	inv = r->inventory;
	if (inv->img_version < IMG_VERSION_OLDEST || inv->img_version > IMG_VERSION_NEWEST)
		return img_fail(
			err, IMG_UNSUPPORTED, "inventory.img: images of version %u", inv->img_version);
	if (!inv->has_fdinfo_per_id || !inv->fdinfo_per_id)
		return img_fail(err, IMG_UNSUPPORTED,
			"inventory.img: descriptors listed by pid (images of CRIU before 0.4)");
	return 0;
}

/* Is there a set, this one or one before it, whose page images are of several tasks? What they were made on comes with a stream, or not
 * at all. */
static int look_forked(struct restore *r, struct img_err *err)
{
	struct img_set *set = r->set;
	int ret;

	if (r->stream || img_set_dirfd(r->set) < 0)
		return 0;
	do {
		ret = img_set_requires(set, "pages-forked", err);
		if (ret < 0)
			return -1;
		r->forked |= ret;
		ret = img_set_parent(set, &set, err);
	} while (ret == 1);
	return ret < 0 ? img_wrap(err, "parent") : 0;
}

/* A set that ends with a manifest says what its reader must be able to do. */
int restore_images_manifest(struct restore *r, struct img_err *err)
{
	ManifestEntry *manifest;
	int ret = img_manifest_read(r->set, &manifest, err);

	if (ret <= 0)
		return ret;
	ret = img_manifest_check_requires(manifest, NULL, 0, err);
	img_message_free(&manifest->base);
	return ret < 0 ? -1 : look_forked(r, err);
}

int restore_images_parent(struct img_set *set, struct img_err *err)
{
	ManifestEntry *ours, *theirs = NULL;
	struct img_set *parent;
	int ret = img_manifest_read(set, &ours, err), differ;

	/* Of a stream the manifest comes last: then this is called again. */
	if (ret <= 0)
		return ret;
	ret = ours->has_parent_id ? img_set_parent(set, &parent, err) : 0;
	if (ret > 0)
		ret = img_manifest_read(parent, &theirs, err);
	differ = ret > 0 && (theirs->set_id.len != ours->parent_id.len ||
				    memcmp(theirs->set_id.data, ours->parent_id.data, ours->parent_id.len));
	if (theirs)
		img_message_free(&theirs->base);
	img_message_free(&ours->base);
	if (ret < 0)
		return img_wrap(err, "parent");
	return differ ? img_fail(err, IMG_CORRUPT, "parent: it is not the set that this one was made on") : 0;
}

/* ---- pstree.img ---- */

static bool pid_ok(uint32_t pid)
{
	return pid > 0 && pid < PID_LIMIT;
}

static int add_task(struct restore *r, size_t *room, const PstreeEntry *e, struct img_err *err)
{
	struct restore_task *t;

	if (!pid_ok(e->pid) || e->ppid >= PID_LIMIT || e->pgid >= PID_LIMIT || e->sid >= PID_LIMIT)
		return img_fail(err, IMG_CORRUPT, "pstree.img: pid %u: numbers out of range", e->pid);
	t = img_array_more(&r->tasks, r->nr_tasks, room);
	if (!t)
		return img_fail_nomem(err);
	t->pid = e->pid;
	t->ppid = e->ppid;
	t->pgid = e->pgid;
	t->sid = e->sid;
	t->index = r->nr_tasks++;

	/* A zombie has no threads; what is listed there has no images. */
	t->nr_threads = e->n_threads ? e->n_threads : 1;
	t->threads = calloc(t->nr_threads, sizeof(*t->threads));
	if (!t->threads)
		return img_fail_nomem(err);
	t->threads[0].tid = t->pid;
	for (size_t i = 0, k = 1; i < e->n_threads; i++) {
		if (e->threads[i] == e->pid)
			continue;
		if (k == t->nr_threads || !pid_ok(e->threads[i])) {
			t->nr_threads =
				0; /* not a list of threads with its own pid: fine for a zombie only */
			break;
		}
		t->threads[k++].tid = e->threads[i];
	}
	return 0;
}

static int by_pid(const void *a, const void *b)
{
	const struct restore_task *x = *(struct restore_task *const *)a,
				  *y = *(struct restore_task *const *)b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

int restore_tasks_index(struct restore *r, struct img_err *err)
{
	struct restore_task **index = reallocarray(r->by_pid, r->nr_tasks, sizeof(*index));

	if (!index)
		return img_fail_nomem(err);
	r->by_pid = index;
	for (size_t i = 0; i < r->nr_tasks; i++)
		index[i] = &r->tasks[i];
	qsort(index, r->nr_tasks, sizeof(*index), by_pid);
	for (size_t i = 1; i < r->nr_tasks; i++)
		if (index[i]->pid == index[i - 1]->pid)
			return img_fail(err, IMG_CORRUPT, "pstree.img: pid %d is there twice", index[i]->pid);
	return 0;
}

struct restore_task *restore_task_by_pid(struct restore *r, pid_t pid)
{
	struct restore_task key = { .pid = pid }, *keyp = &key, **found;

	found = r->by_pid ? bsearch(&keyp, r->by_pid, r->nr_tasks, sizeof(*r->by_pid), by_pid) : NULL;
	return found ? *found : NULL;
}

static int link_parents(struct restore *r, struct img_err *err)
{
	for (size_t i = 0; i < r->nr_tasks; i++) {
		struct restore_task *t = &r->tasks[i];

		if (!t->ppid) {
			if (r->root)
				return img_fail(err, IMG_CORRUPT, "pstree.img: two roots, pid %d and %d",
					r->root->pid, t->pid);
			r->root = t;
			continue;
		}
		t->parent = restore_task_by_pid(r, t->ppid);
		if (!t->parent)
			return img_fail(err, IMG_CORRUPT, "pstree.img: pid %d: its parent %d is not there",
				t->pid, t->ppid);
		if (t->parent->index >= i)
			return img_fail(err, IMG_CORRUPT, "pstree.img: pid %d comes before its parent %d",
				t->pid, t->ppid);
	}
	if (!r->root)
		return img_fail(err, IMG_CORRUPT, "pstree.img: no root");
	return 0;
}

static int read_pstree(struct restore *r, struct img_err *err)
{
	struct restore_task *grown;
	struct img_reader *reader;
	ProtobufCMessage *msg;
	size_t room = 0;
	int ret;

	ret = img_reader_open(r->set, IMG_PSTREE, 0, &reader, err);
	if (ret <= 0)
		return ret < 0 ? -1 : img_fail(err, IMG_CORRUPT, "pstree.img is missing");
	while ((ret = img_read(reader, &msg, err)) > 0) {
		ret = add_task(r, &room, (PstreeEntry *)msg, err);
		img_message_free(msg);
		if (ret < 0)
			break;
	}
	img_reader_close(reader);
	if (ret < 0)
		return -1;
	if (!r->nr_tasks)
		return img_fail(err, IMG_CORRUPT, "pstree.img: no tasks");

	/* Room for helpers (plan-tree.c), so that no task moves any more once others point to it. */
	grown = reallocarray(r->tasks, r->nr_tasks * 5, sizeof(*grown));
	if (!grown)
		return img_fail_nomem(err);
	r->tasks = grown;
	memset(grown + r->nr_tasks, 0, r->nr_tasks * 4 * sizeof(*grown));
	return restore_tasks_index(r, err) < 0 ? -1 : link_parents(r, err);
}

/* ---- what a task has ---- */

static int read_threads(struct restore *r, struct restore_task *t, struct img_err *err)
{
	for (size_t i = 0; i < t->nr_threads; i++) {
		struct restore_thread *th = &t->threads[i];
		CoreEntry *core;

		if (i > 0 && read_needed(r, IMG_CORE, th->tid, &th->core, err) < 0)
			return -1;
		core = th->core;
		if (core->mtype != CORE_ENTRY__MARCH__X86_64)
			return img_fail(err, IMG_UNSUPPORTED, "core-%d.img: not of x86-64", th->tid);
		if (!core->thread_info || !core->thread_core)
			return img_fail(err, IMG_CORRUPT, "core-%d.img: no registers", th->tid);
	}
	return 0;
}

static int read_task(struct restore *r, struct restore_task *t, struct img_err *err)
{
	TaskCoreEntry *tc;

	if (read_needed(r, IMG_CORE, t->pid, &t->core, err) < 0)
		return -1;
	t->threads[0].core = t->core;
	tc = t->core->tc;
	if (!tc)
		return img_fail(err, IMG_CORRUPT, "core-%d.img: not of a task's leader", t->pid);
	t->state = tc->task_state;
	switch (tc->task_state) {
	case RESTORE_ZOMBIE:
		t->nr_threads = 1;
		return 0;
	case RESTORE_ALIVE:
	case RESTORE_STOPPED:
		break;
	default:
		return img_fail(err, IMG_UNSUPPORTED, "core-%d.img: task state %u", t->pid, tc->task_state);
	}

	if (!t->nr_threads)
		return img_fail(
			err, IMG_CORRUPT, "pstree.img: pid %d: a list of threads that it is not in", t->pid);
	if (read_threads(r, t, err) < 0 || read_needed(r, IMG_IDS, t->pid, &t->ids, err) < 0 ||
		read_needed(r, IMG_MM, t->pid, &t->mm, err) < 0 ||
		read_needed(r, IMG_FS, t->pid, &t->fs, err) < 0)
		return -1;
	return restore_mem_records(r, t, err);
}

/* ---- tables of descriptors ---- */

static int by_number(const void *a, const void *b)
{
	const FdinfoEntry *x = *(FdinfoEntry *const *)a, *y = *(FdinfoEntry *const *)b;

	return x->fd < y->fd ? -1 : x->fd > y->fd;
}

static int read_fdtable(struct restore *r, struct restore_fdtable *table, struct img_err *err)
{
	struct img_reader *reader;
	ProtobufCMessage *msg;
	size_t room = 0;
	int ret;

	ret = img_reader_open(r->set, IMG_FDINFO, table->id, &reader, err);
	if (ret <= 0)
		return ret; /* an empty table has no image */
	while ((ret = img_read(reader, &msg, err)) > 0) {
		FdinfoEntry **at = img_array_more(&table->fds, table->nr_fds, &room);

		if (!at) {
			img_message_free(msg);
			ret = img_fail_nomem(err);
			break;
		}
		*at = (FdinfoEntry *)msg;
		table->nr_fds++;
	}
	img_reader_close(reader);
	if (ret < 0)
		return -1;

	qsort(table->fds, table->nr_fds, sizeof(*table->fds), by_number);
	for (size_t i = 0; i < table->nr_fds; i++)
		if (table->fds[i]->fd > INT32_MAX || (i && table->fds[i]->fd == table->fds[i - 1]->fd))
			return img_fail(err, IMG_CORRUPT, "fdinfo-%u.img: descriptor %u", table->id,
				table->fds[i]->fd);
	return 0;
}

/* Tasks point into the array: it is made as large as it can become first. */
static int read_fdtables(struct restore *r, struct img_err *err)
{
	r->fdtables = calloc(r->nr_tasks, sizeof(*r->fdtables));
	if (!r->fdtables)
		return img_fail_nomem(err);
	for (size_t i = 0; i < r->nr_tasks; i++) {
		struct restore_task *t = &r->tasks[i];
		struct restore_fdtable *table = NULL;

		if (!restore_task_lives(t))
			continue;
		/* Sharers come after the first one: look from the youngest table back. */
		for (size_t k = r->nr_fdtables; k-- > 0 && !table;)
			if (r->fdtables[k].id == t->ids->files_id)
				table = &r->fdtables[k];
		if (!table) {
			table = &r->fdtables[r->nr_fdtables++];
			table->id = t->ids->files_id;
			table->leader = t;
			if (read_fdtable(r, table, err) < 0)
				return -1;
		}
		table->nr_users++;
		t->fdtable = table;
	}
	return 0;
}

int restore_images_read(struct restore *r, struct img_err *err)
{
	if (restore_images_manifest(r, err) < 0 || read_inventory(r, err) < 0 || read_pstree(r, err) < 0)
		return -1;
	for (size_t i = 0; i < r->nr_tasks; i++)
		if (read_task(r, &r->tasks[i], err) < 0)
			return -1;
	return read_fdtables(r, err);
}

void restore_images_free(struct restore *r)
{
	for (size_t i = 0; i < r->nr_tasks; i++) {
		struct restore_task *t = &r->tasks[i];

		for (size_t k = 1; k < t->nr_threads; k++)
			img_message_free((ProtobufCMessage *)t->threads[k].core);
		free(t->threads);
		img_message_free((ProtobufCMessage *)t->core);
		img_message_free((ProtobufCMessage *)t->ids);
		img_message_free((ProtobufCMessage *)t->mm);
		img_message_free((ProtobufCMessage *)t->fs);
	}
	free(r->tasks);
	free(r->by_pid);
	for (size_t i = 0; i < r->nr_fdtables; i++) {
		for (size_t k = 0; k < r->fdtables[i].nr_fds; k++)
			img_message_free((ProtobufCMessage *)r->fdtables[i].fds[k]);
		free(r->fdtables[i].fds);
	}
	free(r->fdtables);
	img_message_free((ProtobufCMessage *)r->inventory);
}
