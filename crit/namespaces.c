/* crit/namespaces.c -- the namespaces of a set, and who is in them. */

#include "namespaces.h"

#include <stdlib.h>

#include "criuimg/array.h"
#include "inventory.pb-c.h"

static const struct {
	const char *name;
	size_t has, id; /* of task_kobj_ids_entry */
} kinds[NS_KINDS] = {
#define KIND(word) { #word, offsetof(TaskKobjIdsEntry, has_##word##_ns_id), offsetof(TaskKobjIdsEntry, word##_ns_id) }
	[NS_PID] = KIND(pid),	[NS_NET] = KIND(net),	[NS_IPC] = KIND(ipc),	    [NS_UTS] = KIND(uts),
	[NS_MNT] = KIND(mnt),	[NS_USER] = KIND(user), [NS_CGROUP] = KIND(cgroup), [NS_TIME] = KIND(time),
};

const char *namespaces_kind_name(enum ns_kind kind)
{
	return kinds[kind].name;
}

static bool id_of(const TaskKobjIdsEntry *ids, enum ns_kind kind, uint32_t *id)
{
	*id = *(const uint32_t *)((const char *)ids + kinds[kind].id);
	return *(const protobuf_c_boolean *)((const char *)ids + kinds[kind].has);
}

static struct namespace *find_or_add(struct namespaces *all, enum ns_kind kind, uint32_t id)
{
	struct namespace *ns;

	for (size_t i = 0; i < all->nr; i++)
		if (all->list[i].kind == kind && all->list[i].id == id)
			return &all->list[i];
	ns = img_array_more(&all->list, all->nr, &all->room);
	if (!ns)
		return NULL;
	*ns = (struct namespace){ .kind = kind, .id = id };
	all->nr++;
	return ns;
}

static int add_task(struct namespaces *all, uint32_t pid, const TaskKobjIdsEntry *ids, struct img_err *err)
{
	for (enum ns_kind kind = 0; kind < NS_KINDS; kind++) {
		struct namespace *ns;
		uint32_t id, *at;

		if (!id_of(ids, kind, &id))
			continue;
		ns = find_or_add(all, kind, id);
		at = ns ? img_array_more(&ns->pids, ns->nr_pids, &ns->room_pids) : NULL;
		if (!at)
			return img_fail_nomem(err);
		*at = pid;
		ns->nr_pids++;
	}
	return 0;
}

static int mark_host(struct x *x, struct namespaces *all, struct img_err *err)
{
	const TaskKobjIdsEntry *root;
	ProtobufCMessage *msg;
	uint32_t id;
	int ret = img_read_single(x->set, IMG_INVENTORY, 0, &msg, err);

	if (ret <= 0)
		return ret;
	root = ((const InventoryEntry *)msg)->root_ids;
	for (size_t i = 0; root && i < all->nr; i++)
		all->list[i].host = id_of(root, all->list[i].kind, &id) && id == all->list[i].id;
	img_message_free(msg);
	return 0;
}

static int compare(const void *a_, const void *b_)
{
	const struct namespace *a = a_, *b = b_;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

int namespaces_read(struct x *x, struct namespaces *all, struct img_err *err)
{
	for (size_t i = 0; i < x->tasks.nr; i++) {
		uint32_t pid = x->tasks.entries[i]->pid;
		const TaskKobjIdsEntry *ids;
		ProtobufCMessage *owner;
		int ret = x_read_ids(x, pid, &ids, &owner, err);

		if (ret > 0) {
			ret = add_task(all, pid, ids, err);
			img_message_free(owner);
		}
		if (ret < 0)
			return -1;
	}
	if (all->nr)
		qsort(all->list, all->nr, sizeof(*all->list), compare);
	return mark_host(x, all, err);
}

void namespaces_free(struct namespaces *all)
{
	for (size_t i = 0; i < all->nr; i++)
		free(all->list[i].pids);
	free(all->list);
	*all = (struct namespaces){ 0 };
}

json_t *namespaces_rows(struct x *x, int (*add)(struct x *x, struct rows *rows, const struct namespace *ns, struct img_err *err), struct img_err *err)
{
	struct namespaces all = { 0 };
	struct rows rows;
	int ret;

	rows_init(&rows);
	ret = namespaces_read(x, &all, err);
	for (size_t i = 0; i < all.nr && ret == 0; i++)
		ret = add(x, &rows, &all.list[i], err);
	namespaces_free(&all);
	if (ret == 0)
		return rows_done(&rows, err);
	rows_drop(&rows);
	return NULL;
}
