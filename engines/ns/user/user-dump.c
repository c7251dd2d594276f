/* engines/ns/user/user-dump.c -- what criu-dump saves of a user namespace: which ids it maps to which of ours. */

#include <sched.h>

#include "criu-dump/ns_ops.h"
#include "criuimg/image.h"
#include "kernel/idmap.h"
#include "userns.pb-c.h"

extern const struct ns_dump_ops user_dump_ops;

static int fill(struct img_arena *arena, const struct kern_idmap *map, UidGidExtent ***out, size_t *nr, struct img_err *err)
{
	UidGidExtent **list = img_arena_array(arena, map->nr + 1, sizeof(*list));

	for (size_t i = 0; list && i < map->nr; i++) {
		list[i] = img_arena_message(arena, UidGidExtent, uid_gid_extent);
		if (!list[i])
			return img_fail_nomem(err);
		list[i]->first = map->items[i].first;
		list[i]->lower_first = map->items[i].lower;
		list[i]->count = map->items[i].count;
	}
	if (!list)
		return img_fail_nomem(err);
	*out = list;
	*nr = map->nr;
	return 0;
}

static int user_dump(struct dump *d, const struct dump_namespace *ns, struct img_err *err)
{
	const struct kern_idmap *uids, *gids;
	UsernsEntry e = USERNS_ENTRY__INIT;

	dump_ns_idmaps(d, &uids, &gids);
	if (fill(&d->arena, uids, &e.uid_map, &e.n_uid_map, err) < 0 || fill(&d->arena, gids, &e.gid_map, &e.n_gid_map, err) < 0)
		return -1;
	return img_write_single(d->set, IMG_USERNS, ns->id, &e.base, err);
}

const struct ns_dump_ops user_dump_ops = {
	.name = "user",
	.flag = CLONE_NEWUSER,
	.dump = user_dump,
};
