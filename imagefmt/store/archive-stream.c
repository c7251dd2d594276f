/* store/archive-stream.c -- an archive that comes as a stream, or that others packed: libarchive unpacks it.
 *
 * Members are read when someone asks for one that has not come yet; what comes before it is spooled.
 */

#include "store/archive.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "criuimg/cleanup.h"
#include "io/libarchive.h"

#define BUFFER_SIZE ((size_t)128 << 10)
/* Holes become zeros, and a kilobyte of archive can say that there are a million gigabytes of them. No page image has holes. */
#define HOLES_MAX ((uint64_t)1 << 30)

struct img_archive_stream {
	struct img_libarchive la;
	struct img_source *src;
	struct archive *reader;
	struct img_err err; /* of src, on its way through libarchive */
	bool tar;	    /* src is the tar archive itself: its end can be looked at */
	uint64_t total;	    /* bytes that came */
	uint64_t zeros;	    /* the last of them that are zero */
	uint64_t holes;	    /* bytes that did not come */
	unsigned char buf[BUFFER_SIZE];
};

static void passed(struct img_archive_stream *s, size_t n)
{
	size_t zeros = 0;

	while (zeros < n && !s->buf[n - 1 - zeros])
		zeros++;
	s->zeros = zeros == n ? s->zeros + n : zeros;
	s->total += n;
}

static la_ssize_t stream_read(struct archive *reader, void *self, const void **buf)
{
	struct img_archive_stream *s = self;
	ssize_t n = img_source_read(s->src, s->buf, sizeof(s->buf), &s->err);

	if (n < 0)
		s->la.archive_set_error(reader, EIO, "%s", s->err.text);
	else
		passed(s, n);
	*buf = s->buf;
	return n;
}

/* libarchive stops at the end of the archive or before; what is there belongs to it all the same. */
static int rest_check(struct img_archive_stream *s, struct img_err *err)
{
	ssize_t n;

	while ((n = img_source_read(s->src, s->buf, sizeof(s->buf), err)) > 0)
		passed(s, n);
	if (n < 0)
		return img_wrap(err, "archive");
	if (s->tar && (s->zeros < 2 * TAR_BLOCK || s->total % TAR_BLOCK))
		return img_fail(err, IMG_CORRUPT, "archive: ends in the middle of its end, at %llu", (unsigned long long)s->total);
	return 0;
}

static int failed(struct img_archive_stream *s, struct img_err *err)
{
	if (s->err.code != IMG_OK) {
		if (err)
			*err = s->err;
		return img_wrap(err, "archive");
	}
	return img_fail(err, IMG_CORRUPT, "archive: %s", s->la.archive_error_string(s->reader));
}

void img_archive_stream_free(struct img_archive_stream *s)
{
	if (!s)
		return;
	if (s->reader)
		s->la.archive_read_free(s->reader);
	img_libarchive_unload(&s->la);
	img_source_close(s->src);
	free(s);
}

static int hole_spool(struct img_archive_stream *s, struct img_spooled *to, uint64_t end, struct img_err *err)
{
	static const unsigned char zeros[4096];
	uint64_t at = img_spooled_size(to);

	if (end <= at)
		return 0;
	if (end - at > HOLES_MAX - s->holes)
		return img_fail(err, IMG_UNSUPPORTED, "archive: holes of more than %llu bytes", (unsigned long long)HOLES_MAX);
	s->holes += end - at;
	while ((at = img_spooled_size(to)) < end)
		if (img_spooled_write(to, zeros, end - at < sizeof(zeros) ? end - at : sizeof(zeros), err))
			return -1;
	return 0;
}

/* The content, holes and all. */
static int content_spool(
	struct img_archive_stream *s, struct archive_entry *entry, struct img_spooled *to, struct img_err *err)
{
	const struct img_libarchive *la = &s->la;
	const void *buf;
	size_t len;
	int64_t offset;
	int ret;

	while ((ret = la->archive_read_data_block(s->reader, &buf, &len, &offset)) == ARCHIVE_OK)
		if (hole_spool(s, to, offset, err) || img_spooled_write(to, buf, len, err))
			return -1;
	if (ret != ARCHIVE_EOF)
		return failed(s, err);
	/* Of a hole at the end nothing comes. */
	if (la->archive_entry_size_is_set(entry) && hole_spool(s, to, la->archive_entry_size(entry), err))
		return -1;
	if (la->archive_entry_size_is_set(entry) && (uint64_t)la->archive_entry_size(entry) != img_spooled_size(to))
		return img_fail(err, IMG_CORRUPT, "archive: %.200s: %llu bytes, its header says %lld",
			la->archive_entry_pathname(entry), (unsigned long long)img_spooled_size(to),
			(long long)la->archive_entry_size(entry));
	return img_spooled_end(to, err);
}

static int member_read(struct img_archive *a, struct archive_entry *entry, struct img_err *err)
{
	struct img_archive_stream *s = a->stream;
	struct member m = { 0 };

	m.path = strdup(s->la.archive_entry_pathname(entry));
	if (!m.path)
		return img_fail_nomem(err);
	if (s->la.archive_entry_filetype(entry) == AE_IFLNK) {
		m.link = strdup(s->la.archive_entry_symlink(entry));
		if (m.link)
			return img_archive_add(a, &m, err);
		free(m.path);
		return img_fail_nomem(err);
	}
	m.spooled = img_spooled_new(a->spool, err);
	if (!m.spooled || content_spool(s, entry, m.spooled, err)) {
		img_spooled_put(m.spooled);
		free(m.path);
		return -1;
	}
	return img_archive_add(a, &m, err);
}

int img_archive_stream_next(struct img_archive *a, struct img_err *err)
{
	const struct img_libarchive *la = &a->stream->la;
	struct archive_entry *entry;
	int ret;

	for (;;) {
		ret = la->archive_read_next_header(a->stream->reader, &entry);
		if (ret == ARCHIVE_EOF)
			return rest_check(a->stream, err) || img_archive_complete(a, err) ? -1 : 0;
		if (ret < ARCHIVE_WARN)
			return failed(a->stream, err);
		if (!la->archive_entry_pathname(entry))
			return img_fail(err, IMG_CORRUPT, "archive: a member without a name");
		if ((la->archive_entry_filetype(entry) == AE_IFREG && !la->archive_entry_hardlink(entry)) ||
			(la->archive_entry_filetype(entry) == AE_IFLNK && la->archive_entry_symlink(entry)))
			return member_read(a, entry, err) ? -1 : 1;
	}
}

struct img_archive *img_archive_stream_open(struct img_source *src, bool tar, struct img_err *err)
{
	struct img_archive *a = img_archive_new(err);
	struct img_archive_stream *s = calloc(1, sizeof(*s));

	if (!a || !s) {
		img_fail_nomem(err);
		goto out;
	}
	if (img_libarchive_load(&s->la, err))
		goto out;
	s->reader = img_libarchive_reader(&s->la);
	if (!s->reader) {
		img_fail_nomem(err);
		goto out;
	}
	a->spool = img_spool_new(-1, err);
	if (!a->spool)
		goto out;
	s->src = src;
	s->tar = tar;
	if (s->la.archive_read_open(s->reader, s, NULL, stream_read, NULL) != ARCHIVE_OK) {
		failed(s, err);
		s->src = NULL;
		goto out;
	}
	a->stream = s;
	return a;
out:
	img_archive_stream_free(s);
	if (a)
		img_set_close(&a->set);
	return NULL;
}
