/* tests/fuzz/zstd.c -- zstd bytes of whoever: by position and from front to end they are the same. And what the library compresses comes
 * back. */

#include "criuimg/compress.h"
#include "tests/fuzz/fuzz.h"

#define MOST ((size_t)1 << 20) /* of content: a few bytes can be gigabytes of zeros */

static size_t read_front_to_end(struct img_source *src, unsigned char *buf, struct img_err *err)
{
	size_t have = 0;
	ssize_t n;

	while (have < MOST && (n = img_source_read(src, buf + have, MOST - have < 777 ? MOST - have : 777, err)) > 0)
		have += n;
	return have;
}

static void content_check(const uint8_t *data, size_t size)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_source *from = source_of(data, size), *src = img_zstd_source_new(from, &err);
	unsigned char *buf, some[64];
	size_t have;

	if (!src) {
		failure_check(&err);
		img_source_close(from);
		return;
	}
	buf = malloc(MOST);
	MUST(buf);
	have = read_front_to_end(src, buf, &err);
	if (err.code != IMG_OK)
		failure_check(&err);
	else if (img_source_size(src) >= 0 && have < MOST)
		MUST((uint64_t)img_source_size(src) == have);
	for (size_t at = 0; img_source_can_pread(src) && at < have; at += 1 + at / 3) {
		struct img_err failure = IMG_ERR_INIT;
		ssize_t n = img_source_pread(src, some, sizeof(some), at, &failure);

		if (n < 0)
			failure_check(&failure);
		for (ssize_t i = 0; i < n && at + i < have; i++)
			MUST(some[i] == buf[at + i]);
	}
	free(buf);
	img_source_close(src);
}

/* The same bytes as they come through a pipe. */
static ssize_t piped_read(void *self, void *buf, size_t len, struct img_err *err)
{
	return img_source_read(self, buf, len < 1000 ? len : 1000, err);
}

static void piped_close(void *self)
{
	img_source_close(self);
}

static const struct img_source_ops piped_ops = { .read = piped_read, .close = piped_close };

/* How many bytes it has, -1 when it is damaged; *buf_out is freed by the caller. */
static ssize_t piped(const uint8_t *data, size_t size, unsigned char **buf_out)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_source *from = img_source_new(&piped_ops, source_of(data, size), &err), *src;
	size_t have;

	MUST(from);
	src = img_zstd_source_new(from, &err);
	MUST(src);
	*buf_out = malloc(MOST);
	MUST(*buf_out);
	have = read_front_to_end(src, *buf_out, &err);
	img_source_close(src);
	if (err.code == IMG_OK)
		return have;
	failure_check(&err);
	return -1;
}

/* Where both ways of reading find nothing wrong they give the same. */
static void both_ways(const uint8_t *data, size_t size)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_source *from = source_of(data, size), *src = img_zstd_source_new(from, &err);
	unsigned char *one = malloc(MOST), *other;
	ssize_t have = -1, piped_have = piped(data, size, &other);

	MUST(one);
	if (src)
		have = read_front_to_end(src, one, &err);
	if (src && err.code == IMG_OK && piped_have >= 0)
		MUST(have == piped_have && !memcmp(one, other, have));
	free(one);
	free(other);
	img_source_close(src ? src : from);
}

static void round_trip(const uint8_t *data, size_t size)
{
	struct img_zstd_options opt = { .level = 1, .threads = 1 };
	struct img_err err = IMG_ERR_INIT;
	struct img_sink *stored = new_sink(), *sink = img_zstd_sink_new(into(stored), &opt, &err);
	unsigned char *buf = malloc(MOST);
	struct img_source *src;
	const void *bytes;
	size_t nr;

	MUST(sink && buf);
	MUST_WORK(img_sink_write(sink, data, size, &err), &err);
	MUST_WORK(img_sink_finish(sink, &err), &err);
	bytes = img_sink_memory(stored, &nr);
	src = img_zstd_source_new(source_of(bytes, nr), &err);
	MUST(src);
	MUST(img_source_size(src) == (int64_t)size);
	MUST(read_front_to_end(src, buf, &err) == size);
	MUST(!memcmp(buf, data, size));
	free(buf);
	img_source_close(src);
	MUST(piped(bytes, nr, &buf) == (ssize_t)size && !memcmp(buf, data, size));
	free(buf);
	img_sink_abort(stored);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	content_check(data, size);
	both_ways(data, size);
	if (size < MOST && size && data[0] % 16 == 0)
		round_trip(data, size);
	return 0;
}
