/* store/seal.c -- the end of a set: its manifest, put together from what was written. */

#include "store/set.h"

#include <stdlib.h>
#include <string.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "criuimg/manifest.h"
#include "kinds/manifest.h"
#include "manifest.pb-c.h"
#include "wire/message.h"

/* Where word is, or belongs, in a sorted list. */
static size_t word_slot(char **words, size_t nr, const char *word, bool *found)
{
	size_t at = 0;

	while (at < nr && strcmp(words[at], word) < 0)
		at++;
	*found = at < nr && !strcmp(words[at], word);
	return at;
}

int img_set_require(struct img_set *set, const char *feature, struct img_err *err)
{
	bool found;
	int ret = 0;
	char *copy;
	size_t at;

	if (!set->writing || set->sealed)
		return img_fail(err, IMG_USAGE, "the set is not being written");
	pthread_mutex_lock(&set->lock);
	at = word_slot(set->requires, set->nr_requires, feature, &found);
	if (!found) {
		copy = img_arena_strdup(&set->arena, feature);
		if (copy && img_array_more(&set->requires, set->nr_requires, &set->room_requires)) {
			memmove(&set->requires[at + 1], &set -> requires[at],
				(set->nr_requires - at) * sizeof(*set->requires));
			set->requires[at] = copy;
			set->nr_requires++;
		} else {
			ret = img_fail_nomem(err);
		}
	}
	pthread_mutex_unlock(&set->lock);
	return ret;
}

static int word_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* NULL stays NULL and is no failure. */
static const char *copy_text(struct img_arena *arena, const char *text, bool *failed)
{
	const char *copy = text ? img_arena_strdup(arena, text) : NULL;

	*failed |= text && !copy;
	return copy;
}

int img_set_host_facts(struct img_set *set, const struct img_host_facts *facts, struct img_err *err)
{
	struct img_host_facts *host = &set->host;
	bool failed = false;
	const char **words;

	pthread_mutex_lock(&set->lock);
	*host = *facts;
	host->kernel_release = copy_text(&set->arena, facts->kernel_release, &failed);
	host->arch = copy_text(&set->arena, facts->arch, &failed);
	host->boot_id = copy_text(&set->arena, facts->boot_id, &failed);
	words = img_arena_array(&set->arena, facts->nr_cpu_features, sizeof(*words));
	for (size_t i = 0; words && i < facts->nr_cpu_features; i++)
		words[i] = copy_text(&set->arena, facts->cpu_features[i], &failed);
	failed |= !words;
	if (!failed && facts->nr_cpu_features)
		qsort(words, facts->nr_cpu_features, sizeof(*words), word_cmp);
	host->cpu_features = words;
	set->host_known = !failed;
	pthread_mutex_unlock(&set->lock);
	return failed ? img_fail_nomem(err) : 0;
}

/* ---- the record; everything in it lives in the arena or in the set ---- */

static ManifestMember *member_message(struct img_arena *arena, struct img_member *m)
{
	ManifestMember *msg = img_arena_message(arena, ManifestMember, manifest_member);
	enum img_kind kind = img_kind_by_file(m->name, NULL);

	if (!msg)
		return NULL;
	msg->name = m->name;
	msg->kind = (char *)(kind == IMG_KIND_UNKNOWN ? "" : img_kind_info(kind)->name);
	msg->kind_revision = kind == IMG_KIND_UNKNOWN ? 0 : m->revision ? m->revision : img_kind_info(kind)->revision;
	msg->size = m->size;
	msg->has_stored_size = m->codec != NULL;
	msg->stored_size = m->stored_size;
	msg->codec = (char *)m->codec;
	if (m->digested) {
		msg->digest.data = m->digest;
		msg->digest.len = IMG_DIGEST_SIZE;
	}
	return msg;
}

static int members_fill(
	ManifestEntry *manifest, struct img_set *set, struct img_arena *arena, struct img_err *err)
{
	manifest->members = img_arena_array(arena, set->nr_members + 1, sizeof(*manifest->members));
	if (!manifest->members)
		return img_fail_nomem(err);
	for (; manifest->n_members < set->nr_members; manifest->n_members++) {
		ManifestMember *msg = member_message(arena, &set->members[manifest->n_members]);

		if (!msg)
			return img_fail_nomem(err);
		manifest->members[manifest->n_members] = msg;
	}
	return 0;
}

static int host_fill(
	ManifestEntry *manifest, const struct img_set *set, struct img_arena *arena, struct img_err *err)
{
	const struct img_host_facts *facts = &set->host;
	HostFacts *host;

	if (!set->host_known)
		return 0;
	host = img_arena_message(arena, HostFacts, host_facts);
	if (!host)
		return img_fail_nomem(err);
	host->kernel_release = (char *)facts->kernel_release;
	host->arch = (char *)facts->arch;
	host->has_page_size = facts->page_size != 0;
	host->page_size = facts->page_size;
	host->cpu_features = (char **)facts->cpu_features;
	host->n_cpu_features = facts->nr_cpu_features;
	host->boot_id = (char *)facts->boot_id;
	manifest->host = host;
	manifest->has_created = facts->created != 0;
	manifest->created = facts->created;
	return 0;
}

/* The identity of the parent, where it has one. */
static int parent_fill(
	ManifestEntry *manifest, struct img_set *set, struct img_arena *arena, struct img_err *err)
{
	struct img_set *parent;
	ManifestEntry *theirs;
	int ret;

	ret = img_set_parent(set, &parent, err);
	if (ret <= 0)
		return ret;
	ret = img_manifest_read(parent, &theirs, err);
	if (ret < 0)
		return img_wrap(err, "parent");
	if (ret == 0)
		return 0;
	manifest->has_parent_id = true;
	manifest->parent_id.len = theirs->set_id.len;
	manifest->parent_id.data = img_arena_memdup(arena, theirs->set_id.data, theirs->set_id.len);
	img_message_free(&theirs->base);
	return manifest->parent_id.data ? 0 : img_fail_nomem(err);
}

static int manifest_write(struct img_set *set, const ManifestEntry *manifest, struct img_err *err)
{
	struct img_sink *sink;
	struct img_writer *w;

	sink = set->ops->sink(set, img_kind_info(IMG_MANIFEST)->file, err);
	if (!sink)
		return -1;
	w = img_writer_to_sink(sink, IMG_MANIFEST, err);
	if (!w) {
		img_sink_abort(sink);
		return -1;
	}
	if (img_write(w, &manifest->base, err)) {
		img_writer_abort(w);
		return -1;
	}
	return img_writer_finish(w, err);
}

/* The digest of the manifest itself: of the image as it will be, up to the field that has it. */
static int self_digest(ManifestEntry *manifest, struct img_arena *arena, struct img_err *err)
{
	struct img_frame frame = { 0 };
	unsigned char *image;

	manifest->has_digest = true;
	manifest->digest.len = IMG_DIGEST_SIZE;
	manifest->digest.data = img_arena_alloc(arena, IMG_DIGEST_SIZE);
	if (!manifest->digest.data)
		return img_fail_nomem(err);
	if (img_message_pack(&manifest->base, &frame, err))
		return -1;
	image = img_arena_alloc(arena, 4 + frame.size);
	if (image) {
		img_put_u32(image, img_kind_info(IMG_MANIFEST)->magic);
		memcpy(image + 4, frame.data, frame.size);
		img_digest_block(image, 4 + frame.size - IMG_MANIFEST_TAIL, manifest->digest.data);
	}
	img_frame_free(&frame);
	return image ? 0 : img_fail_nomem(err);
}

int img_manifest_seal(
	ManifestEntry *manifest, unsigned char **image_out, size_t *size_out, struct img_err *err)
{
	cleanup_arena struct img_arena arena = IMG_ARENA_INIT;
	ProtobufCBinaryData old = manifest->digest;
	struct img_frame frame = { 0 };
	int ret;

	if (img_manifest_identity(manifest, manifest->set_id.data, err))
		return -1;
	ret = self_digest(manifest, &arena, err);
	if (!ret)
		ret = img_message_pack(&manifest->base, &frame, err);
	if (!ret) {
		*size_out = 4 + frame.size;
		*image_out = malloc(*size_out);
		if (*image_out) {
			img_put_u32(*image_out, img_kind_info(IMG_MANIFEST)->magic);
			memcpy(*image_out + 4, frame.data, frame.size);
		} else {
			ret = img_fail_nomem(err);
		}
	}
	/* What is in the arena goes; the message is freed by someone else. */
	manifest->digest = old;
	img_frame_free(&frame);
	return ret;
}

static int name_cmp(const void *name, const void *member)
{
	return strcmp(name, ((const struct img_member *)member)->name);
}

struct img_member *img_set_member(const struct img_set *set, const char *name)
{
	return set->nr_members ? bsearch(name, set->members, set->nr_members, sizeof(*set->members), name_cmp) : NULL;
}

void img_set_note_revision(struct img_set *set, const ManifestMember *old)
{
	struct img_member *m;

	pthread_mutex_lock(&set->lock);
	m = img_set_member(set, old->name);
	if (m && m->digested && old->digest.len == IMG_DIGEST_SIZE && !memcmp(m->digest, old->digest.data, IMG_DIGEST_SIZE))
		m->revision = old->kind_revision;
	pthread_mutex_unlock(&set->lock);
}

int img_set_seal(struct img_set *set, const char *producer, const char *producer_version, struct img_err *err)
{
	cleanup_arena struct img_arena arena = IMG_ARENA_INIT;
	ManifestEntry manifest = MANIFEST_ENTRY__INIT;
	unsigned char id[IMG_DIGEST_SIZE];

	if (!set->writing || set->sealed)
		return img_fail(err, IMG_USAGE, "the set is not being written");
	manifest.format_version = IMG_FORMAT_VERSION;
	manifest.producer = (char *)producer;
	manifest.producer_version = (char *)producer_version;
	manifest.requires = set->requires;
	manifest.n_requires = set->nr_requires;
	if (members_fill(&manifest, set, &arena, err) || host_fill(&manifest, set, &arena, err) ||
		parent_fill(&manifest, set, &arena, err) || img_manifest_identity(&manifest, id, err))
		return -1;
	manifest.set_id.data = id;
	manifest.set_id.len = sizeof(id);
	if (self_digest(&manifest, &arena, err) || manifest_write(set, &manifest, err))
		return -1;
	return img_set_finish(set, err);
}
