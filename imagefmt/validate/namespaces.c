/* validate/namespaces.c -- namespaces that tasks are in, and the mounts in them. */

#include "validate/validate.h"

#include <inttypes.h>

#include "criuimg/array.h"
#include "fdinfo.pb-c.h"
#include "mnt.pb-c.h"
#include "netdev.pb-c.h"
#include "ns.pb-c.h"

#define NS(word, field, kind)                                                                                \
	{                                                                                                    \
		word, offsetof(TaskKobjIdsEntry, has_##field), offsetof(TaskKobjIdsEntry, field), #field,    \
			kind                                                                                 \
	}

/* A namespace that is not the host's has an image of this kind, by its number. IMG_KIND_UNKNOWN: of some versions only. */
static const struct ns_row {
	const char *word;
	size_t has, offset;
	const char *field;
	enum img_kind kind;
} rows[] = {
	NS("PID", pid_ns_id, IMG_KIND_UNKNOWN),
	NS("network", net_ns_id, IMG_NETNS),
	NS("IPC", ipc_ns_id, IMG_IPC_VAR),
	NS("UTS", uts_ns_id, IMG_UTSNS),
	NS("mount", mnt_ns_id, IMG_MNTS),
	NS("user", user_ns_id, IMG_USERNS),
	NS("cgroup", cgroup_ns_id, IMG_KIND_UNKNOWN),
	NS("time", time_ns_id, IMG_TIMENS),
};

static uint32_t ns_id(const TaskKobjIdsEntry *ids, const struct ns_row *row)
{
	const char *base = (const char *)ids;

	return *(const protobuf_c_boolean *)(base + row->has) ? *(const uint32_t *)(base + row->offset) : 0;
}

static void task_check(struct validate *v, const struct val_task *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t id = ns_id(t->ids, &rows[i]), host = ns_id(v->inventory->root_ids, &rows[i]);
		char name[IMG_NAME_MAX];

		if (!id || !host || id == host || rows[i].kind == IMG_KIND_UNKNOWN ||
			val_image(v, rows[i].kind, id))
			continue;
		/* Those of an external namespace are not dumped; nor were there netns images before CRIU 1.x. */
		val_warning(v, val_at(t->ids_record, rows[i].field),
			"%u is a %s namespace of its own, and %s is missing", id, rows[i].word,
			img_kind_file_name(rows[i].kind, id, name));
	}
}

/* The namespace of an open file of /proc/PID/ns is one that a task is in, or the host's, or bound somewhere. */
static bool ns_known(const struct validate *v, uint32_t id)
{
	for (size_t r = 0; r < ARRAY_SIZE(rows); r++) {
		if (v->inventory && v->inventory->root_ids && ns_id(v->inventory->root_ids, &rows[r]) == id)
			return true;
		for (size_t i = 0; i < v->nr_tasks; i++)
			if (v->tasks[i].ids && ns_id(v->tasks[i].ids, &rows[r]) == id)
				return true;
		if (rows[r].kind != IMG_KIND_UNKNOWN && val_image(v, rows[r].kind, id))
			return true;
	}
	return false;
}

static void ns_file_check(struct validate *v, const struct val_record *r)
{
	const NsFileEntry *nsf = (const NsFileEntry *)r->body;

	if (!ns_known(v, nsf->ns_id))
		val_warning(v, val_at(r, val_field(v, "%sns_id", r->prefix)), "nothing is in namespace %u",
			nsf->ns_id);
}

/* ---- mounts ---- */

/* In a namespace, all mounts hang on one, whose parent is not in the image. */
static void mounts_check(struct validate *v, const struct val_record *list, size_t nr)
{
	const struct val_record *root = NULL;

	for (size_t i = 0; i < nr; i++) {
		const MntEntry *m = (const MntEntry *)list[i].msg;
		bool found = false;

		for (size_t k = 0; k < nr && nr < 20000; k++) {
			const MntEntry *other = (const MntEntry *)list[k].msg;

			found |= other->mnt_id == m->parent_mnt_id && k != i;
			if (k < i && other->mnt_id == m->mnt_id)
				val_error(v, val_at(&list[i], "mnt_id"), "%u is entry %" PRId64 " too",
					m->mnt_id, list[k].entry);
		}
		if (found || nr >= 20000)
			continue;
		if (root)
			val_error(v, val_at(&list[i], "parent_mnt_id"),
				"no mount %u is in the image, and entry %" PRId64 " is the root already",
				m->parent_mnt_id, root->entry);
		else
			root = &list[i];
	}
	if (nr && nr < 20000 && !root)
		val_error(
			v, VAL_FILE_AT(list[0].image->name), "each mount is below another: there is no root");
}

int val_namespaces(struct validate *v, struct img_err *err)
{
	const struct val_records *mounts = &v->records[IMG_MNTS];
	size_t start = 0;

	if (v->inventory && v->inventory->root_ids && v->inventory->ns_per_id)
		for (size_t i = 0; i < v->nr_tasks; i++)
			if (v->tasks[i].ids && !v->tasks[i].dead)
				task_check(v, &v->tasks[i]);
	for (size_t i = 0; i < v->index[VAL_FILE].nr; i++) {
		const struct val_record *r = v->index[VAL_FILE].list[i].record;

		if (r->body && r->body->descriptor == &ns_file_entry__descriptor)
			ns_file_check(v, r);
	}
	for (size_t i = 1; i <= mounts->nr; i++) {
		if (i < mounts->nr && mounts->list[i].image == mounts->list[start].image)
			continue;
		if (!mounts->list[start].image->broken)
			mounts_check(v, &mounts->list[start], i - start);
		start = i;
	}
	return 0;
}
