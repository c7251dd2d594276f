/* streamer/image/shard-write.h -- markers and data dealt out to shards, each as fast as it takes them.
 *
 * Every shard has a pipe of ours in front of it, the stage. A marker and the bytes behind it are put there at once, without a
 * copy: so the file that they came from is free for the next shard, however slow this one is. A shard whose stage is
 * empty can be given more.
 */
#ifndef STREAMER_SHARD_WRITE_H
#define STREAMER_SHARD_WRITE_H

#include "streamer/image/image.h"

struct shard_out {
	int fd;
	int stage[2];
	size_t staged;	 /* bytes in the stage */
	int source;	 /* whose bytes belong into the stage next, but did not fit: -1: none */
	uint32_t missing; /* so many of them */
	uint64_t began;	 /* ms; 0: nothing yet */
	struct shard_stat stat;
};

struct shards_out {
	struct shard_out *items;
	size_t nr;
	size_t next; /* to look at first */
	uint64_t seq;
};

int shards_out_open(struct shards_out *w, const int *fds, size_t nr, struct img_err *err);
void shards_out_close(struct shards_out *w);
/* One that can be given something, or NULL. */
struct shard_out *shards_out_free(struct shards_out *w);
/* A marker with no data. The shard is free or has taken only markers since it was. */
int shard_out_marker(struct shards_out *w, struct shard_out *s, enum marker_what what, const char *name,
	struct img_err *err);
/* len bytes from pipe `source`, which has them. */
int shard_out_data(struct shards_out *w, struct shard_out *s, int source, uint32_t len, struct img_err *err);
/* Is some of its data still in `source`? */
bool shards_out_busy(const struct shards_out *w, int source);
/* What can be moved on without waiting. */
int shard_out_push(struct shard_out *s, struct img_err *err);
/* Nothing of it is left here. */
static inline bool shard_out_empty(const struct shard_out *s)
{
	return !s->staged && s->source < 0;
}

#endif
