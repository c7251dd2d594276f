/* criu-dump/dry-run.c -- what --dry-run says: all that would stop a dump, as text or as JSON. */

#include <jansson.h>
#include <stdio.h>

#include "criu-dump/spine.h"

static void print_text(const struct dump *d)
{
	for (size_t i = 0; i < d->blockers.nr; i++) {
		const struct dump_blocker *b = &d->blockers.items[i];

		if (b->pid)
			printf("pid %d: ", b->pid);
		printf("%s%s%s\n", b->what, *b->what ? ": " : "", b->why);
	}
	if (!d->blockers.nr)
		printf("nothing stops a dump of pid %d (%zu task%s)\n", d->opt->tree, d->tasks.nr,
			d->tasks.nr == 1 ? "" : "s");
}

/* {"pid": 7, "tasks": 2, "blockers": [{"pid": 8, "what": "fd 7", "why": "io_uring is not supported"}]} */
static int print_json(const struct dump *d)
{
	json_t *list = json_array(), *top;

	for (size_t i = 0; i < d->blockers.nr; i++) {
		const struct dump_blocker *b = &d->blockers.items[i];
		json_t *one = json_object();

		if (b->pid)
			json_object_set_new(one, "pid", json_integer(b->pid));
		if (*b->what)
			json_object_set_new(one, "what", json_string(b->what));
		json_object_set_new(one, "why", json_string(b->why));
		json_array_append_new(list, one);
	}
	top = json_pack(
		"{s:i,s:i,s:o}", "pid", (int)d->opt->tree, "tasks", (int)d->tasks.nr, "blockers", list);
	if (!top)
		return -1;
	json_dumpf(top, stdout, JSON_INDENT(4));
	printf("\n");
	json_decref(top);
	return 0;
}

int dump_blockers_print(const struct dump *d, struct img_err *err)
{
	int ret = 0;

	if (d->opt->json)
		ret = print_json(d);
	else
		print_text(d);
	if (ret < 0)
		return img_fail_nomem(err);
	if (fflush(stdout))
		return img_fail_sys(err, "standard output");
	return 0;
}
