/* io/source.c -- bytes in: what all sources have in common. */

#include "criuimg/io.h"

#include <stdlib.h>

#define DROP_SIZE 16384

struct img_source {
	const struct img_source_ops *ops;
	void *self;
	uint64_t pos;
};

struct img_source *img_source_new(const struct img_source_ops *ops, void *self, struct img_err *err)
{
	struct img_source *src = malloc(sizeof(*src));

	if (!src) {
		img_fail_nomem(err);
		return NULL;
	}
	src->ops = ops;
	src->self = self;
	src->pos = 0;
	return src;
}

ssize_t img_source_read(struct img_source *src, void *buf, size_t len, struct img_err *err)
{
	ssize_t n;

	if (!len)
		return 0;
	n = src->ops->read(src->self, buf, len, err);
	if (n > 0)
		src->pos += n;
	return n;
}

int img_source_read_full(struct img_source *src, void *buf, size_t len, struct img_err *err)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = img_source_read(src, (char *)buf + have, len - have, err);

		if (n < 0)
			return -1;
		if (n == 0 && have == 0)
			return 0;
		if (n == 0)
			return img_fail(err, IMG_CORRUPT, "ends in the middle: %zu bytes where %zu belong",
				have, len);
		have += n;
	}
	return 1;
}

bool img_source_can_pread(const struct img_source *src)
{
	return src->ops->pread;
}

ssize_t img_source_pread(struct img_source *src, void *buf, size_t len, uint64_t offset, struct img_err *err)
{
	if (!src->ops->pread)
		return img_fail(err, IMG_USAGE, "cannot read at a position");
	if (!len)
		return 0;
	return src->ops->pread(src->self, buf, len, offset, err);
}

int img_source_skip(struct img_source *src, uint64_t len, struct img_err *err)
{
	char drop[DROP_SIZE];

	if (src->ops->skip) {
		if (src->ops->skip(src->self, len, err))
			return -1;
		src->pos += len;
		return 0;
	}
	while (len) {
		ssize_t n = img_source_read(src, drop, len < sizeof(drop) ? len : sizeof(drop), err);

		if (n < 0)
			return -1;
		if (n == 0)
			return img_fail(err, IMG_CORRUPT, "ends in the middle: %llu bytes are missing",
				(unsigned long long)len);
		len -= n;
	}
	return 0;
}

uint64_t img_source_position(const struct img_source *src)
{
	return src->pos;
}

int64_t img_source_size(struct img_source *src)
{
	return src->ops->size ? src->ops->size(src->self) : -1;
}

int img_source_fd(struct img_source *src, uint64_t *offset)
{
	return src->ops->fd ? src->ops->fd(src->self, offset) : -1;
}

void img_source_close(struct img_source *src)
{
	if (!src)
		return;
	src->ops->close(src->self);
	free(src);
}
