/* convert/json-set.c -- a set that is a directory of JSON: a file NAME.json for each image NAME.
 *
 * What JSON does not say byte for byte (unknown fields, damage, the data of pages, files that are no images) is there as it is, under
 * its own name. So whatever is written comes back the same. To those who read, it is a set as any other.
 */

#include "criuimg/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "store/set.h"
#include "store/spool.h"

#define SUFFIX	  ".json"
#define OLD	  ".1.0" SUFFIX /* of an image of version 1.0, which its JSON does not say */
#define NAME_ROOM 300
#define COPY_SIZE ((size_t)64 << 10)

struct json_set {
	struct img_set set;
	struct img_set *dir; /* the files */
	struct img_spool *spool;
	struct img_json_set_options opt;
};

static struct json_set *json_set_of(const struct img_set *set)
{
	return (struct json_set *)set;
}

/* The file of an image that can be JSON. */
static bool json_name(const char *name, bool old, char file[NAME_ROOM])
{
	enum img_kind kind = img_kind_by_file(name, NULL);

	if (kind == IMG_KIND_UNKNOWN || kind == IMG_PAGES)
		return false;
	return snprintf(file, NAME_ROOM, "%s%s", name, old ? OLD : SUFFIX) < 256;
}

/* And back. */
static bool image_name(const char *file, char name[NAME_ROOM])
{
	static const char *const suffixes[] = { OLD, SUFFIX };
	size_t len = strlen(file);
	char again[NAME_ROOM];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		size_t suffix = strlen(suffixes[i]);

		if (len <= suffix || len >= NAME_ROOM || strcmp(file + len - suffix, suffixes[i]))
			continue;
		memcpy(name, file, len - suffix);
		name[len - suffix] = '\0';
		return json_name(name, false, again);
	}
	return false;
}

/* ---- reading ---- */

static int json_has(struct img_set *set, const char *name, struct img_err *err)
{
	struct img_set *dir = json_set_of(set)->dir;
	char file[NAME_ROOM];
	int ret = img_set_has(dir, name, err);

	for (int old = 0; old < 2 && !ret && json_name(name, old, file); old++)
		ret = img_set_has(dir, file, err);
	return ret;
}

/* ---- spooled bytes as a sink ---- */

static int spool_write(void *self, const void *buf, size_t len, struct img_err *err)
{
	return img_spooled_write(self, buf, len, err);
}

static int spool_finish(void *self, struct img_err *err)
{
	return img_spooled_end(self, err);
}

static void spool_close(void *self)
{
	img_spooled_put(self);
}

static const struct img_sink_ops spool_ops = {
	.write = spool_write,
	.finish = spool_finish,
	.close = spool_close,
};

/* The image that the JSON says. */
static struct img_source *encoded(struct json_set *js, struct img_source *json, struct img_err *err)
{
	struct img_spooled *s = img_spooled_new(js->spool, err);
	struct img_sink *sink = s ? img_sink_new(&spool_ops, s, err) : NULL;
	struct img_source *src = NULL;

	if (!sink) {
		img_spooled_put(s);
		return NULL;
	}
	if (img_json_encode(json, sink, err))
		img_sink_abort(sink);
	else if ((src = img_spooled_source(s, err)) == NULL)
		img_sink_abort(sink);
	else if (img_sink_finish(sink, err)) {
		img_source_close(src);
		src = NULL;
	}
	return src;
}

static int json_source(struct img_set *set, const char *name, struct img_source **src_out, struct img_err *err)
{
	struct json_set *js = json_set_of(set);
	struct img_source *json;
	char file[NAME_ROOM], magic[4];
	int ret = img_set_source(js->dir, name, src_out, err), old = -1;

	while (!ret && ++old < 2 && json_name(name, old, file))
		ret = img_set_source(js->dir, file, &json, err);
	if (ret <= 0 || old < 0)
		return ret;
	*src_out = encoded(js, json, err);
	img_source_close(json);
	if (!*src_out)
		return img_wrap(err, "%s", file);
	/* What is made of JSON is of version 1.1. */
	if (!old || img_source_read_full(*src_out, magic, sizeof(magic), err) == 1)
		return 1;
	img_source_close(*src_out);
	return -1;
}

struct walk {
	struct img_set *dir;
	int (*fn)(void *arg, const char *name, struct img_err *err);
	void *arg;
};

static int walk_file(void *arg, const char *file, struct img_err *err)
{
	struct walk *w = arg;
	char name[NAME_ROOM];
	int ret;

	if (!image_name(file, name))
		return w->fn(w->arg, file, err);
	/* Where several are there, the image counts. */
	ret = img_set_has(w->dir, name, err);
	return ret ? (ret < 0 ? -1 : 0) : w->fn(w->arg, name, err);
}

static int json_each(struct img_set *set, int (*fn)(void *arg, const char *name, struct img_err *err), void *arg, struct img_err *err)
{
	struct walk w = { json_set_of(set)->dir, fn, arg };

	return img_set_each(w.dir, walk_file, &w, err);
}

/* ---- writing ---- */

/* Bytes that must be those of an image. */
struct comparison {
	struct img_source *image;
	size_t skip; /* of what comes: the first magic, which version 1.0 has not */
};

static int compare_write(void *self, const void *buf, size_t len, struct img_err *err)
{
	struct comparison *c = self;
	const char *want = buf;
	size_t skip = len < c->skip ? len : c->skip;

	c->skip -= skip;
	want += skip;
	len -= skip;
	while (len) {
		char have[4096];
		size_t part = len < sizeof(have) ? len : sizeof(have);

		if (img_source_read_full(c->image, have, part, err) != 1 || memcmp(have, want, part))
			return img_fail(err, IMG_UNSUPPORTED, "is not what the JSON says");
		want += part;
		len -= part;
	}
	return 0;
}

static void compare_close(void *self)
{
}

static const struct img_sink_ops compare_ops = {
	.write = compare_write,
	.close = compare_close,
};

static bool has_two_magics(enum img_kind kind)
{
	return img_kind_info(kind)->framing == IMG_FRAMING_COMMON || img_kind_info(kind)->framing == IMG_FRAMING_SERVICE;
}

/* Is this image of version 1.0? */
static bool is_old(struct img_spooled *bytes, const char *name)
{
	struct img_err err = IMG_ERR_INIT;
	enum img_kind kind = img_kind_by_file(name, NULL);
	struct img_source *image;
	struct img_reader *r;
	bool old;

	if (kind == IMG_KIND_UNKNOWN || !has_two_magics(kind))
		return false;
	image = img_spooled_source(bytes, &err);
	r = image ? img_reader_of_kind(image, kind, &err) : NULL;
	old = r && img_reader_version(r) == 0x10;
	if (r)
		img_reader_close(r);
	else
		img_source_close(image);
	return old;
}

/* The JSON of an image, in a file. 0; -1 when that says less than the image (also for reasons of the disk). */
static int decode(struct json_set *js, struct img_source *image, enum img_kind kind, const char *file)
{
	static const struct img_json_options pretty = { .pretty = true };
	struct img_err err = IMG_ERR_INIT;
	struct img_sink *sink = js->dir->ops->sink(js->dir, file, &err);
	struct img_reader *r = NULL;
	int ret;

	if (!sink)
		img_source_close(image);
	else if (img_kind_info(kind)->framing == IMG_FRAMING_RAW) {
		ret = img_json_decode_raw(image, kind, &pretty, sink, &err);
		img_source_close(image);
		if (!ret)
			return img_sink_finish(sink, &err);
	} else {
		r = img_reader_of_kind(image, kind, &err);
		if (!r)
			img_source_close(image);
	}
	if (r) {
		ret = img_json_decode(r, &pretty, sink, &err);
		img_reader_close(r);
		if (!ret)
			return img_sink_finish(sink, &err);
	}
	img_sink_abort(sink);
	return -1;
}

static bool gives_back(struct json_set *js, const char *file, struct img_source *image, bool old)
{
	struct comparison c = { .image = image, .skip = old ? 4 : 0 };
	struct img_err err = IMG_ERR_INIT;
	struct img_source *json;
	struct img_sink *sink;
	bool same = false;
	char byte;

	if (img_set_source(js->dir, file, &json, &err) != 1)
		return false;
	sink = img_sink_new(&compare_ops, &c, &err);
	if (sink && !img_json_encode(json, sink, &err))
		same = !img_sink_finish(steal_ptr(&sink), &err) && img_source_read(image, &byte, 1, &err) == 0;
	img_sink_abort(sink);
	img_source_close(json);
	return same;
}

/* 1 when the image is there as JSON, 0 when that does not say all of it, -1. */
static int as_json(struct json_set *js, struct img_spooled *bytes, const char *name, struct img_err *err)
{
	struct img_source *image = img_spooled_source(bytes, err), *again;
	bool old = is_old(bytes, name), same;
	char file[NAME_ROOM];

	if (!image)
		return -1;
	if (!json_name(name, old, file)) {
		img_source_close(image);
		return 0;
	}
	if (decode(js, image, img_kind_by_file(name, NULL), file))
		return 0;
	again = img_spooled_source(bytes, err);
	if (!again)
		return -1;
	same = gives_back(js, file, again, old);
	img_source_close(again);
	if (!same && js->dir->ops->remove(js->dir, file, err))
		return -1;
	return same;
}

static int as_it_is(struct json_set *js, struct img_spooled *bytes, const char *name, struct img_err *err)
{
	struct img_source *src = img_spooled_source(bytes, err);
	struct img_sink *sink = src ? js->dir->ops->sink(js->dir, name, err) : NULL;
	cleanup_free char *buf = malloc(COPY_SIZE);
	ssize_t n = -1;

	if (!buf)
		img_fail_nomem(err);
	while (sink && buf && (n = img_source_read(src, buf, COPY_SIZE, err)) > 0)
		if (img_sink_write(sink, buf, n, err)) {
			n = -1;
			break;
		}
	img_source_close(src);
	if (n == 0)
		return img_sink_finish(sink, err);
	img_sink_abort(sink);
	return -1;
}

struct image_sink {
	struct json_set *js;
	struct img_spooled *bytes;
	char name[NAME_ROOM];
};

static int image_write(void *self, const void *buf, size_t len, struct img_err *err)
{
	return img_spooled_write(((struct image_sink *)self)->bytes, buf, len, err);
}

static int image_finish(void *self, struct img_err *err)
{
	struct image_sink *s = self;
	int ret;

	if (img_spooled_end(s->bytes, err))
		return -1;
	ret = as_json(s->js, s->bytes, s->name, err);
	if (ret)
		return ret < 0 ? -1 : 0;
	if (s->js->opt.note)
		s->js->opt.note(s->js->opt.arg, s->name);
	return as_it_is(s->js, s->bytes, s->name, err);
}

static void image_close(void *self)
{
	struct image_sink *s = self;

	img_spooled_put(s->bytes);
	free(s);
}

static const struct img_sink_ops image_ops = {
	.write = image_write,
	.finish = image_finish,
	.close = image_close,
};

static int json_remove(struct img_set *set, const char *name, struct img_err *err)
{
	struct img_set *dir = json_set_of(set)->dir;
	char file[NAME_ROOM];

	int ret = dir->ops->remove(dir, name, err);

	for (int old = 0; old < 2 && !ret && json_name(name, old, file); old++)
		ret = dir->ops->remove(dir, file, err);
	return ret;
}

static struct img_sink *json_sink(struct img_set *set, const char *name, struct img_err *err)
{
	struct json_set *js = json_set_of(set);
	char file[NAME_ROOM], image[NAME_ROOM];
	struct image_sink *s;
	struct img_sink *sink;

	if (image_name(name, image)) {
		img_fail(err, IMG_UNSUPPORTED, "%s: the name is that of an image's JSON", name);
		return NULL;
	}
	if (json_remove(set, name, err))
		return NULL;
	if (!json_name(name, false, file))
		return js->dir->ops->sink(js->dir, name, err);
	s = calloc(1, sizeof(*s));
	if (!s) {
		img_fail_nomem(err);
		return NULL;
	}
	s->js = js;
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->bytes = img_spooled_new(js->spool, err);
	sink = s->bytes ? img_sink_new(&image_ops, s, err) : NULL;
	if (!sink)
		image_close(s);
	return sink;
}

/* ---- the directory itself ---- */

static int json_parent(struct img_set *set, struct img_set **parent_out, struct img_err *err)
{
	struct json_set *js = json_set_of(set);
	int dirfd = img_set_dirfd(js->dir), ret = img_set_is_json(dirfd, "parent", err);

	if (ret < 0)
		return -1;
	if (ret == 0)
		return img_set_open_parent(set, dirfd, "parent", parent_out, err);
	*parent_out = img_set_open_json(dirfd, "parent", err);
	if (!*parent_out)
		return img_wrap(err, "parent");
	(*parent_out)->child = set;
	for (const struct img_set *c = set; c; c = c->child) {
		if (c->dev != (*parent_out)->dev || c->ino != (*parent_out)->ino)
			continue;
		img_set_close(steal_ptr(parent_out));
		return img_fail(err, IMG_CORRUPT, "parent: the links lead in a circle");
	}
	return 1;
}

static int json_link_parent(struct img_set *set, const char *path, struct img_err *err)
{
	struct img_set *dir = json_set_of(set)->dir;

	return dir->ops->link_parent(dir, path, err);
}

static void json_close(struct img_set *set)
{
	struct json_set *js = json_set_of(set);

	img_set_close(js->dir);
	img_spool_put(js->spool);
	free(js);
}

static const struct img_set_ops json_ops = {
	.has = json_has,
	.each = json_each,
	.source = json_source,
	.sink = json_sink,
	.remove = json_remove,
	.parent = json_parent,
	.link_parent = json_link_parent,
	.close = json_close,
};

static struct img_set *json_set_new(struct img_set *dir, bool writing, const struct img_json_set_options *opt, struct img_err *err)
{
	struct json_set *js = dir ? calloc(1, sizeof(*js)) : NULL;

	if (!js) {
		if (dir)
			img_fail_nomem(err);
		img_set_close(dir);
		return NULL;
	}
	img_set_init(&js->set, &json_ops, writing);
	js->dir = dir;
	js->set.dev = dir->dev;
	js->set.ino = dir->ino;
	if (opt)
		js->opt = *opt;
	js->spool = img_spool_new(-1, err);
	if (js->spool)
		return &js->set;
	img_set_close(&js->set);
	return NULL;
}

struct img_set *img_set_open_json(int dirfd, const char *path, struct img_err *err)
{
	struct img_set *set = json_set_new(img_set_open_dir(dirfd, path, err), false, NULL, err);

	if (set)
		set->by_hand = true;
	return set;
}

struct img_set *img_set_create_json(int dirfd, const char *path, const struct img_json_set_options *opt, struct img_err *err)
{
	return json_set_new(img_set_create_dir(dirfd, path, err), true, opt, err);
}

int img_set_is_json(int dirfd, const char *path, struct img_err *err)
{
	/* One of them every set has. */
	static const char *const names[] = { "inventory.img", "pstree.img", "manifest.img" };
	cleanup_fd int fd = openat(dirfd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char file[NAME_ROOM];

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : img_fail_sys(err, "%s: open", path);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		for (int old = 0; old < 2 && faccessat(fd, names[i], F_OK, 0); old++)
			if (json_name(names[i], old, file) && !faccessat(fd, file, F_OK, 0))
				return 1;
	}
	return 0;
}
