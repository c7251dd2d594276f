/* tests/fuzz/shards.c -- the shards of an image streamer. The first byte: in how many the rest is, and how it is dealt out. What comes
 * out as a whole set has files with names, ends, and as many bytes as their markers said. */

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "streamer/image/image.h"
#include "tests/fuzz/fuzz.h"

enum { SHARDS_MAX = 3 };

struct seen {
	struct keep *keep;
	struct kept_file *now;
	uint64_t bytes;
};

static int on_file(void *arg, const char *name, struct img_err *err)
{
	struct seen *s = arg;

	MUST(image_name_ok(name));
	s->now = keep_file(s->keep, name);
	MUST(s->now);
	return 0;
}

static int on_data(void *arg, int fd, uint32_t len, struct img_err *err)
{
	struct seen *s = arg;

	MUST(s->now && len);
	if (kept_append(s->now, fd, len, err) < 0)
		return -1;
	s->bytes += len;
	return 0;
}

static int on_end(void *arg, struct img_err *err)
{
	struct seen *s = arg;

	MUST(s->now);
	kept_end(s->now);
	s->now = NULL;
	return 0;
}

static int add_up(void *arg, const char *name, struct kept_file *f, struct img_err *err)
{
	unsigned char *data;
	uint64_t *all = arg;
	size_t size;

	MUST_WORK(kept_bytes(f, &data, &size, err), err);
	free(data);
	*all += size;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct shard_ops ops = { on_file, on_data, on_end };
	size_t nr = size ? 1 + data[0] % SHARDS_MAX : 1, part, at = size ? 1 : 0;
	struct img_err err = IMG_ERR_INIT;
	struct shard_stat stats[SHARDS_MAX];
	struct seen seen = { .keep = keep_new(&err) };
	int fds[SHARDS_MAX], ret;
	uint64_t all = 0;

	MUST(seen.keep);
	part = (size - at + nr - 1) / nr;
	for (size_t i = 0; i < nr; i++) {
		size_t len = size - at < part ? size - at : part;

		fds[i] = memfd_create("shard", MFD_CLOEXEC);
		MUST(fds[i] >= 0 && write(fds[i], data + at, len) == (ssize_t)len && !lseek(fds[i], 0, SEEK_SET));
		at += len;
	}
	ret = shards_read(fds, nr, &ops, &seen, stats, &err);
	MUST(ret == 0 || *err.text);
	MUST_WORK(keep_each(seen.keep, add_up, &all, &err), &err);
	if (ret == 0)
		MUST(all == seen.bytes);
	for (size_t i = 0; i < nr; i++)
		close(fds[i]);
	keep_free(seen.keep);
	return 0;
}
