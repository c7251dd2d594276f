/* store/part.c -- sources made of sources: a part of another one, and a page image that was stored compressed. */

#include "store/part.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "criuimg/compress.h"
#include "store/set.h"
#include "store/spool.h"

#define BUFFER_SIZE ((size_t)32 << 10)

struct part {
	struct img_source *bytes;
	bool owned;
	uint64_t at, size, pos;
	unsigned char *buf; /* allocated by the first small read */
	uint64_t buf_pos;   /* of buf[0] */
	size_t buf_len;
};

static ssize_t part_pread(void *self, void *buf, size_t len, uint64_t offset, struct img_err *err)
{
	struct part *p = self;

	if (offset >= p->size)
		return 0;
	if (len > p->size - offset)
		len = p->size - offset;
	return img_source_pread(p->bytes, buf, len, p->at + offset, err);
}

static ssize_t buffered(struct part *p, void *buf, size_t len, struct img_err *err)
{
	size_t in;

	if (p->pos < p->buf_pos || p->pos >= p->buf_pos + p->buf_len) {
		ssize_t n = part_pread(p, p->buf, BUFFER_SIZE, p->pos, err);

		if (n <= 0)
			return n;
		p->buf_pos = p->pos;
		p->buf_len = n;
	}
	in = p->pos - p->buf_pos;
	if (len > p->buf_len - in)
		len = p->buf_len - in;
	memcpy(buf, p->buf + in, len);
	return len;
}

static ssize_t part_read(void *self, void *buf, size_t len, struct img_err *err)
{
	struct part *p = self;
	ssize_t n;

	if (len < BUFFER_SIZE && !p->buf)
		p->buf = malloc(BUFFER_SIZE);
	n = len < BUFFER_SIZE && p->buf ? buffered(p, buf, len, err) : part_pread(p, buf, len, p->pos, err);
	if (n > 0)
		p->pos += n;
	return n;
}

static int64_t part_size(void *self)
{
	return ((struct part *)self)->size;
}

static int part_fd(void *self, uint64_t *offset)
{
	struct part *p = self;
	int fd = img_source_fd(p->bytes, offset);

	if (fd >= 0)
		*offset += p->at;
	return fd;
}

static int part_skip(void *self, uint64_t len, struct img_err *err)
{
	struct part *p = self;

	if (len > p->size - p->pos)
		return img_fail(err, IMG_CORRUPT, "ends in the middle: %llu bytes are missing",
			(unsigned long long)(len - (p->size - p->pos)));
	p->pos += len;
	return 0;
}

static void part_close(void *self)
{
	struct part *p = self;

	if (p->owned)
		img_source_close(p->bytes);
	free(p->buf);
	free(p);
}

static const struct img_source_ops part_ops = {
	.read = part_read,
	.pread = part_pread,
	.size = part_size,
	.fd = part_fd,
	.skip = part_skip,
	.close = part_close,
};

struct img_source *img_part_new(
	struct img_source *bytes, bool owned, uint64_t at, uint64_t size, struct img_err *err)
{
	struct part *p = calloc(1, sizeof(*p));
	struct img_source *src;

	if (!p) {
		img_fail_nomem(err);
		return NULL;
	}
	*p = (struct part){ .bytes = bytes, .owned = owned, .at = at, .size = size };
	src = img_source_new(&part_ops, p, err);
	if (!src)
		free(p);
	return src;
}

/* ---- page images that are stored compressed ---- */

bool img_zst_name(const char *name, char file[IMG_ZST_NAME])
{
	if (!img_is_page_image(name))
		return false;
	snprintf(file, IMG_ZST_NAME, "%s" IMG_ZST, name);
	return true;
}

void img_zst_strip(char *name)
{
	size_t len = strlen(name), suffix = strlen(IMG_ZST);

	if (len <= suffix || strcmp(name + len - suffix, IMG_ZST))
		return;
	name[len - suffix] = '\0';
	if (!img_is_page_image(name))
		name[len - suffix] = '.';
}

struct img_source *img_zst_source(struct img_source *stored, struct img_err *err)
{
	struct img_source *src = img_zstd_source_new(stored, err), *all;

	if (!src)
		img_source_close(stored);
	if (!src || img_source_can_pread(src))
		return src;
	all = img_spool_all(src, err);
	if (!all)
		img_source_close(src);
	return all;
}
