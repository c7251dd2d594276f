/* kernel/bpf.c -- BPF maps through bpf(2). */

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/bpf.h"
#include "kernel/proc-file.h"

enum {
	KERNEL_ENOTSUPP = 524, /* include/linux/errno.h: what gets out when a map knows no batches */
	VALUE_ALIGN = 8,
	POSITION_MIN = 8,
};

static const struct {
	const char *name;
	bool plain, per_cpu;
} types[] = {
	[BPF_MAP_TYPE_HASH] = { "hash", true, false },
	[BPF_MAP_TYPE_ARRAY] = { "array", true, false },
	[BPF_MAP_TYPE_PROG_ARRAY] = { "prog_array", false, false },
	[BPF_MAP_TYPE_PERF_EVENT_ARRAY] = { "perf_event_array", false, false },
	[BPF_MAP_TYPE_PERCPU_HASH] = { "percpu_hash", true, true },
	[BPF_MAP_TYPE_PERCPU_ARRAY] = { "percpu_array", true, true },
	[BPF_MAP_TYPE_STACK_TRACE] = { "stack_trace", false, false },
	[BPF_MAP_TYPE_CGROUP_ARRAY] = { "cgroup_array", false, false },
	[BPF_MAP_TYPE_LRU_HASH] = { "lru_hash", true, false },
	[BPF_MAP_TYPE_LRU_PERCPU_HASH] = { "lru_percpu_hash", true, true },
	[BPF_MAP_TYPE_LPM_TRIE] = { "lpm_trie", true, false },
	[BPF_MAP_TYPE_ARRAY_OF_MAPS] = { "array_of_maps", false, false },
	[BPF_MAP_TYPE_HASH_OF_MAPS] = { "hash_of_maps", false, false },
	[BPF_MAP_TYPE_DEVMAP] = { "devmap", false, false },
	[BPF_MAP_TYPE_SOCKMAP] = { "sockmap", false, false },
	[BPF_MAP_TYPE_CPUMAP] = { "cpumap", false, false },
	[BPF_MAP_TYPE_XSKMAP] = { "xskmap", false, false },
	[BPF_MAP_TYPE_SOCKHASH] = { "sockhash", false, false },
	[BPF_MAP_TYPE_CGROUP_STORAGE] = { "cgroup_storage", false, false },
	[BPF_MAP_TYPE_REUSEPORT_SOCKARRAY] = { "reuseport_sockarray", false, false },
	[BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE] = { "percpu_cgroup_storage", false, false },
	[BPF_MAP_TYPE_QUEUE] = { "queue", false, false },
	[BPF_MAP_TYPE_STACK] = { "stack", false, false },
	[BPF_MAP_TYPE_SK_STORAGE] = { "sk_storage", false, false },
	[BPF_MAP_TYPE_DEVMAP_HASH] = { "devmap_hash", false, false },
	[BPF_MAP_TYPE_STRUCT_OPS] = { "struct_ops", false, false },
	[BPF_MAP_TYPE_RINGBUF] = { "ringbuf", false, false },
	[BPF_MAP_TYPE_INODE_STORAGE] = { "inode_storage", false, false },
	[BPF_MAP_TYPE_TASK_STORAGE] = { "task_storage", false, false },
	[BPF_MAP_TYPE_BLOOM_FILTER] = { "bloom_filter", false, false },
	[BPF_MAP_TYPE_USER_RINGBUF] = { "user_ringbuf", false, false },
};

static long bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

const char *kern_bpf_type_name(uint32_t type)
{
	return type < ARRAY_SIZE(types) ? types[type].name : NULL;
}

bool kern_bpf_plain(uint32_t type)
{
	return type < ARRAY_SIZE(types) && types[type].plain;
}

/* /sys/devices/system/cpu/possible: "0-7", "0,2-3" */
static int possible_cpus(struct img_err *err)
{
	cleanup_file FILE *f = fopen("/sys/devices/system/cpu/possible", "re");
	int nr = 0, first, last;

	while (f && fscanf(f, "%d", &first) == 1) {
		last = first;
		if (fscanf(f, "-%d", &last) < 0 && ferror(f))
			break;
		nr += last - first + 1;
		if (getc(f) != ',')
			break;
	}
	return nr > 0 ? nr : img_fail(err, IMG_SYS, "/sys/devices/system/cpu/possible does not say how many CPUs there are");
}

uint64_t kern_bpf_stride(const struct kern_bpf_map *map, struct img_err *err)
{
	int cpus;

	if (!types[map->type].per_cpu)
		return map->value_size;
	cpus = possible_cpus(err);
	return cpus < 0 ? 0 : ((uint64_t)map->value_size + VALUE_ALIGN - 1) / VALUE_ALIGN * VALUE_ALIGN * cpus;
}

int kern_bpf_info(int fd, struct kern_bpf_map *map, struct img_err *err)
{
	struct bpf_map_info info = { 0 };
	union bpf_attr attr = { .info = { .bpf_fd = fd, .info_len = sizeof(info), .info = (uintptr_t)&info } };

	if (bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) < 0)
		return img_fail_sys(err, "BPF_OBJ_GET_INFO_BY_FD");
	*map = (struct kern_bpf_map){
		.type = info.type,
		.id = info.id,
		.key_size = info.key_size,
		.value_size = info.value_size,
		.max_entries = info.max_entries,
		.flags = info.map_flags,
		.ifindex = info.ifindex,
		.btf_id = info.btf_id,
		.extra = info.map_extra,
	};
	memcpy(map->name, info.name, sizeof(map->name) - 1);
	return 0;
}

int kern_bpf_by_id(uint32_t id, uint32_t flags, struct img_err *err)
{
	union bpf_attr attr = { .map_id = id, .open_flags = flags };
	long fd = bpf(BPF_MAP_GET_FD_BY_ID, &attr);

	return fd < 0 ? img_fail_sys(err, "BPF_MAP_GET_FD_BY_ID") : (int)fd;
}

/* ---- content ---- */

void kern_bpf_data_free(struct kern_bpf_data *data)
{
	free(data->keys);
	free(data->values);
	*data = (struct kern_bpf_data){ 0 };
}

/* 1: all is read; 0: this map knows no batches, or its elements come and go meanwhile. */
static int read_batch(int fd, const struct kern_bpf_map *map, uint64_t stride, struct kern_bpf_data *data, struct img_err *err)
{
	size_t size = map->key_size > POSITION_MIN ? map->key_size : POSITION_MIN;
	cleanup_free char *at = calloc(2, size);
	bool first = true;

	if (!at)
		return img_fail_nomem(err);
	for (data->count = 0; data->count < map->max_entries; first = false) {
		union bpf_attr attr = {
			.batch = {
				.in_batch = first ? 0 : (uintptr_t)at,
				.out_batch = (uintptr_t)(at + size),
				.keys = (uintptr_t)data->keys + data->count * map->key_size,
				.values = (uintptr_t)data->values + data->count * stride,
				.count = map->max_entries - data->count,
				.map_fd = fd,
			},
		};
		long ret = bpf(BPF_MAP_LOOKUP_BATCH, &attr);

		if (ret < 0 && (errno == ENOSPC || errno == KERNEL_ENOTSUPP || errno == EINVAL || errno == EOPNOTSUPP))
			return 0;
		if (ret < 0 && errno != ENOENT)
			return img_fail_sys(err, "BPF_MAP_LOOKUP_BATCH");
		data->count += attr.batch.count;
		if (ret < 0)
			return 1;
		memcpy(at, at + size, size);
	}
	return 1;
}

static int read_each(int fd, const struct kern_bpf_map *map, uint64_t stride, struct kern_bpf_data *data, struct img_err *err)
{
	const char *before = NULL;

	for (data->count = 0; data->count < map->max_entries;) {
		char *key = (char *)data->keys + data->count * map->key_size;
		union bpf_attr attr = { .map_fd = fd, .key = (uintptr_t)before, .next_key = (uintptr_t)key };

		if (bpf(BPF_MAP_GET_NEXT_KEY, &attr) < 0)
			return errno == ENOENT ? 0 : img_fail_sys(err, "BPF_MAP_GET_NEXT_KEY");
		attr = (union bpf_attr){ .map_fd = fd, .key = (uintptr_t)key };
		attr.value = (uintptr_t)data->values + data->count * stride;
		/* One that is gone again: its place is the next one's, which follows it in order. */
		if (bpf(BPF_MAP_LOOKUP_ELEM, &attr) < 0 && errno != ENOENT)
			return img_fail_sys(err, "BPF_MAP_LOOKUP_ELEM");
		before = key;
		data->count++;
	}
	return 0;
}

int kern_bpf_read(int fd, const struct kern_bpf_map *map, struct kern_bpf_data *data, struct img_err *err)
{
	uint64_t stride = kern_bpf_stride(map, err);
	int ret;

	*data = (struct kern_bpf_data){ 0 };
	if (!stride)
		return -1;
	data->keys = calloc(map->max_entries, map->key_size);
	data->values = calloc(map->max_entries, stride);
	ret = data->keys && data->values ? read_batch(fd, map, stride, data, err) : img_fail_nomem(err);
	if (ret == 0)
		ret = read_each(fd, map, stride, data, err);
	if (ret < 0)
		kern_bpf_data_free(data);
	return ret < 0 ? -1 : 0;
}

/* ---- making ---- */

int kern_bpf_create(const struct kern_bpf_map *map, struct img_err *err)
{
	union bpf_attr attr = {
		.map_type = map->type,
		.key_size = map->key_size,
		.value_size = map->value_size,
		.max_entries = map->max_entries,
		.map_flags = map->flags,
		.map_ifindex = map->ifindex,
		.map_extra = map->extra,
	};
	long fd;

	memcpy(attr.map_name, map->name, sizeof(attr.map_name));
	fd = bpf(BPF_MAP_CREATE, &attr);
	return fd < 0 ? img_fail_sys(err, "BPF_MAP_CREATE") : (int)fd;
}

static int write_each(int fd, const struct kern_bpf_map *map, uint64_t stride, const struct kern_bpf_data *data, struct img_err *err)
{
	for (uint64_t i = 0; i < data->count; i++) {
		union bpf_attr attr = { .map_fd = fd };

		attr.key = (uintptr_t)data->keys + i * map->key_size;
		attr.value = (uintptr_t)data->values + i * stride;
		if (bpf(BPF_MAP_UPDATE_ELEM, &attr) < 0)
			return img_fail_sys(err, "BPF_MAP_UPDATE_ELEM");
	}
	return 0;
}

int kern_bpf_write(int fd, const struct kern_bpf_map *map, const struct kern_bpf_data *data, struct img_err *err)
{
	uint64_t stride = kern_bpf_stride(map, err);
	union bpf_attr attr = {
		.batch = {
			.keys = (uintptr_t)data->keys,
			.values = (uintptr_t)data->values,
			.count = data->count,
			.map_fd = fd,
		},
	};

	if (!stride)
		return -1;
	if (!data->count || (bpf(BPF_MAP_UPDATE_BATCH, &attr) == 0 && attr.batch.count == data->count))
		return 0;
	return write_each(fd, map, stride, data, err);
}

int kern_bpf_freeze(int fd, struct img_err *err)
{
	union bpf_attr attr = { .map_fd = fd };

	return bpf(BPF_MAP_FREEZE, &attr) < 0 ? img_fail_sys(err, "BPF_MAP_FREEZE") : 0;
}
