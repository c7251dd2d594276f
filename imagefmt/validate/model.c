/* validate/model.c -- the records of a set by their numbers: open files, pipes, mounts, tasks. */

#include "validate/validate.h"

#include <stdlib.h>
#include <string.h>

#include "bpfmap-file.pb-c.h"
#include "criuimg/array.h"
#include "criuimg/image.h"
#include "eventfd.pb-c.h"
#include "fdinfo.pb-c.h"
#include "mnt.pb-c.h"
#include "validate/files.h"

/* ---- types of files ---- */

#define TYPE(word, old_kind, field, message)                                                                 \
	{                                                                                                    \
		FD_TYPES__##word, old_kind, offsetof(FileEntry, field), #field ".", &message##__descriptor   \
	}

static const struct val_file_type types[] = {
	TYPE(REG, IMG_REG_FILES, reg, reg_file_entry),
	TYPE(PIPE, IMG_PIPES, pipe, pipe_entry),
	TYPE(FIFO, IMG_FIFO, fifo, fifo_entry),
	TYPE(INETSK, IMG_INETSK, isk, inet_sk_entry),
	TYPE(UNIXSK, IMG_UNIXSK, usk, unix_sk_entry),
	TYPE(EVENTFD, IMG_EVENTFD_FILE, efd, eventfd_file_entry),
	TYPE(EVENTPOLL, IMG_EVENTPOLL_FILE, epfd, eventpoll_file_entry),
	TYPE(INOTIFY, IMG_INOTIFY_FILE, ify, inotify_file_entry),
	TYPE(SIGNALFD, IMG_SIGNALFD, sgfd, signalfd_entry),
	TYPE(PACKETSK, IMG_PACKETSK, psk, packet_sock_entry),
	TYPE(TTY, IMG_TTY_FILES, tty, tty_file_entry),
	TYPE(FANOTIFY, IMG_FANOTIFY_FILE, ffy, fanotify_file_entry),
	TYPE(NETLINKSK, IMG_NETLINK_SK, nlsk, netlink_sk_entry),
	TYPE(NS, IMG_NS_FILES, nsf, ns_file_entry),
	TYPE(TUNF, IMG_TUNFILE, tunf, tunfile_entry),
	TYPE(EXT, IMG_EXT_FILES, ext, ext_file_entry),
	TYPE(TIMERFD, IMG_TIMERFD, tfd, timerfd_entry),
	TYPE(MEMFD, IMG_KIND_UNKNOWN, memfd, memfd_file_entry),
	TYPE(BPFMAP, IMG_BPFMAP_FILE, bpf, bpfmap_file_entry),
	TYPE(PIDFD, IMG_PIDFD, pidfd, pidfd_entry),
};

const struct val_file_type *val_file_type(uint32_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == type)
			return &types[i];
	return NULL;
}

const struct val_file_type *val_file_type_of_kind(enum img_kind kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].old_kind == kind)
			return &types[i];
	return NULL;
}

/* ---- images and records ---- */

const struct val_image *val_image(const struct validate *v, enum img_kind kind, uint64_t id)
{
	size_t lo = 0, hi = v->nr_images;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct val_image *at = &v->images[mid];

		if (at->kind == kind && at->id == id)
			return at;
		if (at->kind < kind || (at->kind == kind && at->id < id))
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* Records of a kind are in the order of the images' numbers. */
const struct val_record *val_single(const struct validate *v, enum img_kind kind, uint64_t id)
{
	const struct val_records *records = &v->records[kind];
	size_t lo = 0, hi = records->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (records->list[mid].image->id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < records->nr && records->list[lo].image->id == id ? &records->list[lo] : NULL;
}

bool val_broken(const struct validate *v, enum img_kind kind)
{
	for (size_t i = 0; i < v->nr_images; i++)
		if (v->images[i].kind == kind && v->images[i].broken)
			return true;
	return false;
}

/* ---- objects ---- */

#define OBJECT(space, message, type, field)                                                                  \
	{                                                                                                    \
		space, &message##__descriptor, offsetof(type, field), sizeof(((type *)0)->field)             \
	}

static const struct object_row {
	enum val_space space;
	const ProtobufCMessageDescriptor *message;
	size_t offset, size;
} objects[] = {
	OBJECT(VAL_PIPE, pipe_entry, PipeEntry, pipe_id),
	OBJECT(VAL_PIPE, fifo_entry, FifoEntry, pipe_id),
	OBJECT(VAL_SOCKET, unix_sk_entry, UnixSkEntry, id),
	OBJECT(VAL_UNIX_INO, unix_sk_entry, UnixSkEntry, ino),
	OBJECT(VAL_TCP, inet_sk_entry, InetSkEntry, ino),
	OBJECT(VAL_MEMFD, memfd_inode_entry, MemfdInodeEntry, inode_id),
	OBJECT(VAL_TTY, tty_info_entry, TtyInfoEntry, id),
	OBJECT(VAL_BPFMAP, bpfmap_file_entry, BpfmapFileEntry, map_id),
	OBJECT(VAL_MOUNT, mnt_entry, MntEntry, mnt_id),
	OBJECT(VAL_PID, pstree_entry, PstreeEntry, pid),
};

/* The images that have what a space is of, besides files.img and its forerunners. */
static const struct {
	enum val_space space;
	enum img_kind kind;
} sources[] = {
	{ VAL_MEMFD, IMG_MEMFD_INODE },
	{ VAL_TTY, IMG_TTY_INFO },
	{ VAL_MOUNT, IMG_MNTS },
	{ VAL_PID, IMG_PSTREE },
};

static int add_object(struct validate *v, enum val_space space, uint64_t id, const struct val_record *record,
	struct img_err *err)
{
	struct val_index *index = &v->index[space];
	struct val_object *o = img_array_more(&index->list, index->nr, &index->room);

	if (!o)
		return img_fail_nomem(err);
	*o = (struct val_object){ .id = id, .record = record };
	index->nr++;
	return 0;
}

/* All bodies of files have their number first. */
static uint32_t body_id(const ProtobufCMessage *body)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(body->descriptor, "id");
	uint32_t id;

	memcpy(&id, (const char *)body + field->offset, sizeof(id));
	return id;
}

static int add_file(struct validate *v, struct val_record *r, struct img_err *err)
{
	const struct val_file_type *type;
	uint32_t id;

	if (r->image->kind == IMG_FILES) {
		const FileEntry *file = (const FileEntry *)r->msg;

		type = val_file_type(file->type);
		r->body = type ? *(ProtobufCMessage *const *)((const char *)file + type->offset) : NULL;
		r->prefix = type ? type->prefix : "";
		id = file->id;
		return add_object(v, VAL_FILE, val_file_key(file->type, id), r, err);
	}
	type = val_file_type_of_kind(r->image->kind);
	if (!type)
		return 0;
	id = body_id(r->body);
	return add_object(v, VAL_FILE, val_file_key(type->type, id), r, err);
}

static int add_objects(struct validate *v, struct val_record *r, struct img_err *err)
{
	if (add_file(v, r, err) < 0)
		return -1;
	for (size_t i = 0; r->body && i < ARRAY_SIZE(objects); i++) {
		const char *at = (const char *)r->body + objects[i].offset;
		uint64_t id;

		if (objects[i].message != r->body->descriptor)
			continue;
		id = objects[i].size == sizeof(uint64_t) ? *(const uint64_t *)at : *(const uint32_t *)at;
		if (add_object(v, objects[i].space, id, r, err) < 0)
			return -1;
	}
	return 0;
}

static int object_cmp(const void *a_, const void *b_)
{
	const struct val_object *a = a_, *b = b_;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	/* The first in the image stays the first. */
	return (a->record > b->record) - (a->record < b->record);
}

const struct val_object *val_find(const struct validate *v, enum val_space space, uint64_t id)
{
	const struct val_index *index = &v->index[space];
	size_t lo = 0, hi = index->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (index->list[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < index->nr && index->list[lo].id == id ? &index->list[lo] : NULL;
}

const struct val_record *val_open_file(const struct validate *v, uint32_t type, uint32_t id)
{
	const struct val_object *o = val_find(v, VAL_FILE, val_file_key(type, id));

	return o ? o->record : NULL;
}

bool val_files_partial(const struct validate *v)
{
	return v->index[VAL_FILE].partial;
}

static void mark_partial(struct validate *v)
{
	bool files = val_broken(v, IMG_FILES);

	/* One complaint is enough when there are none at all. */
	v->no_files = !v->index[VAL_FILE].nr && !val_image(v, IMG_FILES, 0);
	files |= v->no_files;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		files |= types[i].old_kind != IMG_KIND_UNKNOWN && val_broken(v, types[i].old_kind);
	for (int space = 0; space < VAL_SPACES; space++)
		v->index[space].partial = files;
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		v->index[sources[i].space].partial = val_broken(v, sources[i].kind);
	v->index[VAL_PID].partial |= !v->index[VAL_PID].nr;
}

/* ---- tasks ---- */

const struct val_task *val_task(const struct validate *v, uint32_t pid)
{
	const struct val_object *o = val_find(v, VAL_PID, pid);

	return o ? &v->tasks[o->record - v->records[IMG_PSTREE].list] : NULL;
}

static void task_join(struct validate *v, struct val_task *t)
{
	const uint32_t pid = t->entry->pid;

	t->core_record = val_single(v, IMG_CORE, pid);
	t->core = t->core_record ? (const CoreEntry *)t->core_record->msg : NULL;
	t->ids_record = val_single(v, IMG_IDS, pid);
	if (t->ids_record) {
		t->ids = (const TaskKobjIdsEntry *)t->ids_record->msg;
	} else if (t->core && t->core->ids) {
		t->ids = t->core->ids;
		t->ids_record = t->core_record;
	}
	t->mm_record = val_single(v, IMG_MM, pid);
	t->mm = t->mm_record ? (const MmEntry *)t->mm_record->msg : NULL;
	t->dead = t->core && t->core->tc && t->core->tc->task_state == 2;
}

static int tasks_join(struct validate *v, struct img_err *err)
{
	const struct val_records *records = &v->records[IMG_PSTREE];

	v->tasks = img_arena_array(&v->arena, records->nr + 1, sizeof(*v->tasks));
	if (!v->tasks)
		return img_fail_nomem(err);
	for (v->nr_tasks = 0; v->nr_tasks < records->nr; v->nr_tasks++) {
		struct val_task *t = &v->tasks[v->nr_tasks];

		t->record = &records->list[v->nr_tasks];
		t->entry = (const PstreeEntry *)t->record->msg;
		task_join(v, t);
	}
	return 0;
}

/* What a pre-dump leaves: an inventory that says so, and pages. */
static bool is_pre_dump(const struct validate *v)
{
	return v->inventory && v->inventory->img_version == 0 && !val_image(v, IMG_PSTREE, 0);
}

int val_model_finish(struct validate *v, struct img_err *err)
{
	const struct val_record *inventory = val_single(v, IMG_INVENTORY, 0);

	v->inventory = inventory ? (const InventoryEntry *)inventory->msg : NULL;
	v->pre_dump = is_pre_dump(v);
	for (int kind = 0; kind < IMG_KIND_NR; kind++)
		for (size_t i = 0; i < v->records[kind].nr; i++)
			if (add_objects(v, &v->records[kind].list[i], err) < 0)
				return -1;
	for (int space = 0; space < VAL_SPACES; space++)
		if (v->index[space].nr)
			qsort(v->index[space].list, v->index[space].nr, sizeof(struct val_object),
				object_cmp);
	mark_partial(v);
	return tasks_join(v, err);
}

void val_free(struct validate *v)
{
	for (int kind = 0; kind < IMG_KIND_NR; kind++) {
		for (size_t i = 0; i < v->records[kind].nr; i++)
			img_message_free(v->records[kind].list[i].msg);
		free(v->records[kind].list);
	}
	for (int space = 0; space < VAL_SPACES; space++)
		free(v->index[space].list);
	for (size_t i = 0; i < v->nr_images; i++)
		img_pagemap_free(&v->images[i].map);
	free(v->images);
	img_arena_free(&v->arena);
}
