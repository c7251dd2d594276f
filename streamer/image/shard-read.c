/* streamer/image/shard-read.c -- shards put together again: markers in the order of their numbers.
 *
 * Of each shard the next marker is known, or it is waited for. The one whose number comes next is worked off, with its
 * data; meanwhile the others wait in their pipes. So nothing is kept here, and a shard that comes late holds up only
 * what is behind it.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "streamer/image/image.h"

struct shard {
	int fd;
	unsigned char head[MARKER_MAX]; /* of the next marker: `have` bytes so far */
	size_t have;
	bool known, ended;
	struct marker next;
	uint64_t since;
	struct shard_stat *stat;
};

struct merge {
	struct shard *shards;
	struct pollfd *polls;
	size_t nr;
	uint64_t seq;
	bool in_file;
	const struct shard_ops *ops;
	void *arg;
};

int shard_read_full(int fd, void *buf, size_t len, struct img_err *err)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = read(fd, (char *)buf + have, len - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { .fd = fd, .events = POLLIN };

			poll(&p, 1, -1);
			continue;
		}
		if (n < 0)
			return img_fail_sys(err, "shard: read");
		if (n == 0)
			return img_fail(err, IMG_CORRUPT, "shard: ends in the middle of a file");
		have += n;
	}
	return 0;
}

static int copy_some(int shard, int to, uint32_t *len, struct img_err *err)
{
	unsigned char buf[16384];
	size_t part = *len < sizeof(buf) ? *len : sizeof(buf), done = 0;

	if (shard_read_full(shard, buf, part, err) < 0)
		return -1;
	while (done < part) {
		ssize_t n = write(to, buf + done, part - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return img_fail_sys(err, "write");
		done += n;
	}
	*len -= part;
	return 0;
}

int ext_copy(int shard, int to, uint32_t len, struct img_err *err)
{
	bool can = true;

	while (len) {
		ssize_t n = can ? splice(shard, NULL, to, NULL, len, SPLICE_F_MOVE | SPLICE_F_MORE) : -1;

		if (n > 0)
			len -= n;
		else if (n == 0)
			return img_fail(err, IMG_CORRUPT, "shard: ends in the middle of a file");
		else if (can && errno == EINVAL)
			can = false; /* neither end is a pipe */
		else if (can && errno != EINTR && errno != EAGAIN)
			return img_fail_sys(err, "write");
		else if (!can && copy_some(shard, to, &len, err) < 0)
			return -1;
	}
	return 0;
}

/* Bytes of the head that are to come. */
static ssize_t head_wanted(const struct shard *s, struct img_err *err)
{
	uint32_t size;

	if (s->have < sizeof(size))
		return sizeof(size) - s->have;
	memcpy(&size, s->head, sizeof(size));
	if (size > MARKER_MAX - sizeof(size))
		return img_fail(err, IMG_CORRUPT, "a marker of %u bytes", size);
	return sizeof(size) + size - s->have;
}

/* Something can be read. */
static int read_head(struct shard *s, struct img_err *err)
{
	ssize_t want = head_wanted(s, err), n;

	if (want < 0)
		return -1;
	n = want ? read(s->fd, s->head + s->have, want) : 0;
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n < 0)
		return img_fail_sys(err, "read");
	if (want && n == 0) {
		s->ended = true;
		return s->have ? img_fail(err, IMG_CORRUPT, "ends in the middle of a marker") : 0;
	}
	if (!s->since)
		s->since = now_ms();
	s->have += n;
	s->stat->size += n;
	want = head_wanted(s, err);
	if (want || s->have < sizeof(uint32_t))
		return want < 0 ? -1 : 0;
	s->known = true;
	return marker_unpack(s->head + sizeof(uint32_t), s->have - sizeof(uint32_t), &s->next, err);
}

static int wait_for_heads(struct merge *g, struct img_err *err)
{
	size_t nr = 0;

	for (size_t i = 0; i < g->nr; i++) {
		const struct shard *s = &g->shards[i];
		bool wait = !s->known && !s->ended;

		g->polls[i] = (struct pollfd){ .fd = wait ? s->fd : -1, .events = POLLIN };
		nr += wait;
	}
	if (!nr)
		return img_fail(err, IMG_CORRUPT, "marker %llu is in no shard: one is missing, or was cut",
			(unsigned long long)g->seq);
	if (poll(g->polls, g->nr, -1) < 0 && errno != EINTR)
		return img_fail_sys(err, "poll");
	for (size_t i = 0; i < g->nr; i++)
		if (g->polls[i].revents && read_head(&g->shards[i], err) < 0)
			return img_wrap(err, "shard %zu", i);
	return 0;
}

static struct shard *with_next(struct merge *g)
{
	for (size_t i = 0; i < g->nr; i++)
		if (g->shards[i].known && g->shards[i].next.seq == g->seq)
			return &g->shards[i];
	return NULL;
}

/* 1 at the end of the set. */
static int work_off(struct merge *g, struct shard *s, struct img_err *err)
{
	const struct marker *m = &s->next;
	int ret = 0;

	if (!g->in_file && (m->what == MARKER_DATA || m->what == MARKER_FILE_END))
		return img_fail(err, IMG_CORRUPT, "marker %llu: of no file", (unsigned long long)m->seq);
	switch (m->what) {
	case MARKER_FILE:
		g->in_file = true;
		ret = g->ops->file(g->arg, m->name, err);
		break;
	case MARKER_DATA:
		s->stat->size += m->data;
		ret = m->data ? g->ops->data(g->arg, s->fd, m->data, err) : 0;
		break;
	case MARKER_FILE_END:
		g->in_file = false;
		ret = g->ops->end(g->arg, err);
		break;
	case MARKER_IMAGE_END:
		ret = 1;
		break;
	}
	s->stat->millis = now_ms() - s->since;
	s->known = false;
	s->have = 0;
	g->seq++;
	return ret;
}

/* Behind the last marker there is nothing, in any shard. Nobody waits to see it: what has come counts. */
static int ends(struct merge *g, struct img_err *err)
{
	for (size_t i = 0; i < g->nr; i++) {
		struct pollfd p = { .fd = g->shards[i].fd, .events = POLLIN };
		char byte;

		if (g->shards[i].known || (!g->shards[i].ended && poll(&p, 1, 0) > 0 && p.revents & POLLIN &&
						  read(p.fd, &byte, 1) > 0))
			return img_fail(err, IMG_CORRUPT, "shard %zu: goes on behind the end of the set", i);
	}
	return 0;
}

static int merge(struct merge *g, struct img_err *err)
{
	int ret = 0;

	while (!ret) {
		struct shard *s = with_next(g);

		ret = s ? work_off(g, s, err) : wait_for_heads(g, err);
	}
	return ret < 0 ? -1 : ends(g, err);
}

int shards_read(const int *fds, size_t nr, const struct shard_ops *ops, void *arg, struct shard_stat *stats,
	struct img_err *err)
{
	struct merge g = { .nr = nr, .ops = ops, .arg = arg };
	int ret;

	g.shards = calloc(nr, sizeof(*g.shards));
	g.polls = calloc(nr, sizeof(*g.polls));
	for (size_t i = 0; g.shards && i < nr; i++) {
		g.shards[i].fd = fds[i];
		g.shards[i].stat = &stats[i];
		stats[i] = (struct shard_stat){ 0 };
	}
	ret = g.shards && g.polls ? merge(&g, err) : img_fail_nomem(err);
	free(g.shards);
	free(g.polls);
	return ret;
}
