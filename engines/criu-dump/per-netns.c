/* engines/criu-dump/per-netns.c -- looked at when it is first asked for. */

#include "criu-dump/per-netns.h"

#include <sched.h>
#include <stdlib.h>

#include "criu-dump/dump.h"
#include "criu-dump/ns_ops.h"
#include "criuimg/array.h"

const void *dump_per_netns(struct dump *d, struct dump_task *t, struct per_netns *all, const struct per_netns_ops *ops,
	struct img_err *err)
{
	const struct dump_namespace *ns = dump_ns_of(d, t, CLONE_NEWNET);
	struct per_netns_entry *e;
	int own, ret;

	for (size_t i = 0; i < all->nr; i++)
		if (all->items[i].ns == ns)
			return all->items[i].memory;
	e = img_array_more(&all->items, all->nr, &all->room);
	if (!e || !(e->memory = calloc(1, ops->size))) {
		img_fail_nomem(err);
		return NULL;
	}
	e->ns = ns;
	all->nr++;
	if (dump_ns_enter(d, t, CLONE_NEWNET, &own, err) < 0)
		goto fail;
	ret = ops->read(e->memory, err);
	if (dump_ns_leave(CLONE_NEWNET, &own, err) < 0 || ret < 0)
		goto fail;
	return e->memory;
fail:
	ops->drop(e->memory);
	free(e->memory);
	all->nr--;
	return NULL;
}

void dump_per_netns_free(struct per_netns *all, const struct per_netns_ops *ops)
{
	for (size_t i = 0; i < all->nr; i++) {
		ops->drop(all->items[i].memory);
		free(all->items[i].memory);
	}
	free(all->items);
	*all = (struct per_netns){ 0 };
}
