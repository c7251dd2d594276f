/* io/sink-memory.c -- bytes out into memory that grows. */

#include "io/sink.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_MIN ((size_t)256)

struct memory_sink {
	unsigned char *data;
	size_t size, room;
};

static int memory_write(void *self, const void *buf, size_t len, struct img_err *err)
{
	struct memory_sink *m = self;

	if (len > m->room - m->size) {
		size_t room = m->room ? m->room : ROOM_MIN;
		unsigned char *data;

		if (len > SIZE_MAX / 4 - m->size)
			return img_fail_nomem(err);
		while (room < m->size + len)
			room *= 2;
		data = realloc(m->data, room);
		if (!data)
			return img_fail_nomem(err);
		m->data = data;
		m->room = room;
	}
	memcpy(m->data + m->size, buf, len);
	m->size += len;
	return 0;
}

static void memory_close(void *self)
{
	struct memory_sink *m = self;

	free(m->data);
	free(m);
}

static const struct img_sink_ops memory_sink_ops = {
	.write = memory_write,
	.close = memory_close,
};

struct img_sink *img_sink_memory_new(struct img_err *err)
{
	struct memory_sink *m = calloc(1, sizeof(*m));
	struct img_sink *sink;

	if (!m) {
		img_fail_nomem(err);
		return NULL;
	}
	sink = img_sink_new_unbuffered(&memory_sink_ops, m, err);
	if (!sink)
		free(m);
	return sink;
}

const void *img_sink_memory(struct img_sink *sink, size_t *size)
{
	struct memory_sink *m = img_sink_self(sink, &memory_sink_ops);

	*size = m ? m->size : 0;
	return m ? m->data : NULL;
}
