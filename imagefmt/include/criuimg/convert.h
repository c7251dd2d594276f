/* criuimg/convert.h -- one set made of another: in another version, another store, without its parents, a part of it.
 *
 * Each function reads `from`, writes `to` (new, from img_set_create_dir() or its like; not compressed or compressed as it was set up)
 * and completes it: a v2 set gets its manifest, with the facts and features of the old one. What fails leaves `to` without a
 * manifest, or an archive without a name. Unknown fields and unknown files are carried over. Memory use does not depend on the size
 * of page images.
 */
#ifndef CRIUIMG_CONVERT_H
#define CRIUIMG_CONVERT_H

#include <stdbool.h>
#include <stdint.h>

#include "criuimg/err.h"
#include "criuimg/set.h"

#ifdef __cplusplus
extern "C" {
#endif

enum img_version {
	IMG_VERSION_SAME = 0,
	IMG_VERSION_1_0 = 0x10,
	IMG_VERSION_1_1 = 0x11,
	IMG_VERSION_2 = 0x20,
};

struct img_convert_options {
	enum img_version
		version; /* SAME: that of the set. From 1.0 to others, and from 1.1 to 2, old forms (docs/format-history.md)
				   * become today's. */
	bool share;	    /* store equal pages of a map once, those of zeros among them: of version 2, requires "pages-shared" */
	bool lossy;	    /* go on where a step down loses something */
	const char *parent; /* where the link `parent` of the new set leads; NULL: it has none */
	const char *producer,
		*producer_version; /* of a manifest, where the set had none; NULL: "libcriuimg" */
	/* Told of each thing that is lost, before anything is written. NULL: nobody is. */
	void (*lost)(void *arg, const char *what);
	/* Told now and then how far it is, in bytes of content; total 0: not known. Nonzero ends the work: IMG_SYS with
	 * EINTR, "interrupted". */
	int (*progress)(void *arg, uint64_t done, uint64_t total);
	void *arg;
};

/* The version of a set, as enum img_version; -1. */
int img_set_version(struct img_set *set, struct img_err *err);

/* opt NULL: a copy. A loss without `lossy` is IMG_UNSUPPORTED; the text has the first one. */
int img_set_convert(
	struct img_set *from, struct img_set *to, const struct img_convert_options *opt, struct img_err *err);

/* A set that needs no parents: what its page maps have in them is in it. opt->parent is ignored. */
int img_set_flatten(
	struct img_set *from, struct img_set *to, const struct img_convert_options *opt, struct img_err *err);

/* The task `pid` and all below it: their records, memory and descriptors, and of the open files, ghosts, queues and shared
 * segments those that they refer to. Namespaces, mounts and cgroups stay as they are. */
int img_set_extract(struct img_set *from, uint32_t pid, struct img_set *to,
	const struct img_convert_options *opt, struct img_err *err);

struct img_dedup_result {
	uint64_t pages; /* that the parents had for nothing */
	uint64_t bytes; /* that were given back to the file system */
};

/* Punch holes into the page data of a set's parents where a newer set has the page itself. The sets are directories, their
 * page images plain files or compressed (those are written anew). Sizes and offsets stay. Manifests of sets that changed are
 * written anew, and of those that name them as their parent. Doing it twice is the same as once: an interrupted run is made
 * good by the next. opt: progress alone. */
int img_set_dedup(struct img_set *set, const struct img_convert_options *opt, struct img_dedup_result *result,
	struct img_err *err);

#ifdef __cplusplus
}
#endif
#endif
