/* tests/kinds/bpfmap/programs.c -- a BPF map that has no plain bytes in it, but programs.
 *
 * harness: expect: refused a BPF map of type prog_array is not supported
 */

#include <linux/bpf.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	union bpf_attr a = { .map_type = BPF_MAP_TYPE_PROG_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 2 };

	subject_begin(argc, argv);
	if (syscall(SYS_bpf, BPF_MAP_CREATE, &a, sizeof(a)) < 0)
		subject_skip("no BPF maps here");

	subject_wait();

	return subject_end();
}
