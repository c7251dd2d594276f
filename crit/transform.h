/* crit/transform.h -- a set of images written anew, member by member, with some of them changed. */
#ifndef CRIT_TRANSFORM_H
#define CRIT_TRANSFORM_H

#include "criuimg/set.h"

struct transform {
	/* Write a member anew: 1; 0: it is to be copied as it is; -1. */
	int (*member)(void *arg, struct img_set *from, struct img_set *to, const char *name, struct img_err *err);
	void *arg;
};

/* The directory out must not exist; it has its name only once all of it is there. With a manifest when `from` has one; the link to the
 * parent is the same. */
int transform_set(struct img_set *from, const char *out, const struct transform *t, struct img_err *err);
/* Remove a directory of files (no directories in it), if it can be done. */
void transform_remove(const char *dir);

#endif
