/* store/stream-end.c -- the end of an archive that passed: held against its manifest, or kept in a file after all. */

#include "store/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "criuimg/compress.h"
#include "criuimg/image.h"
#include "criuimg/manifest.h"
#include "io/fd-write.h"
#include "manifest.pb-c.h"

#define MANIFEST  "manifest.img"
#define COPY_SIZE ((size_t)256 << 10)

/* ---- the manifest ---- */

/* What came under the name: its size, and its digest where that was worked out (else NULL). False: nothing. */
static bool came(const struct img_stream *s, const char *name, uint64_t *size, const unsigned char **digest)
{
	uint64_t id;

	if (img_kind_by_file(name, &id) == IMG_PAGES) {
		for (size_t i = 0; i < s->nr_passed; i++)
			if (s->passed[i].pages_id == id) {
				*size = s->passed[i].size;
				*digest = s->passed[i].digested ? s->passed[i].digest : NULL;
				return true;
			}
	} else {
		const struct img_member *m = img_set_member(s->set, name);

		if (m) {
			*size = m->size;
			*digest = m->digested ? m->digest : NULL;
			return true;
		}
	}
	return false;
}

static int member_check(const struct img_stream *s, const ManifestMember *m, struct img_err *err)
{
	const unsigned char *digest;
	uint64_t size;

	/* What nobody asked a streamer for did not come. */
	if (!came(s, m->name, &size, &digest) && s->served)
		return 0;
	if (!came(s, m->name, &size, &digest))
		return img_fail(err, IMG_CORRUPT, "%.200s: is missing: the manifest lists it", m->name);
	if (size != m->size)
		return img_fail(err, IMG_CORRUPT, "%.200s: has %llu bytes, the manifest says %llu", m->name,
			(unsigned long long)size, (unsigned long long)m->size);
	if (digest && m->digest.len == IMG_DIGEST_SIZE && memcmp(digest, m->digest.data, IMG_DIGEST_SIZE))
		return img_fail(err, IMG_CORRUPT,
			"%.200s: its content is not what was written: the digest differs", m->name);
	return 0;
}

static int member_cmp(const void *name, const void *member)
{
	return strcmp(name, (*(ManifestMember *const *)member)->name);
}

static int listed(const ManifestEntry *manifest, const char *name, struct img_err *err)
{
	enum img_kind kind = img_kind_by_file(name, NULL);

	if (kind == IMG_KIND_UNKNOWN || kind == IMG_MANIFEST || img_kind_info(kind)->framing == IMG_FRAMING_SERVICE ||
		(manifest->n_members && bsearch(name, manifest->members, manifest->n_members,
						sizeof(*manifest->members), member_cmp)))
		return 0;
	return img_fail(err, IMG_CORRUPT, "%.200s: the manifest does not list it", name);
}

static int check(const struct img_stream *s, const ManifestEntry *manifest, struct img_err *err)
{
	char name[IMG_NAME_MAX];

	for (size_t i = 0; i < manifest->n_members; i++)
		if (member_check(s, manifest->members[i], err))
			return -1;
	for (size_t i = 0; i < s->set->nr_members; i++)
		if (listed(manifest, s->set->members[i].name, err))
			return -1;
	for (size_t i = 0; i < s->nr_passed; i++)
		if (listed(manifest, img_kind_file_name(IMG_PAGES, s->passed[i].pages_id, name), err))
			return -1;
	return 0;
}

int img_stream_verify(struct img_stream *s, struct img_err *err)
{
	ManifestEntry *manifest;
	int ret;

	if (!s->ended)
		return img_fail(err, IMG_USAGE, "archive: has not come to its end");
	ret = img_manifest_read(s->set, &manifest, err);
	if (ret <= 0)
		return ret;
	ret = check(s, manifest, err);
	img_message_free(&manifest->base);
	return ret ? -1 : 1;
}

/* ---- into a file after all ---- */

static int temporary(struct img_err *err)
{
	const char *dir = secure_getenv("TMPDIR");
	cleanup_free char *path = NULL;
	int fd;

	if (!dir || !*dir)
		dir = "/var/tmp";
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 && asprintf(&path, "%s/criuimg.XXXXXX", dir) > 0) {
		fd = mkostemp(path, O_CLOEXEC);
		if (fd >= 0)
			unlink(path);
	}
	return fd < 0 ? img_fail_sys(err, "%s: temporary file", dir) : fd;
}

/* As it is: of whatever sort and order. */
static int spool_bytes(struct img_stream *s, int fd, unsigned char *buf, struct img_err *err)
{
	ssize_t n;

	while ((n = img_stream_bytes(s, buf, COPY_SIZE, err)) > 0)
		if (img_fd_write(fd, buf, n, err))
			return img_wrap(err, "temporary file");
	return n;
}

struct copy {
	struct img_stream *s;
	struct img_set *to;
	unsigned char *buf;
};

static int copy_small(void *arg, const char *name, struct img_err *err)
{
	struct copy *c = arg;
	struct img_source *src;
	struct img_sink *sink;
	ssize_t n = -1;

	if (img_set_source(c->s->set, name, &src, err) < 1)
		return -1;
	sink = c->to->ops->sink(c->to, name, err);
	while (sink && (n = img_source_read(src, c->buf, COPY_SIZE, err)) > 0)
		if (img_sink_write(sink, c->buf, n, err)) {
			n = -1;
			break;
		}
	img_source_close(src);
	if (sink && n == 0)
		return img_sink_finish(sink, err);
	img_sink_abort(sink);
	return -1;
}

static int copy_pages(struct copy *c, uint32_t pages_id, uint64_t size, struct img_err *err)
{
	unsigned char digest[IMG_DIGEST_SIZE];
	struct img_digest *d = img_digest_new(err);
	struct img_sink *sink = NULL;
	char name[IMG_NAME_MAX];
	ssize_t n = -1;

	img_kind_file_name(IMG_PAGES, pages_id, name);
	if (d)
		sink = c->to->ops->sink_sized(c->to, name, size, err);
	while (sink && (n = img_stream_read(c->s, c->buf, COPY_SIZE, err)) > 0)
		if (img_digest_update(d, c->buf, n, err) || img_sink_write(sink, c->buf, n, err)) {
			n = -1;
			break;
		}
	if (sink && n == 0) {
		img_digest_final(d, digest);
		n = img_stream_digest(c->s, pages_id, digest, err);
		if (!n)
			n = img_sink_finish(steal_ptr(&sink), err);
	}
	img_digest_free(d);
	img_sink_abort(sink);
	return n;
}

static int spool_members(struct copy *c, struct img_err *err)
{
	uint32_t pages_id;
	uint64_t size;
	int ret;

	/* The manifest is not there yet: it goes to the end, with the figures. */
	if (img_set_each(c->s->set, copy_small, c, err))
		return -1;
	while ((ret = img_stream_next(c->s, &pages_id, &size, err)) == 1)
		if (copy_pages(c, pages_id, size, err))
			return -1;
	if (ret)
		return -1;
	ret = img_stream_verify(c->s, err);
	if (ret == 1)
		ret = copy_small(c, MANIFEST, err);
	return ret ? -1 : img_set_finish(c->to, err);
}

static int spool_ordered(struct img_stream *s, int fd, unsigned char *buf, struct img_err *err)
{
	cleanup_fd int own = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	struct copy c = { .s = s, .buf = buf };
	struct img_sink *sink;
	int ret;

	if (own < 0)
		return img_fail_sys(err, "temporary file");
	sink = img_sink_fd_new(own, err);
	if (!sink)
		return -1;
	steal_fd(&own);
	c.to = img_set_create_archive_to(sink, NULL, err);
	if (!c.to) {
		img_sink_abort(sink);
		return -1;
	}
	ret = spool_members(&c, err);
	img_set_close(c.to);
	return ret;
}

static int finding(void *arg, const char *name, const struct img_err *found)
{
	struct img_err *err = arg;

	*err = *found;
	img_wrap(err, "%s", name);
	return 1;
}

/* What came in another order was not looked at on its way. */
static int verify_file(int fd, struct img_err *err)
{
	struct img_set *set = img_set_open_archive(fd, err);
	int ret;

	if (!set)
		return -1;
	ret = img_set_has(set, MANIFEST, err);
	if (ret == 1)
		ret = img_set_verify(set, finding, err, err);
	img_set_close(set);
	return ret ? -1 : 0;
}

int img_stream_spool(struct img_stream *s, struct img_err *err)
{
	cleanup_free unsigned char *buf = malloc(COPY_SIZE);
	cleanup_fd int fd = temporary(err);
	int ret;

	if (fd < 0)
		return -1;
	if (!buf)
		return img_fail_nomem(err);
	ret = s->ordered ? spool_ordered(s, fd, buf, err) : spool_bytes(s, fd, buf, err);
	if (ret || lseek(fd, 0, SEEK_SET) < 0)
		return ret ? -1 : img_fail_sys(err, "temporary file");
	if (!s->ordered && verify_file(fd, err))
		return -1;
	return steal_fd(&fd);
}
