/* kernel/bpf.h -- BPF maps through bpf(2): what they are, what is in them, making them.
 *
 * Facts: bpf(2), include/uapi/linux/bpf.h, kernel/bpf/syscall.c.
 */
#ifndef ENGINES_KERNEL_BPF_H
#define ENGINES_KERNEL_BPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "criuimg/err.h"

struct kern_bpf_map {
	uint32_t type; /* BPF_MAP_TYPE_* */
	uint32_t id;   /* the kernel's number */
	uint32_t key_size, value_size, max_entries;
	uint32_t flags; /* BPF_F_* */
	uint32_t ifindex;
	uint32_t btf_id; /* types of its keys and values are known to the kernel; 0: not */
	uint64_t extra;
	char name[16];
};

/* "hash", ...; NULL for a type that is not known. */
const char *kern_bpf_type_name(uint32_t type);
/* Are its elements plain bytes, which can be read and written? (Not programs, sockets, other maps.) */
bool kern_bpf_plain(uint32_t type);
/* Bytes that one value has in what is read and written: some types have one for each CPU. 0 on failure. */
uint64_t kern_bpf_stride(const struct kern_bpf_map *map, struct img_err *err);

int kern_bpf_info(int fd, struct kern_bpf_map *map, struct img_err *err);
/* Another descriptor of a map; flags 0, BPF_F_RDONLY or BPF_F_WRONLY. Wants CAP_SYS_ADMIN. */
int kern_bpf_by_id(uint32_t id, uint32_t flags, struct img_err *err);

struct kern_bpf_data {
	uint64_t count;
	void *keys;   /* count * key_size; malloc()ed */
	void *values; /* count * stride; malloc()ed */
};

/* All elements. fd must be readable. */
int kern_bpf_read(int fd, const struct kern_bpf_map *map, struct kern_bpf_data *data, struct img_err *err);
void kern_bpf_data_free(struct kern_bpf_data *data);

/* A new map, without anything in it; id and btf_id are not looked at. */
int kern_bpf_create(const struct kern_bpf_map *map, struct img_err *err);
int kern_bpf_write(int fd, const struct kern_bpf_map *map, const struct kern_bpf_data *data, struct img_err *err);
int kern_bpf_freeze(int fd, struct img_err *err);

#endif
