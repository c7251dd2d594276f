/* convert/forms.c -- old forms of images of version 1.0 and 1.1 become today's (docs/format-history.md). */

#include "convert/forms.h"

#include <stdlib.h>
#include <string.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/pages.h"
#include "pagemap.pb-c.h"

/* ---- fields by name ---- */

static void *member(const ProtobufCMessage *msg, unsigned int offset)
{
	return (char *)msg + offset;
}

static ProtobufCMessage *message_new(const ProtobufCMessageDescriptor *type)
{
	ProtobufCMessage *msg = malloc(type->sizeof_message);

	if (msg)
		protobuf_c_message_init(type, msg);
	return msg;
}

ProtobufCMessage *img_sub_message(ProtobufCMessage *msg, const char *name)
{
	const ProtobufCFieldDescriptor *f =
		protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, name);
	ProtobufCMessage **slot = member(msg, f->offset);

	if (!*slot)
		*slot = message_new(f->descriptor);
	return *slot;
}

int img_sub_put(ProtobufCMessage *msg, const char *name, ProtobufCMessage *sub, struct img_err *err)
{
	const ProtobufCFieldDescriptor *f =
		protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, name);
	ProtobufCMessage **slot = member(msg, f->offset), **list;
	size_t *nr = member(msg, f->quantifier_offset);

	if (f->label != PROTOBUF_C_LABEL_REPEATED) {
		img_message_free(*slot);
		*slot = sub;
		return 0;
	}
	list = *(ProtobufCMessage ***)slot;
	list = reallocarray(list, *nr + 1, sizeof(*list));
	if (!list) {
		img_message_free(sub);
		return img_fail_nomem(err);
	}
	list[(*nr)++] = sub;
	*(ProtobufCMessage ***)slot = list;
	return 0;
}

bool img_sub_u32(ProtobufCMessage *msg, const char *name, uint32_t value)
{
	const ProtobufCFieldDescriptor *f =
		protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, name);

	if (!f || f->type != PROTOBUF_C_TYPE_UINT32)
		return false;
	*(uint32_t *)member(msg, f->offset) = value;
	return true;
}

uint32_t img_sub_get_u32(const ProtobufCMessage *msg, const char *name)
{
	const ProtobufCFieldDescriptor *f =
		protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, name);

	return f && f->type == PROTOBUF_C_TYPE_UINT32 ? *(uint32_t *)member(msg, f->offset) : 0;
}

/* ---- page maps ---- */

static int run_record(void *arg, ProtobufCMessage *msg, struct img_err *err)
{
	PagemapEntry *entry = (PagemapEntry *)msg;

	if (msg->descriptor != &pagemap_entry__descriptor)
		return 1;
	if (!entry->has_flags)
		entry->flags = entry->has_in_parent && entry->in_parent ? IMG_RUN_PARENT : IMG_RUN_PRESENT;
	else if (entry->has_in_parent && entry->in_parent)
		entry->flags |= IMG_RUN_PARENT;
	entry->has_flags = true;
	entry->has_in_parent = false;
	if (!entry->has_nr_pages)
		entry->nr_pages = entry->compat_nr_pages;
	entry->has_nr_pages = true;
	return 1;
}

static int old_record(void *arg, ProtobufCMessage *msg, struct img_err *err)
{
	const PagemapEntry *entry = (const PagemapEntry *)msg;

	/* A map is nothing without its head. */
	if (msg->descriptor != &pagemap_entry__descriptor)
		return 1;
	if (!entry->has_flags || !entry->has_nr_pages || entry->has_in_parent)
		*(bool *)arg = true;
	return 0;
}

/* Page maps that say all in today's way stay as they are, byte by byte. */
static struct img_source *map_filter(
	struct img_view *v, const char *name, struct img_source *src, struct img_err *err)
{
	enum img_kind kind = img_kind_by_file(name, NULL);
	struct img_source *look;
	bool old = false;

	if (kind != IMG_PAGEMAP && kind != IMG_SHMEM_PAGEMAP)
		return src;
	if (img_set_source(v->below, name, &look, err) != 1) {
		img_source_close(src);
		return NULL;
	}
	look = img_rewrite(look, kind, old_record, &old, err);
	if (!look) {
		img_source_close(src);
		return NULL;
	}
	img_source_close(look);
	return old ? img_rewrite(src, kind, run_record, NULL, err) : src;
}

/* ---- the step ---- */

struct found {
	bool files;
	struct img_numbers pids;
};

static int look_at(void *arg, const char *name, struct img_err *err)
{
	struct found *f = arg;
	enum img_kind kind;
	uint64_t id;

	kind = img_kind_by_file(name, &id);
	if (kind == IMG_KIND_UNKNOWN)
		return 0;
	f->files |= img_forms_is_file_kind(kind);
	return img_forms_is_task_kind(kind) && !img_numbers_has(&f->pids, id)
		       ? img_numbers_add(&f->pids, id, err)
		       : 0;
}

/* What was taken in is not there any more. */
struct taken {
	bool files;
	struct img_numbers pids;
};

static bool wanted(struct img_view *v, const char *name)
{
	struct taken *t = v->arg;
	enum img_kind kind;
	uint64_t id;

	kind = img_kind_by_file(name, &id);
	if (kind == IMG_KIND_UNKNOWN)
		return true;
	if (img_forms_is_file_kind(kind))
		return !t->files;
	return !img_forms_is_task_kind(kind) || !img_numbers_has(&t->pids, id);
}

static void taken_free(void *arg)
{
	struct taken *t = arg;

	img_numbers_free(&t->pids);
	free(t);
}

static int take_in(struct img_view *v, struct found *f, struct taken *t, struct img_err *err)
{
	if (f->files) {
		if (img_forms_files(v, err))
			return -1;
		t->files = true;
	}
	for (size_t i = 0; i < f->pids.nr; i++)
		if (img_forms_task(v, f->pids.list[i], err))
			return -1;
	t->pids = f->pids;
	f->pids = (struct img_numbers){ 0 };
	return 0;
}

struct img_set *img_step_forms(struct img_set *below, struct img_err *err)
{
	struct found found = { 0 };
	struct img_view *v = NULL;
	struct taken *t;

	if (img_set_each(below, look_at, &found, err) < 0)
		goto out;
	v = img_view_new(below, false, err);
	if (!v)
		goto out;
	t = v->arg = calloc(1, sizeof(*t));
	v->arg_free = taken_free;
	if (!t || take_in(v, &found, t, err)) {
		if (!t) {
			v->arg_free = NULL;
			img_fail_nomem(err);
		}
		img_set_close(&v->set);
		v = NULL;
		goto out;
	}
	v->wanted = wanted;
	v->filter = map_filter;
	v->below_owned = true;
out:
	img_numbers_free(&found.pids);
	return v ? &v->set : NULL;
}
