/* tests/kinds/bpfmap/exchange.c -- BPF maps of the two plainest types, one of them frozen, shared with a child. */

#include <linux/bpf.h>
#include <sys/syscall.h>

#include "tests/harness/family.h"

static int bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int make(unsigned type, unsigned value_size)
{
	union bpf_attr a = { .map_type = type, .key_size = 4, .value_size = value_size, .max_entries = 10, .map_name = "exchange" };

	return bpf(BPF_MAP_CREATE, &a);
}

static int element(int command, int fd, uint32_t key, void *value)
{
	union bpf_attr a = { .map_fd = fd, .key = (uintptr_t)&key, .value = (uintptr_t)value };

	return bpf(command, &a);
}

static int hash, array;

static void child(void *arg)
{
	uint32_t value = 0;

	child_up();
	subject_wait_for("written");
	CHECK(element(BPF_MAP_LOOKUP_ELEM, hash, 77, &value) == 0 && value == 7777, "the child has another map");
}

int main(int argc, char **argv)
{
	uint32_t value;
	pid_t pid;

	subject_begin(argc, argv);
	hash = make(BPF_MAP_TYPE_HASH, 4);
	if (hash < 0)
		subject_skip("no BPF maps here");
	array = make(BPF_MAP_TYPE_ARRAY, 4);
	MUST(array >= 0);
	for (uint32_t i = 0; i < 9; i++) {
		MUST(element(BPF_MAP_UPDATE_ELEM, hash, 3 * i, &(uint32_t){ i + 1 }) == 0);
		MUST(element(BPF_MAP_UPDATE_ELEM, array, i, &(uint32_t){ i + 2 }) == 0);
	}
	MUST(bpf(BPF_MAP_FREEZE, &(union bpf_attr){ .map_fd = array }) == 0);
	pid = child_start(child, NULL);

	subject_wait();

	for (uint32_t i = 0; i < 9; i++) {
		CHECK(element(BPF_MAP_LOOKUP_ELEM, hash, 3 * i, &value) == 0 && value == i + 1, "element %u of the hash", i);
		CHECK(element(BPF_MAP_LOOKUP_ELEM, array, i, &value) == 0 && value == i + 2, "element %u of the array", i);
	}
	CHECK(element(BPF_MAP_UPDATE_ELEM, array, 1, &value) < 0 && errno == EPERM, "the array is not frozen");
	CHECK(element(BPF_MAP_UPDATE_ELEM, hash, 77, &(uint32_t){ 7777 }) == 0, "the hash: %s", strerror(errno));
	subject_leave("written", "");
	child_end(pid);
	return subject_end();
}
