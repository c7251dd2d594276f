/* engines/criu-restore/inherit.c -- descriptors that the caller hands over (--inherit-fd). */

#include "criu-restore/inherit.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "options/external.h"

int restore_inherit_read(struct restore *r, struct img_err *err)
{
	const struct option_list *list = &r->opt->inherit_fds;

	if (!list->nr)
		return 0;
	r->inherited = img_arena_array(&r->arena, list->nr, sizeof(*r->inherited));
	if (!r->inherited)
		return img_fail_nomem(err);
	for (size_t i = 0; i < list->nr; i++) {
		struct restore_inherited *in = &r->inherited[i];

		if (!option_inherit_parse(list->items[i], &in->fd, &in->key))
			return img_fail(err, IMG_USAGE, "--inherit-fd %s: not of the form fd[N]:RES", list->items[i]);
		if (fcntl(in->fd, F_GETFD) < 0)
			return img_fail(err, IMG_USAGE, "--inherit-fd %s: descriptor %d is not open", list->items[i], in->fd);
		r->nr_inherited++;
	}
	return 0;
}

int restore_inherited(const struct restore *r, const char *key, ...)
{
	char text[PATH_MAX];
	va_list args;
	int len;

	if (!r->nr_inherited)
		return -1;
	va_start(args, key);
	len = vsnprintf(text, sizeof(text), key, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(text))
		return -1;
	for (size_t i = 0; i < r->nr_inherited; i++)
		if (!strcmp(r->inherited[i].key, text))
			return r->inherited[i].fd;
	return -1;
}
