/* convert/view.c -- a set seen through a change. */

#include "convert/view.h"

#include <stdlib.h>
#include <string.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"

#define COPY_SIZE 65536

static struct img_view *view_of(const struct img_set *set)
{
	return (struct img_view *)set;
}

static bool seen(struct img_view *v, const char *name)
{
	return !v->wanted || v->wanted(v, name);
}

static int view_has(struct img_set *set, const char *name, struct img_err *err)
{
	struct img_view *v = view_of(set);
	int ret = img_set_has(v->made, name, err);

	if (ret)
		return ret;
	return seen(v, name) ? img_set_has(v->below, name, err) : 0;
}

static int view_source(
	struct img_set *set, const char *name, struct img_source **src_out, struct img_err *err)
{
	struct img_view *v = view_of(set);
	int ret = img_set_source(v->made, name, src_out, err);

	if (ret || !seen(v, name))
		return ret;
	ret = img_set_source(v->below, name, src_out, err);
	if (ret == 1 && v->filter) {
		*src_out = v->filter(v, name, *src_out, err);
		if (!*src_out)
			return img_wrap(err, "%s", name);
	}
	return ret;
}

struct walk {
	struct img_view *v;
	int (*fn)(void *arg, const char *name, struct img_err *err);
	void *arg;
};

static int walk_below(void *arg, const char *name, struct img_err *err)
{
	struct walk *w = arg;
	int made = img_set_has(w->v->made, name, err);

	if (made)
		return made < 0 ? -1 : 0;
	return seen(w->v, name) ? w->fn(w->arg, name, err) : 0;
}

static int view_each(struct img_set *set, int (*fn)(void *arg, const char *name, struct img_err *err),
	void *arg, struct img_err *err)
{
	struct walk w = { .v = view_of(set), .fn = fn, .arg = arg };
	int ret = img_set_each(w.v->made, fn, arg, err);

	return ret ? ret : img_set_each(w.v->below, walk_below, &w, err);
}

static void view_close(struct img_set *set)
{
	struct img_view *v = view_of(set);

	if (v->arg_free)
		v->arg_free(v->arg);
	img_set_close(v->made);
	if (v->below_owned)
		img_set_close(v->below);
	free(v);
}

static const struct img_set_ops view_ops = {
	.has = view_has,
	.each = view_each,
	.source = view_source,
	.close = view_close,
};

struct img_view *img_view_new(struct img_set *below, bool owned, struct img_err *err)
{
	struct img_view *v = calloc(1, sizeof(*v));

	if (!v) {
		img_fail_nomem(err);
		return NULL;
	}
	img_set_init(&v->set, &view_ops, false);
	v->made = img_set_create_memory(err);
	if (!v->made) {
		img_set_close(&v->set);
		return NULL;
	}
	v->below = below;
	v->set.origin = below->origin ? below->origin : below;
	v->below_owned = owned;
	return v;
}

/* ---- records ---- */

static int payload_copy(struct img_reader *r, struct img_writer *w, bool keep, struct img_err *err)
{
	unsigned char buf[COPY_SIZE / 4];
	ssize_t n;

	if (!keep)
		return 0;
	while ((n = img_read_payload(r, buf, sizeof(buf), err)) > 0)
		if (img_write_payload(w, buf, n, err))
			return -1;
	return n;
}

static int rewrite(struct img_reader *r, struct img_writer *w,
	int (*fn)(void *arg, ProtobufCMessage *msg, struct img_err *err), void *arg, struct img_err *err)
{
	ProtobufCMessage *msg;
	int ret;

	while ((ret = img_read(r, &msg, err)) == 1) {
		int keep = fn(arg, msg, err);

		ret = keep < 0 ? -1 : keep ? img_write(w, msg, err) : 0;
		img_message_free(msg);
		if (ret || payload_copy(r, w, keep, err))
			return -1;
	}
	return ret;
}

struct img_source *img_rewrite(struct img_source *src, enum img_kind kind,
	int (*fn)(void *arg, ProtobufCMessage *msg, struct img_err *err), void *arg, struct img_err *err)
{
	struct img_reader *r = img_reader_of_kind(src, kind, err);
	struct img_set *memory = img_set_create_memory(err);
	struct img_source *result = NULL;
	struct img_writer *w = NULL;

	if (!r)
		img_source_close(src);
	/* The name does not matter; the manifest's is the store's own. */
	if (r && memory)
		w = img_writer_create(memory, kind, 1, err);
	if (w && rewrite(r, w, fn, arg, err) == 0) {
		char name[IMG_NAME_MAX];

		if (!img_writer_finish(steal_ptr(&w), err))
			img_set_source(memory, img_kind_file_name(kind, 1, name), &result, err);
	}
	img_writer_abort(w);
	img_reader_close(r);
	img_set_close(memory);
	return result;
}

/* ---- another front ---- */

struct front {
	struct img_source *src;
	unsigned char prefix[8];
	size_t prefix_len, used;
	int64_t size;
};

static ssize_t front_read(void *self, void *buf, size_t len, struct img_err *err)
{
	struct front *f = self;

	if (f->used == f->prefix_len)
		return img_source_read(f->src, buf, len, err);
	if (len > f->prefix_len - f->used)
		len = f->prefix_len - f->used;
	memcpy(buf, f->prefix + f->used, len);
	f->used += len;
	return len;
}

static int64_t front_size(void *self)
{
	return ((struct front *)self)->size;
}

static void front_close(void *self)
{
	struct front *f = self;

	img_source_close(f->src);
	free(f);
}

static const struct img_source_ops front_ops = {
	.read = front_read,
	.size = front_size,
	.close = front_close,
};

struct img_source *img_front(
	struct img_source *src, size_t drop, const void *prefix, size_t prefix_len, struct img_err *err)
{
	struct front *f = calloc(1, sizeof(*f));
	struct img_source *result = NULL;

	if (!f) {
		img_fail_nomem(err);
	} else if (!img_source_skip(src, drop, err)) {
		if (prefix_len)
			memcpy(f->prefix, prefix, prefix_len);
		f->prefix_len = prefix_len;
		f->size = img_source_size(src);
		if (f->size >= 0)
			f->size += (int64_t)prefix_len - (int64_t)drop;
		result = img_source_new(&front_ops, f, err);
	}
	if (result)
		f->src = src;
	else
		free(f);
	if (!result)
		img_source_close(src);
	return result;
}

/* ---- numbers ---- */

int img_numbers_add(struct img_numbers *n, uint64_t value, struct img_err *err)
{
	uint64_t *slot = img_array_more(&n->list, n->nr, &n->room);

	if (!slot)
		return img_fail_nomem(err);
	/* They often come in order. */
	n->sorted = !n->nr || (n->sorted && slot[-1] <= value);
	*slot = value;
	n->nr++;
	return 0;
}

static int number_cmp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

bool img_numbers_has(struct img_numbers *n, uint64_t value)
{
	if (!n->nr)
		return false;
	if (!n->sorted)
		qsort(n->list, n->nr, sizeof(*n->list), number_cmp);
	n->sorted = true;
	return bsearch(&value, n->list, n->nr, sizeof(*n->list), number_cmp);
}

void img_numbers_free(struct img_numbers *n)
{
	free(n->list);
	*n = (struct img_numbers){ 0 };
}
