/* wire/frame.c -- takes records off a source. */

#include "wire/frame.h"

#include <stdlib.h>

#include "criuimg/image.h"

#define ROOM_MIN ((size_t)1 << 10)
/* Memory for a record is taken in steps of this, as its bytes arrive. */
#define STEP ((size_t)1 << 20)

static int grow(struct img_frame *frame, size_t size, struct img_err *err)
{
	size_t room = frame->room ? frame->room : ROOM_MIN;
	unsigned char *data;

	if (size <= frame->room)
		return 0;
	while (room < size)
		room *= 2;
	data = realloc(frame->data, room);
	if (!data)
		return img_fail_nomem(err);
	frame->data = data;
	frame->room = room;
	return 0;
}

int img_frame_reserve(struct img_frame *frame, size_t size, struct img_err *err)
{
	if (grow(frame, size, err))
		return -1;
	frame->size = size;
	return 0;
}

int img_frame_read(struct img_source *src, struct img_frame *frame, struct img_err *err)
{
	unsigned char head[4];
	size_t size, have = 0;
	int ret;

	frame->size = 0;
	ret = img_source_read_full(src, head, sizeof(head), err);
	if (ret <= 0)
		return ret;
	size = img_get_u32(head);
	if (size > IMG_RECORD_MAX)
		return img_fail(err, IMG_CORRUPT, "claims %zu bytes: %u are allowed", size, IMG_RECORD_MAX);

	/* One byte at least, so that there is a buffer to point to. */
	if (grow(frame, 1, err))
		return -1;
	while (have < size) {
		size_t part = size - have < STEP ? size - have : STEP;

		if (grow(frame, have + part, err))
			return -1;
		ret = img_source_read_full(src, frame->data + have, part, err);
		if (ret < 0)
			return -1;
		if (ret == 0)
			return img_fail(err, IMG_CORRUPT, "ends in the middle: %zu bytes where %zu belong",
				have, size);
		have += part;
	}
	frame->size = size;
	return 1;
}

void img_frame_free(struct img_frame *frame)
{
	free(frame->data);
	*frame = (struct img_frame){ 0 };
}
