/* store/stream.h -- an archive on its way through: what its two files share. */
#ifndef IMAGEFMT_STORE_STREAM_H
#define IMAGEFMT_STORE_STREAM_H

#include "criuimg/stream.h"
#include "store/set.h"
#include "store/tar.h"

/* A page image that has passed, or is passing. */
struct img_passed {
	uint32_t pages_id;
	uint64_t size;
	bool digested;
	unsigned char digest[IMG_DIGEST_SIZE];
};

struct img_stream {
	int fd;
	bool raw;		/* the archive is as it comes from fd: bytes can be moved without looking at them */
	bool ordered;
	bool served; /* by an image streamer, at `sock`: no archive; fd is the pipe of a page image, or -1 */
	int sock;
	struct img_source *tar; /* the archive, from front to end */
	struct img_source *window; /* the same, by position within what `seen` has and what comes next */
	struct img_set *set;
	char *parent; /* where its link leads */

	unsigned char *room; /* with bytes of the archive that were read and may be looked at again: nr_seen from `seen` on */
	size_t seen, nr_seen, room_size;
	uint64_t seen_at; /* where in the archive they start */

	struct tar_entry entry; /* the header that was read last; path NULL: none */
	bool at_page_image;	/* it is of one that is passing */
	uint64_t left;		/* bytes of it to come */
	bool ended;
	bool more;	  /* behind its end another archive begins, at next_at */
	uint64_t next_at;

	struct img_passed *passed;
	size_t nr_passed, room_passed;
};

/* Exactly the next len bytes of the archive, or as many as there are. */
ssize_t img_stream_bytes(struct img_stream *s, void *buf, size_t len, struct img_err *err);

/* A page image begins to pass. NULL: one of its number has. */
struct img_passed *img_stream_passes(struct img_stream *s, uint32_t pages_id, struct img_err *err);

#endif
