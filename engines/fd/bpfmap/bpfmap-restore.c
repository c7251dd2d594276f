/* engines/fd/bpfmap/bpfmap-restore.c -- how criu-restore makes a BPF map: made, filled, frozen.
 *
 * Descriptors that are not for reading and writing, and further ones of the same map, are asked for by its
 * number, which is a new one.
 */

#include <fcntl.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "bpfmap-data.pb-c.h"
#include "bpfmap-file.pb-c.h"

#include "criu-restore/files.h"
#include "criu-restore/restore.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "kernel/bpf.h"

/* What was in a map. */
struct content {
	uint32_t map_id;
	uint64_t keys_bytes, values_bytes;
	struct kern_bpf_data data; /* of the arena of the run */
};

struct restore_bpfmaps {
	struct content *items; /* ascending by map_id */
	size_t nr;
};

/* ---- bpfmap-data.img ---- */

static int read_payload(struct img_reader *reader, void *to, uint64_t len, struct img_err *err)
{
	for (uint64_t done = 0; done < len;) {
		ssize_t got = img_read_payload(reader, (char *)to + done, len - done, err);

		if (got < 0)
			return -1;
		if (got == 0)
			return img_fail(err, IMG_CORRUPT, "ends early");
		done += got;
	}
	return 0;
}

static int keep_content(struct restore *r, struct img_reader *reader, const BpfmapDataEntry *e, struct content *c, struct img_err *err)
{
	*c = (struct content){ .map_id = e->map_id, .keys_bytes = e->keys_bytes, .values_bytes = e->values_bytes };
	c->data.count = e->count;
	c->data.keys = img_arena_alloc(&r->arena, (size_t)e->keys_bytes + 1);
	c->data.values = img_arena_alloc(&r->arena, (size_t)e->values_bytes + 1);
	if (!c->data.keys || !c->data.values)
		return img_fail_nomem(err);
	return read_payload(reader, c->data.keys, e->keys_bytes, err) < 0 ? -1
									    : read_payload(reader, c->data.values, e->values_bytes, err);
}

static int by_id(const void *a, const void *b)
{
	const struct content *x = a, *y = b;

	return x->map_id < y->map_id ? -1 : x->map_id > y->map_id;
}

static int read_contents(struct restore *r, struct img_err *err)
{
	cleanup_free struct content *items = NULL;
	struct img_reader *reader;
	ProtobufCMessage *msg;
	size_t nr = 0, room = 0;
	int ret;

	if (r->bpfmaps)
		return 0;
	r->bpfmaps = img_arena_alloc(&r->arena, sizeof(*r->bpfmaps));
	if (!r->bpfmaps)
		return img_fail_nomem(err);
	ret = img_reader_open(r->set, IMG_BPFMAP_DATA, 0, &reader, err);
	if (ret <= 0)
		return ret;
	while ((ret = img_read(reader, &msg, err)) > 0) {
		struct content *c = img_array_more(&items, nr, &room);

		ret = c ? keep_content(r, reader, (BpfmapDataEntry *)msg, c, err) : img_fail_nomem(err);
		img_message_free(msg);
		if (ret < 0)
			break;
		nr++;
	}
	img_reader_close(reader);
	if (ret < 0)
		return img_wrap(err, "bpfmap-data.img");
	if (!nr)
		return 0;
	qsort(items, nr, sizeof(*items), by_id);
	r->bpfmaps->items = img_arena_memdup(&r->arena, items, nr * sizeof(*items));
	r->bpfmaps->nr = nr;
	return r->bpfmaps->items ? 0 : img_fail_nomem(err);
}

static const struct content *find_content(const struct restore *r, uint32_t map_id)
{
	const struct content key = { .map_id = map_id };

	return r->bpfmaps->nr ? bsearch(&key, r->bpfmaps->items, r->bpfmaps->nr, sizeof(key), by_id) : NULL;
}

/* ---- plan ---- */

static void map_of(const BpfmapFileEntry *bpf, struct kern_bpf_map *map)
{
	*map = (struct kern_bpf_map){
		.type = bpf->map_type,
		.key_size = bpf->key_size,
		.value_size = bpf->value_size,
		.max_entries = bpf->max_entries,
		.flags = bpf->map_flags,
		.extra = bpf->map_extra,
	};
	memcpy(map->name, bpf->map_name, strnlen(bpf->map_name, sizeof(map->name) - 1));
}

static int check_content(const struct restore *r, const BpfmapFileEntry *bpf, struct img_err *err)
{
	const struct content *c = find_content(r, bpf->map_id);
	struct kern_bpf_map map;
	uint64_t stride;

	if (!c)
		return 0;
	map_of(bpf, &map);
	stride = kern_bpf_stride(&map, err);
	if (!stride)
		return -1;
	if (c->data.count > bpf->max_entries || c->keys_bytes != c->data.count * bpf->key_size)
		return img_fail(err, IMG_CORRUPT, "%llu elements with keys of %llu bytes", (unsigned long long)c->data.count,
			(unsigned long long)c->keys_bytes);
	if (c->values_bytes != c->data.count * stride)
		return img_fail(err, IMG_UNSUPPORTED, "values of %llu bytes where this host has %llu (one for each CPU)",
			(unsigned long long)c->values_bytes, (unsigned long long)(c->data.count * stride));
	return 0;
}

static int bpfmap_plan(struct restore *r, const struct restore_file *f, struct img_err *err)
{
	const BpfmapFileEntry *bpf = f->rec->bpf;

	if (!bpf)
		return img_fail(err, IMG_CORRUPT, "has no record of a BPF map");
	if (!kern_bpf_plain(bpf->map_type))
		return img_fail(err, IMG_UNSUPPORTED, "a BPF map of type %u is not supported", bpf->map_type);
	if (bpf->ifindex)
		return img_fail(err, IMG_UNSUPPORTED, "a BPF map on device %u is not supported", bpf->ifindex);
	if (!bpf->key_size || !bpf->value_size || !bpf->max_entries)
		return img_fail(err, IMG_CORRUPT, "a BPF map of nothing");
	if (read_contents(r, err) < 0)
		return -1;
	return check_content(r, bpf, err) < 0 ? img_wrap(err, "BPF map %u", bpf->map_id) : 0;
}

static uint64_t bpfmap_group(const struct restore *r, const struct restore_file *f)
{
	return f->rec->bpf->map_id;
}

/* ---- making ---- */

static int make_map(struct restore *r, const BpfmapFileEntry *bpf, struct img_err *err)
{
	const struct content *c = find_content(r, bpf->map_id);
	struct kern_bpf_map map;
	cleanup_fd int fd = -1;

	map_of(bpf, &map);
	fd = kern_bpf_create(&map, err);
	if (fd < 0 || (c && kern_bpf_write(fd, &map, &c->data, err) < 0) || (bpf->frozen && kern_bpf_freeze(fd, err) < 0))
		return -1;
	return steal_fd(&fd);
}

static bool same_map(const BpfmapFileEntry *a, const BpfmapFileEntry *b)
{
	return a->map_type == b->map_type && a->key_size == b->key_size && a->value_size == b->value_size &&
	       a->max_entries == b->max_entries && a->map_flags == b->map_flags;
}

static int bpfmap_make(struct restore *r, struct restore_task *t, const struct restore_file *const *files, size_t nr, int *fds,
	struct img_err *err)
{
	const BpfmapFileEntry *first = files[0]->rec->bpf;
	cleanup_fd int fd = make_map(r, first, err);
	struct kern_bpf_map made;

	if (fd < 0 || kern_bpf_info(fd, &made, err) < 0)
		return img_wrap(err, "BPF map %u", first->map_id);
	for (size_t i = 0; i < nr; i++) {
		const BpfmapFileEntry *bpf = files[i]->rec->bpf;
		uint32_t mode = bpf->flags & O_ACCMODE;

		if (!same_map(first, bpf))
			return img_fail(err, IMG_CORRUPT, "BPF map %u is not the same as itself", bpf->map_id);
		if (mode == O_RDWR && fd >= 0)
			fds[i] = steal_fd(&fd);
		else
			fds[i] = kern_bpf_by_id(made.id,
				mode == O_RDONLY   ? BPF_F_RDONLY
				: mode == O_WRONLY ? BPF_F_WRONLY
						   : 0,
				err);
		if (fds[i] < 0 || restore_file_flags(fds[i], bpf->flags, err) < 0 ||
			restore_file_owner(r, fds[i], bpf->fown, err) < 0)
			return -1;
	}
	return 0;
}

static const FownEntry *bpfmap_owner(const struct restore *r, const struct restore_file *f)
{
	return f->rec->bpf->fown;
}

const struct fd_restore_ops bpfmap_restore_ops = {
	.name = "bpf map",
	.type = FD_TYPES__BPFMAP,
	.plan = bpfmap_plan,
	.group = bpfmap_group,
	.make = bpfmap_make,
	.owner = bpfmap_owner,
};
