/* convert/dedup-drop.c -- takes ranges out of page data: by holes in a plain file, by zeros in one that is compressed. And sets the
 * manifest right. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "convert/dedup.h"
#include "criuimg/cleanup.h"
#include "criuimg/compress.h"
#include "criuimg/image.h"
#include "criuimg/manifest.h"
#include "criuimg/pages.h"
#include "manifest.pb-c.h"
#include "store/part.h"
#include "store/set.h"

#define BUFFER_SIZE ((size_t)1 << 20)
#define LEVEL	    3 /* what is compressed again: nothing says what it was */

static uint64_t stored(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : (uint64_t)st.st_blocks * 512;
}

/* ---- plain ---- */

static int punch(
	int fd, const struct img_ranges *ranges, struct img_dedup_result *result, struct img_err *err)
{
	uint64_t before = stored(fd), after;

	for (size_t i = 0; i < ranges->nr; i++) {
		const struct img_range *r = &ranges->list[i];

		if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, r->at, r->end - r->at))
			return errno == EOPNOTSUPP
				       ? img_fail(err, IMG_UNSUPPORTED, "the file system has no holes")
				       : img_fail_sys(err, "punch a hole");
		result->pages += (r->end - r->at) / IMG_PAGE;
	}
	after = stored(fd);
	result->bytes += before > after ? before - after : 0;
	return 0;
}

/* ---- compressed ---- */

/* Zeros over what of buf, which is at `at`, is in ranges. *next: the first range that may matter. */
static void blank(unsigned char *buf, size_t len, uint64_t at, const struct img_ranges *ranges, size_t *next)
{
	while (*next < ranges->nr && ranges->list[*next].end <= at)
		(*next)++;
	for (size_t i = *next; i < ranges->nr && ranges->list[i].at < at + len; i++) {
		uint64_t from = ranges->list[i].at > at ? ranges->list[i].at : at;
		uint64_t to = ranges->list[i].end < at + len ? ranges->list[i].end : at + len;

		memset(buf + (from - at), 0, to - from);
	}
}

static int recompress(
	struct img_source *src, struct img_sink *sink, const struct img_ranges *ranges, struct img_err *err)
{
	cleanup_free unsigned char *buf = malloc(BUFFER_SIZE);
	uint64_t at = 0;
	size_t next = 0;
	ssize_t n;

	if (!buf)
		return img_fail_nomem(err);
	while ((n = img_source_read(src, buf, BUFFER_SIZE, err)) > 0) {
		blank(buf, n, at, ranges, &next);
		if (img_sink_write(sink, buf, n, err))
			return -1;
		at += n;
	}
	return n;
}

/* A new file in place of the old one. */
static struct img_sink *new_file(int dirfd, const char *name, bool zstd, struct img_err *err)
{
	struct img_zstd_options opt = { .level = LEVEL };
	struct img_sink *file, *sink;
	int fd;

	if (unlinkat(dirfd, name, 0) && errno != ENOENT) {
		img_fail_sys(err, "%s", name);
		return NULL;
	}
	fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		img_fail_sys(err, "%s", name);
		return NULL;
	}
	file = img_sink_fd_new(fd, err);
	if (!file) {
		close(fd);
		return NULL;
	}
	if (!zstd)
		return file;
	sink = img_zstd_sink_new(file, &opt, err);
	if (!sink)
		img_sink_abort(file);
	return sink;
}

static int rewrite(struct img_set *set, const char *name, const char *file, const struct img_ranges *ranges,
	struct img_dedup_result *result, struct img_err *err)
{
	int dirfd = img_set_dirfd(set);
	char temporary[IMG_ZST_NAME + 8];
	struct img_source *src;
	struct img_sink *sink;
	struct stat before, after;
	int ret;

	if (img_set_source(set, name, &src, err) != 1)
		return -1;
	snprintf(temporary, sizeof(temporary), ".%s.new", file);
	sink = new_file(dirfd, temporary, true, err);
	ret = sink ? recompress(src, sink, ranges, err) : -1;
	img_source_close(src);
	if (sink && ret)
		img_sink_abort(sink);
	else if (sink)
		ret = img_sink_finish(sink, err);
	if (!ret && (fstatat(dirfd, file, &before, 0) || fstatat(dirfd, temporary, &after, 0) ||
			    renameat(dirfd, temporary, dirfd, file)))
		ret = img_fail_sys(err, "%s", file);
	if (ret) {
		unlinkat(dirfd, temporary, 0);
		return -1;
	}
	for (size_t i = 0; i < ranges->nr; i++)
		result->pages += (ranges->list[i].end - ranges->list[i].at) / IMG_PAGE;
	result->bytes += before.st_size > after.st_size ? before.st_size - after.st_size : 0;
	return 0;
}

int img_dedup_drop(struct img_set *set, uint32_t pages_id, const struct img_ranges *ranges,
	struct img_dedup_result *result, struct img_err *err)
{
	char name[IMG_NAME_MAX], file[IMG_ZST_NAME];
	cleanup_fd int fd = -1;
	int ret;

	img_kind_file_name(IMG_PAGES, pages_id, name);
	fd = openat(img_set_dirfd(set), name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) {
		ret = punch(fd, ranges, result, err);
		return ret ? img_wrap(err, "%s", name) : 0;
	}
	if (errno != ENOENT)
		return img_fail_sys(err, "%s", name);
	img_zst_name(name, file);
	return rewrite(set, name, file, ranges, result, err);
}

/* ---- the manifest ---- */

static int member_digest(struct img_set *set, ManifestMember *m, struct img_err *err)
{
	cleanup_free unsigned char *buf = malloc(BUFFER_SIZE);
	struct img_digest *digest = img_digest_new(err);
	struct img_source *src = NULL;
	ssize_t n = -1;

	if (!buf)
		img_fail_nomem(err);
	if (buf && digest && img_set_source(set, m->name, &src, err) == 1)
		while ((n = img_source_read(src, buf, BUFFER_SIZE, err)) > 0)
			if (img_digest_update(digest, buf, n, err)) {
				n = -1;
				break;
			}
	if (n == 0)
		img_digest_final(digest, m->digest.data);
	img_source_close(src);
	img_digest_free(digest);
	return n;
}

static int member_refresh(struct img_set *set, ManifestMember *m, struct img_err *err)
{
	char file[IMG_ZST_NAME];
	struct stat st;

	if (!img_zst_name(m->name, file))
		return 0;
	if (m->has_stored_size && !fstatat(img_set_dirfd(set), file, &st, 0))
		m->stored_size = st.st_size;
	/* What had no digest has none now: only its size is known. */
	return m->digest.len == IMG_DIGEST_SIZE && member_digest(set, m, err) ? img_wrap(err, "%s", m->name)
									      : 0;
}

static int file_replace(
	struct img_set *set, const char *name, const void *data, size_t size, struct img_err *err)
{
	int dirfd = img_set_dirfd(set);
	char temporary[64];
	struct img_sink *sink;
	int ret;

	snprintf(temporary, sizeof(temporary), ".%s.new", name);
	sink = new_file(dirfd, temporary, false, err);
	if (!sink)
		return -1;
	if (img_sink_write(sink, data, size, err)) {
		img_sink_abort(sink);
		ret = -1;
	} else {
		ret = img_sink_finish(sink, err);
	}
	if (!ret && renameat(dirfd, temporary, dirfd, name))
		ret = img_fail_sys(err, "%s: rename", name);
	if (ret)
		unlinkat(dirfd, temporary, 0);
	return ret;
}

/* The identity that the parent has now. */
static int parent_refresh(ManifestEntry *manifest, struct img_set *parent, struct img_err *err)
{
	ManifestEntry *theirs;
	int ret;

	if (!manifest->has_parent_id || !parent)
		return 0;
	ret = img_manifest_read(parent, &theirs, err);
	if (ret <= 0)
		return ret;
	if (theirs->set_id.len == manifest->parent_id.len)
		memcpy(manifest->parent_id.data, theirs->set_id.data, theirs->set_id.len);
	img_message_free(&theirs->base);
	return 0;
}

static int refresh(
	struct img_set *set, struct img_set *parent, bool pages, ManifestEntry *manifest, struct img_err *err)
{
	unsigned char old[IMG_DIGEST_SIZE] = { 0 };
	cleanup_free unsigned char *image = NULL;
	size_t size;

	if (manifest->set_id.len != IMG_DIGEST_SIZE)
		return img_fail(
			err, IMG_CORRUPT, "manifest.img: an identity of %zu bytes", manifest->set_id.len);
	memcpy(old, manifest->set_id.data, sizeof(old));
	for (size_t i = 0; pages && i < manifest->n_members; i++)
		if (member_refresh(set, manifest->members[i], err))
			return -1;
	if (parent_refresh(manifest, parent, err) || img_manifest_seal(manifest, &image, &size, err) ||
		file_replace(set, img_kind_info(IMG_MANIFEST)->file, image, size, err))
		return -1;
	return memcmp(old, manifest->set_id.data, sizeof(old)) != 0;
}

int img_dedup_manifest(struct img_set *set, struct img_set *parent, bool pages, struct img_err *err)
{
	ManifestEntry *manifest;
	int ret;

	ret = img_manifest_read(set, &manifest, err);
	if (ret <= 0)
		return ret;
	ret = img_set_dirfd(set) < 0
		      ? img_fail(err, IMG_UNSUPPORTED,
				"the set is an archive: the name of its parent in it is not right any more")
		      : refresh(set, parent, pages, manifest, err);
	img_message_free(&manifest->base);
	return ret;
}
