/* convert/dedup.h -- what the parts of deduplication share. */
#ifndef IMAGEFMT_CONVERT_DEDUP_H
#define IMAGEFMT_CONVERT_DEDUP_H

#include "criuimg/convert.h"

/* Bytes of page data, from `at` up to `end`. */
struct img_range {
	uint64_t at, end;
};

struct img_ranges {
	struct img_range *list;
	size_t nr, room;
};

/* Sort, and join what touches. */
void img_ranges_merge(struct img_ranges *ranges);

/* Take these ranges out of pages-<pages_id>.img of a directory; counts what that gave back. */
int img_dedup_drop(struct img_set *set, uint32_t pages_id, const struct img_ranges *ranges,
	struct img_dedup_result *result, struct img_err *err);
/* Write the manifest of a set anew, if it has one: with the digests of page images as they are now (where pages), and the parent's
 * identity. 0; 1 when the set's own identity is another one now; -1. */
int img_dedup_manifest(struct img_set *set, struct img_set *parent, bool pages, struct img_err *err);

#endif
