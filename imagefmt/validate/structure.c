/* validate/structure.c -- reads every image of the set to its end, and keeps the records that others refer to. */

#include "validate/validate.h"

#include <stdlib.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "wire/frame.h"

IMG_DEFINE_CLEANUP(struct img_reader *, img_reader_close);

/* Kinds whose records the other checks want. */
static const bool kept[IMG_KIND_NR] = {
	[IMG_INVENTORY] = true,
	[IMG_PSTREE] = true,
	[IMG_CORE] = true,
	[IMG_IDS] = true,
	[IMG_MM] = true,
	[IMG_VMAS] = true,
	[IMG_FS] = true,
	[IMG_FDINFO] = true,
	[IMG_FILES] = true,
	[IMG_REG_FILES] = true,
	[IMG_EXT_FILES] = true,
	[IMG_NS_FILES] = true,
	[IMG_EVENTFD_FILE] = true,
	[IMG_EVENTPOLL_FILE] = true,
	[IMG_EVENTPOLL_TFD] = true,
	[IMG_SIGNALFD] = true,
	[IMG_INOTIFY_FILE] = true,
	[IMG_INOTIFY_WD] = true,
	[IMG_FANOTIFY_FILE] = true,
	[IMG_FANOTIFY_MARK] = true,
	[IMG_PIPES] = true,
	[IMG_PIPES_DATA] = true,
	[IMG_FIFO] = true,
	[IMG_FIFO_DATA] = true,
	[IMG_UNIXSK] = true,
	[IMG_INETSK] = true,
	[IMG_PACKETSK] = true,
	[IMG_NETLINK_SK] = true,
	[IMG_SK_QUEUES] = true,
	[IMG_IPCNS_SHM] = true,
	[IMG_REMAP_FPATH] = true,
	[IMG_MEMFD_INODE] = true,
	[IMG_MNTS] = true,
	[IMG_TTY_FILES] = true,
	[IMG_TTY_INFO] = true,
	[IMG_TTY_DATA] = true,
	[IMG_FILE_LOCKS] = true,
	[IMG_TUNFILE] = true,
	[IMG_CGROUP] = true,
	[IMG_TIMERFD] = true,
	[IMG_SECCOMP] = true,
	[IMG_BPFMAP_FILE] = true,
	[IMG_BPFMAP_DATA] = true,
	[IMG_PIDFD] = true,
	[IMG_NETNS] = true,
};

static int keep(struct validate *v, const struct val_image *image, int64_t entry, ProtobufCMessage *msg,
	struct img_err *err)
{
	struct val_records *records = &v->records[image->kind];
	struct val_record *r;

	if (!kept[image->kind]) {
		img_message_free(msg);
		return 0;
	}
	r = img_array_more(&records->list, records->nr, &records->room);
	if (!r) {
		img_message_free(msg);
		return img_fail_nomem(err);
	}
	*r = (struct val_record){ .image = image, .entry = entry, .msg = msg, .body = msg, .prefix = "" };
	records->nr++;
	return 0;
}

/* What reading failed with becomes a finding; what is no fault of the image goes up. */
static int broken(
	struct validate *v, struct val_image *image, const struct img_err *failure, struct img_err *err)
{
	struct val_at at = VAL_FILE_AT(image->name);
	const char *text = val_failure(failure, image->name, &at.entry);

	image->broken = true;
	if (failure->code == IMG_NOMEM || failure->code == IMG_SYS) {
		*err = *failure;
		return -1;
	}
	if (failure->code == IMG_UNSUPPORTED)
		val_unsupported(v, at, "%s", text);
	else
		val_error(v, at, "%s", text);
	return 0;
}

/* The payload too: an archive may have to be read to see that it is there. */
static int drain(struct img_reader *r, struct img_err *err)
{
	char buf[16384];
	ssize_t n;

	do
		n = img_read_payload(r, buf, sizeof(buf), err);
	while (n > 0);
	return n;
}

static int read_records(struct validate *v, struct val_image *image, struct img_err *err)
{
	cleanup_with(img_reader_close) struct img_reader *r = NULL;
	const struct img_kind_info *info = img_kind_info(image->kind);
	struct img_err failure = IMG_ERR_INIT;
	ProtobufCMessage *msg;
	bool unknown = false;
	int64_t nr = 0;
	int ret;

	ret = img_reader_open(v->set, image->kind, image->id, &r, &failure);
	if (ret <= 0)
		return ret < 0 ? broken(v, image, &failure, err) : 0;
	if (img_reader_version(r) == 0x10)
		val_note(v, VAL_FILE_AT(image->name), "framing of version 1.0");
	for (; (ret = img_read(r, &msg, &failure)) > 0; nr++) {
		if (msg->n_unknown_fields && !unknown) {
			val_note(v, (struct val_at){ image->name, nr, "" },
				"field %u of %s is not known to this program", msg->unknown_fields[0].tag,
				msg->descriptor->name);
			unknown = true;
		}
		if (keep(v, image, nr, msg, err) < 0)
			return -1;
		if (drain(r, &failure) < 0) {
			ret = -1;
			break;
		}
	}
	if (ret < 0)
		return broken(v, image, &failure, err);
	if (!nr && info->single)
		val_error(v, VAL_FILE_AT(image->name), "the record is missing");
	return 0;
}

/* A page map: a million runs are no message each. */
static int read_pagemap(struct validate *v, struct val_image *image, struct img_err *err)
{
	struct img_err failure = IMG_ERR_INIT;

	if (img_pagemap_load(v->set, image->kind, image->id, &image->map, &failure) < 0)
		return broken(v, image, &failure, err);
	image->in_order = true;
	return 0;
}

/* Before page maps, pages were in an image with the magic that page maps have now. */
static int old_pages_check(
	struct validate *v, struct val_image *image, struct img_source *src, struct img_err *failure)
{
	const uint32_t magic = img_kind_info(IMG_PAGES_OLD)->magic;
	unsigned char head[8];
	int ret = img_source_read_full(src, head, sizeof(head), failure);

	if (ret <= 0)
		return ret;
	image->old_pages = image->kind == IMG_SHM_PAGES_OLD || img_get_u32(head) == magic ||
			   (img_get_u32(head) == IMG_MAGIC_COMMON && img_get_u32(head + 4) == magic);
	if (image->old_pages)
		val_note(v, VAL_FILE_AT(image->name), "pages of a version before page maps");
	return 0;
}

/* An image without records: its size. */
static int read_raw(struct validate *v, struct val_image *image, struct img_err *err)
{
	struct img_err failure = IMG_ERR_INIT;
	struct img_source *src;
	int64_t size;
	int ret = img_set_source(v->set, image->name, &src, &failure);

	image->size = UINT64_MAX;
	if (ret <= 0)
		return ret < 0 ? broken(v, image, &failure, err) : 0;
	size = img_source_size(src);
	if (size >= 0)
		image->size = size;
	if (size >= 8 && (image->kind == IMG_PAGES || image->kind == IMG_SHM_PAGES_OLD))
		ret = old_pages_check(v, image, src, &failure);
	img_source_close(src);
	return ret < 0 ? broken(v, image, &failure, err) : 0;
}

static int read_image(struct validate *v, struct val_image *image, struct img_err *err)
{
	if (image->kind == IMG_PAGEMAP || image->kind == IMG_SHMEM_PAGEMAP)
		return read_pagemap(v, image, err);
	if (!img_kind_info(image->kind)->entry)
		return read_raw(v, image, err);
	return read_records(v, image, err);
}

static int add_image(void *arg, const char *name, struct img_err *err)
{
	struct validate *v = arg;
	struct val_image *image;
	uint64_t id;
	enum img_kind kind = img_kind_by_file(name, &id);

	/* The manifest has a check of its own; what has no kind may be anything. */
	if (kind == IMG_KIND_UNKNOWN || kind == IMG_MANIFEST)
		return 0;
	image = img_array_more(&v->images, v->nr_images, &v->room_images);
	if (!image)
		return img_fail_nomem(err);
	image->name = img_arena_strdup(&v->arena, name);
	if (!image->name)
		return img_fail_nomem(err);
	image->kind = kind;
	image->id = id;
	v->nr_images++;
	return 0;
}

static int image_cmp(const void *a_, const void *b_)
{
	const struct val_image *a = a_, *b = b_;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

int val_structure(struct validate *v, struct img_err *err)
{
	if (img_set_each(v->set, add_image, v, err) < 0)
		return -1;
	if (v->nr_images)
		qsort(v->images, v->nr_images, sizeof(*v->images), image_cmp);
	for (size_t i = 0; i < v->nr_images && !v->stop; i++)
		if (read_image(v, &v->images[i], err) < 0)
			return -1;
	return val_model_finish(v, err);
}
