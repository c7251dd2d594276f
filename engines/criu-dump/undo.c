/* criu-dump/undo.c -- the list of ways back. */

#include "criu-dump/dump.h"
#include "criuimg/array.h"

int undo_push(struct undo *u, enum undo_when when, const char *what,
	int (*back)(struct dump *d, void *obj, struct img_err *err), void *obj, struct img_err *err)
{
	struct undo_entry *e = img_array_more(&u->items, u->nr, &u->room);

	if (!e)
		return img_fail_nomem(err);
	*e = (struct undo_entry){ .back = back, .obj = obj, .what = what, .when = when };
	u->nr++;
	return 0;
}

int undo_all(struct dump *d, int failed, struct img_err *err)
{
	struct undo *u = &d->undo;
	int ret = 0;

	while (u->nr) {
		struct undo_entry e = u->items[--u->nr];
		struct img_err one = IMG_ERR_INIT;

		if (e.when == UNDO_ON_FAILURE && !failed)
			continue;
		log_debug(d->log, "undo: %s", e.what);
		if (e.back(d, e.obj, &one) == 0)
			continue;
		log_warn(d->log, "undo: %s: %s", e.what, one.text);
		if (ret == 0) {
			if (err)
				*err = one;
			img_wrap(err, "cannot undo: %s", e.what);
		}
		ret = -1;
	}
	free(u->items);
	*u = (struct undo){ 0 };
	return ret;
}
