/* parasite/restore.h -- what criu-restore and its blob say to each other.
 *
 * The blob is freestanding code that takes over a task once its old address space has to go. It knows nothing of images:
 * it runs a *tape*, a list of calls that the host part of the same task wrote down beforehand (engines/criu-restore/tape.h).
 * Most calls are system calls; the few others are in enum blob_op. A call that fails stops the tape: the blob puts the
 * call's words and the error number into the shared page, and criu-restore kills the tree and prints them.
 *
 * Everything here lies in the *scratch* part of the address space, which is free in criu-restore and in every task of the
 * image: so no address changes between the host part and the blob, all pointers below are final, and one munmap(2)
 * takes all of it away at the end.
 *
 * Both sides include this header: kernel types only.
 */
#ifndef PARASITE_RESTORE_H
#define PARASITE_RESTORE_H

#include <stddef.h>
#include <stdint.h>

/* What a call is, when it is not the number of a system call. */
enum blob_op {
	BLOB_OP_BASE = 0x10000,
	/* Copy: args are destination, source, bytes. */
	BLOB_COPY = BLOB_OP_BASE,
	/* A word that others wait for: args are address of a uint32_t, number to add. Wakes all waiters. */
	BLOB_ADD,
	/* Wait until the uint32_t at args[0] is args[1], or the run has failed. */
	BLOB_WAIT,
	/* Make thread args[0] (struct blob_thread *) of this task; it starts its own tape at once. */
	BLOB_SPAWN,
	/* timer_create(2) with the number the image says, on kernels that number timers themselves: args are clock,
	 * struct sigevent *, wanted number. Creates and deletes until the number comes. */
	BLOB_TIMER_CREATE,
	BLOB_OP_END,
};

enum blob_call_flags {
	BLOB_EXPECT = 1 << 0,	/* the result must be `expect` (a mapping at its address) */
	BLOB_MAY_FAIL = 1 << 1, /* any error is fine */
	BLOB_MAY_EINVAL = 1 << 2, /* EINVAL is fine: a kernel without the feature */
};

struct blob_call {
	uint64_t nr; /* number of a system call, or enum blob_op */
	uint64_t args[6];
	uint64_t expect;
	const char *what; /* "map 0x7f00.. as the image has it": for the message */
	uint32_t flags;
	uint32_t pad;
};

struct blob_tape {
	const struct blob_call *calls;
	uint64_t nr;
};

struct blob_thread {
	int32_t tid;
	int32_t pad;
	uint64_t stack; /* first byte after the stack it runs the tape on */
	struct blob_tape tape;
	struct blob_main *main;
};

/* What the blob's entry is given. */
struct blob_main {
	int32_t pid;
	int32_t pad;
	struct blob_shared *shared;
	struct blob_tape tape;
};

#define BLOB_ERR_TEXT 1016

/* One page of memory that criu-restore and all processes it makes share. Words are futexes. */
struct blob_shared {
	uint32_t stage;	 /* enum restore_stage: what all may do now; the front process writes it */
	uint32_t busy;	 /* how many have not finished that stage yet */
	uint32_t failed; /* 0; 1: somebody is writing err; 2: err is whole */
	uint32_t go_home; /* never set: the last thing a thread waits for, until criu-restore takes it over */

	/* The first failure, and whose it is. */
	int32_t err_pid, err_tid;
	int32_t err_code;  /* enum img_code; 0: err_errno of a call of a tape, text is what it was about */
	int32_t err_errno;
	char err_text[BLOB_ERR_TEXT];
};

/* The blob starts here (first byte of the flat binary): does not return. */
typedef void (*blob_entry_fn)(struct blob_main *main);

#endif
