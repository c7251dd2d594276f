/* convert/copy.c -- every member of a set to another, in the order of their use, and the end of the new one. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "convert/view.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/manifest.h"
#include "io/source.h"
#include "manifest.pb-c.h"
#include "read/pagemap.h"
#include "store/archive-write.h"
#include "store/verify.h"

/* A few frames of what is compressed are decompressed right to where they are wanted. */
#define COPY_SIZE ((size_t)4 << 20)

struct copy {
	struct img_set *from, *to;
	struct img_set *origin; /* what `from` is a view of */
	const struct img_convert_options *opt;
	const ManifestEntry *old; /* NULL: none */
	char **names;
	size_t nr, room, nr_images;
	unsigned char *buf;
	uint64_t done, total;
	struct img_numbers rewritten; /* page images that are there already, with their maps */
};

static int name_add(void *arg, const char *name, struct img_err *err)
{
	struct copy *c = arg;
	char **slot;

	if (img_kind_by_file(name, NULL) == IMG_MANIFEST)
		return 0;
	slot = img_array_more(&c->names, c->nr, &c->room);
	if (slot)
		*slot = strdup(name);
	if (!slot || !*slot)
		return img_fail_nomem(err);
	c->nr++;
	c->nr_images += img_kind_by_file(name, NULL) != IMG_KIND_UNKNOWN;
	return 0;
}

static int name_cmp(const void *a, const void *b)
{
	return img_archive_order(*(char *const *)a, *(char *const *)b);
}

static int progress(struct copy *c, struct img_err *err)
{
	if (!c->opt->progress || !c->opt->progress(c->opt->arg, c->done, c->total))
		return 0;
	errno = EINTR;
	return img_fail_sys(err, "interrupted");
}

static int bytes_copy(struct copy *c, struct img_source *src, struct img_sink *sink, struct img_err *err)
{
	ssize_t n;

	while ((n = img_source_read(src, c->buf, COPY_SIZE, err)) > 0) {
		c->done += n;
		if (img_sink_write(sink, c->buf, n, err) || progress(c, err))
			return -1;
	}
	return n;
}

/* Images of plugins have names of their own. Logs and the like are no part of the set, and may change: nothing to promise. */
static bool is_member(const struct copy *c, const char *name)
{
	size_t len = strlen(name);

	if (img_kind_by_file(name, NULL) != IMG_KIND_UNKNOWN || (len > 4 && !strcmp(name + len - 4, ".img")))
		return true;
	for (size_t i = 0; c->old && i < c->old->n_members; i++)
		if (!strcmp(c->old->members[i]->name, name))
			return true;
	return false;
}

static struct img_sink *sink_open(struct copy *c, const char *name, int64_t size, struct img_err *err)
{
	if (!is_member(c, name))
		return img_set_sink_beside(c->to, name, err);
	return size < 0 ? img_set_sink(c->to, name, err) : img_set_sink_sized(c->to, name, size, err);
}

static int tick(void *arg, uint64_t bytes, struct img_err *err)
{
	struct copy *c = arg;

	c->done += bytes;
	return progress(c, err);
}

static bool old_requires(const struct copy *c, const char *word)
{
	for (size_t i = 0; c->old && i < c->old->n_requires; i++)
		if (!strcmp(c->old->requires[i], word))
			return true;
	return false;
}

/* A map that is copied as it is asks for what it asked for. */
static int keep_shared(struct copy *c, enum img_kind kind, uint64_t id, struct img_err *err)
{
	struct img_pagemap map;
	bool shared;

	if (!old_requires(c, "pages-shared"))
		return 0;
	if (img_pagemap_load(c->from, kind, id, &map, err) < 0)
		return -1;
	shared = map.shared;
	img_pagemap_free(&map);
	return shared ? img_set_require(c->to, "pages-shared", err) : 0;
}

/* 1: what this member has is in the new set; 0: it is to be copied; -1. */
static int member_share(struct copy *c, const char *name, struct img_err *err)
{
	enum img_kind kind;
	uint32_t pages_id;
	uint64_t id;
	int ret;

	kind = img_kind_by_file(name, &id);
	if (kind == IMG_PAGES)
		return img_numbers_has(&c->rewritten, id);
	if (kind != IMG_PAGEMAP && kind != IMG_SHMEM_PAGEMAP)
		return 0;
	if (!c->opt->share)
		return keep_shared(c, kind, id, err);
	ret = img_share_pages(c->from, c->to, name, &pages_id, tick, c, err);
	if (ret < 0)
		return img_wrap(err, "%s", name);
	return ret && img_numbers_add(&c->rewritten, pages_id, err) ? -1 : ret;
}

static int member_copy(struct copy *c, const char *name, struct img_err *err)
{
	struct img_source *src;
	struct img_sink *sink;
	int64_t size;
	int ret;

	ret = member_share(c, name, err);
	if (ret)
		return ret < 0 ? -1 : 0;
	ret = img_set_source(c->from, name, &src, err);
	if (ret <= 0)
		return ret < 0 ? -1 : img_fail(err, IMG_CORRUPT, "%s: gone while the set was read", name);
	size = img_source_size(src);
	sink = sink_open(c, name, size, err);
	if (!sink) {
		img_source_close(src);
		return -1;
	}
	src = img_source_ahead(src);
	ret = bytes_copy(c, src, sink, err);
	img_source_close(src);
	if (!ret)
		return img_sink_finish(sink, err);
	img_sink_abort(sink);
	return img_wrap(err, "%s", name);
}

/* How much there is to do, where that costs nothing: of page images, which are most of it. */
static uint64_t total(struct copy *c)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < c->nr; i++) {
		struct img_source *src;
		int64_t size;

		if (!img_is_page_image(c->names[i]) || img_set_source(c->from, c->names[i], &src, NULL) != 1)
			continue;
		size = img_source_size(src);
		img_source_close(src);
		if (size < 0)
			return 0;
		sum += size;
	}
	return sum;
}

/* What the old manifest says beyond what the new one will say by itself. */
static int facts_carry(struct img_set *to, const ManifestEntry *old, struct img_err *err)
{
	for (size_t i = 0; i < old->n_requires; i++)
		if (strcmp(old->requires[i], "pages-zstd") && strcmp(old->requires[i], "pages-shared") &&
			strcmp(old->requires[i], "remote-pages") && img_set_require(to, old->requires[i], err))
			return -1;
	if (old->host || old->has_created) {
		struct img_host_facts facts = { .created = old->created };

		if (old->host) {
			facts.kernel_release = old->host->kernel_release;
			facts.arch = old->host->arch;
			facts.page_size = old->host->page_size;
			facts.cpu_features = (const char *const *)old->host->cpu_features;
			facts.nr_cpu_features = old->host->n_cpu_features;
			facts.boot_id = old->host->boot_id;
		}
		return img_set_host_facts(to, &facts, err);
	}
	return 0;
}

static int complete(struct img_set *to, const struct img_convert_options *opt, const ManifestEntry *old,
	enum img_version version, struct img_err *err)
{
	const char *producer = opt->producer, *producer_version = opt->producer_version;

	if (version != IMG_VERSION_2)
		return img_set_finish(to, err);
	if (old) {
		producer = old->producer;
		producer_version = old->producer_version;
		for (size_t i = 0; i < old->n_members; i++)
			img_set_note_revision(to, old->members[i]);
	}
	return img_set_seal(
		to, producer ? producer : "libcriuimg", producer ? producer_version : VERSION, err);
}

/* ---- was it whole? ---- */

/* What came out as it went in was digested on its way. Page images that are not taken along were not read. */
static bool is_known(void *arg, const ManifestMember *m)
{
	const struct copy *c = arg;
	const struct img_member *now = img_set_member(c->to, m->name);

	if (now && now->digested && now->size == m->size && m->digest.len == IMG_DIGEST_SIZE)
		return !memcmp(now->digest, m->digest.data, IMG_DIGEST_SIZE);
	return !now && img_is_page_image(m->name) && img_set_has(c->from, m->name, NULL) == 0 &&
	       img_set_has(c->origin, m->name, NULL) == 1;
}

/* A new manifest must not vouch for what an old one does not know. */
static int whole(struct copy *c, struct img_err *err)
{
	return img_set_verify_rest(c->origin, is_known, c, err);
}

static int run(struct copy *c, struct img_set *facts, enum img_version version, struct img_err *err)
{
	ManifestEntry *old = NULL;
	int ret;

	if (c->opt->share && version != IMG_VERSION_2)
		return img_fail(err, IMG_USAGE, "equal pages stored once are for version 2");
	ret = version == IMG_VERSION_2 ? img_manifest_read(facts, &old, err) : 0;
	if (ret < 0)
		return -1;
	c->old = old;
	ret = old ? facts_carry(c->to, old, err) : 0;
	if (!ret && c->opt->parent)
		ret = img_set_link_parent(c->to, c->opt->parent, err);
	if (!ret && img_set_each(c->from, name_add, c, err) < 0)
		ret = -1;
	if (!ret && !c->nr_images)
		ret = img_fail(err, IMG_CORRUPT, "there are no images");
	if (!ret)
		qsort(c->names, c->nr, sizeof(*c->names), name_cmp);
	if (!ret && c->opt->progress)
		c->total = total(c);
	for (size_t i = 0; !ret && i < c->nr; i++)
		ret = member_copy(c, c->names[i], err);
	if (!ret)
		ret = whole(c, err);
	if (!ret)
		ret = complete(c->to, c->opt, old, version, err);
	if (old)
		img_message_free(&old->base);
	return ret;
}

int img_copy(struct img_set *from, struct img_set *facts, struct img_set *to, enum img_version version,
	const struct img_convert_options *opt, struct img_err *err)
{
	struct copy c = { .from = from, .to = to, .origin = facts->origin ? facts->origin : facts, .opt = opt, .buf = malloc(COPY_SIZE) };
	int ret = c.buf ? run(&c, facts, version, err) : img_fail_nomem(err);

	for (size_t i = 0; i < c.nr; i++)
		free(c.names[i]);
	free(c.names);
	free(c.buf);
	img_numbers_free(&c.rewritten);
	return ret;
}
