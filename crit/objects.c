/* crit/objects.c -- all open files of a set with their records, and who has them. */

#include "objects.h"

#include <stdlib.h>
#include <string.h>

#include "criuimg/array.h"
#include "regfile.pb-c.h"

/* One row per type: the image that old sets have of it, its member of file_entry, its word. */
static const struct object_type {
	FdTypes type;
	enum img_kind old;
	size_t member;
	const char *name;
} types[] = {
	{ FD_TYPES__REG, IMG_REG_FILES, offsetof(FileEntry, reg), "file" },
	{ FD_TYPES__PIPE, IMG_PIPES, offsetof(FileEntry, pipe), "pipe" },
	{ FD_TYPES__FIFO, IMG_FIFO, offsetof(FileEntry, fifo), "fifo" },
	{ FD_TYPES__INETSK, IMG_INETSK, offsetof(FileEntry, isk), "inet" },
	{ FD_TYPES__UNIXSK, IMG_UNIXSK, offsetof(FileEntry, usk), "unix" },
	{ FD_TYPES__EVENTFD, IMG_EVENTFD_FILE, offsetof(FileEntry, efd), "eventfd" },
	{ FD_TYPES__EVENTPOLL, IMG_EVENTPOLL_FILE, offsetof(FileEntry, epfd), "epoll" },
	{ FD_TYPES__INOTIFY, IMG_INOTIFY_FILE, offsetof(FileEntry, ify), "inotify" },
	{ FD_TYPES__SIGNALFD, IMG_SIGNALFD, offsetof(FileEntry, sgfd), "signalfd" },
	{ FD_TYPES__PACKETSK, IMG_PACKETSK, offsetof(FileEntry, psk), "packet" },
	{ FD_TYPES__TTY, IMG_TTY_FILES, offsetof(FileEntry, tty), "tty" },
	{ FD_TYPES__FANOTIFY, IMG_FANOTIFY_FILE, offsetof(FileEntry, ffy), "fanotify" },
	{ FD_TYPES__NETLINKSK, IMG_NETLINK_SK, offsetof(FileEntry, nlsk), "netlink" },
	{ FD_TYPES__NS, IMG_NS_FILES, offsetof(FileEntry, nsf), "ns" },
	{ FD_TYPES__TUNF, IMG_TUNFILE, offsetof(FileEntry, tunf), "tun" },
	{ FD_TYPES__EXT, IMG_EXT_FILES, offsetof(FileEntry, ext), "external" },
	{ FD_TYPES__TIMERFD, IMG_TIMERFD, offsetof(FileEntry, tfd), "timerfd" },
	{ FD_TYPES__MEMFD, IMG_KIND_UNKNOWN, offsetof(FileEntry, memfd), "memfd" },
	{ FD_TYPES__BPFMAP, IMG_BPFMAP_FILE, offsetof(FileEntry, bpf), "bpfmap" },
	{ FD_TYPES__PIDFD, IMG_PIDFD, offsetof(FileEntry, pidfd), "pidfd" },
};

const char *objects_type_name(FdTypes type)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == type)
			return types[i].name;
	return "unknown";
}

/* Of all these records `id` is the first field. */
static uint32_t id_of(const ProtobufCMessage *msg)
{
	return *(const uint32_t *)((const char *)msg + msg->descriptor->fields[0].offset);
}

/* Takes owned over. */
static int add(struct objects *objects, FdTypes type, const ProtobufCMessage *msg, ProtobufCMessage *owned, struct img_err *err)
{
	struct object *object = img_array_more(&objects->objects, objects->nr, &objects->room);

	if (!object) {
		img_message_free(owned);
		return img_fail_nomem(err);
	}
	*object = (struct object){ type, id_of(msg), msg, owned };
	objects->nr++;
	return 0;
}

/* A file_entry: the record in it, of whatever type. One with none is left out. */
static int add_file_entry(struct objects *objects, ProtobufCMessage *msg, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		const ProtobufCMessage *part = *(ProtobufCMessage *const *)((const char *)msg + types[i].member);

		if (part)
			return add(objects, types[i].type, part, msg, err);
	}
	img_message_free(msg);
	return 0;
}

static int read_image(struct objects *objects, struct img_set *set, enum img_kind kind, const struct object_type *type,
	struct img_err *err)
{
	struct img_reader *r;
	ProtobufCMessage *msg;
	int ret = img_reader_open(set, kind, 0, &r, err);

	if (ret <= 0)
		return ret;
	while ((ret = img_read(r, &msg, err)) > 0) {
		ret = type ? add(objects, type->type, msg, msg, err) : add_file_entry(objects, msg, err);
		if (ret < 0)
			break;
	}
	img_reader_close(r);
	return ret;
}

static int compare(const void *a_, const void *b_)
{
	const struct object *a = a_, *b = b_;

	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

/* What old sets have in an image of its own: the list of the file's record that it belongs to. */
static const struct watches {
	enum img_kind kind;
	FdTypes type;
	const char *list;
} watches[] = {
	{ IMG_EVENTPOLL_TFD, FD_TYPES__EVENTPOLL, "tfd" },
	{ IMG_INOTIFY_WD, FD_TYPES__INOTIFY, "wd" },
	{ IMG_FANOTIFY_MARK, FD_TYPES__FANOTIFY, "mark" },
};

/* Takes watch over. */
static int watch_put(const struct objects *objects, const struct watches *w, ProtobufCMessage *watch, struct img_err *err)
{
	const struct object *object = objects_find(objects, w->type, id_of(watch));
	const ProtobufCFieldDescriptor *f = object ? protobuf_c_message_descriptor_get_field_by_name(object->msg->descriptor, w->list) : NULL;
	ProtobufCMessage ***list;
	size_t *nr;
	void *more;

	/* Of a file that is not there: validate says so. */
	if (!f) {
		img_message_free(watch);
		return 0;
	}
	list = (ProtobufCMessage ***)((char *)object->msg + f->offset);
	nr = (size_t *)((char *)object->msg + f->quantifier_offset);
	more = reallocarray(*list, *nr + 1, sizeof(**list));
	if (!more) {
		img_message_free(watch);
		return img_fail_nomem(err);
	}
	*list = more;
	(*list)[(*nr)++] = watch;
	return 0;
}

static int read_watches(struct objects *objects, struct img_set *set, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(watches); i++) {
		struct img_reader *r;
		ProtobufCMessage *msg;
		int ret = img_reader_open(set, watches[i].kind, 0, &r, err);

		if (ret < 0)
			return -1;
		if (ret == 0)
			continue;
		while ((ret = img_read(r, &msg, err)) > 0 && (ret = watch_put(objects, &watches[i], msg, err)) == 0)
			;
		img_reader_close(r);
		if (ret < 0)
			return -1;
	}
	return 0;
}

int objects_read(struct objects *objects, struct img_set *set, struct img_err *err)
{
	if (objects->read)
		return 0;
	objects->read = true;
	if (read_image(objects, set, IMG_FILES, NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].old != IMG_KIND_UNKNOWN && read_image(objects, set, types[i].old, &types[i], err) < 0)
			return -1;
	if (objects->nr)
		qsort(objects->objects, objects->nr, sizeof(*objects->objects), compare);
	return read_watches(objects, set, err);
}

void objects_free(struct objects *objects)
{
	for (size_t i = 0; i < objects->nr; i++)
		img_message_free(objects->objects[i].owned);
	free(objects->objects);
	free(objects->uses);
	*objects = (struct objects){ 0 };
}

const struct object *objects_find(const struct objects *objects, FdTypes type, uint32_t id)
{
	const struct object key = { .type = type, .id = id };

	return objects->nr ? bsearch(&key, objects->objects, objects->nr, sizeof(key), compare) : NULL;
}

const char *objects_path(const struct objects *objects, uint32_t id)
{
	const struct object *object = objects_find(objects, FD_TYPES__REG, id);

	return object ? ((const RegFileEntry *)object->msg)->name : "?";
}

/* ---- who has them ---- */

int objects_compare_uses(const void *a_, const void *b_)
{
	const struct object_use *a = a_, *b = b_;

	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return (a->fd > b->fd) - (a->fd < b->fd);
}

const struct object_use *objects_uses(const struct objects *objects, FdTypes type, uint32_t id, size_t *nr)
{
	size_t low = 0, high = objects->nr_uses;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct object_use *use = &objects->uses[middle];

		if (use->type < type || (use->type == type && use->id < id))
			low = middle + 1;
		else
			high = middle;
	}
	for (*nr = 0; low + *nr < objects->nr_uses; (*nr)++)
		if (objects->uses[low + *nr].type != type || objects->uses[low + *nr].id != id)
			break;
	return objects->uses + low;
}
