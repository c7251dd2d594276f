/* tests/kinds/creds/caps.c -- every capability set different from the others, and the secure bits. */

#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

#define BIT(cap) (1ULL << (cap))

enum { BITS = SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS };

static const uint64_t effective = BIT(CAP_CHOWN) | BIT(CAP_CHECKPOINT_RESTORE);
static const uint64_t permitted = effective | BIT(CAP_SYS_NICE) | BIT(CAP_NET_RAW);
static const uint64_t inheritable = BIT(CAP_SYS_NICE) | BIT(CAP_NET_RAW) | BIT(CAP_SYSLOG);
#ifndef DROPPED
#define DROPPED (BIT(CAP_MKNOD) | BIT(CAP_BPF))
#endif
static const uint64_t dropped = DROPPED; /* from the bounding set */

static struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };

static uint64_t bounding(void)
{
	uint64_t set = 0;

	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		set |= (uint64_t)prctl(PR_CAPBSET_READ, cap, 0, 0, 0) << cap;
	return set;
}

static void check_set(const char *name, uint32_t low, uint32_t high, uint64_t want)
{
	uint64_t set = low | (uint64_t)high << 32;

	CHECK(set == want, "%s set %#lx, not %#lx", name, set, want);
}

int main(int argc, char **argv)
{
	struct __user_cap_data_struct data[2];
	uint64_t bound;

	subject_begin(argc, argv);
	/* First what can be made inheritable only as long as the bounding set has it. */
	MUST(syscall(SYS_capget, &header, data) == 0);
	for (int i = 0; i < 2; i++)
		data[i].inheritable = inheritable >> 32 * i;
	MUST(syscall(SYS_capset, &header, data) == 0);
	for (int cap = 0; cap < 64; cap++)
		MUST(!(dropped & BIT(cap)) || prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0);
	MUST(prctl(PR_SET_SECUREBITS, BITS, 0, 0, 0) == 0);
	for (int i = 0; i < 2; i++) {
		data[i].effective = effective >> 32 * i;
		data[i].permitted = permitted >> 32 * i;
	}
	MUST(syscall(SYS_capset, &header, data) == 0);
	MUST(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) == 0);
	bound = bounding();

	subject_wait();

	MUST(syscall(SYS_capget, &header, data) == 0);
	check_set("effective", data[0].effective, data[1].effective, effective);
	check_set("permitted", data[0].permitted, data[1].permitted, permitted);
	check_set("inheritable", data[0].inheritable, data[1].inheritable, inheritable);
	CHECK(bounding() == bound, "bounding set %#lx, not %#lx", bounding(), bound);
	for (int cap = 0; cap <= CAP_CHECKPOINT_RESTORE; cap++) {
		int ambient = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0);

		CHECK(ambient == (cap == CAP_NET_RAW), "ambient set: capability %d is %d", cap, ambient);
	}
	CHECK(prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) == BITS, "secure bits %#x", prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
	return subject_end();
}
