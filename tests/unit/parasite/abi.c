/* tests/unit/parasite/abi.c -- layouts that assembler, blobs and the kernel rely on, pinned; and the
 * registers' meaning. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/user.h>

#include <cmocka.h>

#include "parasite/arch/regs.h"
#include "parasite/arch/x86_64/sigframe.h"
#include "parasite/arch/x86_64/xsave.h"
#include "parasite/blob.h"

static void blob_layout(void **state)
{
	assert_int_equal(sizeof(struct blob_call), 64);
	assert_int_equal(offsetof(struct blob_call, args), BLOB_CALL_ARGS);
	assert_int_equal(offsetof(struct blob_call, ret), BLOB_CALL_RET);
	assert_int_equal(offsetof(struct blob_frame, nr_calls), BLOB_FRAME_NR_CALLS);
	assert_int_equal(offsetof(struct blob_frame, signo), BLOB_FRAME_SIGNO);
	assert_int_equal(offsetof(struct blob_frame, sigmask), BLOB_FRAME_SIGMASK);
	assert_int_equal(offsetof(struct blob_frame, regs), BLOB_FRAME_REGS);
}

static void regs_layout(void **state)
{
	assert_int_equal(sizeof(struct arch_regs), sizeof(struct user_regs_struct));
	assert_int_equal(offsetof(struct arch_regs, ax), offsetof(struct user_regs_struct, rax));
	assert_int_equal(offsetof(struct arch_regs, ip), offsetof(struct user_regs_struct, rip));
	assert_int_equal(offsetof(struct arch_regs, sp), offsetof(struct user_regs_struct, rsp));
	assert_int_equal(offsetof(struct arch_regs, gs), offsetof(struct user_regs_struct, gs));
	/* As dump-blob.S has them. */
	assert_int_equal(offsetof(struct arch_regs, ax), 10 * 8);
	assert_int_equal(offsetof(struct arch_regs, di), 14 * 8);
	assert_int_equal(offsetof(struct arch_regs, ip), 16 * 8);
	assert_int_equal(offsetof(struct arch_regs, flags), 18 * 8);
	assert_int_equal(offsetof(struct arch_regs, sp), 19 * 8);
}

static void xsave_layout_of_this_cpu(void **state)
{
	struct xsave_layout layout;

	assert_int_equal(offsetof(struct xsave_area, header), 512);
	assert_int_equal(sizeof(struct xsave_area), 576);
	xsave_layout(&layout);
	assert_int_equal(layout.xcr0 & 3, 3);
	for (int i = XSAVE_YMM; i < XSAVE_COMPONENTS; i++) {
		uint32_t end = layout.component[i].offset + layout.component[i].size;

		if (!(layout.xcr0 & 1ull << i)) {
			assert_null(xsave_component(&layout, &layout, i));
			continue;
		}
		assert_true(layout.component[i].offset >= sizeof(struct xsave_area));
		assert_true(end <= layout.size);
	}
	if (layout.xcr0 & 1 << XSAVE_YMM)
		assert_int_equal(layout.component[XSAVE_YMM].size, 256);
	if (layout.xcr0 & 1 << XSAVE_HI16_ZMM)
		assert_int_equal(layout.component[XSAVE_HI16_ZMM].size, 1024);
}

/* A thread that was stopped in system call nr with what the kernel left in ax. */
static struct arch_regs interrupted(int64_t nr, int64_t ax)
{
	return (struct arch_regs){ .orig_ax = nr, .ax = ax, .ip = 0x1002, .cs = 0x33 };
}

static void restarts(void **state)
{
	static const int again[] = { 512, 513, 514 };
	struct arch_regs r;

	for (size_t i = 0; i < sizeof(again) / sizeof(*again); i++) {
		r = interrupted(SYS_pause, -again[i]);
		arch_regs_restart(&r);
		assert_int_equal(r.ip, 0x1000);
		assert_int_equal(r.ax, SYS_pause);
	}
	r = interrupted(SYS_nanosleep, -516);
	arch_regs_restart(&r);
	assert_int_equal(r.ip, 0x1002);
	assert_int_equal((int64_t)r.ax, -EINTR);
	r = interrupted(SYS_nanosleep, -516);
	arch_regs_resume(&r);
	assert_int_equal(r.ip, 0x1000);
	assert_int_equal(r.ax, SYS_restart_syscall);

	/* Not in a call, or done with it. */
	r = interrupted(-1, -512);
	arch_regs_restart(&r);
	assert_int_equal(r.ip, 0x1002);
	r = interrupted(SYS_read, -EAGAIN);
	arch_regs_resume(&r);
	assert_int_equal(r.ip, 0x1002);
	assert_int_equal((int64_t)r.ax, -EAGAIN);
}

static void calls(void **state)
{
	const uint64_t args[6] = { 1, 2, 3, 4, 5, 6 };
	struct arch_regs r = interrupted(SYS_read, -512);

	r.flags = 0x246 | 0x400;
	arch_regs_call(&r, 0x5000, SYS_mmap, args);
	assert_int_equal(r.ip, 0x5000);
	assert_int_equal(r.ax, SYS_mmap);
	assert_int_equal(r.di + r.si * 10 + r.dx * 100 + r.r10 * 1000 + r.r8 * 10000 + r.r9 * 100000, 654321);
	assert_int_equal((int64_t)r.orig_ax, -1);
	assert_int_equal(r.flags, 0x246);
	assert_true(arch_regs_native(&r));
	r.cs = 0x23;
	assert_false(arch_regs_native(&r));
}

static void finds_instruction(void **state)
{
	static const uint8_t text[] = { 0x90, 0x0f, 0x0f, 0x05, 0xc3 };

	assert_int_equal(arch_find_syscall(text, sizeof(text)), 2);
	assert_int_equal(arch_find_syscall(text, 3), -1);
	assert_int_equal(arch_find_syscall(text, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blob_layout),
		cmocka_unit_test(regs_layout),
		cmocka_unit_test(xsave_layout_of_this_cpu),
		cmocka_unit_test(restarts),
		cmocka_unit_test(calls),
		cmocka_unit_test(finds_instruction),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
