/* store/stream.c -- an archive that is used as it comes: small images into memory, page images passed on. */

#include "store/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/compress.h"
#include "compress/zstd-stream.h"
#include "io/fd-write.h"
#include "store/part.h"
#include "store/peek.h"

#define FIRST	  "inventory.img" /* of an archive in the order of use */
#define MANIFEST  "manifest.img"
#define PARENT	  "parent"
#define COPY_SIZE ((size_t)256 << 10)
#define STEP	  ((size_t)64 << 10)
#define SEEN_MAX  ((uint64_t)4 << 30)

/* ---- bytes as they come: no more is read than is asked for, so that the rest can be moved ---- */

static int wait_for(int fd, short events, struct img_err *err)
{
	struct pollfd p = { .fd = fd, .events = events };

	if (poll(&p, 1, -1) < 0 && errno != EINTR)
		return img_fail_sys(err, "poll");
	return 0;
}

static ssize_t raw_read(void *self, void *buf, size_t len, struct img_err *err)
{
	struct img_stream *s = self;
	ssize_t n;

	while ((n = read(s->fd, buf, len)) < 0) {
		if (errno == EAGAIN && wait_for(s->fd, POLLIN, err) < 0)
			return -1;
		if (errno != EAGAIN && errno != EINTR)
			return img_fail_sys(err, "read");
	}
	return n;
}

static void raw_close(void *self)
{
}

static const struct img_source_ops raw_ops = {
	.read = raw_read,
	.close = raw_close,
};

/* ---- the window ---- */

/* Room for `more` bytes behind what was seen. */
static int room_make(struct img_stream *s, size_t more, struct img_err *err)
{
	size_t size = s->room_size + s->room_size / 2 + more;
	unsigned char *room;

	if (more <= s->room_size - s->seen - s->nr_seen)
		return 0;
	/* What was dropped in front is room, too, when it is much. */
	if (s->seen > s->room_size / 2 && more <= s->room_size - s->nr_seen) {
		memmove(s->room, s->room + s->seen, s->nr_seen);
		s->seen = 0;
		return 0;
	}
	room = realloc(s->room, size);
	if (!room)
		return img_fail_nomem(err);
	s->room = room;
	s->room_size = size;
	return 0;
}

/* Have seen everything up to `end` (a position in the archive), or up to its own end. */
static int see(struct img_stream *s, uint64_t end, struct img_err *err)
{
	if (end > s->seen_at && end - s->seen_at > SEEN_MAX)
		return img_fail(err, IMG_UNSUPPORTED, "archive: at %llu: more than %llu bytes of what is no page image",
			(unsigned long long)s->seen_at, (unsigned long long)SEEN_MAX);
	while (s->seen_at + s->nr_seen < end) {
		uint64_t more = end - s->seen_at - s->nr_seen;
		ssize_t n;

		if (more > STEP)
			more = STEP;
		if (room_make(s, more, err))
			return -1;
		n = img_source_read(s->tar, s->room + s->seen + s->nr_seen, more, err);
		if (n < 0)
			return -1;
		if (n == 0)
			return 0;
		s->nr_seen += n;
	}
	return 0;
}

static void drop(struct img_stream *s, size_t len)
{
	s->seen_at += len;
	s->nr_seen -= len;
	s->seen = s->nr_seen ? s->seen + len : 0;
}

static ssize_t window_pread(void *self, void *buf, size_t len, uint64_t offset, struct img_err *err)
{
	struct img_stream *s = self;
	uint64_t in = offset - s->seen_at;

	if (offset < s->seen_at || len > UINT64_MAX - offset)
		return img_fail(err, IMG_USAGE, "archive: has passed");
	if (see(s, offset + len, err))
		return -1;
	if (in >= s->nr_seen)
		return 0;
	if (len > s->nr_seen - in)
		len = s->nr_seen - in;
	memcpy(buf, s->room + s->seen + in, len);
	return len;
}

static const struct img_source_ops window_ops = {
	.pread = window_pread,
	.close = raw_close,
};

ssize_t img_stream_bytes(struct img_stream *s, void *buf, size_t len, struct img_err *err)
{
	ssize_t n;

	if (s->nr_seen) {
		if (len > s->nr_seen)
			len = s->nr_seen;
		memcpy(buf, s->room + s->seen, len);
		drop(s, len);
		return len;
	}
	n = img_source_read(s->tar, buf, len, err);
	if (n > 0)
		s->seen_at += n;
	return n;
}

/* Nothing before `at` is needed any more. */
static int go_to(struct img_stream *s, uint64_t at, struct img_err *err)
{
	if (see(s, at, err))
		return -1;
	if (at - s->seen_at > s->nr_seen)
		return img_fail(err, IMG_CORRUPT, "archive: ends in the middle, at %llu",
			(unsigned long long)(s->seen_at + s->nr_seen));
	drop(s, at - s->seen_at);
	return 0;
}

/* ---- members ---- */

static bool all_zero(const unsigned char *p, size_t len)
{
	while (len && !*p) {
		p++;
		len--;
	}
	return !len;
}

/* Is the end of an archive at `at`, and the first header of another one behind it? */
static int look_for_more(struct img_stream *s, uint64_t at, struct img_err *err)
{
	unsigned char blocks[3 * TAR_BLOCK];
	ssize_t n = window_pread(s, blocks, TAR_BLOCK, at, err);

	if (n != TAR_BLOCK || !all_zero(blocks, TAR_BLOCK))
		return n < 0 ? -1 : 0;
	n = window_pread(s, blocks, sizeof(blocks), at, err);
	if (n < 0)
		return -1;
	s->more = n == sizeof(blocks) && all_zero(blocks, 2 * TAR_BLOCK) && img_tar_is_header(blocks + 2 * TAR_BLOCK);
	s->next_at = at + 2 * TAR_BLOCK;
	s->ended = s->more;
	return s->more;
}

/* The next header: 1, 0 at the end, -1. */
static int header(struct img_stream *s, struct img_err *err)
{
	uint64_t at = s->entry.path ? s->entry.next : s->next_at;
	int ret;

	img_tar_entry_free(&s->entry);
	ret = go_to(s, at, err) ? -1 : look_for_more(s, at, err);
	if (ret)
		return ret < 0 ? -1 : 0;
	ret = img_tar_read(s->window, at, &s->entry, err);
	if (ret == 2)
		return img_fail(err, IMG_UNSUPPORTED, "archive: has what can be read from a file only");
	if (ret == 0)
		s->ended = true;
	return ret;
}

static bool is_page_image(const char *path)
{
	cleanup_free char *name = strdup(path);

	if (name)
		img_zst_strip(name);
	return name && img_is_page_image(name);
}

/* A small image, or a file that is no image, into memory. */
static int small_take(struct img_stream *s, struct img_err *err)
{
	uint64_t left = s->entry.size;
	struct img_sink *sink;

	if (strchr(s->entry.path, '/'))
		return img_fail(err, IMG_UNSUPPORTED, "archive: '%.200s' is in a directory", s->entry.path);
	if (img_set_has(s->set, s->entry.path, err))
		return img_fail(err, IMG_CORRUPT, "archive: has '%.200s' twice", s->entry.path);
	sink = strcmp(s->entry.path, MANIFEST) ? img_set_sink(s->set, s->entry.path, err)
					       : s->set->ops->sink(s->set, MANIFEST, err);
	if (!sink)
		return -1;
	if (go_to(s, s->entry.at, err))
		left = UINT64_MAX;
	while (left && left != UINT64_MAX) {
		unsigned char buf[4096];
		ssize_t n = img_stream_bytes(s, buf, left < sizeof(buf) ? left : sizeof(buf), err);

		if (n == 0)
			n = img_fail(err, IMG_CORRUPT, "%s: ends in the middle", s->entry.path);
		if (n < 0 || img_sink_write(sink, buf, n, err))
			left = UINT64_MAX;
		else
			left -= n;
	}
	if (!left)
		return img_sink_finish(sink, err);
	img_sink_abort(sink);
	return -1;
}

/* Headers and small images, up to the next page image: 1, 0 at the end, -1. */
static int to_page_image(struct img_stream *s, struct img_err *err)
{
	int ret;

	while ((ret = header(s, err)) == 1) {
		if (s->entry.type == TAR_FILE && is_page_image(s->entry.path))
			return 1;
		/* Other links, and directories, mean nothing in a stream. */
		if (s->entry.type == TAR_LINK && !s->parent && !strcmp(s->entry.path, PARENT))
			s->parent = steal_ptr(&s->entry.link);
		if (s->entry.type != TAR_FILE)
			continue;
		if (s->nr_passed && strcmp(s->entry.path, MANIFEST) &&
			img_kind_by_file(s->entry.path, NULL) != IMG_KIND_UNKNOWN &&
			img_kind_info(img_kind_by_file(s->entry.path, NULL))->framing != IMG_FRAMING_SERVICE)
			return img_fail(err, IMG_CORRUPT, "archive: '%.200s' comes behind page images",
				s->entry.path);
		if (small_take(s, err))
			return -1;
	}
	return ret;
}

/* ---- page images ---- */

static struct img_passed *passed_find(struct img_stream *s, uint32_t pages_id)
{
	for (size_t i = s->nr_passed; i-- > 0;)
		if (s->passed[i].pages_id == pages_id)
			return &s->passed[i];
	return NULL;
}

struct img_passed *img_stream_passes(struct img_stream *s, uint32_t pages_id, struct img_err *err)
{
	struct img_passed *p;

	if (passed_find(s, pages_id)) {
		img_fail(err, IMG_CORRUPT, "pages-%u.img comes twice", pages_id);
		return NULL;
	}
	p = img_array_more(&s->passed, s->nr_passed, &s->room_passed);
	if (!p) {
		img_fail_nomem(err);
		return NULL;
	}
	s->nr_passed++;
	p->pages_id = pages_id;
	return p;
}

static int page_image_begin(struct img_stream *s, struct img_err *err)
{
	uint64_t id;
	struct img_passed *p;

	if (img_kind_by_file(s->entry.path, &id) != IMG_PAGES || id > UINT32_MAX)
		return img_fail(err, IMG_UNSUPPORTED, "archive: '%.200s' in a stream", s->entry.path);
	p = img_stream_passes(s, id, err);
	if (!p)
		return img_wrap(err, "archive");
	p->size = s->left = s->entry.size;
	s->at_page_image = true;
	return go_to(s, s->entry.at, err);
}

int img_stream_next(struct img_stream *s, uint32_t *pages_id, uint64_t *size, struct img_err *err)
{
	int ret;

	if (s->left)
		return img_fail(err, IMG_USAGE, "archive: a page image was not taken to its end");
	/* The first one was met when the stream was opened. */
	ret = s->at_page_image || !s->entry.path || s->ended ? 0 : 1;
	if (!ret && !s->ended)
		ret = to_page_image(s, err);
	if (ret == 1)
		ret = page_image_begin(s, err) ? -1 : 1;
	if (ret != 1)
		return ret;
	*pages_id = s->passed[s->nr_passed - 1].pages_id;
	*size = s->left;
	return 1;
}

/* Of an image streamer's pipe nothing else tells where it ends. */
static int cut(struct img_stream *s, struct img_err *err)
{
	if (s->served) {
		s->passed[s->nr_passed - 1].size = UINT64_MAX - s->left;
		s->left = 0;
		close(steal_fd(&s->fd));
		return 0;
	}
	return img_fail(err, IMG_CORRUPT, "pages-%u.img: ends in the middle: %llu bytes are missing",
		s->passed[s->nr_passed - 1].pages_id, (unsigned long long)s->left);
}

ssize_t img_stream_read(struct img_stream *s, void *buf, size_t len, struct img_err *err)
{
	ssize_t n;

	if (len > s->left)
		len = s->left;
	if (!len)
		return 0;
	n = s->served ? raw_read(s, buf, len, err) : img_stream_bytes(s, buf, len, err);
	if (n == 0)
		return cut(s, err);
	if (n > 0)
		s->left -= n;
	return n;
}

static ssize_t copy_to(struct img_stream *s, int pipe, size_t len, struct img_err *err)
{
	cleanup_free unsigned char *buf = malloc(COPY_SIZE);
	ssize_t n;

	if (!buf)
		return img_fail_nomem(err);
	n = img_stream_read(s, buf, len < COPY_SIZE ? len : COPY_SIZE, err);
	return n > 0 && img_fd_write(pipe, buf, n, err) ? -1 : n;
}

ssize_t img_stream_move(struct img_stream *s, int pipe, size_t len, struct img_err *err)
{
	ssize_t n;

	if (len > s->left)
		len = s->left;
	if (!len)
		return 0;
	while (s->raw && !s->nr_seen) {
		n = splice(s->fd, NULL, pipe, NULL, len, SPLICE_F_MOVE | SPLICE_F_MORE);
		if (n > 0) {
			s->left -= n;
			s->seen_at += n;
			return n;
		}
		if (n == 0)
			return cut(s, err);
		if (errno == EAGAIN && wait_for(s->fd, POLLIN, err) < 0)
			return -1;
		if (errno == EINVAL)
			s->raw = false; /* not of this file */
		else if (errno != EAGAIN && errno != EINTR)
			return img_fail_sys(err, "moving page data");
	}
	return copy_to(s, pipe, len, err);
}

int img_stream_digest(struct img_stream *s, uint32_t pages_id, const unsigned char digest[IMG_DIGEST_SIZE],
	struct img_err *err)
{
	struct img_passed *p = passed_find(s, pages_id);

	if (!p)
		return img_fail(err, IMG_USAGE, "pages-%u.img: has not passed", pages_id);
	memcpy(p->digest, digest, IMG_DIGEST_SIZE);
	p->digested = true;
	return 0;
}

/* ---- opening ---- */

/* Plain or in zstd; and is it a tar archive at all? */
static int look(struct img_stream *s, bool *is_tar, struct img_err *err)
{
	struct img_source *raw = img_source_new(&raw_ops, s, err), *src;
	unsigned char first[PEEK_SIZE], block[TAR_BLOCK];
	size_t len;
	ssize_t n;

	if (!raw)
		return -1;
	src = img_peek(raw, first, &len, err);
	if (!src) {
		img_source_close(raw);
		return -1;
	}
	s->tar = src;
	s->raw = true;
	if (img_zstd_magic(first, len)) {
		s->raw = false;
		src = img_zstd_stream_new(s->tar, err);
		if (!src)
			return -1;
		s->tar = src;
	}
	n = window_pread(s, block, sizeof(block), 0, err);
	if (n < 0)
		return -1;
	*is_tar = n == sizeof(block) && img_tar_is_header(block);
	if (!*is_tar && !n)
		return img_fail(err, IMG_CORRUPT, "nothing came");
	return 0;
}

/* inventory.img first, or behind the link to the parent. */
static bool begins_well(struct img_stream *s, struct img_err *err)
{
	unsigned char blocks[2 * TAR_BLOCK], *first = blocks;

	if (window_pread(s, blocks, sizeof(blocks), s->next_at, err) != sizeof(blocks))
		return false;
	if (!memcmp(blocks, PARENT, sizeof(PARENT)) && blocks[156] == '2')
		first += TAR_BLOCK;
	return !memcmp(first, FIRST, sizeof(FIRST)) && img_tar_is_header(first);
}

struct img_stream *img_stream_open(int fd, struct img_err *err)
{
	struct img_stream *s = calloc(1, sizeof(*s));
	bool is_tar;

	if (!s) {
		img_fail_nomem(err);
		return NULL;
	}
	s->fd = fd;
	s->window = img_source_new(&window_ops, s, err);
	s->set = s->window ? img_set_create_memory(err) : NULL;
	if (!s->set || look(s, &is_tar, err))
		goto fail;
	s->set->streams = true;
	if (is_tar)
		s->ordered = begins_well(s, err);
	if (!s->ordered || to_page_image(s, err) >= 0)
		return s;
fail:
	img_stream_close(s);
	return NULL;
}

int img_stream_another(struct img_stream *s, struct img_err *err)
{
	if (!s->ended)
		return img_fail(err, IMG_USAGE, "archive: has not come to its end");
	if (!s->more)
		return 0;
	img_tar_entry_free(&s->entry);
	img_set_close(s->set);
	free(steal_ptr(&s->parent));
	s->set = img_set_create_memory(err);
	s->at_page_image = s->ended = s->more = false;
	s->nr_passed = 0;
	if (!s->set || go_to(s, s->next_at, err))
		return -1;
	s->set->streams = true;
	if (!begins_well(s, err))
		return img_fail(err, IMG_UNSUPPORTED, "archive: the one behind it is not in the order of use");
	return to_page_image(s, err) < 0 ? -1 : 1;
}

bool img_stream_ordered(const struct img_stream *s)
{
	return s->ordered;
}

const char *img_stream_parent(const struct img_stream *s)
{
	return s->parent;
}

struct img_set *img_stream_set(struct img_stream *s)
{
	return s->set;
}

void img_stream_moved(struct img_stream *s, int fd)
{
	if (s->served)
		s->sock = fd;
	else
		s->fd = fd;
}

void img_stream_close(struct img_stream *s)
{
	if (!s)
		return;
	img_tar_entry_free(&s->entry);
	img_set_close(s->set);
	if (s->served && s->fd >= 0)
		close(s->fd);
	img_source_close(s->window);
	img_source_close(s->tar);
	free(s->room);
	free(s->parent);
	free(s->passed);
	free(s);
}
