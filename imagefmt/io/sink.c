/* io/sink.c -- bytes out: what all sinks have in common, the buffer above all. */

#include "io/sink.h"

#include <stdlib.h>
#include <string.h>

#define BUFFER_SIZE ((size_t)64 << 10)
#define IOV_BATCH   64

struct img_sink {
	const struct img_sink_ops *ops;
	void *self;
	uint64_t pos;
	bool buffered;
	bool failed; /* a write failed: what is there has a hole, and finish must say so */
	size_t used;
	unsigned char *buf; /* allocated by the first small write */
};

static struct img_sink *sink_new(
	const struct img_sink_ops *ops, void *self, bool buffered, struct img_err *err)
{
	struct img_sink *sink = calloc(1, sizeof(*sink));

	if (!sink) {
		img_fail_nomem(err);
		return NULL;
	}
	sink->ops = ops;
	sink->self = self;
	sink->buffered = buffered;
	return sink;
}

struct img_sink *img_sink_new(const struct img_sink_ops *ops, void *self, struct img_err *err)
{
	return sink_new(ops, self, true, err);
}

struct img_sink *img_sink_new_unbuffered(const struct img_sink_ops *ops, void *self, struct img_err *err)
{
	return sink_new(ops, self, false, err);
}

void *img_sink_self(struct img_sink *sink, const struct img_sink_ops *ops)
{
	return sink->ops == ops ? sink->self : NULL;
}

static int failed(struct img_sink *sink)
{
	sink->failed = true;
	return -1;
}

static int check(struct img_sink *sink, struct img_err *err)
{
	return sink->failed ? img_fail(err, IMG_USAGE, "an earlier write failed") : 0;
}

int img_sink_flush(struct img_sink *sink, struct img_err *err)
{
	size_t used = sink->used;

	if (check(sink, err))
		return -1;
	sink->used = 0;
	if (used && sink->ops->write(sink->self, sink->buf, used, err))
		return failed(sink);
	return 0;
}

int img_sink_write(struct img_sink *sink, const void *buf, size_t len, struct img_err *err)
{
	if (check(sink, err))
		return -1;
	if (!len)
		return 0;
	if (sink->buffered && !sink->buf && len < BUFFER_SIZE) {
		sink->buf = malloc(BUFFER_SIZE);
		if (!sink->buf) {
			img_fail_nomem(err);
			return failed(sink);
		}
	}
	if (sink->buffered && len > BUFFER_SIZE - sink->used && img_sink_flush(sink, err))
		return -1;
	sink->pos += len;
	if (sink->buffered && len < BUFFER_SIZE) {
		memcpy(sink->buf + sink->used, buf, len);
		sink->used += len;
		return 0;
	}
	return sink->ops->write(sink->self, buf, len, err) ? failed(sink) : 0;
}

int img_sink_writev(struct img_sink *sink, const struct iovec *iov, int nr, struct img_err *err)
{
	struct iovec batch[IOV_BATCH];
	size_t total = 0;
	int i;

	if (check(sink, err))
		return -1;
	for (i = 0; i < nr; i++)
		total += iov[i].iov_len;
	if (!sink->ops->writev || total < BUFFER_SIZE) {
		for (i = 0; i < nr; i++)
			if (img_sink_write(sink, iov[i].iov_base, iov[i].iov_len, err))
				return -1;
		return 0;
	}

	if (img_sink_flush(sink, err))
		return -1;
	while (nr) {
		int n = nr < IOV_BATCH ? nr : IOV_BATCH;

		memcpy(batch, iov, n * sizeof(*iov));
		if (sink->ops->writev(sink->self, batch, n, err))
			return failed(sink);
		iov += n;
		nr -= n;
	}
	sink->pos += total;
	return 0;
}

uint64_t img_sink_position(const struct img_sink *sink)
{
	return sink->pos;
}

int img_sink_fd(struct img_sink *sink)
{
	return sink->ops->fd ? sink->ops->fd(sink->self) : -1;
}

int img_sink_moved(struct img_sink *sink, uint64_t len, struct img_err *err)
{
	if (check(sink, err))
		return -1;
	if (sink->used || !sink->ops->moved)
		return img_fail(err, IMG_USAGE, "bytes were put into the descriptor of a sink that %s",
			sink->used ? "was not flushed" : "has none");
	if (sink->ops->moved(sink->self, len, err))
		return failed(sink);
	sink->pos += len;
	return 0;
}

int img_sink_block_digest(
	struct img_sink *sink, uint64_t block, const unsigned char *digest, struct img_err *err)
{
	return sink->ops->block_digest ? sink->ops->block_digest(sink->self, block, digest, err) : 0;
}

int img_sink_finish(struct img_sink *sink, struct img_err *err)
{
	int ret = img_sink_flush(sink, err);

	if (!ret && sink->ops->finish)
		ret = sink->ops->finish(sink->self, err);
	img_sink_abort(sink);
	return ret;
}

void img_sink_abort(struct img_sink *sink)
{
	if (!sink)
		return;
	sink->ops->close(sink->self);
	free(sink->buf);
	free(sink);
}
