/* criu-dump/undo.c -- the list of ways back. */

#include <string.h>

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

static int call(struct dump *d, const struct undo_entry *e, int ret, struct img_err *err)
{
	struct img_err one = IMG_ERR_INIT;

	log_debug(d->log, "undo: %s", e->what);
	if (e->back(d, e->obj, &one) == 0)
		return ret;
	log_warn(d->log, "undo: %s: %s", e->what, one.text);
	if (ret == 0) {
		if (err)
			*err = one;
		img_wrap(err, "cannot undo: %s", e->what);
	}
	return -1;
}

int undo_to_run(struct dump *d, struct img_err *err)
{
	struct undo *u = &d->undo;
	int ret = 0;

	for (size_t i = u->nr; i--;) {
		struct undo_entry e = u->items[i];

		if (e.when != UNDO_TO_RUN && e.when != UNDO_FIRST)
			continue;
		memmove(&u->items[i], &u->items[i + 1], (--u->nr - i) * sizeof(*u->items));
		ret = call(d, &e, ret, err);
	}
	return ret;
}

int undo_all(struct dump *d, int failed, struct img_err *err)
{
	struct undo *u = &d->undo;
	int ret = 0;

	while (u->nr) {
		struct undo_entry e = u->items[--u->nr];

		if (failed || e.when == UNDO_ALWAYS || e.when == UNDO_FIRST)
			ret = call(d, &e, ret, err);
	}
	free(u->items);
	*u = (struct undo){ 0 };
	return ret;
}
