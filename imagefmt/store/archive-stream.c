/* store/archive-stream.c -- an archive that comes as a stream, or that others packed: libarchive unpacks it.
 *
 * Members are read when someone asks for one that has not come yet; what comes before it is spooled.
 */

#include "store/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "criuimg/cleanup.h"

#define BUFFER_SIZE ((size_t)128 << 10)

struct img_archive_stream {
	struct img_source *src;
	struct archive *reader;
	struct img_err err; /* of src, on its way through libarchive */
	unsigned char buf[BUFFER_SIZE];
};

static la_ssize_t stream_read(struct archive *reader, void *self, const void **buf)
{
	struct img_archive_stream *s = self;
	ssize_t n = img_source_read(s->src, s->buf, sizeof(s->buf), &s->err);

	if (n < 0)
		archive_set_error(reader, EIO, "%s", s->err.text);
	*buf = s->buf;
	return n;
}

static int failed(struct img_archive_stream *s, struct img_err *err)
{
	if (s->err.code != IMG_OK) {
		if (err)
			*err = s->err;
		return img_wrap(err, "archive");
	}
	return img_fail(err, IMG_CORRUPT, "archive: %s", archive_error_string(s->reader));
}

/* Tar alone, and what packs it in this process: some filters of libarchive start programs. */
static int reader_setup(struct archive *reader)
{
	static int (*const supports[])(struct archive *) = {
		archive_read_support_format_tar,
		archive_read_support_filter_gzip,
		archive_read_support_filter_bzip2,
		archive_read_support_filter_xz,
		archive_read_support_filter_zstd,
		archive_read_support_filter_lz4,
	};

	for (size_t i = 0; i < sizeof(supports) / sizeof(*supports); i++)
		if (supports[i](reader) < ARCHIVE_WARN)
			return -1;
	return 0;
}

void img_archive_stream_free(struct img_archive_stream *s)
{
	if (!s)
		return;
	if (s->reader)
		archive_read_free(s->reader);
	img_source_close(s->src);
	free(s);
}

/* The content, holes and all. */
static int content_spool(struct img_archive_stream *s, struct img_spooled *to, struct img_err *err)
{
	static const unsigned char zeros[4096];
	const void *buf;
	size_t len;
	int64_t offset;
	int ret;

	while ((ret = archive_read_data_block(s->reader, &buf, &len, &offset)) == ARCHIVE_OK) {
		while ((uint64_t)offset > img_spooled_size(to)) {
			uint64_t gap = offset - img_spooled_size(to);

			if (img_spooled_write(to, zeros, gap < sizeof(zeros) ? gap : sizeof(zeros), err))
				return -1;
		}
		if (img_spooled_write(to, buf, len, err))
			return -1;
	}
	return ret == ARCHIVE_EOF ? img_spooled_end(to, err) : failed(s, err);
}

/* A hole at the end of a sparse file. */
static int content_check(struct archive_entry *entry, const struct img_spooled *got, struct img_err *err)
{
	if (archive_entry_size_is_set(entry) && (uint64_t)archive_entry_size(entry) != img_spooled_size(got))
		return img_fail(err, IMG_CORRUPT, "archive: %.200s: %llu bytes, its header says %lld",
			archive_entry_pathname(entry), (unsigned long long)img_spooled_size(got),
			(long long)archive_entry_size(entry));
	return 0;
}

static int member_read(struct img_archive *a, struct archive_entry *entry, struct img_err *err)
{
	struct img_archive_stream *s = a->stream;
	struct member m = { 0 };

	m.path = strdup(archive_entry_pathname(entry));
	if (!m.path)
		return img_fail_nomem(err);
	if (archive_entry_filetype(entry) == AE_IFLNK) {
		m.link = strdup(archive_entry_symlink(entry));
		if (m.link)
			return img_archive_add(a, &m, err);
		free(m.path);
		return img_fail_nomem(err);
	}
	m.spooled = img_spooled_new(a->spool, err);
	if (!m.spooled || content_spool(s, m.spooled, err) || content_check(entry, m.spooled, err)) {
		img_spooled_put(m.spooled);
		free(m.path);
		return -1;
	}
	return img_archive_add(a, &m, err);
}

int img_archive_stream_next(struct img_archive *a, struct img_err *err)
{
	struct archive_entry *entry;
	int ret;

	for (;;) {
		ret = archive_read_next_header(a->stream->reader, &entry);
		if (ret == ARCHIVE_EOF)
			return img_archive_complete(a, err) ? -1 : 0;
		if (ret < ARCHIVE_WARN)
			return failed(a->stream, err);
		if (!archive_entry_pathname(entry))
			return img_fail(err, IMG_CORRUPT, "archive: a member without a name");
		if ((archive_entry_filetype(entry) == AE_IFREG && !archive_entry_hardlink(entry)) ||
			(archive_entry_filetype(entry) == AE_IFLNK && archive_entry_symlink(entry)))
			return member_read(a, entry, err) ? -1 : 1;
	}
}

struct img_archive *img_archive_stream_open(struct img_source *src, struct img_err *err)
{
	struct img_archive *a = img_archive_new(err);
	struct img_archive_stream *s = calloc(1, sizeof(*s));

	if (s)
		s->reader = archive_read_new();
	if (!a || !s || !s->reader) {
		img_fail_nomem(err);
		goto out;
	}
	a->spool = img_spool_new(-1, err);
	if (!a->spool)
		goto out;
	s->src = src;
	if (reader_setup(s->reader) ||
		archive_read_open(s->reader, s, NULL, stream_read, NULL) != ARCHIVE_OK) {
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
