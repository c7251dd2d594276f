/* tests/kinds/bpfmap/maps.c -- BPF maps: array, hash, one that is full, frozen ones, some with a value for each CPU; two descriptors of one
 * map, and one that may only be read.
 *
 * harness: to-peer: knows hash and array alone
 * harness: from-peer: knows hash and array alone
 */

#include <linux/bpf.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

static int bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int make(unsigned type, unsigned key_size, unsigned value_size, unsigned max, unsigned flags)
{
	union bpf_attr a = { .map_type = type, .key_size = key_size, .value_size = value_size, .max_entries = max, .map_flags = flags };

	snprintf(a.map_name, sizeof(a.map_name), "subject_%u", type);
	return bpf(BPF_MAP_CREATE, &a);
}

static int put(int fd, const void *key, const void *value)
{
	union bpf_attr a = { .map_fd = fd, .key = (uintptr_t)key, .value = (uintptr_t)value };

	return bpf(BPF_MAP_UPDATE_ELEM, &a);
}

static int get(int fd, const void *key, void *value)
{
	union bpf_attr a = { .map_fd = fd, .key = (uintptr_t)key, .value = (uintptr_t)value };

	return bpf(BPF_MAP_LOOKUP_ELEM, &a);
}

static struct bpf_map_info info(int fd)
{
	struct bpf_map_info i = { 0 };
	union bpf_attr a = { .info = { .bpf_fd = fd, .info_len = sizeof(i), .info = (uintptr_t)&i } };

	CHECK(bpf(BPF_OBJ_GET_INFO_BY_FD, &a) == 0, "info: %s", strerror(errno));
	return i;
}

static int again(int fd, unsigned flags)
{
	union bpf_attr a = { .map_id = info(fd).id, .open_flags = flags };

	return bpf(BPF_MAP_GET_FD_BY_ID, &a);
}

enum { ENTRIES = 1000, CPUS_MAX = 1024 };

int main(int argc, char **argv)
{
	int array, hash, frozen, lru, percpu, second, readonly, trie;
	uint64_t value, values[CPUS_MAX];
	struct {
		uint32_t len;
		uint8_t addr[4];
	} prefix = { 24, { 10, 1, 2, 0 } };

	subject_begin(argc, argv);
	array = make(BPF_MAP_TYPE_ARRAY, 4, 12, 7, 0);
	if (array < 0)
		subject_skip("no BPF maps here");
	hash = make(BPF_MAP_TYPE_HASH, 8, 8, ENTRIES, BPF_F_NO_PREALLOC);
	frozen = make(BPF_MAP_TYPE_ARRAY, 4, 8, 3, BPF_F_RDONLY_PROG);
	lru = make(BPF_MAP_TYPE_LRU_HASH, 4, 8, 100, 0);
	percpu = make(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 5, 0);
	trie = make(BPF_MAP_TYPE_LPM_TRIE, sizeof(prefix), 8, 10, BPF_F_NO_PREALLOC);
	MUST(hash >= 0 && frozen >= 0 && lru >= 0 && percpu >= 0 && trie >= 0);
	for (uint32_t i = 0; i < 7; i++)
		MUST(put(array, &i, (uint32_t[3]){ i, 2 * i, 3 * i }) == 0);
	for (uint64_t i = 0; i < ENTRIES; i++)
		MUST(put(hash, &(uint64_t){ i * i * 77 }, &i) == 0);
	for (uint32_t i = 0; i < 3; i++)
		MUST(put(frozen, &i, &(uint64_t){ 100 + i }) == 0);
	MUST(bpf(BPF_MAP_FREEZE, &(union bpf_attr){ .map_fd = frozen }) == 0);
	MUST(put(lru, &(uint32_t){ 9 }, &(uint64_t){ 99 }) == 0);
	for (uint64_t i = 0; i < CPUS_MAX; i++)
		values[i] = i + 1;
	MUST(put(percpu, &(uint32_t){ 4 }, values) == 0);
	MUST(put(trie, &prefix, &(uint64_t){ 24 }) == 0);
	second = again(hash, 0);
	readonly = again(array, BPF_F_RDONLY);
	MUST(second >= 0 && readonly >= 0);

	subject_wait();

	for (uint32_t i = 0; i < 7; i++) {
		uint32_t v[3];

		CHECK(get(array, &i, v) == 0 && v[0] == i && v[1] == 2 * i && v[2] == 3 * i, "element %u of the array", i);
	}
	for (uint64_t i = 0; i < ENTRIES; i++)
		CHECK(get(hash, &(uint64_t){ i * i * 77 }, &value) == 0 && value == i, "element %d of the hash", (int)i);
	CHECK(put(hash, &(uint64_t){ 1 }, &value) < 0, "the hash is not full any more");
	CHECK(info(hash).map_flags == BPF_F_NO_PREALLOC && !strcmp(info(hash).name, "subject_1"), "the hash is another one");
	CHECK(get(frozen, &(uint32_t){ 2 }, &value) == 0 && value == 102, "the frozen one has lost what was in it");
	CHECK(put(frozen, &(uint32_t){ 2 }, &value) < 0 && errno == EPERM, "the frozen one is not frozen");
	CHECK(get(lru, &(uint32_t){ 9 }, &value) == 0 && value == 99, "the lru hash");
	memset(values, 0, sizeof(values));
	CHECK(get(percpu, &(uint32_t){ 4 }, values) == 0 && values[0] == 1 && (!values[1] || values[1] == 2), "the values of CPUs");
	prefix.len = 32;
	prefix.addr[3] = 7;
	CHECK(get(trie, &prefix, &value) == 0 && value == 24, "the trie");
	CHECK(info(second).id == info(hash).id, "the second descriptor is of another map");
	CHECK(info(readonly).id == info(array).id && put(readonly, &(uint32_t){ 0 }, values) < 0 && errno == EPERM,
		"the descriptor for reading may write");
	CHECK(get(readonly, &(uint32_t){ 6 }, values) == 0, "the descriptor for reading may not read");
	CHECK(put(array, &(uint32_t){ 1 }, values) == 0, "the array cannot be written: %s", strerror(errno));
	return subject_end();
}
