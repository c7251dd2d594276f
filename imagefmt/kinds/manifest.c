/* kinds/manifest.c -- manifest.img: one record, which must agree with itself. */

#include "kinds/manifest.h"

#include <string.h>
#include <xxhash.h>

#include "criuimg/manifest.h"
#include "kinds/ops.h"

int img_manifest_identity(
	const ManifestEntry *manifest, unsigned char id[IMG_DIGEST_SIZE], struct img_err *err)
{
	XXH3_state_t *state = XXH3_createState();
	XXH128_canonical_t canonical;

	if (!state)
		return img_fail_nomem(err);
	XXH3_128bits_reset(state);
	for (size_t i = 0; i < manifest->n_members; i++) {
		const ManifestMember *m = manifest->members[i];
		unsigned char size[8];

		for (int k = 0; k < 8; k++)
			size[k] = m->size >> (8 * k);
		XXH3_128bits_update(state, m->name, strlen(m->name) + 1);
		XXH3_128bits_update(state, size, sizeof(size));
		XXH3_128bits_update(state, m->digest.data, m->digest.len);
	}
	XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
	memcpy(id, &canonical, IMG_DIGEST_SIZE);
	XXH3_freeState(state);
	return 0;
}

static int member_check(const ManifestMember *m, const char *before, struct img_err *err)
{
	if (!*m->name || strchr(m->name, '/') || !strcmp(m->name, ".") || !strcmp(m->name, ".."))
		return img_fail(err, IMG_CORRUPT, "'%.300s' is no name of an image", m->name);
	if (before && strcmp(before, m->name) >= 0)
		return img_fail(
			err, IMG_CORRUPT, "members are not sorted: %.300s after %.300s", m->name, before);
	if (m->digest.len != 0 && m->digest.len != IMG_DIGEST_SIZE)
		return img_fail(err, IMG_CORRUPT, "%.300s: a digest of %zu bytes", m->name, m->digest.len);
	return 0;
}

static int manifest_record(
	struct img_flow *flow, const ProtobufCMessage *msg, struct img_payload *payload, struct img_err *err)
{
	const ManifestEntry *manifest = (const ManifestEntry *)msg;
	unsigned char id[IMG_DIGEST_SIZE];

	/* First: nothing else is known of a later version. */
	if (manifest->format_version > IMG_FORMAT_VERSION)
		return img_fail(err, IMG_UNSUPPORTED, "format version %u: this program reads up to %u",
			manifest->format_version, IMG_FORMAT_VERSION);
	for (size_t i = 0; i < manifest->n_members; i++)
		if (member_check(manifest->members[i], i ? manifest->members[i - 1]->name : NULL, err))
			return -1;
	for (size_t i = 1; i < manifest->n_requires; i++)
		if (strcmp(manifest->requires[i - 1], manifest -> requires[i]) >= 0)
			return img_fail(err, IMG_CORRUPT, "required features are not sorted");
	if (manifest->has_parent_id && manifest->parent_id.len != IMG_DIGEST_SIZE)
		return img_fail(err, IMG_CORRUPT, "parent_id has %zu bytes", manifest->parent_id.len);
	if (img_manifest_identity(manifest, id, err))
		return -1;
	if (manifest->set_id.len != IMG_DIGEST_SIZE || memcmp(manifest->set_id.data, id, IMG_DIGEST_SIZE))
		return img_fail(err, IMG_CORRUPT, "set_id does not fit the members");
	return 0;
}

const struct img_kind_ops img_manifest_ops = {
	.record = manifest_record,
};
