/* engines/mem/vdso/x86_64-restore.c -- the few instructions that a vdso's functions are replaced by, on x86-64.
 *
 * The registers of arguments are left alone; %r11 is the callee's to change.
 */

#include <string.h>

#include "criu-restore/arch.h"

uint64_t restore_arch_ip(const CoreEntry *core)
{
	return core->thread_info->gpregs->ip;
}

size_t restore_arch_jump_code(unsigned char *code, uint64_t at, uint64_t to)
{
	int64_t distance = (int64_t)(to - (at + 5));

	if (distance == (int32_t)distance) {
		int32_t near = (int32_t)distance;

		code[0] = 0xe9; /* jmp near */
		memcpy(code + 1, &near, sizeof(near));
		return 5;
	}
	code[0] = 0x49; /* movabs $to, %r11 */
	code[1] = 0xbb;
	memcpy(code + 2, &to, sizeof(to));
	code[10] = 0x41; /* jmp *%r11 */
	code[11] = 0xff;
	code[12] = 0xe3;
	return 13;
}

size_t restore_arch_call_code(unsigned char *code, uint32_t nr)
{
	code[0] = 0xb8; /* mov $nr, %eax */
	memcpy(code + 1, &nr, sizeof(nr));
	code[5] = 0x0f; /* syscall */
	code[6] = 0x05;
	code[7] = 0xc3; /* ret */
	return 8;
}
