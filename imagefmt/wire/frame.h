/* wire/frame.h -- records on the wire: a size (u32, little-endian) and as many bytes. */
#ifndef IMAGEFMT_WIRE_FRAME_H
#define IMAGEFMT_WIRE_FRAME_H

#include "criuimg/err.h"
#include "criuimg/io.h"

static inline uint32_t img_get_u32(const unsigned char *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline void img_put_u32(unsigned char *p, uint32_t v)
{
	p[0] = v;
	p[1] = v >> 8;
	p[2] = v >> 16;
	p[3] = v >> 24;
}

/* A buffer for one record at a time; kept and reused between records. Zero it at the start. */
struct img_frame {
	unsigned char *data;
	size_t size; /* of the record in it */
	size_t room;
};

/* The next record's bytes: 1, 0 at the end of the source, -1. A record larger than IMG_RECORD_MAX is IMG_CORRUPT. A size
 * that the source does not keep costs no more memory than the source has bytes. */
int img_frame_read(struct img_source *src, struct img_frame *frame, struct img_err *err);
/* Make room for a record of that size; frame->size is set, the bytes are the caller's to fill in. */
int img_frame_reserve(struct img_frame *frame, size_t size, struct img_err *err);
void img_frame_free(struct img_frame *frame);

#endif
