/* streamer/image/shard-write.c -- markers and data dealt out to shards. */

#include "streamer/image/shard-write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "criuimg/cleanup.h"

enum { STAGE_SIZE = 1 << 20 };

int shards_out_open(struct shards_out *w, const int *fds, size_t nr, struct img_err *err)
{
	*w = (struct shards_out){ .items = calloc(nr, sizeof(*w->items)) };
	if (!w->items)
		return img_fail_nomem(err);
	for (; w->nr < nr; w->nr++) {
		struct shard_out *s = &w->items[w->nr];

		s->fd = fds[w->nr];
		s->source = -1;
		if (fcntl(s->fd, F_GETFL) < 0)
			return img_fail_sys(err, "shard %zu: descriptor %d", w->nr, s->fd);
		if (pipe2(s->stage, O_CLOEXEC | O_NONBLOCK) < 0)
			return img_fail_sys(err, "pipe");
		/* Both are as they are where the limit for pipes is reached. */
		fcntl(s->stage[1], F_SETPIPE_SZ, STAGE_SIZE);
		fcntl(s->fd, F_SETPIPE_SZ, STAGE_SIZE);
	}
	return 0;
}

void shards_out_close(struct shards_out *w)
{
	for (size_t i = 0; i < w->nr; i++) {
		close(w->items[i].stage[0]);
		close(w->items[i].stage[1]);
	}
	free(w->items);
	w->items = NULL;
	w->nr = 0;
}

struct shard_out *shards_out_free(struct shards_out *w)
{
	for (size_t i = 0; i < w->nr; i++) {
		struct shard_out *s = &w->items[(w->next + i) % w->nr];

		if (!shard_out_empty(s))
			continue;
		w->next = (s - w->items + 1) % w->nr;
		return s;
	}
	return NULL;
}

static int put(struct shards_out *w, struct shard_out *s, struct marker *m, struct img_err *err)
{
	unsigned char buf[MARKER_MAX];
	size_t len;

	m->seq = w->seq++;
	len = marker_pack(m, buf);
	if (!s->began)
		s->began = now_ms();
	/* An empty pipe has room for a few markers, whatever its size. */
	if (write(s->stage[1], buf, len) != (ssize_t)len)
		return img_fail_sys(err, "pipe of a shard");
	s->staged += len;
	return 0;
}

int shard_out_marker(struct shards_out *w, struct shard_out *s, enum marker_what what, const char *name,
	struct img_err *err)
{
	struct marker m = { .what = what };

	if (name)
		strcpy(m.name, name);
	return put(w, s, &m, err);
}

/* From the source into the stage, as much as fits. */
static int fill_stage(struct shard_out *s, struct img_err *err)
{
	while (s->missing) {
		ssize_t n = splice(s->source, NULL, s->stage[1], NULL, s->missing, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN && s->staged)
			return 0; /* the stage is full */
		if (n < 0)
			return img_fail_sys(err, "moving data");
		if (n == 0)
			return img_fail(err, IMG_CORRUPT, "a file has fewer bytes than it had a moment ago");
		s->staged += n;
		s->missing -= n;
	}
	s->source = -1;
	return 0;
}

int shard_out_data(struct shards_out *w, struct shard_out *s, int source, uint32_t len, struct img_err *err)
{
	struct marker m = { .what = MARKER_DATA, .data = len };

	if (put(w, s, &m, err) < 0)
		return -1;
	s->source = source;
	s->missing = len;
	return fill_stage(s, err);
}

bool shards_out_busy(const struct shards_out *w, int source)
{
	for (size_t i = 0; i < w->nr; i++)
		if (w->items[i].source == source)
			return true;
	return false;
}

static int push_failed(struct img_err *err)
{
	return errno == EPIPE ? img_fail_sys(err, "shard: its reader went away") : img_fail_sys(err, "shard: write");
}

int shard_out_push(struct shard_out *s, struct img_err *err)
{
	while (s->staged) {
		ssize_t n = splice(
			s->stage[0], NULL, s->fd, NULL, s->staged, SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0)
			return push_failed(err);
		s->staged -= n;
		s->stat.size += n;
		s->stat.millis = now_ms() - s->began;
		if (s->source >= 0 && fill_stage(s, err) < 0)
			return -1;
	}
	return 0;
}
