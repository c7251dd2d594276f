/* store/verify.c -- holds a set against its manifest. */

#include "store/verify.h"

#include "criuimg/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "criuimg/digest.h"
#include "manifest.pb-c.h"
#include "store/digest-source.h"
#include "store/set.h"

struct verify {
	struct img_set *set;
	ManifestEntry *manifest;
	int (*report)(void *arg, const char *name, const struct img_err *finding);
	void *arg;
	bool (*known)(void *arg, const ManifestMember *m); /* NULL: nothing is */
	void *known_arg;
	int findings;
	bool stop;
	bool remote_pages; /* the set requires so */
};

static void found(struct verify *v, const char *name, const struct img_err *finding)
{
	v->findings++;
	if (v->report(v->arg, name, finding))
		v->stop = true;
}

/* A compressed member that was cut may have lost no more than its seek table: its content is whole. Unpacked it is the same
 * member, too. */
static int stored_verify(struct verify *v, const ManifestMember *m, struct img_err *finding)
{
	struct img_member now = { 0 };

	if (!m->has_stored_size || !m->codec || !v->set->ops->stored)
		return 0;
	if (v->set->ops->stored(v->set, m->name, &now, finding))
		return -1;
	if (now.codec && !strcmp(now.codec, m->codec) && now.stored_size < m->stored_size)
		return img_fail(finding, IMG_CORRUPT, "is stored in %llu bytes, the manifest says %llu",
			(unsigned long long)now.stored_size, (unsigned long long)m->stored_size);
	return 0;
}

/* What is wrong with a member, if anything, is in *finding afterwards. */
static int member_verify(struct verify *v, const ManifestMember *m, struct img_err *finding)
{
	unsigned char digest[IMG_DIGEST_SIZE];
	struct img_source *src;
	uint64_t size;
	int ret;

	ret = img_set_source(v->set, m->name, &src, finding);
	if (ret < 0)
		return -1;
	if (ret == 0)
		return img_fail(finding, IMG_CORRUPT, "is missing");

	if (m->digest.len) {
		ret = img_source_digest(src, &size, digest, finding);
	} else {
		int64_t known = img_source_size(src);

		size = known;
		ret = known < 0 ? img_fail(finding, IMG_UNSUPPORTED, "its size cannot be told here") : 0;
	}
	img_source_close(src);
	if (ret < 0)
		return -1;
	if (size != m->size)
		return img_fail(finding, IMG_CORRUPT, "has %llu bytes, the manifest says %llu",
			(unsigned long long)size, (unsigned long long)m->size);
	if (m->digest.len && memcmp(digest, m->digest.data, IMG_DIGEST_SIZE))
		return img_fail(
			finding, IMG_CORRUPT, "its content is not what was written: the digest differs");
	return stored_verify(v, m, finding);
}

static int parent_verify(struct verify *v, struct img_err *finding)
{
	struct img_set *parent;
	ManifestEntry *theirs;
	int ret;

	if (!v->manifest->has_parent_id)
		return 0;
	ret = img_set_parent(v->set, &parent, finding);
	if (ret < 0)
		return -1;
	if (ret == 0)
		return img_fail(finding, IMG_CORRUPT, "is missing");
	ret = img_manifest_read(parent, &theirs, finding);
	if (ret < 0)
		return -1;
	if (ret == 0)
		return img_fail(finding, IMG_CORRUPT, "has no manifest any more");
	ret = memcmp(theirs->set_id.data, v->manifest->parent_id.data, IMG_DIGEST_SIZE);
	img_message_free(&theirs->base);
	return ret ? img_fail(finding, IMG_CORRUPT, "is not the set that this one was made on") : 0;
}

static int member_cmp(const void *name, const void *member)
{
	return strcmp(name, (*(ManifestMember *const *)member)->name);
}

/* An image that the manifest does not list. */
static int stray_verify(void *arg, const char *name, struct img_err *err)
{
	enum img_kind kind = img_kind_by_file(name, NULL);
	struct img_err finding = IMG_ERR_INIT;
	struct verify *v = arg;

	if (kind == IMG_KIND_UNKNOWN || kind == IMG_MANIFEST ||
		img_kind_info(kind)->framing == IMG_FRAMING_SERVICE)
		return 0;
	if (v->manifest->n_members && bsearch(name, v->manifest->members, v->manifest->n_members,
					      sizeof(*v->manifest->members), member_cmp))
		return 0;
	/* Those came from a page server, which knows no manifest. */
	if ((kind == IMG_PAGEMAP || kind == IMG_SHMEM_PAGEMAP || kind == IMG_PAGES) && v->remote_pages)
		return 0;
	img_fail(&finding, IMG_CORRUPT, "the manifest does not list it");
	found(v, name, &finding);
	return v->stop;
}

static int verify(struct verify *v, struct img_err *err)
{
	struct img_err finding;

	for (size_t i = 0; i < v->manifest->n_requires; i++)
		v->remote_pages |= !strcmp(v->manifest->requires[i], "remote-pages");
	for (size_t i = 0; i < v->manifest->n_members && !v->stop; i++)
		if (!(v->known && v->known(v->known_arg, v->manifest->members[i])) &&
			member_verify(v, v->manifest->members[i], &finding))
			found(v, v->manifest->members[i]->name, &finding);
	if (!v->stop && !v->known && parent_verify(v, &finding))
		found(v, "parent", &finding);
	if (!v->stop && img_set_each(v->set, stray_verify, v, err) < 0)
		return -1;
	return v->findings;
}

int img_set_verify(struct img_set *set,
	int (*report)(void *arg, const char *name, const struct img_err *finding), void *arg,
	struct img_err *err)
{
	struct verify v = { .set = set, .report = report, .arg = arg };
	int ret;

	ret = img_manifest_read(set, &v.manifest, err);
	if (ret < 0)
		return -1;
	if (ret == 0)
		return img_fail(err, IMG_CORRUPT,
			"the set has no manifest: it is not complete, or not of this format");
	ret = verify(&v, err);
	img_message_free(&v.manifest->base);
	return ret;
}

static int first_finding(void *arg, const char *name, const struct img_err *finding)
{
	struct img_err *err = arg;

	*err = *finding;
	img_wrap(err, "%s", name);
	return 1;
}

int img_set_verify_rest(
	struct img_set *set, bool (*known)(void *arg, const ManifestMember *m), void *arg, struct img_err *err)
{
	struct verify v = { .set = set, .report = first_finding, .arg = err, .known = known, .known_arg = arg };
	int ret;

	if (set->by_hand)
		return 0;
	ret = img_manifest_read(set, &v.manifest, err);
	if (ret <= 0)
		return ret;
	ret = verify(&v, err);
	img_message_free(&v.manifest->base);
	return ret ? -1 : 0;
}
