/* convert/view.h -- a set seen through a change: the same members, save those that are left out, made anew or changed on
 * their way. Steps of a conversion are views on top of each other; what comes out is copied. */
#ifndef IMAGEFMT_CONVERT_VIEW_H
#define IMAGEFMT_CONVERT_VIEW_H

#include "criuimg/convert.h"
#include "criuimg/image.h"
#include "store/set.h"

struct img_view {
	struct img_set set;
	struct img_set *below;
	bool below_owned;
	struct img_set *made; /* members that are here in place of those below, or beside them; in memory */
	/* Is this member of the set below to be seen? NULL: all are. */
	bool (*wanted)(struct img_view *v, const char *name);
	/* A member's bytes, changed; src is taken over, on failure too (NULL then). NULL: as they are. */
	struct img_source *(*filter)(
		struct img_view *v, const char *name, struct img_source *src, struct img_err *err);
	void *arg; /* of wanted and filter */
	void (*arg_free)(void *arg);
};

/* Takes ownership of below when owned, on success. */
struct img_view *img_view_new(struct img_set *below, bool owned, struct img_err *err);

/* Every record of an image through fn, which may change it: 1 keep it, 0 leave it out, -1. Payloads go along. The result is in memory.
 * src is gone whatever is returned. */
struct img_source *img_rewrite(struct img_source *src, enum img_kind kind,
	int (*fn)(void *arg, ProtobufCMessage *msg, struct img_err *err), void *arg, struct img_err *err);

/* src with `drop` bytes of its front away and `prefix` in their place. src is gone whatever is returned. */
struct img_source *img_front(
	struct img_source *src, size_t drop, const void *prefix, size_t prefix_len, struct img_err *err);

/* Numbers, to look others up in. */
struct img_numbers {
	uint64_t *list;
	size_t nr, room;
	bool sorted;
};
int img_numbers_add(struct img_numbers *n, uint64_t value, struct img_err *err);
bool img_numbers_has(struct img_numbers *n, uint64_t value);
void img_numbers_free(struct img_numbers *n);

/* ---- steps: each gives a view on the set below, which it owns on success, or the set itself when there is nothing to do ---- */

struct img_loss {
	const struct img_convert_options *opt;
	unsigned int nr;
	char first[256];
};
/* Note what a step loses. */
void img_lose(struct img_loss *loss, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

struct img_set *img_step_framing_up(
	struct img_set *below, struct img_loss *loss, struct img_err *err); /* 1.0 to 1.1 */
struct img_set *img_step_framing_down(
	struct img_set *below, struct img_loss *loss, struct img_err *err); /* 1.1 to 1.0 */
struct img_set *img_step_manifest_up(
	struct img_set *below, struct img_loss *loss, struct img_err *err); /* 1.1 to 2 */
struct img_set *img_step_manifest_down(
	struct img_set *below, struct img_loss *loss, struct img_err *err); /* 2 to 1.1 */
struct img_set *img_step_forms(
	struct img_set *below, struct img_err *err); /* old forms to today's, of any version */

/* A page map of from, written to `to` with its page data, in which equal pages are once: 1, and its page image needs no copy any more; 0: the map has no
 * data; -1. tick is told of bytes that were read. */
int img_share_pages(struct img_set *from, struct img_set *to, const char *name, uint32_t *pages_id,
	int (*tick)(void *arg, uint64_t bytes, struct img_err *err), void *arg, struct img_err *err);

/* Copy all members of from, but for the manifest, in the order of their use; then complete `to` as that version. facts: the set whose
 * manifest has them. */
int img_copy(struct img_set *from, struct img_set *facts, struct img_set *to, enum img_version version,
	const struct img_convert_options *opt, struct img_err *err);

#endif
