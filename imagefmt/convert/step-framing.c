/* convert/step-framing.c -- between version 1.0 and 1.1: one magic in front of an image or two, and the inventory's word. */

#include <string.h>

#include "convert/view.h"
#include "criuimg/pages.h"
#include "inventory.pb-c.h"
#include "pagemap.pb-c.h"

#define MAGIC_SIZE 4

static void put32(unsigned char *p, uint32_t v)
{
	for (int i = 0; i < MAGIC_SIZE; i++)
		p[i] = v >> (8 * i);
}

/* The magic that 1.1 puts in front of images of a kind, or 0. */
static uint32_t first_magic(enum img_kind kind)
{
	enum img_framing framing = img_kind_info(kind)->framing;

	return framing == IMG_FRAMING_COMMON	? IMG_MAGIC_COMMON
	       : framing == IMG_FRAMING_SERVICE ? IMG_MAGIC_SERVICE
						: 0;
}

/* What an image begins with: 1, 0 when it is too short, -1. */
static int begins(struct img_set *set, const char *name, uint32_t *magic, struct img_err *err)
{
	unsigned char bytes[MAGIC_SIZE];
	struct img_source *src;
	int ret = img_set_source(set, name, &src, err);

	if (ret <= 0)
		return ret;
	ret = img_source_read_full(src, bytes, sizeof(bytes), NULL);
	img_source_close(src);
	*magic = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
	return ret == 1;
}

static int inventory_record(void *arg, ProtobufCMessage *msg, struct img_err *err)
{
	InventoryEntry *inventory = (InventoryEntry *)msg;

	/* A pre-dump's has none. */
	if (inventory->img_version)
		inventory->img_version = *(const uint32_t *)arg;
	return 1;
}

/* ---- up ---- */

static struct img_source *up(
	struct img_view *v, const char *name, struct img_source *src, struct img_err *err)
{
	static const uint32_t version = 2;
	enum img_kind kind = img_kind_by_file(name, NULL);
	unsigned char prefix[MAGIC_SIZE];
	uint32_t magic;

	if (kind == IMG_INVENTORY)
		return img_rewrite(src, kind, inventory_record, (void *)&version, err);
	if (kind == IMG_KIND_UNKNOWN || !first_magic(kind) || begins(v->below, name, &magic, err) != 1 ||
		magic != img_kind_info(kind)->magic)
		return src;
	put32(prefix, first_magic(kind));
	return img_front(src, 0, prefix, sizeof(prefix), err);
}

static struct img_set *framing(struct img_set *below,
	struct img_source *(*filter)(struct img_view *, const char *, struct img_source *, struct img_err *),
	struct img_err *err)
{
	struct img_view *v = img_view_new(below, true, err);

	if (!v)
		return NULL;
	v->filter = filter;
	return &v->set;
}

struct img_set *img_step_framing_up(struct img_set *below, struct img_loss *loss, struct img_err *err)
{
	return framing(below, up, err);
}

/* ---- down ---- */

/* Readers of 1.0 know neither nr_pages nor flags. */
static int run_record(void *arg, ProtobufCMessage *msg, struct img_err *err)
{
	PagemapEntry *entry = (PagemapEntry *)msg;

	if (msg->descriptor != &pagemap_entry__descriptor)
		return 1;
	if (entry->has_nr_pages && entry->nr_pages <= UINT32_MAX)
		entry->compat_nr_pages = entry->nr_pages;
	if (entry->has_flags && (entry->flags & IMG_RUN_PARENT))
		entry->has_in_parent = entry->in_parent = true;
	return 1;
}

static struct img_source *down(
	struct img_view *v, const char *name, struct img_source *src, struct img_err *err)
{
	static const uint32_t version = 1;
	enum img_kind kind = img_kind_by_file(name, NULL);
	uint32_t magic;

	if (kind == IMG_INVENTORY)
		return img_rewrite(src, kind, inventory_record, (void *)&version, err);
	if (kind == IMG_PAGEMAP || kind == IMG_SHMEM_PAGEMAP)
		src = img_rewrite(src, kind, run_record, NULL, err);
	if (!src || kind == IMG_KIND_UNKNOWN || !first_magic(kind) ||
		begins(v->below, name, &magic, err) != 1 || magic != first_magic(kind))
		return src;
	return img_front(src, MAGIC_SIZE, NULL, 0, err);
}

struct maps {
	struct img_set *set;
	struct img_loss *loss;
};

static int map_check(void *arg, const char *name, struct img_err *err)
{
	struct maps *maps = arg;
	struct img_pages_reader *r;
	const struct img_run *runs;
	enum img_kind kind;
	uint64_t id;
	size_t nr;

	kind = img_kind_by_file(name, &id);
	if (kind != IMG_PAGEMAP && kind != IMG_SHMEM_PAGEMAP)
		return 0;
	/* Without its parents it does not open: of runs alone nothing more is wanted. */
	if (img_pages_open(maps->set, kind, id, &r, NULL) != 1)
		return 0;
	runs = img_pages_runs(r, &nr);
	for (size_t i = 0; i < nr; i++) {
		if (runs[i].nr_pages > UINT32_MAX)
			img_lose(maps->loss, "%s: a run of %llu pages is more than version 1.0 can say", name,
				(unsigned long long)runs[i].nr_pages);
		if (runs[i].flags == IMG_RUN_LAZY) {
			img_lose(maps->loss,
				"%s: pages that are served later are nothing that version 1.0 knows", name);
			break;
		}
	}
	img_pages_close(r);
	return 0;
}

struct img_set *img_step_framing_down(struct img_set *below, struct img_loss *loss, struct img_err *err)
{
	struct maps maps = { .set = below, .loss = loss };

	if (img_set_each(below, map_check, &maps, err) < 0)
		return NULL;
	return framing(below, down, err);
}
