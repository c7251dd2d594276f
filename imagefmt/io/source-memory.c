/* io/source-memory.c -- bytes in from memory. */

#include "io/source.h"

#include <stdlib.h>
#include <string.h>

struct memory_source {
	const unsigned char *data;
	size_t size, pos;
	void (*release)(void *owner); /* of the memory; NULL: the caller keeps it */
	void *owner;
};

static ssize_t memory_pread(void *self, void *buf, size_t len, uint64_t offset, struct img_err *err)
{
	struct memory_source *m = self;

	if (offset >= m->size)
		return 0;
	if (len > m->size - offset)
		len = m->size - offset;
	memcpy(buf, m->data + offset, len);
	return len;
}

static ssize_t memory_read(void *self, void *buf, size_t len, struct img_err *err)
{
	struct memory_source *m = self;
	ssize_t n = memory_pread(self, buf, len, m->pos, err);

	m->pos += n;
	return n;
}

static int memory_skip(void *self, uint64_t len, struct img_err *err)
{
	struct memory_source *m = self;

	if (len > m->size - m->pos)
		return img_fail(err, IMG_CORRUPT, "ends in the middle: %llu bytes are missing",
			(unsigned long long)(len - (m->size - m->pos)));
	m->pos += len;
	return 0;
}

static int64_t memory_size(void *self)
{
	struct memory_source *m = self;

	return m->size;
}

static void memory_close(void *self)
{
	struct memory_source *m = self;

	if (m->release)
		m->release(m->owner);
	free(m);
}

static const struct img_source_ops memory_source_ops = {
	.read = memory_read,
	.pread = memory_pread,
	.size = memory_size,
	.skip = memory_skip,
	.close = memory_close,
};

struct img_source *img_source_memory_owned(
	const void *data, size_t size, void (*release)(void *owner), void *owner, struct img_err *err)
{
	struct memory_source *m = malloc(sizeof(*m));
	struct img_source *src;

	if (!m) {
		img_fail_nomem(err);
		return NULL;
	}
	m->data = data;
	m->size = size;
	m->pos = 0;
	m->release = release;
	m->owner = owner;
	src = img_source_new(&memory_source_ops, m, err);
	if (!src)
		free(m);
	return src;
}

struct img_source *img_source_memory_new(const void *data, size_t size, struct img_err *err)
{
	return img_source_memory_owned(data, size, NULL, NULL, err);
}
