/* parasite/arch/x86_64/restore-blob.S -- how the restore blob is entered, and how it makes a thread. */

	.section .text.entry, "ax"
	.globl blob_entry
blob_entry:
	/* rdi: struct blob_thread; its stack at offset 8. The stack we came on is about to be unmapped. */
	mov	8(%rdi), %rsp
	xor	%ebp, %ebp
	call	blob_play
	hlt

	.text
	/* long blob_clone(struct clone_args *args, unsigned long size, struct blob_thread *thread) */
	.globl blob_clone
blob_clone:
	mov	%rdx, %r8
	mov	$435, %eax		/* clone3 */
	syscall
	test	%rax, %rax
	jz	1f
	ret
1:	/* the new thread, on the stack that args named */
	xor	%ebp, %ebp
	mov	%r8, %rdi
	call	blob_play
	hlt

	.section .note.GNU-stack, "", @progbits
