/* store/member-sink.c -- a member's bytes on their way to the store: counted and digested. */

#include "store/set.h"

#include <stdlib.h>
#include <string.h>

#include "criuimg/cleanup.h"
#include "criuimg/digest.h"

/* Digest and write in pieces that stay in the processor's cache between the two. */
#define PIECE ((size_t)256 << 10)

struct member_sink {
	struct img_set *set;
	struct img_sink *store;
	struct img_digest *digest;
	char name[256];
};

static int member_write(void *self, const void *buf, size_t len, struct img_err *err)
{
	struct member_sink *m = self;

	while (len) {
		size_t part = len < PIECE ? len : PIECE;

		if (img_digest_update(m->digest, buf, part, err) || img_sink_write(m->store, buf, part, err))
			return img_wrap(err, "%s", m->name);
		buf = (const char *)buf + part;
		len -= part;
	}
	return 0;
}

static int member_writev(void *self, struct iovec *iov, int nr, struct img_err *err)
{
	struct member_sink *m = self;

	for (int i = 0; i < nr; i++)
		if (img_digest_update(m->digest, iov[i].iov_base, iov[i].iov_len, err))
			return img_wrap(err, "%s", m->name);
	return img_sink_writev(m->store, iov, nr, err) ? img_wrap(err, "%s", m->name) : 0;
}

static int member_fd(void *self)
{
	struct member_sink *m = self;

	return img_sink_fd(m->store);
}

static int member_moved(void *self, uint64_t len, struct img_err *err)
{
	struct member_sink *m = self;

	if (img_digest_pass(m->digest, len, err) || img_sink_moved(m->store, len, err))
		return img_wrap(err, "%s", m->name);
	return 0;
}

static int member_block_digest(void *self, uint64_t block, const unsigned char *digest, struct img_err *err)
{
	struct member_sink *m = self;

	return img_digest_give(m->digest, block, digest, err);
}

static int member_finish(void *self, struct img_err *err)
{
	struct member_sink *m = self;
	struct img_member member = { .name = m->name, .size = img_sink_position(m->store) };

	if (img_sink_finish(steal_ptr(&m->store), err))
		return img_wrap(err, "%s", m->name);
	member.digested = img_digest_final(m->digest, member.digest);
	if (m->set->ops->stored && m->set->ops->stored(m->set, m->name, &member, err))
		return img_wrap(err, "%s", m->name);
	if (member.codec && img_set_require(m->set, "pages-zstd", err))
		return img_wrap(err, "%s", m->name);
	return img_set_note(m->set, &member, err);
}

static void member_close(void *self)
{
	struct member_sink *m = self;

	img_sink_abort(m->store);
	img_digest_free(m->digest);
	free(m);
}

static const struct img_sink_ops member_sink_ops = {
	.write = member_write,
	.writev = member_writev,
	.fd = member_fd,
	.moved = member_moved,
	.block_digest = member_block_digest,
	.finish = member_finish,
	.close = member_close,
};

struct img_sink *img_member_sink(
	struct img_set *set, const char *name, struct img_sink *store, struct img_err *err)
{
	struct member_sink *m = calloc(1, sizeof(*m));
	struct img_sink *sink;

	if (!m) {
		img_fail_nomem(err);
		return NULL;
	}
	m->set = set;
	strncpy(m->name, name, sizeof(m->name) - 1);
	m->digest = img_digest_new(err);
	if (!m->digest) {
		free(m);
		return NULL;
	}
	sink = img_sink_new(&member_sink_ops, m, err);
	if (!sink) {
		img_digest_free(m->digest);
		free(m);
		return NULL;
	}
	m->store = store;
	return sink;
}
