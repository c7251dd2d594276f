/* parasite/arch/x86_64/host/jump.c -- an unconditional jump, and a function that is a system call. */

#include <string.h>

#include "parasite/arch/jump.h"

enum {
	JMP_REL32_LEN = 5,
};

size_t arch_jump(uint8_t *buf, uint64_t from, uint64_t to)
{
	int64_t distance = (int64_t)(to - (from + JMP_REL32_LEN));
	int32_t near = (int32_t)distance;

	if (near == distance) {
		buf[0] = 0xe9; /* jmp rel32 */
		memcpy(buf + 1, &near, sizeof(near));
		return JMP_REL32_LEN;
	}
	buf[0] = 0x48; /* movabs $to, %rax: no argument of a function is in it, save the number of vector ones for varargs */
	buf[1] = 0xb8;
	memcpy(buf + 2, &to, sizeof(to));
	buf[10] = 0xff; /* jmp *%rax */
	buf[11] = 0xe0;
	return 12;
}

size_t arch_call(uint8_t *buf, uint32_t nr)
{
	buf[0] = 0xb8; /* mov $nr, %eax */
	memcpy(buf + 1, &nr, sizeof(nr));
	buf[5] = 0x0f; /* syscall: the fourth argument is in another register for it, and none of these has one */
	buf[6] = 0x05;
	buf[7] = 0xc3; /* ret */
	return 8;
}
