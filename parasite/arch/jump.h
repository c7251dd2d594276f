/* parasite/arch/jump.h -- an unconditional jump, and a function that is a system call, as bytes of code. */
#ifndef PARASITE_ARCH_JUMP_H
#define PARASITE_ARCH_JUMP_H

#include <stddef.h>
#include <stdint.h>

enum { ARCH_JUMP_MAX = 16 };

/* Code that stands at address `from` and goes on at `to`, with all arguments of a function as they were. Into
 * buf (ARCH_JUMP_MAX bytes); returns its length. */
size_t arch_jump(uint8_t *buf, uint64_t from, uint64_t to);

/* A function that makes system call nr with the arguments it was given, and returns what the kernel does. As
 * above. */
size_t arch_call(uint8_t *buf, uint32_t nr);

#endif
