/* convert/forms-task.c -- images of single tasks that are part of core-PID.img and mm-PID.img today. */

#include <stdlib.h>

#include "convert/forms.h"
#include "criuimg/array.h"
#include "core.pb-c.h"
#include "siginfo.pb-c.h"

/* The message in core_entry or mm_entry, by the fields that lead to it, and its field that the records go to. */
static const struct {
	enum img_kind kind, into;
	const char *path[2];
	const char *field[3]; /* of the first, second, ... record; NULL: all go to the one before */
} parts[] = {
	{ IMG_VMAS, IMG_MM, { NULL }, { "vmas" } },
	{ IMG_SIGACT, IMG_CORE, { "tc" }, { "sigactions" } },
	{ IMG_RLIMIT, IMG_CORE, { "tc", "rlimits" }, { "rlimits" } },
	{ IMG_ITIMERS, IMG_CORE, { "tc", "timers" }, { "real", "virt", "prof" } },
	{ IMG_POSIX_TIMERS, IMG_CORE, { "tc", "timers" }, { "posix" } },
	{ IMG_CREDS, IMG_CORE, { "thread_core" }, { "creds" } },
	/* A record is a list of them. */
	{ IMG_SIGNAL, IMG_CORE, { "tc", "signals_s" }, { "signals" } },
	{ IMG_PSIGNAL, IMG_CORE, { "thread_core", "signals_p" }, { "signals" } },
};

bool img_forms_is_task_kind(enum img_kind kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i].kind == kind)
			return true;
	return false;
}

/* Lists that are there already stay: a set that has both has today's form, and the image is a remainder. */
static bool is_there(const ProtobufCMessage *msg, const char *name)
{
	const ProtobufCFieldDescriptor *f =
		protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, name);

	if (f->label == PROTOBUF_C_LABEL_REPEATED)
		return *(const size_t *)((const char *)msg + f->quantifier_offset) > 0;
	return *(void *const *)((const char *)msg + f->offset);
}

/* Takes over msg. */
static int record_put(ProtobufCMessage *into, const char *field, ProtobufCMessage *msg, struct img_err *err)
{
	SignalQueueEntry *queue = (SignalQueueEntry *)msg;
	int ret = 0;

	if (msg->descriptor != &signal_queue_entry__descriptor)
		return img_sub_put(into, field, msg, err);
	for (size_t i = 0; !ret && i < queue->n_signals; i++) {
		ret = img_sub_put(into, field, &queue->signals[i]->base, err);
		queue->signals[i] = NULL;
	}
	/* What was not taken over goes with it. */
	img_message_free(msg);
	return ret;
}

static int part_read(struct img_reader *r, size_t part, ProtobufCMessage *into, struct img_err *err)
{
	size_t nr = 0;
	int ret;

	for (int i = 0; i < 2 && parts[part].path[i]; i++)
		if (!(into = img_sub_message(into, parts[part].path[i])))
			return img_fail_nomem(err);
	if (is_there(into, parts[part].field[0]))
		return 0;
	for (;;) {
		const char *field = parts[part].field[nr];
		ProtobufCMessage *msg;

		ret = img_read(r, &msg, err);
		if (ret <= 0)
			return ret;
		if (record_put(into, field, msg, err))
			return -1;
		if (nr + 1 < ARRAY_SIZE(parts[part].field) && parts[part].field[nr + 1])
			nr++;
	}
}

/* All parts that belong into one image. */
static int parts_read(struct img_view *v, enum img_kind into, uint64_t id, ProtobufCMessage *msg, bool *any,
	struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		struct img_reader *r;
		int ret;

		if (parts[i].into != into)
			continue;
		ret = img_reader_open(v->below, parts[i].kind, id, &r, err);
		if (ret < 0)
			return -1;
		if (ret == 0)
			continue;
		*any = true;
		ret = part_read(r, i, msg, err);
		img_reader_close(r);
		if (ret) {
			char name[IMG_NAME_MAX];

			return img_wrap(err, "%s", img_kind_file_name(parts[i].kind, id, name));
		}
	}
	return 0;
}

static int image_make(struct img_view *v, enum img_kind kind, uint64_t id, struct img_err *err)
{
	ProtobufCMessage *msg;
	bool any = false;
	int ret = img_read_single(v->below, kind, id, &msg, err);

	if (ret <= 0)
		return ret;
	ret = parts_read(v, kind, id, msg, &any, err);
	if (!ret && any)
		ret = img_write_single(v->made, kind, id, msg, err);
	img_message_free(msg);
	return ret;
}

int img_forms_task(struct img_view *v, uint64_t pid, struct img_err *err)
{
	return image_make(v, IMG_MM, pid, err) || image_make(v, IMG_CORE, pid, err) ? -1 : 0;
}
