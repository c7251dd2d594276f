/* imagefmt/convert/json-encode.c -- an image from its JSON.
 *
 * Members may come in any order where the JSON can be read by position: in a file, or in what comes through a pipe and has "entries"
 * first, which is kept. From a pipe that begins with "magic" an entry's `extra` must come behind its other members, as crit writes them.
 */

#include "convert/json-encode.h"
#include "convert/json-raw.h"

#include <stdlib.h>
#include <string.h>

#include "criuimg/cleanup.h"
#include "criuimg/json.h"
#include "io/sink.h"
#include "store/peek.h"
#include "store/spool.h"

/* ---- a sink that passes on ---- */

struct passing {
	struct img_sink *to;
};

static int passing_write(void *self, const void *buf, size_t len, struct img_err *err)
{
	return img_sink_write(((struct passing *)self)->to, buf, len, err);
}

static const struct img_sink_ops passing_ops = {
	.write = passing_write,
	.close = free,
};

/* The writer of an image wants to own and finish its sink; ours is the caller's. */
static struct img_writer *writer_to(struct img_sink *sink, enum img_kind kind, struct img_err *err)
{
	cleanup_free struct passing *self = malloc(sizeof(*self));
	struct img_writer *writer;
	struct img_sink *passing;

	if (!self) {
		img_fail_nomem(err);
		return NULL;
	}
	self->to = sink;
	passing = img_sink_new_unbuffered(&passing_ops, self, err);
	if (!passing)
		return NULL;
	steal_ptr(&self);
	writer = img_writer_to_sink(passing, kind, err);
	if (!writer)
		img_sink_abort(passing);
	return writer;
}

/* ---- one entry ---- */

static bool key_is(const char *key, size_t len, const char *name)
{
	return len == strlen(name) && !memcmp(key, name, len);
}

/* Where an entry's `extra` is, and whether it was used. */
struct entry_extra {
	bool found, used;
	struct json_place place;
};

static int entry_done(struct json_encode *e, struct json_building *of, struct img_err *err)
{
	if (json_build_end(&e->builder, of, err) < 0 || img_write(e->writer, of->msg, err) < 0)
		return -1;
	return 0;
}

/* The value of `extra`, at once if there is no coming back to it. */
static int entry_extra(struct json_encode *e, struct json_building *of, struct entry_extra *extra, struct img_err *err)
{
	if (extra->found)
		return json_in_fail(e->in, err, "extra: a second time");
	extra->found = true;
	if (json_can_return(e->in)) {
		extra->place = json_here(e->in);
		return json_skip(e->in, err);
	}
	extra->used = true;
	return entry_done(e, of, err) < 0 ? -1 : json_extra(e, of->msg, err);
}

static int entry_members(struct json_encode *e, struct json_building *of, struct entry_extra *extra, struct img_err *err)
{
	const char *key;
	size_t len;
	int ret;

	while ((ret = json_more(e->in, '{', err)) > 0) {
		if (json_read_key(e->in, &key, &len, err) < 0)
			return -1;
		if (extra->used)
			return json_in_fail(e->in, err, "a member after extra: give a file, not a pipe");
		if (key_is(key, len, "extra")) {
			if (entry_extra(e, of, extra, err) < 0)
				return -1;
			continue;
		}
		ret = json_build_member(&e->builder, of, key, len, err);
		if (ret == 0)
			return json_in_fail(e->in, err, "%s has no such member", of->type->desc->name);
		if (ret < 0)
			return -1;
	}
	return ret;
}

static int encode_record(struct json_encode *e, const ProtobufCMessageDescriptor *type, struct img_err *err)
{
	struct entry_extra extra = { 0 };
	struct json_building of;
	struct json_place end;

	if (json_build_begin(&e->builder, type, &of, err) < 0 || json_enter(e->in, '{', err) < 0 ||
		entry_members(e, &of, &extra, err) < 0)
		return -1;
	if (extra.used)
		return 0;
	if (entry_done(e, &of, err) < 0)
		return -1;
	if (!extra.found)
		return 0;
	end = json_here(e->in);
	json_return(e->in, &extra.place);
	if (json_extra(e, of.msg, err) < 0)
		return -1;
	json_return(e->in, &end);
	return 0;
}

/* ---- the image ---- */

static int encode_entry(struct json_encode *e, uint64_t nr, struct img_err *err)
{
	const struct img_kind_info *info = img_kind_info(e->kind);
	int ret;

	if (e->writer)
		ret = encode_record(e, nr == 0 && info->head ? info->head : info->entry, err);
	else
		ret = json_raw_encode(e, err);
	img_arena_free(&e->builder.arena);
	return ret < 0 ? img_wrap(err, "entry %llu", (unsigned long long)nr) : 0;
}

static int encode_entries(struct json_encode *e, struct img_err *err)
{
	uint64_t nr = 0;
	int ret;

	if (img_kind_info(e->kind)->entry) {
		e->writer = writer_to(e->sink, e->kind, err);
		if (!e->writer)
			return -1;
	}
	if (json_enter(e->in, '[', err) < 0)
		return -1;
	while ((ret = json_more(e->in, '[', err)) > 0)
		if (encode_entry(e, nr++, err) < 0)
			return -1;
	if (ret == 0 && e->writer)
		ret = img_writer_finish(steal_ptr(&e->writer), err);
	return ret;
}

static int read_magic(struct json_encode *e, struct img_err *err)
{
	char name[64];
	const char *text;
	size_t len;

	if (json_read_string(e->in, &text, &len, err) < 0)
		return -1;
	snprintf(name, sizeof(name), "%.*s", len < sizeof(name) ? (int)len : 0, text);
	e->kind = img_kind_by_name(name);
	if (e->kind == IMG_KIND_UNKNOWN)
		return json_in_fail(e->in, err, "magic: no kind of image is called '%s'", name);
	return 0;
}

/* The members of the whole: the place of the entries if their turn was before the magic. */
static int image_members(struct json_encode *e, bool *done, struct json_place *entries, struct img_err *err)
{
	const char *key;
	size_t len;
	int ret;

	while ((ret = json_more(e->in, '{', err)) > 0) {
		if (json_read_key(e->in, &key, &len, err) < 0)
			return -1;
		if (key_is(key, len, "magic") && e->kind == IMG_KIND_UNKNOWN) {
			ret = read_magic(e, err);
		} else if (key_is(key, len, "entries") && !*done && !entries->at && e->kind != IMG_KIND_UNKNOWN) {
			*done = true;
			ret = encode_entries(e, err);
		} else if (key_is(key, len, "entries") && !*done && !entries->at && json_can_return(e->in)) {
			*entries = json_here(e->in);
			ret = json_skip(e->in, err);
		} else {
			ret = json_in_fail(e->in, err, "'%.*s' has no place here", len < 64 ? (int)len : 64, key);
		}
		if (ret < 0)
			return -1;
	}
	return ret;
}

static int encode(struct json_encode *e, struct img_err *err)
{
	struct json_place entries = { 0 };
	bool done = false;

	if (json_enter(e->in, '{', err) < 0 || image_members(e, &done, &entries, err) < 0 || json_end(e->in, err) < 0)
		return -1;
	if (e->kind == IMG_KIND_UNKNOWN)
		return img_fail(err, IMG_CORRUPT, "no magic");
	if (done)
		return 0;
	if (!entries.at)
		return img_fail(err, IMG_CORRUPT, "no entries");
	json_return(e->in, &entries);
	return encode_entries(e, err);
}

/* ---- members in any order, out of a pipe too ---- */

static ssize_t borrowed_read(void *self, void *buf, size_t len, struct img_err *err)
{
	return img_source_read(self, buf, len, err);
}

static void borrowed_close(void *self)
{
}

static const struct img_source_ops borrowed_ops = {
	.read = borrowed_read,
	.close = borrowed_close,
};

static bool entries_first(const unsigned char *text, size_t len)
{
	static const char key[] = "\"entries\"";
	size_t at = 0;

	while (at < len && strchr(" \t\r\n{", text[at]))
		at++;
	return len - at >= sizeof(key) - 1 && !memcmp(text + at, key, sizeof(key) - 1);
}

/* What sorts the members of objects puts the magic behind the entries: then all of a pipe is kept, to come back to. NULL on failure; the source
 * that was given stays the caller's. */
static struct img_source *any_order(struct img_source *json, struct img_err *err)
{
	unsigned char first[PEEK_SIZE];
	struct img_source *src, *peeked, *kept;
	size_t len;

	src = img_source_new(&borrowed_ops, json, err);
	peeked = src ? img_peek(src, first, &len, err) : NULL;
	if (!peeked) {
		img_source_close(src);
		return NULL;
	}
	if (!entries_first(first, len))
		return peeked;
	kept = img_spool_all(peeked, err);
	if (!kept)
		img_source_close(peeked);
	return kept;
}

static int encode_from(struct img_source *json, struct img_sink *out, struct img_err *err)
{
	struct json_encode e = { .kind = IMG_KIND_UNKNOWN, .sink = out, .builder.arena = IMG_ARENA_INIT };
	int ret;

	e.in = e.builder.in = json_in_new(json, err);
	if (!e.in)
		return -1;
	ret = encode(&e, err);
	/* What the writer will not have is what the JSON says. */
	if (ret < 0 && err && err->code == IMG_USAGE)
		err->code = IMG_CORRUPT;
	img_writer_abort(e.writer);
	img_arena_free(&e.builder.arena);
	json_types_free(&e.builder.types);
	json_in_free(e.in);
	return ret;
}

int img_json_encode(struct img_source *json, struct img_sink *out, struct img_err *err)
{
	struct img_source *src;
	int ret;

	if (img_source_can_pread(json))
		return encode_from(json, out, err);
	src = any_order(json, err);
	ret = src ? encode_from(src, out, err) : -1;
	img_source_close(src);
	return ret;
}
