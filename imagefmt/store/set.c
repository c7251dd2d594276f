/* store/set.c -- a set of images: what does not depend on where it lives. */

#include "store/set.h"

#include <stdlib.h>
#include <string.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"

#define MANIFEST "manifest.img"
#define NAME_LEN 255

void img_set_init(struct img_set *set, const struct img_set_ops *ops, bool writing)
{
	set->ops = ops;
	set->writing = writing;
	pthread_mutex_init(&set->lock, NULL);
}

/* A member's name is one path component. */
static int name_check(const char *name, struct img_err *err)
{
	if (!*name || !strcmp(name, ".") || !strcmp(name, "..") || strchr(name, '/') ||
		strlen(name) > NAME_LEN)
		return img_fail(err, IMG_USAGE, "'%.300s' is no name for an image", name);
	return 0;
}

/* Reports about a run are not part of what was dumped. */
static bool is_report(const char *name)
{
	enum img_kind kind = img_kind_by_file(name, NULL);

	return kind != IMG_KIND_UNKNOWN && img_kind_info(kind)->framing == IMG_FRAMING_SERVICE;
}

int img_set_has(struct img_set *set, const char *name, struct img_err *err)
{
	return name_check(name, err) ? -1 : set->ops->has(set, name, err);
}

int img_set_each(struct img_set *set, int (*fn)(void *arg, const char *name, struct img_err *err), void *arg,
	struct img_err *err)
{
	return set->ops->each(set, fn, arg, err);
}

int img_set_source(struct img_set *set, const char *name, struct img_source **src_out, struct img_err *err)
{
	*src_out = NULL;
	return name_check(name, err) ? -1 : set->ops->source(set, name, src_out, err);
}

int img_set_dirfd(const struct img_set *set)
{
	return set->ops->dirfd ? set->ops->dirfd(set) : -1;
}

static int parent_find(struct img_set *set, struct img_err *err)
{
	int ret;

	if (set->parent_known)
		return set->parent != NULL;
	ret = set->ops->parent ? set->ops->parent(set, &set->parent, err) : 0;
	set->parent_known = ret >= 0;
	return ret;
}

int img_set_parent(struct img_set *set, struct img_set **parent_out, struct img_err *err)
{
	int ret;

	pthread_mutex_lock(&set->lock);
	ret = parent_find(set, err);
	*parent_out = set->parent;
	pthread_mutex_unlock(&set->lock);
	return ret;
}

int img_set_use_parent(struct img_set *set, struct img_set *parent, struct img_err *err)
{
	int ret = 0;

	pthread_mutex_lock(&set->lock);
	if (set->parent)
		ret = img_fail(err, IMG_USAGE, "the set has a parent already");
	if (!ret) {
		set->parent = parent;
		set->parent_known = true;
		parent->child = set;
	}
	pthread_mutex_unlock(&set->lock);
	return ret;
}

int img_set_link_parent(struct img_set *set, const char *path, struct img_err *err)
{
	if (!set->writing || set->sealed)
		return img_fail(err, IMG_USAGE, "the set is not being written");
	if (!set->ops->link_parent)
		return img_fail(err, IMG_UNSUPPORTED, "only a directory can have a parent");
	if (set->parent_known && set->parent && !set->maps_first)
		return img_fail(err, IMG_USAGE, "the parent is in use already");
	if (!set->parent)
		set->parent_known = false;
	return set->ops->link_parent(set, path, err);
}

bool img_is_page_image(const char *name)
{
	return img_kind_by_file(name, NULL) == IMG_PAGES;
}

int img_set_compress(struct img_set *set, const struct img_zstd_options *opt, struct img_err *err)
{
	if (!set->writing || set->sealed)
		return img_fail(err, IMG_USAGE, "the set is not being written");
	if (!set->ops->stored)
		return img_fail(err, IMG_UNSUPPORTED, "this store does not compress single images");
	pthread_mutex_lock(&set->lock);
	set->compress = true;
	set->zstd = opt ? *opt : (struct img_zstd_options){ 0 };
	pthread_mutex_unlock(&set->lock);
	return 0;
}

bool img_set_maps_first(const struct img_set *set)
{
	return set->maps_first;
}

void img_set_pages_pass(struct img_set *set, enum img_pages_pass pass)
{
	set->pass = pass;
}

uint32_t img_set_new_pages_id(struct img_set *set)
{
	uint32_t id;

	pthread_mutex_lock(&set->lock);
	id = ++set->pages_ids;
	pthread_mutex_unlock(&set->lock);
	return id;
}

/* The first member of a new set takes an older set's manifest away, which would not be true any more. */
static int begin(struct img_set *set, struct img_err *err)
{
	int ret = 0;

	pthread_mutex_lock(&set->lock);
	if (set->sealed)
		ret = img_fail(err, IMG_USAGE, "the set is complete already");
	else if (!set->begun)
		ret = set->ops->remove(set, MANIFEST, err);
	if (!ret)
		set->begun = true;
	pthread_mutex_unlock(&set->lock);
	return ret;
}

static struct img_sink *store_sink(
	struct img_set *set, const char *name, const uint64_t *size, struct img_err *err)
{
	return size && set->ops->sink_sized ? set->ops->sink_sized(set, name, *size, err)
					    : set->ops->sink(set, name, err);
}

/* size NULL: not known. */
static struct img_sink *sink_new(
	struct img_set *set, const char *name, const uint64_t *size, struct img_err *err)
{
	struct img_sink *store, *sink;

	if (name_check(name, err))
		return NULL;
	if (!set->writing) {
		img_fail(err, IMG_USAGE, "%s: the set was opened for reading", name);
		return NULL;
	}
	if (is_report(name))
		return store_sink(set, name, size, err);
	if (!strcmp(name, MANIFEST)) {
		img_fail(err, IMG_USAGE, "%s comes from sealing the set", name);
		return NULL;
	}
	if (begin(set, err)) {
		img_wrap(err, "%s", name);
		return NULL;
	}
	store = store_sink(set, name, size, err);
	if (!store)
		return NULL;
	sink = img_member_sink(set, name, store, err);
	if (!sink)
		img_sink_abort(store);
	return sink;
}

struct img_sink *img_set_sink(struct img_set *set, const char *name, struct img_err *err)
{
	return sink_new(set, name, NULL, err);
}

struct img_sink *img_set_sink_sized(struct img_set *set, const char *name, uint64_t size, struct img_err *err)
{
	return sink_new(set, name, &size, err);
}

struct img_sink *img_set_sink_beside(struct img_set *set, const char *name, struct img_err *err)
{
	return name_check(name, err) ? NULL : set->ops->sink(set, name, err);
}

int img_set_finish(struct img_set *set, struct img_err *err)
{
	if (!set->writing || set->sealed)
		return img_fail(err, IMG_USAGE, "the set is not being written");
	if (set->ops->finish && set->ops->finish(set, err))
		return -1;
	set->sealed = true;
	return 0;
}

/* Where name belongs among the sorted members. */
static size_t member_slot(const struct img_set *set, const char *name)
{
	size_t lo = 0, hi = set->nr_members;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(set->members[mid].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int note(struct img_set *set, const struct img_member *member, struct img_err *err)
{
	size_t at = member_slot(set, member->name);
	struct img_member *m;
	char *name;

	if (at < set->nr_members && !strcmp(set->members[at].name, member->name)) {
		name = set->members[at].name;
	} else {
		name = img_arena_strdup(&set->arena, member->name);
		if (!name || !img_array_more(&set->members, set->nr_members, &set->room_members))
			return img_fail_nomem(err);
		m = &set->members[at];
		memmove(m + 1, m, (set->nr_members - at) * sizeof(*m));
		set->nr_members++;
	}
	set->members[at] = *member;
	set->members[at].name = name;
	return 0;
}

int img_set_note(struct img_set *set, const struct img_member *member, struct img_err *err)
{
	int ret;

	pthread_mutex_lock(&set->lock);
	ret = note(set, member, err);
	pthread_mutex_unlock(&set->lock);
	return ret;
}

void img_set_close(struct img_set *set)
{
	if (!set)
		return;
	img_set_close(set->parent);
	pthread_mutex_destroy(&set->lock);
	free(set->members);
	free(set->page_images);
	free(set->requires);
	img_arena_free(&set->arena);
	set->ops->close(set);
}
