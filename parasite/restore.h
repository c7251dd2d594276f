/* parasite/restore.h -- what criu-restore and its blob say to each other.
 *
 * The blob is freestanding code that takes over a task once its old address space has to go. It knows nothing
 * of images: it plays a *tape*, a list of steps that the host part of the same task wrote down beforehand
 * (engines/criu-restore/tape.h). Most steps are system calls; the few others are in enum blob_op. A step that
 * fails stops the tape: the blob puts its words and the error number into the shared page, and criu-restore
 * kills the tree and prints them.
 *
 * Everything here lies in the *scratch* part of the address space, which is free in criu-restore and in every
 * task of the image: so no address changes between the host part and the blob, all pointers below are final,
 * and one munmap(2) takes all of it away at the end.
 *
 * Both sides include this header: kernel types only.
 */
#ifndef PARASITE_RESTORE_H
#define PARASITE_RESTORE_H

#include <stddef.h>
#include <stdint.h>

/* What a step is, when it is not the number of a system call. */
enum blob_op {
	BLOB_OP_BASE = 0x10000,
	/* Copy: args are destination, source, bytes. */
	BLOB_COPY = BLOB_OP_BASE,
	/* A word that others wait for: args are address of a uint32_t, number to add (may be negative). Wakes
	 * all waiters. */
	BLOB_ADD,
	/* Wait until the uint32_t at args[0] is args[1]. */
	BLOB_WAIT,
	/* Make thread args[0] (struct blob_thread *) of this task; it starts its own tape at once. */
	BLOB_SPAWN,
	/* timer_create(2) with the number the image says, on kernels that number timers themselves: args are
	 * clock, struct sigevent *, wanted number. Creates and deletes until the number comes. */
	BLOB_TIMER_CREATE,
	/* io_setup(2), at the address and in the state the image says: args[0] is a struct blob_aio *. */
	BLOB_AIO,
	/* A system call of 32-bit code: args[0] is its number there, then up to four arguments, below 4 GiB. */
	BLOB_COMPAT,
	BLOB_OP_END,
};

enum blob_step_flags {
	BLOB_EXPECT = 1 << 0,	/* the result must be `expect` (a mapping at its address) */
	BLOB_MAY_FAIL = 1 << 1, /* any error is fine */
};

struct blob_step {
	uint64_t nr; /* number of a system call, or enum blob_op */
	uint64_t args[6];
	uint64_t expect;
	const char *what; /* "map 0x7f00.. as the image has it": for the message */
	uint32_t flags;
	uint32_t skip; /* this many steps after it are another way to the same end: left out when it works */
};

/* The head of the ring of a context of asynchronous I/O, as the kernel maps it: fs/aio.c. */
struct blob_aio_ring {
	uint32_t id; /* the kernel's own number of the context */
	uint32_t nr; /* places for events; one of them stays free */
	uint32_t head, tail;
	uint32_t magic; /* BLOB_AIO_MAGIC */
	uint32_t compat, incompat;
	uint32_t header; /* bytes of this */
	/* then the events, 32 bytes each */
};
#define BLOB_AIO_MAGIC 0xa10a10a1

struct blob_aio {
	uint64_t at, len;			/* where the ring belongs: something is mapped there, to be replaced */
	uint64_t nr_req;			/* for io_setup() */
	const struct blob_aio_ring *content;	/* len bytes */
	int32_t fd;				/* of /dev/null */
};

struct blob_tape {
	const struct blob_step *steps;
	uint64_t nr;
};

/* Bytes of stack that a thread plays its tape on. */
#define BLOB_STACK_SIZE 4096

/* A thread, the leader included. */
struct blob_thread {
	int32_t pid; /* of its task */
	int32_t tid;
	uint64_t stack; /* first byte after the stack it plays the tape on, 16-byte aligned */
	struct blob_tape tape;
	struct blob_shared *shared;
};

#define BLOB_ERR_TEXT 1016

/* Where all processes of a run meet: one page of shared memory. The words are futexes. */
struct blob_shared {
	uint32_t stage;	 /* enum restore_stage: what all may do now; the front process writes it */
	uint32_t busy;	 /* how many have not finished that stage yet */
	uint32_t events; /* counts what the front has to look at: busy came to 0, a failure */
	/* The front's tid, and FUTEX_WAITERS. What threads sleep on when their tape is played, until the
	 * front takes them over. It is on the front's robust list: should the front end, the kernel puts
	 * FUTEX_OWNER_DIED there and wakes one sleeper, who wakes the others, and all of them end
	 * (get_robust_list(2)). */
	uint32_t front;

	/* The first failure, and whose it is. */
	uint32_t failed; /* 0 none; 1: somebody is writing; 2: what follows is whole */
	int32_t err_pid, err_tid;
	int32_t err_code; /* enum img_code; 0: a step of a tape: err_text says which, without the reason */
	int32_t err_errno;
	char err_text[BLOB_ERR_TEXT];
};

/* The first byte of the flat binary. Switches to leader->stack and does not return. */
typedef void (*blob_entry_fn)(struct blob_thread *leader);

#endif
