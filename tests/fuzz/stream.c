/* tests/fuzz/stream.c -- an archive that is used as it comes: whatever comes, it ends or fails, and what is confirmed adds up. */

#include <sys/mman.h>
#include <unistd.h>

#include "criuimg/digest.h"
#include "criuimg/stream.h"
#include "tests/fuzz/fuzz.h"

/* The page image that passes now, and its digest. */
static int pass(struct img_stream *s, uint32_t pages_id, uint64_t size, struct img_err *err)
{
	struct img_digest *d = img_digest_new(err);
	unsigned char buf[4096], digest[IMG_DIGEST_SIZE];
	uint64_t got = 0;
	ssize_t n;

	MUST(d);
	while ((n = img_stream_read(s, buf, sizeof(buf), err)) > 0) {
		got += n;
		MUST_WORK(img_digest_update(d, buf, n, err), err);
	}
	if (n == 0) {
		MUST(got == size && img_digest_final(d, digest));
		MUST_WORK(img_stream_digest(s, pages_id, digest, err), err);
	}
	img_digest_free(d);
	return n;
}

static int name_check(void *arg, const char *name, struct img_err *err)
{
	MUST(*name && !strchr(name, '/') && strcmp(name, "..") && strcmp(name, "."));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct img_err err = IMG_ERR_INIT;
	int fd = memfd_create("stream", MFD_CLOEXEC), ret = -1;
	struct img_stream *s;
	uint32_t pages_id;
	uint64_t len;

	MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size && !lseek(fd, 0, SEEK_SET));
	s = img_stream_open(fd, &err);
	if (s && img_stream_ordered(s)) {
		MUST_WORK(img_set_each(img_stream_set(s), name_check, NULL, &err), &err);
		while ((ret = img_stream_next(s, &pages_id, &len, &err)) == 1)
			if (pass(s, pages_id, len, &err) < 0) {
				ret = -1;
				break;
			}
		if (ret == 0)
			ret = img_stream_verify(s, &err) < 0 ? -1 : 0;
	} else if (s) {
		ret = 0;
	}
	if (ret < 0)
		failure_check(&err);
	img_stream_close(s);
	close(fd);
	return 0;
}
