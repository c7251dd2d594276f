/* crit/x-tasks.c -- the tasks of a set of images. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crit.h"
#include "criuimg/array.h"
#include "inventory.pb-c.h"
#include "x.h"

int x_tasks_read(struct x *x, struct img_err *err)
{
	struct img_reader *r;
	ProtobufCMessage *msg;
	int ret;

	if (x->tasks.nr)
		return 0;
	ret = img_reader_open(x->set, IMG_PSTREE, 0, &r, err);
	if (ret < 0)
		return -1;
	if (ret == 0)
		return img_fail(err, IMG_CORRUPT, "there is no pstree.img");
	while ((ret = img_read(r, &msg, err)) > 0) {
		PstreeEntry **at = img_array_more(&x->tasks.entries, x->tasks.nr, &x->tasks.room);

		if (!at) {
			img_message_free(msg);
			ret = img_fail_nomem(err);
			break;
		}
		*at = (PstreeEntry *)msg;
		x->tasks.nr++;
	}
	img_reader_close(r);
	return ret;
}

void x_tasks_free(struct x_tasks *tasks)
{
	for (size_t i = 0; i < tasks->nr; i++)
		img_message_free(&tasks->entries[i]->base);
	free(tasks->entries);
	*tasks = (struct x_tasks){ 0 };
}

const PstreeEntry *x_task(const struct x *x, uint32_t pid)
{
	for (size_t i = 0; i < x->tasks.nr; i++)
		if (x->tasks.entries[i]->pid == pid)
			return x->tasks.entries[i];
	return NULL;
}

int x_task_named(struct x *x, const char *text, const PstreeEntry **task, struct img_err *err)
{
	char *end;
	unsigned long pid = strtoul(text, &end, 10);

	if (*end || end == text || *text == '-' || pid > UINT32_MAX)
		return img_fail(err, IMG_USAGE, "%s: not a process ID", text);
	if (x_tasks_read(x, err) < 0)
		return -1;
	*task = x_task(x, pid);
	return *task ? 0 : img_fail(err, IMG_USAGE, "there is no task %s (`crit x DIR ps` lists them)", text);
}

/* Of old sets: the records of vmas-PID.img become those of the mm, which takes them over. */
static int add_old_vmas(struct x *x, uint32_t pid, MmEntry *mm, struct img_err *err)
{
	size_t room = 0;
	struct img_reader *r;
	ProtobufCMessage *msg;
	int ret = img_reader_open(x->set, IMG_VMAS, pid, &r, err);

	if (ret <= 0)
		return ret;
	while ((ret = img_read(r, &msg, err)) > 0) {
		VmaEntry **at = img_array_more(&mm->vmas, mm->n_vmas, &room);

		if (!at) {
			img_message_free(msg);
			ret = img_fail_nomem(err);
			break;
		}
		*at = (VmaEntry *)msg;
		mm->n_vmas++;
	}
	img_reader_close(r);
	return ret;
}

int x_read_mm(struct x *x, uint32_t pid, MmEntry **mm, struct img_err *err)
{
	ProtobufCMessage *msg;
	int ret = img_read_single(x->set, IMG_MM, pid, &msg, err);

	if (ret <= 0)
		return ret;
	*mm = (MmEntry *)msg;
	if (!(*mm)->n_vmas && add_old_vmas(x, pid, *mm, err) < 0) {
		img_message_free(msg);
		return -1;
	}
	return 1;
}

int x_read_core(struct x *x, uint32_t tid, CoreEntry **core, struct img_err *err)
{
	ProtobufCMessage *msg;
	int ret = img_read_single(x->set, IMG_CORE, tid, &msg, err);

	if (ret > 0)
		*core = (CoreEntry *)msg;
	return ret;
}

int x_read_ids(struct x *x, uint32_t pid, const TaskKobjIdsEntry **ids, ProtobufCMessage **owner, struct img_err *err)
{
	CoreEntry *core;
	int ret = img_read_single(x->set, IMG_IDS, pid, owner, err);

	if (ret > 0)
		*ids = (const TaskKobjIdsEntry *)*owner;
	if (ret)
		return ret;
	ret = x_read_core(x, pid, &core, err);
	if (ret <= 0)
		return ret;
	*owner = &core->base;
	*ids = core->ids;
	if (core->ids)
		return 1;
	img_message_free(*owner);
	return 0;
}

int x_table_of(struct x *x, uint32_t pid, uint32_t *files_id, struct img_err *err)
{
	const TaskKobjIdsEntry *ids;
	ProtobufCMessage *msg;
	const InventoryEntry *inventory;
	bool by_pid = false;
	int ret;

	ret = x_read_ids(x, pid, &ids, &msg, err);
	if (ret < 0)
		return -1;
	if (ret > 0) {
		*files_id = ids->files_id;
		img_message_free(msg);
		return 1;
	}
	/* Before tables had numbers. */
	ret = img_read_single(x->set, IMG_INVENTORY, 0, &msg, err);
	if (ret > 0) {
		inventory = (const InventoryEntry *)msg;
		by_pid = !inventory->has_fdinfo_per_id || !inventory->fdinfo_per_id;
		img_message_free(msg);
	}
	*files_id = pid;
	return ret < 0 ? -1 : by_pid;
}

int x_read_comm(struct x *x, uint32_t pid, char buf[static 64], struct img_err *err)
{
	CoreEntry *core;
	int ret = x_read_core(x, pid, &core, err);

	if (ret < 0)
		return -1;
	snprintf(buf, 64, "%s", ret && core->tc ? core->tc->comm : ret && core->thread_core && core->thread_core->comm ? core->thread_core->comm : "?");
	if (ret)
		img_message_free(&core->base);
	return 0;
}

/* ---- descriptors ---- */

static int add_uses(struct x *x, uint32_t pid, uint32_t files_id, struct img_err *err)
{
	struct objects *objects = &x->objects;
	struct img_reader *r;
	ProtobufCMessage *msg;
	int ret = img_reader_open(x->set, IMG_FDINFO, files_id, &r, err);

	if (ret <= 0)
		return ret;
	while ((ret = img_read(r, &msg, err)) > 0) {
		const FdinfoEntry *fd = (const FdinfoEntry *)msg;
		struct object_use *use = img_array_more(&objects->uses, objects->nr_uses, &objects->room_uses);

		if (use) {
			*use = (struct object_use){ fd->type, fd->id, pid, fd->fd, fd->flags };
			objects->nr_uses++;
		}
		img_message_free(msg);
		if (!use) {
			ret = img_fail_nomem(err);
			break;
		}
	}
	img_reader_close(r);
	return ret;
}

int x_uses_read(struct x *x, struct img_err *err)
{
	struct objects *objects = &x->objects;

	if (objects->uses_read)
		return 0;
	objects->uses_read = true;
	if (x_tasks_read(x, err) < 0 || objects_read(objects, x->set, err) < 0)
		return -1;
	for (size_t i = 0; i < x->tasks.nr; i++) {
		uint32_t pid = x->tasks.entries[i]->pid, files_id;
		int ret = x_table_of(x, pid, &files_id, err);

		if (ret < 0 || (ret > 0 && add_uses(x, pid, files_id, err) < 0))
			return -1;
	}
	if (objects->nr_uses)
		qsort(objects->uses, objects->nr_uses, sizeof(*objects->uses), objects_compare_uses);
	return 0;
}

/* ---- the set ---- */

int x_open(struct x *x, const char *dir, struct img_err *err)
{
	*x = (struct x){ .set = crit_set_open(dir, err) };
	return x->set ? 0 : -1;
}

void x_close(struct x *x)
{
	objects_free(&x->objects);
	x_files_free(&x->files);
	x_tasks_free(&x->tasks);
	img_set_close(x->set);
	*x = (struct x){ 0 };
}

const char *x_signal_name(unsigned int signal, char buf[static 16])
{
	const char *name = signal < 32 ? sigabbrev_np(signal) : NULL;

	if (name)
		return name;
	/* The kernel's SIGRTMIN; the C library keeps two for itself. */
	if (signal >= 34 && signal <= 64)
		snprintf(buf, 16, "RTMIN+%u", signal - 34);
	else
		snprintf(buf, 16, "%u", signal);
	return buf;
}

const char *x_state_name(uint32_t state, char buf[static 16])
{
	static const char *const names[] = { [X_STATE_ALIVE] = "alive", [X_STATE_ZOMBIE] = "zombie", [X_STATE_STOPPED] = "stopped" };

	if (state < ARRAY_SIZE(names) && names[state])
		return names[state];
	snprintf(buf, 16, "%u", state);
	return buf;
}

int x_each_thread(struct x *x, struct rows *rows, const PstreeEntry *task,
	int (*add)(struct x *x, struct rows *rows, uint32_t pid, uint32_t tid, struct img_err *err), struct img_err *err)
{
	int ret = 0;

	for (size_t i = 0; i < x_thread_count(task) && ret == 0; i++)
		ret = add(x, rows, task->pid, x_thread_id(task, i), err);
	return ret;
}
