/* convert/forms-files.c -- an image per type of file becomes files.img; watches in images of their own go to their files. */

#include <stdlib.h>

#include "convert/forms.h"
#include "criuimg/array.h"
#include "fdinfo.pb-c.h"

/* The types, in the order that their files get in files.img. */
static const struct {
	enum img_kind kind;
	FdTypes type;
	const char *field; /* of file_entry */
	enum img_kind watches;
	const char *watch_field; /* of the file's own message; NULL: none */
} types[] = {
	{ IMG_REG_FILES, FD_TYPES__REG, "reg", 0, NULL },
	{ IMG_EXT_FILES, FD_TYPES__EXT, "ext", 0, NULL },
	{ IMG_NS_FILES, FD_TYPES__NS, "nsf", 0, NULL },
	{ IMG_PIPES, FD_TYPES__PIPE, "pipe", 0, NULL },
	{ IMG_FIFO, FD_TYPES__FIFO, "fifo", 0, NULL },
	{ IMG_UNIXSK, FD_TYPES__UNIXSK, "usk", 0, NULL },
	{ IMG_INETSK, FD_TYPES__INETSK, "isk", 0, NULL },
	{ IMG_PACKETSK, FD_TYPES__PACKETSK, "psk", 0, NULL },
	{ IMG_NETLINK_SK, FD_TYPES__NETLINKSK, "nlsk", 0, NULL },
	{ IMG_EVENTFD_FILE, FD_TYPES__EVENTFD, "efd", 0, NULL },
	{ IMG_EVENTPOLL_FILE, FD_TYPES__EVENTPOLL, "epfd", IMG_EVENTPOLL_TFD, "tfd" },
	{ IMG_SIGNALFD, FD_TYPES__SIGNALFD, "sgfd", 0, NULL },
	{ IMG_INOTIFY_FILE, FD_TYPES__INOTIFY, "ify", IMG_INOTIFY_WD, "wd" },
	{ IMG_FANOTIFY_FILE, FD_TYPES__FANOTIFY, "ffy", IMG_FANOTIFY_MARK, "mark" },
	{ IMG_TTY_FILES, FD_TYPES__TTY, "tty", 0, NULL },
	{ IMG_TUNFILE, FD_TYPES__TUNF, "tunf", 0, NULL },
	{ IMG_TIMERFD, FD_TYPES__TIMERFD, "tfd", 0, NULL },
	{ IMG_BPFMAP_FILE, FD_TYPES__BPFMAP, "bpf", 0, NULL },
	{ IMG_PIDFD, FD_TYPES__PIDFD, "pidfd", 0, NULL },
};

bool img_forms_is_file_kind(enum img_kind kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].kind == kind || (types[i].watch_field && types[i].watches == kind))
			return true;
	return false;
}

struct watches {
	ProtobufCMessage **list;
	size_t nr, room;
};

static void watches_free(struct watches *w)
{
	for (size_t i = 0; i < w->nr; i++)
		img_message_free(w->list[i]);
	free(w->list);
}

static int watches_read(struct img_set *set, enum img_kind kind, struct watches *w, struct img_err *err)
{
	ProtobufCMessage *msg, **slot;
	struct img_reader *r;
	int ret = img_reader_open(set, kind, 0, &r, err);

	if (ret <= 0)
		return ret;
	while ((ret = img_read(r, &msg, err)) == 1) {
		slot = img_array_more(&w->list, w->nr, &w->room);
		if (!slot) {
			img_message_free(msg);
			ret = img_fail_nomem(err);
			break;
		}
		*slot = msg;
		w->nr++;
	}
	img_reader_close(r);
	return ret;
}

/* Those of this file move into it. Inside they have no number of their own. */
static int watches_give(
	struct watches *w, ProtobufCMessage *file, const char *field, uint32_t id, struct img_err *err)
{
	for (size_t i = 0; i < w->nr; i++) {
		ProtobufCMessage *watch = w->list[i];

		if (!watch || img_sub_get_u32(watch, "id") != id)
			continue;
		w->list[i] = NULL;
		img_sub_u32(watch, "id", 0);
		if (img_sub_put(file, field, watch, err))
			return -1;
	}
	return 0;
}

/* What is being made. */
struct making {
	struct img_view *v;
	struct img_writer *files;
	struct watches watches[ARRAY_SIZE(types)];
	struct img_numbers ids; /* of files that are there already */
};

static void making_free(struct making *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		watches_free(&m->watches[i]);
	img_numbers_free(&m->ids);
}

/* The records that are in files.img already, with the watches that are not. */
static int todays_write(struct making *m, struct img_err *err)
{
	ProtobufCMessage *msg;
	struct img_reader *r;
	int ret = img_reader_open(m->v->below, IMG_FILES, 0, &r, err);

	if (ret <= 0)
		return ret;
	while ((ret = img_read(r, &msg, err)) == 1) {
		FileEntry *entry = (FileEntry *)msg;

		ret = img_numbers_add(&m->ids, entry->id, err);
		for (size_t i = 0; !ret && i < ARRAY_SIZE(types); i++)
			if (types[i].watch_field && entry->type == types[i].type)
				ret = watches_give(&m->watches[i], img_sub_message(msg, types[i].field), types[i].watch_field,
					entry->id, err);
		if (!ret)
			ret = img_write(m->files, msg, err);
		img_message_free(msg);
		if (ret)
			break;
	}
	img_reader_close(r);
	return ret;
}

static int type_write(struct making *m, size_t type, struct img_err *err)
{
	ProtobufCMessage *msg;
	struct img_reader *r;
	int ret = img_reader_open(m->v->below, types[type].kind, 0, &r, err);

	if (ret <= 0)
		return ret;
	while ((ret = img_read(r, &msg, err)) == 1) {
		FileEntry entry = FILE_ENTRY__INIT;

		entry.type = types[type].type;
		entry.id = img_sub_get_u32(msg, "id");
		/* Where a set has both forms of a file, today's counts. */
		if (img_numbers_has(&m->ids, entry.id)) {
			img_message_free(msg);
			continue;
		}
		if (types[type].watch_field)
			ret = watches_give(&m->watches[type], msg, types[type].watch_field, entry.id, err);
		else
			ret = 0;
		/* An empty field: nothing is freed, and nothing can fail. */
		img_sub_put(&entry.base, types[type].field, msg, NULL);
		if (!ret)
			ret = img_write(m->files, &entry.base, err);
		img_message_free(msg);
		if (ret)
			break;
	}
	img_reader_close(r);
	return ret;
}

static int all_write(struct making *m, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].watch_field && watches_read(m->v->below, types[i].watches, &m->watches[i], err) < 0)
			return -1;
	if (todays_write(m, err))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct watches *w = &m->watches[i];

		if (type_write(m, i, err))
			return -1;
		for (size_t k = 0; k < w->nr; k++)
			if (w->list[k])
				return img_fail(err, IMG_CORRUPT, "%s: of file %#x, which is not there",
					img_kind_info(types[i].watches)->name, img_sub_get_u32(w->list[k], "id"));
	}
	return 0;
}

int img_forms_files(struct img_view *v, struct img_err *err)
{
	struct making m = { .v = v, .files = img_writer_create(v->made, IMG_FILES, 0, err) };
	int ret = m.files ? all_write(&m, err) : -1;

	making_free(&m);
	if (!ret)
		return img_writer_finish(m.files, err);
	if (m.files)
		img_writer_abort(m.files);
	return -1;
}
