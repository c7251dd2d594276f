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
	img_sink_abort(stored);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	content_check(data, size);
	if (size < MOST && size && data[0] % 16 == 0)
		round_trip(data, size);
	return 0;
}
