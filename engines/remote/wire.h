/* remote/wire.h -- what a page server and its clients say to each other, as CRIU 4.2 does.
 *
 * The client sends requests, each a struct remote_request; integers are those of the machine (little-endian everywhere this
 * runs). The server says nothing but the answers named below.
 *
 *	OPEN	from here on pages are those of the page map dst_id
 *	OPEN2	the same; answer: one byte, whether the server has a parent of that map
 *	PARENT	answer: i32, whether the server has a parent of the map dst_id
 *	ADD	nr_pages pages at vaddr; their bytes follow
 *	HOLE	the parent has nr_pages pages at vaddr
 *	ADD_F	nr_pages at vaddr with the flags of the command (enum img_run_flags); with PRESENT their bytes follow
 *	CLOSE, FORCE_CLOSE
 *		all was sent; answer: i32, 0 when it is stored
 *	GET	(lazy pages) the pages at vaddr of the task whose pid is dst_id; answer: a request ADD_F|PRESENT with as many
 *		of the nr_pages as there are from there on, 0 when there is none, and their bytes
 */
#ifndef ENGINES_REMOTE_WIRE_H
#define ENGINES_REMOTE_WIRE_H

#include <stdint.h>

struct remote_request {
	uint32_t cmd; /* low 16 bits: enum remote_cmd; high 16 bits: flags of ADD_F */
	uint32_t unused;
	uint64_t nr_pages;
	uint64_t vaddr;	 /* bytes, a multiple of IMG_PAGE */
	uint64_t dst_id; /* remote_dst() */
};

_Static_assert(sizeof(struct remote_request) == 32, "as a C compiler lays it out on x86-64");

enum remote_cmd {
	REMOTE_ADD = 1,
	REMOTE_HOLE = 2,
	REMOTE_OPEN = 3,
	REMOTE_OPEN2 = 4,
	REMOTE_PARENT = 5,
	REMOTE_ADD_F = 6,
	REMOTE_GET = 7,
	REMOTE_CLOSE = 0x1023,
	REMOTE_FORCE_CLOSE = 0x1024,
};

/* Low byte of dst_id. The rest is the pid of the task or the id of the segment. */
enum remote_type {
	REMOTE_TASK = 1,
	REMOTE_SHMEM = 2,
};

static inline uint64_t remote_dst(enum remote_type type, uint64_t id)
{
	return id << 8 | type;
}

static inline uint32_t remote_cmd_flags(enum remote_cmd cmd, uint32_t flags)
{
	return cmd | flags << 16;
}

#endif
