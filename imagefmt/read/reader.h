/* read/reader.h -- a reader's inside, shared by the files of this folder. */
#ifndef IMAGEFMT_READ_READER_H
#define IMAGEFMT_READ_READER_H

#include "criuimg/image.h"
#include "kinds/ops.h"
#include "wire/frame.h"

struct img_reader {
	struct img_source *src;
	int64_t size; /* of the image, -1 when the source cannot tell */
	int version;  /* 0x10, 0x11 */
	bool failed;
	struct img_flow flow;
	struct img_frame frame;
	uint64_t left;		 /* payload bytes not yet read; UINT64_MAX with to_end */
	uint64_t pad;		 /* bytes after the payload that mean nothing */
	bool to_end;		 /* the payload goes on to the end of a source of unknown size */
	char name[IMG_NAME_MAX]; /* for messages: the file's name, else the kind's */
};

/* What an image starts with: its kind and version. `expected` may be IMG_KIND_UNKNOWN. Leaves src at the first record. */
int img_header_read(struct img_source *src, enum img_kind expected, enum img_kind *kind, int *version,
	struct img_err *err);

#endif
