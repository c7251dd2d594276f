/* criuimg/manifest.h -- manifest.img: what a set consists of (docs/format.md, "The manifest").
 *
 * A set being written gets its manifest from img_set_seal() (criuimg/set.h). Here it is read and held against the set.
 */
#ifndef CRIUIMG_MANIFEST_H
#define CRIUIMG_MANIFEST_H

#include <stddef.h>

#include "criuimg/err.h"
#include "criuimg/set.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The message of proto/manifest.proto; its fields are in "manifest.pb-c.h". */
struct ManifestEntry;

/* The format_version that is written, and the highest that is read. */
#define IMG_FORMAT_VERSION 2

/* The manifest, checked in itself: 1 with *manifest_out (free with img_message_free(&m->base)), 0 when the set has none (a
 * v1.1 set, or one that was not finished), -1; a format_version above IMG_FORMAT_VERSION is IMG_UNSUPPORTED. */
int img_manifest_read(struct img_set *set, struct ManifestEntry **manifest_out, struct img_err *err);

/* The words of `requires` that this version knows, those of number 0 and on; NULL behind the last. about may be NULL. */
const char *img_feature(size_t n, const char **about);

/* Does the set ask for a feature that is not in known[] (NULL: those of img_feature())? Then -1, IMG_UNSUPPORTED, naming all of them. */
int img_manifest_check_requires(
	const struct ManifestEntry *manifest, const char *const *known, size_t nr_known, struct img_err *err);

/* Does the set require this word? 1, 0 (a set without a manifest requires nothing), -1. */
int img_set_requires(struct img_set *set, const char *word, struct img_err *err);

/* Hold the set against its manifest: every member there with its size and digest, the parent the one that it was, no image
 * that is not listed. report is called for each thing that is wrong, with the member's name; a nonzero return ends the work.
 * Reads all of the set. Returns the number of findings, or -1 when it could not look (no manifest: IMG_CORRUPT). */
int img_set_verify(struct img_set *set,
	int (*report)(void *arg, const char *name, const struct img_err *finding), void *arg,
	struct img_err *err);

#ifdef __cplusplus
}
#endif
#endif
