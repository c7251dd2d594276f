/* kinds/manifest.h -- what a manifest says about itself. */
#ifndef IMAGEFMT_KINDS_MANIFEST_H
#define IMAGEFMT_KINDS_MANIFEST_H

#include "criuimg/err.h"
#include "criuimg/set.h"

#include "manifest.pb-c.h"

/* The end of a manifest: field `digest`, a byte of tag, one of length, the digest of all in front. */
#define IMG_MANIFEST_TAG  (15 << 3 | 2)
#define IMG_MANIFEST_TAIL (2 + IMG_DIGEST_SIZE)

/* The identity of a set: XXH3-128 over its members, in the manifest's order. */
int img_manifest_identity(
	const ManifestEntry *manifest, unsigned char id[IMG_DIGEST_SIZE], struct img_err *err);

#endif
