/* tests/fuzz/fuzz.h -- what the harnesses share. A property that does not hold ends the program: that is what a fuzzer sees. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "criuimg/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(what)                                                                               \
	do {                                                                                     \
		if (!(what)) {                                                                   \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #what); \
			abort();                                                                 \
		}                                                                                \
	} while (0)

/* A call that must not fail here. */
#define MUST_WORK(call, err)                                                                                       \
	do {                                                                                                       \
		if ((call) < 0) {                                                                                  \
			fprintf(stderr, "%s:%d: %s: fails: %s\n", __FILE__, __LINE__, #call, (err)->text);         \
			abort();                                                                                   \
		}                                                                                                  \
	} while (0)

/* A failure has a code from the list that files can cause, and a text. */
static inline void failure_check(const struct img_err *err)
{
	if (err->code == IMG_CORRUPT || err->code == IMG_UNSUPPORTED)
		MUST(*err->text);
	else
		fprintf(stderr, "code %d: %s\n", err->code, err->text);
	MUST(err->code == IMG_CORRUPT || err->code == IMG_UNSUPPORTED);
}

static inline struct img_source *source_of(const void *data, size_t size)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_source *src = img_source_memory_new(data, size, &err);

	MUST(src);
	return src;
}

static inline struct img_sink *new_sink(void)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_sink *sink = img_sink_memory_new(&err);

	MUST(sink);
	return sink;
}

static inline int into_write(void *target, const void *buf, size_t len, struct img_err *err)
{
	return img_sink_write((struct img_sink *)target, buf, len, err);
}

static inline void into_close(void *target)
{
}

/* A sink whose bytes go to target, which stays when it is finished. */
static inline struct img_sink *into(struct img_sink *target)
{
	static const struct img_sink_ops ops = { .write = into_write, .close = into_close };
	struct img_err err = IMG_ERR_INIT;
	struct img_sink *sink = img_sink_new(&ops, target, &err);

	MUST(sink);
	return sink;
}

static inline void same_bytes(struct img_sink *a, struct img_sink *b)
{
	size_t a_size, b_size;
	const void *a_data = img_sink_memory(a, &a_size), *b_data = img_sink_memory(b, &b_size);

	MUST(a_size == b_size);
	MUST(!a_size || !memcmp(a_data, b_data, a_size));
}

#endif
