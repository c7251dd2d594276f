/* criu-restore/stream-own.h -- what the files of the stream share: see stream.h. */
#ifndef CRIU_RESTORE_STREAM_OWN_H
#define CRIU_RESTORE_STREAM_OWN_H

#include "criu-restore/stream.h"
#include "criuimg/digest.h"
#include "criuimg/stream.h"

#define NO_TASK	  UINT32_MAX	 /* the front */
#define ROOT_EARLY (UINT32_MAX - 1) /* the root, before it makes others: System V segments of its IPC namespace */

/* A page image that is to come. In shared memory. */
struct passing {
	uint32_t pages_id;
	uint32_t task; /* index of the task it is for; NO_TASK: shared memory */
	uint64_t id;   /* of its page map */
	uint64_t size; /* bytes, never 0: those its map claims, then (with `go`) those that come */
	uint32_t go;   /* 1: they are next in the pipe */
	uint32_t done; /* 1: they were taken, and `digest` is theirs */
	unsigned char digest[IMG_DIGEST_SIZE];
};

struct fill {
	uint64_t shmid;
	int fd;
	uint64_t size;
};

/* Bytes of the page image of this task that go into no private mapping: the vdso, rings of asynchronous I/O. Whoever
 * needs them asks later. */
struct kept {
	uint64_t offset;
	size_t len;
	char *bytes; /* of the run's arena: tasks do not free */
};

struct restore_stream {
	struct img_stream *from;
	bool served; /* by an image streamer: page images come when they are asked for */
	int pipe[2]; /* from the pump to whoever's turn it is */
	pid_t pump;  /* 0: not there */
	uint32_t *turn; /* shared: changes with each `go` */
	struct passing *passing;
	size_t nr_passing;
	struct fill *fills;
	size_t nr_fills, room_fills;
	struct kept *kept;
	size_t nr_kept, room_kept;
	uint64_t kept_bytes;
};

/* The pump, in a process of its own. */
void restore_pump(struct restore *r) __attribute__((noreturn));

#endif
