/* crit/transform.h -- a set of images written anew, member by member, with some of them changed. */
#ifndef CRIT_TRANSFORM_H
#define CRIT_TRANSFORM_H

#include <stdbool.h>

#include "criuimg/set.h"

struct transform {
	/* Write a member anew: 1; 0: it is to be copied as it is; -1. */
	int (*member)(void *arg, struct img_set *from, struct img_set *to, const char *name, struct img_err *err);
	/* All is written, at path: is it as it should be? 0, or -1 and it goes. NULL: it is. */
	int (*check)(void *arg, const char *path, struct img_err *err);
	void *arg;
};

/* The set `from`, which is at `in`, to out: a directory, an archive or "-", as crit_set_output_open() takes them; it has its name only once all of
 * it is there. With a manifest when `from` has one, and with its parent. */
int transform_set(struct img_set *from, const char *in, const char *out, bool replace, const struct transform *t, struct img_err *err);

#endif
