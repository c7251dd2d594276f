/* parasite/arch/x86_64/dump-blob.S -- makes a list of system calls, tells the tracer, and goes back to
 * where the thread was.
 *
 * Telling: the thread sends itself a signal that its task ignores (BLOB_FRAME_SIGNO). Traced, it stops
 * before the delivery, and the host takes over from there: nothing of what follows is executed. When the
 * tracer is gone, the signal is nothing, and the blob itself puts back the signal mask and the registers
 * and jumps to where the thread was found. So whoever dies at whatever moment, the task goes on. Nothing
 * is pushed on the thread's stack, and the FPU is not touched.
 */

#include <asm/unistd.h>

#include "parasite/blob.h"

/* Offsets of registers: struct arch_regs. */
#define REG(n) frame + BLOB_FRAME_REGS + 8 * (n)(%rip)
#define R15    REG(0)
#define R14    REG(1)
#define R13    REG(2)
#define R12    REG(3)
#define BP     REG(4)
#define BX     REG(5)
#define R11    REG(6)
#define R10    REG(7)
#define R9     REG(8)
#define R8     REG(9)
#define AX     REG(10)
#define CX     REG(11)
#define DX     REG(12)
#define SI     REG(13)
#define DI     REG(14)
#define IP     REG(16)
#define FLAGS  REG(18)
#define FAR    REG(BLOB_FRAME_FAR)

#define SIG_SETMASK 2

	.section .rodata
	.globl	dump_blob_start, dump_blob_end, dump_blob_done, dump_blob_far
	.balign	16
dump_blob_start:
start:
	.set	frame, start + BLOB_FRAME
	.set	calls, start + BLOB_CALLS

	movq	frame + BLOB_FRAME_NR_CALLS(%rip), %r12
	leaq	calls(%rip), %r13
1:	testq	%r12, %r12
	jz	2f
	movq	BLOB_CALL_NR(%r13), %rax
	movq	BLOB_CALL_ARGS(%r13), %rdi
	movq	BLOB_CALL_ARGS + 8(%r13), %rsi
	movq	BLOB_CALL_ARGS + 16(%r13), %rdx
	movq	BLOB_CALL_ARGS + 24(%r13), %r10
	movq	BLOB_CALL_ARGS + 32(%r13), %r8
	movq	BLOB_CALL_ARGS + 40(%r13), %r9
	syscall
	/* clone(2) comes back twice. A call that really returns 0 is no clone(2). */
	testq	%rax, %rax
	jnz	4f
	cmpq	$__NR_clone, BLOB_CALL_NR(%r13)
	je	child
4:	movq	%rax, BLOB_CALL_RET(%r13)
	addq	$BLOB_CALL_SIZE, %r13
	decq	%r12
	jmp	1b

2:	movl	$__NR_gettid, %eax
	syscall
	movl	%eax, %edi
	movq	frame + BLOB_FRAME_SIGNO(%rip), %rsi
	movl	$__NR_tkill, %eax
	syscall
dump_blob_done:

	/* Nobody took over. The stack pointer is still the thread's: a signal that is let in now has its
	 * handler run there. */
	movl	$__NR_rt_sigprocmask, %eax
	movl	$SIG_SETMASK, %edi
	leaq	frame + BLOB_FRAME_SIGMASK(%rip), %rsi
	xorl	%edx, %edx
	movl	$8, %r10d
	syscall
	/* The flags without popfq, which needs a stack: direction, overflow (0x7f + 1 does), and those
	 * that sahf sets. */
	movq	FLAGS, %rcx
	cld
	btl	$10, %ecx
	jnc	3f
	std
3:	btl	$11, %ecx
	setc	%al
	addb	$0x7f, %al
	movb	%cl, %ah
	sahf
	/* No flag is changed from here on. */
	movq	R15, %r15
	movq	R14, %r14
	movq	R13, %r13
	movq	R12, %r12
	movq	BP, %rbp
	movq	BX, %rbx
	movq	R11, %r11
	movq	R10, %r10
	movq	R9, %r9
	movq	R8, %r8
	movq	AX, %rax
	movq	CX, %rcx
	movq	DX, %rdx
	movq	SI, %rsi
	movq	DI, %rdi
	jmpq	*IP

	/* Where IP leads for a thread in 32-bit code: the code segment changes with it. */
dump_blob_far:
	ljmpl	*FAR

	/* In a child, which nobody else knows of. One that shares the memory (CLONE_VM) makes one that has a copy of it, leaves its
	 * number where the third argument points to, and ends. The copy waits a moment for somebody to trace it, and ends. No stack
	 * is used in either. */
child:
	btq	$8, BLOB_CALL_ARGS(%r13)
	jnc	5f
	movl	$__NR_clone, %eax
	movl	$0x00100000, %edi /* CLONE_PARENT_SETTID */
	xorl	%esi, %esi
	movq	BLOB_CALL_ARGS + 16(%r13), %rdx
	xorl	%r10d, %r10d
	xorl	%r8d, %r8d
	syscall
	testq	%rax, %rax
	jnz	6f
5:	movl	$__NR_ppoll, %eax
	xorl	%edi, %edi
	xorl	%esi, %esi
	leaq	patience(%rip), %rdx
	xorl	%r10d, %r10d
	xorl	%r8d, %r8d
	syscall
6:	xorl	%edi, %edi
	movl	$__NR_exit_group, %eax
	syscall
	hlt
	.balign	8
patience:
	.quad	5, 0 /* struct timespec */
dump_blob_end:

	.org	frame /* an error when the code runs into it */

	.section .note.GNU-stack, "", @progbits
