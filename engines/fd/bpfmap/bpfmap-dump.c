/* engines/fd/bpfmap/bpfmap-dump.c -- what criu-dump saves of a BPF map: its attributes, and its elements where
 * they are plain bytes. */

#include <fcntl.h>
#include <linux/bpf.h>
#include <string.h>

#include "bpfmap-data.pb-c.h"
#include "bpfmap-file.pb-c.h"

#include "criu-dump/dump.h"
#include "criu-dump/files.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/bpf.h"
#include "kernel/getfd.h"

struct bpfmap_state {
	uint64_t type, memlock, frozen;
};

/* kernel/bpf/syscall.c, bpf_map_show_fdinfo(). What is skipped bpf(2) tells too. */
static const struct fdinfo_field fields[] = {
	{ "map_type", FDINFO_DEC, offsetof(struct bpfmap_state, type), true },
	{ "key_size", FDINFO_SKIP, 0, false },
	{ "value_size", FDINFO_SKIP, 0, false },
	{ "max_entries", FDINFO_SKIP, 0, false },
	{ "map_flags", FDINFO_SKIP, 0, false },
	{ "map_extra", FDINFO_SKIP, 0, false },
	{ "memlock", FDINFO_DEC, offsetof(struct bpfmap_state, memlock), false },
	{ "map_id", FDINFO_SKIP, 0, false },
	{ "frozen", FDINFO_DEC, offsetof(struct bpfmap_state, frozen), false },
	{ "owner_prog_type", FDINFO_SKIP, 0, false },
	{ "owner_jited", FDINFO_SKIP, 0, false },
};

static bool bpfmap_claims(const struct fd_probe *probe)
{
	return !strcmp(probe->link, "anon_inode:bpf-map");
}

static int bpfmap_check(struct dump *d, struct dump_task *t, const struct fd_probe *probe, struct img_err *err)
{
	struct bpfmap_state state = { 0 };
	struct kern_bpf_map map;
	const char *name;
	cleanup_fd int fd = -1;

	if (kern_fdinfo_fields(probe->extra, fields, ARRAY_SIZE(fields), &state, NULL, NULL, err) < 0)
		return -1;
	name = kern_bpf_type_name((uint32_t)state.type);
	if (!name)
		return img_fail(err, IMG_UNSUPPORTED, "a BPF map of type %llu is not supported", (unsigned long long)state.type);
	if (!kern_bpf_plain((uint32_t)state.type))
		return img_fail(err, IMG_UNSUPPORTED, "a BPF map of type %s is not supported", name);
	fd = kern_getfd(t->pidfd, probe->fd, err);
	if (fd < 0 || kern_bpf_info(fd, &map, err) < 0)
		return -1;
	if (map.ifindex)
		return img_fail(err, IMG_UNSUPPORTED, "a BPF map on device %u is not supported", map.ifindex);
	if (map.btf_id && dump_unknown(d, t, "", "fd %d: the types (BTF) of BPF map %u are not kept", probe->fd, map.id) < 0)
		return img_fail_nomem(err);
	return 0;
}

/* Once for each map, whoever has it. */
static int dump_data(struct dump *d, const struct fd_target *t, const struct kern_bpf_map *map, struct img_err *err)
{
	BpfmapDataEntry e = BPFMAP_DATA_ENTRY__INIT;
	__attribute__((cleanup(kern_bpf_data_free))) struct kern_bpf_data data = { 0 };
	cleanup_fd int readable = -1;
	uint64_t stride;
	uint32_t *number;
	int fd = t->lfd, ret = dump_once(d, DUMP_ONCE_BPFMAP, 0, map->id, &number, err);

	if (ret <= 0)
		return ret;
	if ((t->probe->flags & O_ACCMODE) == O_WRONLY)
		fd = readable = kern_bpf_by_id(map->id, BPF_F_RDONLY, err);
	if (fd < 0 || !(stride = kern_bpf_stride(map, err)) || kern_bpf_read(fd, map, &data, err) < 0)
		return -1;
	if (data.count * map->key_size > UINT32_MAX || data.count * stride > UINT32_MAX)
		return img_fail(err, IMG_UNSUPPORTED, "BPF map %u has more than 4 GiB in it", map->id);
	e.map_id = map->id;
	e.count = data.count;
	e.keys_bytes = data.count * map->key_size;
	e.values_bytes = data.count * stride;
	if (dump_write_shared(d, IMG_BPFMAP_DATA, &e.base, err) < 0 ||
		dump_write_shared_payload(d, IMG_BPFMAP_DATA, data.keys, e.keys_bytes, err) < 0)
		return -1;
	log_info(d->log, "BPF map %u: %s, %u elements", map->id, kern_bpf_type_name(map->type), e.count);
	return dump_write_shared_payload(d, IMG_BPFMAP_DATA, data.values, e.values_bytes, err);
}

static int bpfmap_dump(struct dump *d, const struct fd_target *t, struct img_err *err)
{
	BpfmapFileEntry bpf = BPFMAP_FILE_ENTRY__INIT;
	FownEntry fown = FOWN_ENTRY__INIT;
	FileEntry rec = FILE_ENTRY__INIT;
	struct bpfmap_state state = { 0 };
	struct kern_bpf_map map;

	if (kern_fdinfo_fields(t->probe->extra, fields, ARRAY_SIZE(fields), &state, NULL, NULL, err) < 0 ||
		dump_file_owner(d, t, &fown, err) < 0 || kern_bpf_info(t->lfd, &map, err) < 0)
		return -1;
	bpf.id = t->id;
	bpf.flags = t->probe->flags;
	bpf.pos = t->probe->pos;
	bpf.fown = &fown;
	bpf.map_type = map.type;
	bpf.key_size = map.key_size;
	bpf.value_size = map.value_size;
	bpf.map_id = map.id;
	bpf.max_entries = map.max_entries;
	bpf.map_flags = map.flags;
	bpf.memlock = state.memlock;
	bpf.frozen = state.frozen;
	bpf.map_name = map.name;
	bpf.ifindex = map.ifindex;
	bpf.has_map_extra = map.extra != 0;
	bpf.map_extra = map.extra;
	rec.type = FD_TYPES__BPFMAP;
	rec.id = t->id;
	rec.bpf = &bpf;
	return dump_write_file(d, &rec, err) < 0 ? -1 : dump_data(d, t, &map, err);
}

const struct fd_dump_ops bpfmap_dump_ops = {
	.name = "bpf map",
	.type = FD_TYPES__BPFMAP,
	.fdinfo = fields,
	.nr_fdinfo = ARRAY_SIZE(fields),
	.claims = bpfmap_claims,
	.check = bpfmap_check,
	.dump = bpfmap_dump,
};
