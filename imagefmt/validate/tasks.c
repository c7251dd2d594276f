/* validate/tasks.c -- the tree of tasks, the images each of them needs, and its threads. */

#include "validate/validate.h"

#include <inttypes.h>

#include "cgroup.pb-c.h"
#include "criuimg/array.h"
#include "seccomp.pb-c.h"

int val_inventory(struct validate *v, struct img_err *err)
{
	const struct val_record *r = val_single(v, IMG_INVENTORY, 0);

	if (!r) {
		if (!val_broken(v, IMG_INVENTORY))
			val_error(v, VAL_FILE_AT("inventory.img"),
				"is missing: without it this is no set of images");
		return 0;
	}
	if (v->inventory->img_version > 2)
		val_unsupported(v, val_at(r, "img_version"), "%u: versions 1 and 2 are known",
			v->inventory->img_version);
	else if (v->inventory->img_version == 0 && !v->pre_dump)
		val_error(v, val_at(r, "img_version"),
			"0, as in the directory of a pre-dump, where there is a tree of tasks");
	else if (v->pre_dump)
		val_note(v, val_at(r, "img_version"),
			"the directory of a pre-dump: pages for a later dump, no tasks");
	if (!v->pre_dump && !v->inventory->fdinfo_per_id)
		val_note(v, val_at(r, "fdinfo_per_id"),
			"absent, as in old sets: tables of descriptors go by pid");
	if (!v->pre_dump && !v->inventory->root_ids)
		val_note(v, val_at(r, "root_ids"), "absent: which namespaces were the host's is not known");
	return 0;
}

/* ---- the tree ---- */

/* A parent comes before its children, and the first task is the root. */
static void tree_check(struct validate *v, const struct val_task *t)
{
	const PstreeEntry *e = t->entry;
	const struct val_task *parent = val_task(v, e->ppid), *group = val_task(v, e->pgid);

	if (e->pid == 0)
		val_error(v, val_at(t->record, "pid"), "0 is no task");
	if (val_task(v, e->pid) != t)
		val_error(v, val_at(t->record, "pid"), "%u is in the tree already", e->pid);
	if (t == v->tasks && e->ppid != 0)
		val_error(v, val_at(t->record, "ppid"), "%u: the first task is the root and has no parent",
			e->ppid);
	if (t != v->tasks && e->ppid == 0)
		val_error(v, val_at(t->record, "ppid"), "0: a second root");
	else if (t != v->tasks && !parent)
		val_error(v, val_at(t->record, "ppid"), "%u is not in the tree", e->ppid);
	else if (t != v->tasks && parent >= t)
		val_error(v, val_at(t->record, "ppid"), "%u does not come before its child", e->ppid);
	if (e->sid == e->pid && e->pgid != e->pid)
		val_error(v, val_at(t->record, "pgid"), "%u: the leader of a session leads its own group",
			e->pgid);
	if (group && group->entry->sid != e->sid)
		val_error(v, val_at(t->record, "pgid"), "%u is a group of session %u, the task is in %u",
			e->pgid, group->entry->sid, e->sid);
}

/* ---- the images of a task ---- */

/* Complain of a missing image, unless it is there and broken. */
static void need(struct validate *v, const struct val_task *t, enum img_kind kind, uint64_t id)
{
	char name[IMG_NAME_MAX];

	if (!val_image(v, kind, id))
		val_error(v, VAL_FILE_AT(val_field(v, "%s", img_kind_file_name(kind, id, name))),
			"is missing: task %u needs it", t->entry->pid);
}

static bool per_id(const struct validate *v)
{
	return v->inventory && v->inventory->fdinfo_per_id;
}

/* Some writers leave out a table without descriptors. */
static void table_check(struct validate *v, const struct val_task *t)
{
	uint64_t id = t->ids ? t->ids->files_id : 0;
	char name[IMG_NAME_MAX];

	if (!per_id(v))
		id = t->entry->pid;
	else if (!t->ids)
		return;
	if (!val_image(v, IMG_FDINFO, id))
		val_warning(v, VAL_FILE_AT(val_field(v, "%s", img_kind_file_name(IMG_FDINFO, id, name))),
			"is missing, as if task %u had no descriptors", t->entry->pid);
}

static void alive_check(struct validate *v, const struct val_task *t)
{
	const struct val_image *pages;
	const uint32_t pid = t->entry->pid;

	if (!t->ids && !val_image(v, IMG_IDS, pid))
		need(v, t, IMG_IDS, pid);
	need(v, t, IMG_MM, pid);
	need(v, t, IMG_FS, pid);
	table_check(v, t);
	pages = val_image(v, IMG_PAGES, pid);
	if (!pages || !pages->old_pages)
		need(v, t, IMG_PAGEMAP, pid);
	if (t->core && !t->core->tc)
		val_error(v, val_at(t->core_record, "tc"), "is missing: the core of a main thread has it");
}

static void dead_check(struct validate *v, const struct val_task *t)
{
	if (t->mm_record)
		val_warning(v, VAL_FILE_AT(t->mm_record->image->name),
			"task %u is a zombie and has no memory", t->entry->pid);
}

/* Images that are named by a task that is not there. */
static void strays_check(struct validate *v)
{
	static const enum img_kind by_pid[] = { IMG_MM, IMG_FS, IMG_IDS, IMG_PAGEMAP };

	for (size_t i = 0; i < v->nr_images; i++)
		for (size_t k = 0; k < ARRAY_SIZE(by_pid); k++)
			if (v->images[i].kind == by_pid[k] && !val_task(v, v->images[i].id))
				val_warning(v, VAL_FILE_AT(v->images[i].name),
					"no task %" PRIu64 " is in the tree", v->images[i].id);
}

int val_tasks(struct validate *v, struct img_err *err)
{
	if (!val_image(v, IMG_PSTREE, 0)) {
		val_error(v, VAL_FILE_AT("pstree.img"), "is missing: without it there are no tasks");
		return 0;
	}
	if (!v->nr_tasks && !val_broken(v, IMG_PSTREE))
		val_error(v, VAL_FILE_AT("pstree.img"), "no task is in it");
	for (size_t i = 0; i < v->nr_tasks; i++) {
		const struct val_task *t = &v->tasks[i];

		tree_check(v, t);
		need(v, t, IMG_CORE, t->entry->pid);
		/* Without the core it is not known which of the two it is. */
		if (t->dead)
			dead_check(v, t);
		else if (t->core)
			alive_check(v, t);
	}
	if (!val_broken(v, IMG_PSTREE))
		strays_check(v);
	return 0;
}

/* ---- threads ---- */

/* Which part of a core has the registers of an architecture. */
#define REGISTERS(arch, name)                                                                                \
	{                                                                                                    \
		CORE_ENTRY__MARCH__##arch, offsetof(CoreEntry, name), #name                                  \
	}

static const struct {
	CoreEntry__March arch;
	size_t offset;
	const char *name;
} registers[] = {
	REGISTERS(X86_64, thread_info),
	REGISTERS(ARM, ti_arm),
	REGISTERS(AARCH64, ti_aarch64),
	REGISTERS(PPC64, ti_ppc64),
	REGISTERS(S390, ti_s390),
	REGISTERS(MIPS, ti_mips),
	REGISTERS(LOONGARCH64, ti_loongarch64),
	REGISTERS(RISCV64, ti_riscv64),
};

static void arch_check(struct validate *v, const struct val_record *r, const CoreEntry *core, bool dead)
{
	const CoreEntry *first = (const CoreEntry *)v->records[IMG_CORE].list[0].msg;
	size_t i = 0;

	if (core->mtype != first->mtype)
		val_error(v, val_at(r, "mtype"), "%d, and %d in %s", core->mtype, first->mtype,
			v->records[IMG_CORE].list[0].image->name);
	while (i < ARRAY_SIZE(registers) && registers[i].arch != core->mtype)
		i++;
	if (i == ARRAY_SIZE(registers))
		val_unsupported(v, val_at(r, "mtype"), "%d is no known architecture", core->mtype);
	else if (!dead && !*(void *const *)((const char *)core + registers[i].offset))
		val_error(v, val_at(r, registers[i].name), "is missing: no registers");
}

static void cg_set_check(struct validate *v, const struct val_record *r, uint32_t cg_set, const char *field)
{
	const struct val_record *cgroup = val_single(v, IMG_CGROUP, 0);
	const CgroupEntry *entry = cgroup ? (const CgroupEntry *)cgroup->msg : NULL;

	const struct val_record *inventory = val_single(v, IMG_INVENTORY, 0);
	const InventoryEntry *inv = inventory ? (const InventoryEntry *)inventory->msg : NULL;

	/* The set of the one who dumped has a number, and a record only when the root of the tree shares it. */
	if (!entry || (inv && inv->has_root_cg_set && inv->root_cg_set == cg_set))
		return;
	for (size_t i = 0; i < entry->n_sets; i++)
		if (entry->sets[i]->id == cg_set)
			return;
	val_error(v, val_at(r, field), "no set %u of control groups is in cgroup.img", cg_set);
}

static void seccomp_check(struct validate *v, const struct val_record *r, const ThreadCoreEntry *core)
{
	const struct val_record *seccomp = val_single(v, IMG_SECCOMP, 0);
	const SeccompEntry *entry = seccomp ? (const SeccompEntry *)seccomp->msg : NULL;
	size_t nr = entry ? entry->n_seccomp_filters : 0;

	if (!core->has_seccomp_mode || core->seccomp_mode != SECCOMP_MODE__filter ||
		val_broken(v, IMG_SECCOMP))
		return;
	if (!core->has_seccomp_filter)
		val_error(
			v, val_at(r, "thread_core.seccomp_filter"), "is missing where the mode is `filter`");
	else if (core->seccomp_filter >= nr)
		val_error(v, val_at(r, "thread_core.seccomp_filter"), "%u: seccomp.img has %zu filters",
			core->seccomp_filter, nr);
}

static void thread_check(struct validate *v, const struct val_task *t, uint32_t tid)
{
	const struct val_record *r = val_single(v, IMG_CORE, tid);
	const CoreEntry *core;

	if (!r) {
		if (tid != t->entry->pid)
			need(v, t, IMG_CORE, tid);
		return;
	}
	core = (const CoreEntry *)r->msg;
	arch_check(v, r, core, false);
	/* Sets of before 2013 had the parts of a thread in tc. */
	if (!core->thread_core) {
		if (tid != t->entry->pid || !core->ids)
			val_error(v, val_at(r, "thread_core"), "is missing");
		return;
	}
	seccomp_check(v, r, core->thread_core);
	if (core->thread_core->has_cg_set)
		cg_set_check(v, r, core->thread_core->cg_set, "thread_core.cg_set");
	if (core->tc && core->tc->has_cg_set)
		cg_set_check(v, r, core->tc->cg_set, "tc.cg_set");
	if (core->tc && tid != t->entry->pid)
		val_warning(
			v, val_at(r, "tc"), "is for main threads only; task %u has another", t->entry->pid);
}

static void threads_check(struct validate *v, const struct val_task *t)
{
	const PstreeEntry *e = t->entry;
	bool own = false;

	for (size_t i = 0; i < e->n_threads; i++) {
		own |= e->threads[i] == e->pid;
		/* A thread has a number of its own, and each task the one of its main thread. */
		if (e->threads[i] != e->pid && val_task(v, e->threads[i]))
			val_error(v, val_at(t->record, val_field(v, "threads[%zu]", i)), "%u is a task",
				e->threads[i]);
		for (size_t k = 0; k < i && e->n_threads < 1000; k++)
			if (e->threads[k] == e->threads[i])
				val_error(v, val_at(t->record, val_field(v, "threads[%zu]", i)),
					"%u is there twice", e->threads[i]);
		thread_check(v, t, e->threads[i]);
	}
	if (!own)
		val_error(v, val_at(t->record, "threads"), "%u, the main thread, is not among them", e->pid);
}

static void filters_check(struct validate *v)
{
	const struct val_record *r = val_single(v, IMG_SECCOMP, 0);
	const SeccompEntry *entry = r ? (const SeccompEntry *)r->msg : NULL;

	for (size_t i = 0; entry && i < entry->n_seccomp_filters; i++) {
		const SeccompFilter *f = entry->seccomp_filters[i];

		if (f->has_prev && f->prev >= i)
			val_error(v, val_at(r, val_field(v, "seccomp_filters[%zu].prev", i)),
				"%u: a filter comes behind the one that it was put on", f->prev);
		if (f->filter.len == 0 || f->filter.len % 8 || f->filter.len > 4096 * 8)
			val_error(v, val_at(r, val_field(v, "seccomp_filters[%zu].filter", i)),
				"%zu bytes are no program of 1 to 4096 instructions", f->filter.len);
	}
}

int val_threads(struct validate *v, struct img_err *err)
{
	for (size_t i = 0; i < v->nr_tasks; i++) {
		const struct val_task *t = &v->tasks[i];

		if (!t->dead)
			threads_check(v, t);
		else
			arch_check(v, t->core_record, t->core, true);
	}
	filters_check(v);
	return 0;
}
