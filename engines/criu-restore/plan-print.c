/* engines/criu-restore/plan-print.c -- --plan: what would be made, in which order, and what this host
 * lacks. */

#include <inttypes.h>
#include <jansson.h>
#include <sched.h>
#include <stdio.h>

#include "criu-restore/plan.h"
#include "criuimg/cleanup.h"

static void decref(json_t *j)
{
	json_decref(j);
}
IMG_DEFINE_CLEANUP(json_t *, decref);

static const char *state_name(const struct restore_task *t)
{
	switch (t->state) {
	case RESTORE_ALIVE:
		return "alive";
	case RESTORE_STOPPED:
		return "stopped";
	case RESTORE_ZOMBIE:
		return "zombie";
	default:
		return "helper";
	}
}

static const char *comm(const struct restore_task *t)
{
	return t->core && t->core->tc ? t->core->tc->comm : "";
}

static uint64_t memory(const struct restore_task *t)
{
	uint64_t size = 0;

	for (size_t i = 0; t->mm && i < t->mm->n_vmas; i++)
		size += t->mm->vmas[i]->end - t->mm->vmas[i]->start;
	return size;
}

/* With a task before it. */
static bool shares(const struct restore_task *t, int kind)
{
	return t->share_first[kind] && t->share_first[kind] != t;
}

/* ---- text ---- */

static void print_task(const struct restore_task *t)
{
	printf("pid %d: %s", t->pid, state_name(t));
	if (*comm(t))
		printf(" \"%s\"", comm(t));
	if (t->adopted)
		printf(", adopted by %d", t->ppid);
	if (t->creator)
		printf(", made by %d%s%s", t->creator->pid,
			t->clone_flags & CLONE_PARENT ? " as a brother" : "",
			t->born_before_setsid ? " before its setsid" : "");
	if (t->leads_session)
		printf(", leads session %d", t->sid);
	else
		printf(", session %d", t->sid);
	printf(", group %d", t->pgid);
	if (shares(t, RESTORE_SHARE_FILES))
		printf(", shares descriptors");
	if (shares(t, RESTORE_SHARE_FS))
		printf(", shares its current directory");
	if (restore_task_lives(t)) {
		printf(", %zu thread%s, %zu mappings of %" PRIu64 " KiB, %zu descriptors", t->nr_threads,
			t->nr_threads == 1 ? "" : "s", t->mm->n_vmas, memory(t) >> 10, t->fdtable->nr_fds);
	}
	printf("\n");
}

static void print_text(const struct restore *r)
{
	for (size_t i = 0; i < r->nr_tasks; i++)
		print_task(&r->tasks[i]);
	for (size_t i = 0; i < r->nr_lacks; i++)
		printf("lacking: %s\n", r->lacks[i]);
}

/* ---- JSON ---- */

static json_t *json_task(const struct restore_task *t)
{
	json_t *j = json_pack("{si si si si ss}", "pid", t->pid, "ppid", t->ppid, "pgid", t->pgid, "sid",
		t->sid, "state", state_name(t));

	if (!j)
		return NULL;
	if (*comm(t))
		json_object_set_new(j, "comm", json_string(comm(t)));
	if (t->creator)
		json_object_set_new(j, "made_by", json_integer(t->creator->pid));
	json_object_set_new(j, "leads_session", json_boolean(t->leads_session));
	json_object_set_new(j, "shares_files", json_boolean(shares(t, RESTORE_SHARE_FILES)));
	json_object_set_new(j, "shares_fs", json_boolean(shares(t, RESTORE_SHARE_FS)));
	if (restore_task_lives(t)) {
		json_t *threads = json_array();

		for (size_t i = 0; i < t->nr_threads; i++)
			json_array_append_new(threads, json_integer(t->threads[i].tid));
		json_object_set_new(j, "threads", threads);
		json_object_set_new(j, "mappings", json_integer(t->mm->n_vmas));
		json_object_set_new(j, "mapped_bytes", json_integer(memory(t)));
		json_object_set_new(j, "descriptors", json_integer(t->fdtable->nr_fds));
	}
	return j;
}

static int print_json(const struct restore *r, struct img_err *err)
{
	cleanup_with(decref) json_t *top = json_pack("{s[] s[]}", "tasks", "lacks");

	if (!top)
		return img_fail_nomem(err);
	for (size_t i = 0; i < r->nr_tasks; i++)
		json_array_append_new(json_object_get(top, "tasks"), json_task(&r->tasks[i]));
	for (size_t i = 0; i < r->nr_lacks; i++)
		json_array_append_new(json_object_get(top, "lacks"), json_string(r->lacks[i]));
	if (json_dumpf(top, stdout, JSON_INDENT(2)) < 0)
		return img_fail(err, IMG_SYS, "write the plan");
	printf("\n");
	return 0;
}

int restore_plan_print(struct restore *r, struct img_err *err)
{
	if (r->opt->json) {
		if (print_json(r, err) < 0)
			return -1;
	} else {
		print_text(r);
	}
	if (r->nr_lacks)
		return img_fail(err, IMG_UNSUPPORTED, "this host lacks %zu thing%s", r->nr_lacks,
			r->nr_lacks == 1 ? "" : "s");
	return 0;
}
