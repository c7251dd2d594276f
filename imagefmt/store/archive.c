/* store/archive.c -- a set in an archive: its members by name, wherever their bytes are.
 *
 * The images may be in a directory of the archive (`checkpoint/` of an exported container): that of the first inventory.img.
 * What is elsewhere in the archive is no business of the set.
 */

#include "store/archive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "store/part.h"

#define INVENTORY   "inventory.img"
#define PARENT	    "parent"
#define MEMBERS_MAX (1u << 24)

static struct img_archive *archive_of(const struct img_set *set)
{
	return (struct img_archive *)set;
}

/* ---- the list ---- */

/* The path without "./" and doubled slashes, in place; false for one that leads out of the archive. */
static bool path_clean(char *path)
{
	char *to = path;
	const char *from = path;

	while (*from) {
		size_t len = strcspn(from, "/");

		if (len == 2 && !memcmp(from, "..", 2))
			return false;
		if (len && !(len == 1 && *from == '.')) {
			if (to != path)
				*to++ = '/';
			memmove(to, from, len);
			to += len;
		}
		from += len;
		while (*from == '/')
			from++;
	}
	*to = '\0';
	return true;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool in_directory(const struct img_archive *a, const char *path)
{
	return a->prefix_known && !strncmp(path, a->prefix_text, a->prefix) && !strchr(path + a->prefix, '/');
}

static int prefix_set(struct img_archive *a, const char *path, struct img_err *err)
{
	free(a->prefix_text);
	a->prefix = base_name(path) - path;
	a->prefix_text = strndup(path, a->prefix);
	a->prefix_known = a->prefix_text;
	return a->prefix_text ? 0 : img_fail_nomem(err);
}

static void member_free(struct member *m)
{
	free(m->path);
	free(m->link);
	img_spooled_put(m->spooled);
}

int img_archive_add(struct img_archive *a, struct member *m, struct img_err *err)
{
	struct member *slot = NULL;
	int ret = 0;

	if (!path_clean(m->path))
		ret = img_fail(err, IMG_CORRUPT, "archive: '%.200s' leads out of it", m->path);
	else if (a->nr >= MEMBERS_MAX)
		ret = img_fail(err, IMG_UNSUPPORTED, "archive: more than %u members", MEMBERS_MAX);
	else if (!(slot = img_array_more(&a->members, a->nr, &a->room)))
		ret = img_fail_nomem(err);
	if (ret) {
		member_free(m);
		return ret;
	}
	*slot = *m;
	a->nr++;
	if (!a->prefix_known && !m->link && !strcmp(base_name(m->path), INVENTORY))
		return prefix_set(a, m->path, err);
	return 0;
}

static int path_cmp(const void *x, const void *y, void *arg)
{
	const struct img_archive *a = arg;
	size_t i = *(const size_t *)x, j = *(const size_t *)y;
	int ret = strcmp(a->members[i].path, a->members[j].path);

	return ret ? ret : (i > j) - (i < j);
}

int img_archive_complete(struct img_archive *a, struct img_err *err)
{
	a->complete = true;
	if (!a->prefix_known && prefix_set(a, "", err))
		return -1;
	a->sorted = reallocarray(NULL, a->nr + 1, sizeof(*a->sorted));
	if (!a->sorted)
		return img_fail_nomem(err);
	for (size_t i = 0; i < a->nr; i++)
		a->sorted[i] = i;
	qsort_r(a->sorted, a->nr, sizeof(*a->sorted), path_cmp, a);
	for (size_t i = 1; i < a->nr; i++)
		if (!strcmp(a->members[a->sorted[i]].path, a->members[a->sorted[i - 1]].path) &&
			in_directory(a, a->members[a->sorted[i]].path))
			return img_fail(err, IMG_CORRUPT, "archive: has '%.200s' twice",
				a->members[a->sorted[i]].path);
	return 0;
}

/* ---- looking up ---- */

static const struct member *find_sorted(const struct img_archive *a, const char *path)
{
	size_t lo = 0, hi = a->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(a->members[a->sorted[mid]].path, path) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < a->nr && !strcmp(a->members[a->sorted[lo]].path, path))
		return &a->members[a->sorted[lo]];
	return NULL;
}

/* The lock is held: 1 with a copy of the member, which keeps its path and bytes while the set is open; 0; -1. */
static int find(struct img_archive *a, const char *name, struct member *found, struct img_err *err)
{
	const struct member *m = NULL;
	size_t seen = 0;
	int ret = 1;

	/* A stream: those that passed, then on until it comes. */
	while (!a->complete && !m && ret == 1) {
		for (; a->prefix_known && seen < a->nr && !m; seen++)
			if (in_directory(a, a->members[seen].path) &&
				!strcmp(a->members[seen].path + a->prefix, name))
				m = &a->members[seen];
		if (!m)
			ret = img_archive_stream_next(a, err);
	}
	if (ret < 0)
		return -1;
	if (a->complete) {
		cleanup_free char *path = NULL;

		if (asprintf(&path, "%s%s", a->prefix_text, name) < 0) {
			path = NULL;
			return img_fail_nomem(err);
		}
		m = find_sorted(a, path);
	}
	if (m)
		*found = *m;
	return m != NULL;
}

/* The member, or its compressed form. */
static int lookup(
	struct img_archive *a, const char *name, struct member *found, bool *zst, struct img_err *err)
{
	char file[IMG_ZST_NAME];
	int ret;

	pthread_mutex_lock(&a->lock);
	*zst = false;
	ret = find(a, name, found, err);
	if (ret == 0 && img_zst_name(name, file)) {
		*zst = true;
		ret = find(a, file, found, err);
	}
	pthread_mutex_unlock(&a->lock);
	return ret == 1 && found->link ? 0 : ret;
}

static int archive_has(struct img_set *set, const char *name, struct img_err *err)
{
	struct member m;
	bool zst;

	return lookup(archive_of(set), name, &m, &zst, err);
}

static int archive_each(struct img_set *set, int (*fn)(void *arg, const char *name, struct img_err *err),
	void *arg, struct img_err *err)
{
	struct img_archive *a = archive_of(set);
	int ret = 1;

	pthread_mutex_lock(&a->lock);
	while (!a->complete && ret == 1)
		ret = img_archive_stream_next(a, err);
	pthread_mutex_unlock(&a->lock);
	if (ret < 0)
		return -1;
	ret = 0;
	for (size_t i = 0; !ret && i < a->nr; i++) {
		cleanup_free char *name = NULL;

		if (!in_directory(a, a->members[i].path) || a->members[i].link)
			continue;
		name = strdup(a->members[i].path + a->prefix);
		if (!name)
			return img_fail_nomem(err);
		img_zst_strip(name);
		ret = fn(arg, name, err);
	}
	return ret;
}

/* ---- the bytes of a member ---- */

static struct img_source *member_source(struct img_archive *a, const struct member *m, struct img_err *err)
{
	struct img_source *all, *src;

	if (!m->spooled)
		return img_part_new(a->bytes, false, m->at, m->size, err);
	all = img_spooled_source(m->spooled, err);
	if (!all)
		return NULL;
	src = img_part_new(all, true, 0, img_spooled_size(m->spooled), err);
	if (!src)
		img_source_close(all);
	return src;
}

static int archive_source(
	struct img_set *set, const char *name, struct img_source **src_out, struct img_err *err)
{
	struct img_archive *a = archive_of(set);
	struct member m;
	bool zst;
	int ret = lookup(a, name, &m, &zst, err);

	if (ret <= 0)
		return ret;
	*src_out = member_source(a, &m, err);
	if (*src_out && zst)
		*src_out = img_zst_source(*src_out, err);
	return *src_out ? 1 : img_wrap(err, "%s", name);
}

/* ---- the archive itself ---- */

static void archive_close(struct img_set *set)
{
	struct img_archive *a = archive_of(set);

	for (size_t i = 0; i < a->nr; i++)
		member_free(&a->members[i]);
	free(a->members);
	free(a->sorted);
	free(a->prefix_text);
	img_archive_stream_free(a->stream);
	img_source_close(a->bytes);
	img_spool_put(a->spool);
	if (a->dirfd >= 0)
		close(a->dirfd);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* A link, relative to the directory that the archive is in. */
static int archive_parent(struct img_set *set, struct img_set **parent_out, struct img_err *err)
{
	struct img_archive *a = archive_of(set);
	struct member m;
	int ret;

	pthread_mutex_lock(&a->lock);
	ret = find(a, PARENT, &m, err);
	pthread_mutex_unlock(&a->lock);
	if (ret <= 0 || !m.link)
		return ret < 0 ? -1 : 0;
	if (a->dirfd < 0)
		return img_fail(err, IMG_UNSUPPORTED,
			"the parent '%.200s' of an archive from a pipe: there is no place to look from",
			m.link);
	return img_set_open_parent(set, a->dirfd, m.link, parent_out, err);
}

static const struct img_set_ops archive_ops = {
	.has = archive_has,
	.each = archive_each,
	.source = archive_source,
	.parent = archive_parent,
	.close = archive_close,
};

struct img_archive *img_archive_new(struct img_err *err)
{
	struct img_archive *a = calloc(1, sizeof(*a));

	if (!a) {
		img_fail_nomem(err);
		return NULL;
	}
	img_set_init(&a->set, &archive_ops, false);
	pthread_mutex_init(&a->lock, NULL);
	a->dirfd = -1;
	return a;
}
