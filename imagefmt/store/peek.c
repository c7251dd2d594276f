/* store/peek.c -- the first bytes of a stream, seen before they are read. */

#include "store/peek.h"

#include <stdlib.h>
#include <string.h>

struct peek {
	struct img_source *rest;
	size_t pos, len;
	unsigned char first[PEEK_SIZE];
};

static ssize_t peek_read(void *self, void *buf, size_t len, struct img_err *err)
{
	struct peek *p = self;

	if (p->pos == p->len)
		return img_source_read(p->rest, buf, len, err);
	if (len > p->len - p->pos)
		len = p->len - p->pos;
	memcpy(buf, p->first + p->pos, len);
	p->pos += len;
	return len;
}

static void peek_close(void *self)
{
	struct peek *p = self;

	img_source_close(p->rest);
	free(p);
}

static const struct img_source_ops peek_ops = {
	.read = peek_read,
	.close = peek_close,
};

struct img_source *img_peek(struct img_source *src, unsigned char first[PEEK_SIZE], size_t *len, struct img_err *err)
{
	struct peek *p = calloc(1, sizeof(*p));
	struct img_source *all;

	if (!p) {
		img_fail_nomem(err);
		return NULL;
	}
	while (p->len < PEEK_SIZE) {
		ssize_t n = img_source_read(src, p->first + p->len, PEEK_SIZE - p->len, err);

		if (n < 0) {
			free(p);
			return NULL;
		}
		if (n == 0)
			break;
		p->len += n;
	}
	memcpy(first, p->first, p->len);
	*len = p->len;
	all = img_source_new(&peek_ops, p, err);
	if (all)
		p->rest = src;
	else
		free(p);
	return all;
}
