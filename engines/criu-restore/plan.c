/* engines/criu-restore/plan.c -- what this host can do of an image. */

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "criu-restore/plan.h"
#include "criu-restore/tree.h"
#include "cpuinfo/cpuinfo.h"
#include "criuimg/array.h"
#include "criuimg/image.h"

int restore_plan_lack(struct restore *r, struct img_err *err)
{
	char **at;

	if (!r->opt->plan)
		return -1;
	at = img_array_more(&r->lacks, r->nr_lacks, &r->lacks_room);
	if (!at || !(*at = strdup(err->text)))
		return img_fail_nomem(err);
	r->nr_lacks++;
	*err = (struct img_err)IMG_ERR_INIT;
	return 0;
}

/* ---- namespaces ---- */

/* Tasks in the namespaces that the dumping program was in itself need none made. A number says no more than
 * that. */
static const struct {
	const char *name;
	size_t has, id;
} namespaces[] = {
	{ "pid", offsetof(TaskKobjIdsEntry, has_pid_ns_id), offsetof(TaskKobjIdsEntry, pid_ns_id) },
	{ "net", offsetof(TaskKobjIdsEntry, has_net_ns_id), offsetof(TaskKobjIdsEntry, net_ns_id) },
	{ "ipc", offsetof(TaskKobjIdsEntry, has_ipc_ns_id), offsetof(TaskKobjIdsEntry, ipc_ns_id) },
	{ "uts", offsetof(TaskKobjIdsEntry, has_uts_ns_id), offsetof(TaskKobjIdsEntry, uts_ns_id) },
	{ "mnt", offsetof(TaskKobjIdsEntry, has_mnt_ns_id), offsetof(TaskKobjIdsEntry, mnt_ns_id) },
	{ "user", offsetof(TaskKobjIdsEntry, has_user_ns_id), offsetof(TaskKobjIdsEntry, user_ns_id) },
	{ "cgroup", offsetof(TaskKobjIdsEntry, has_cgroup_ns_id), offsetof(TaskKobjIdsEntry, cgroup_ns_id) },
	{ "time", offsetof(TaskKobjIdsEntry, has_time_ns_id), offsetof(TaskKobjIdsEntry, time_ns_id) },
};

static uint32_t ns_id(const TaskKobjIdsEntry *ids, size_t i)
{
	const char *at = (const char *)ids;

	return *(const protobuf_c_boolean *)(at + namespaces[i].has)
		       ? *(const uint32_t *)(at + namespaces[i].id)
		       : 0;
}

static int check_namespaces(struct restore *r, struct img_err *err)
{
	const TaskKobjIdsEntry *ours = r->inventory->root_ids;

	for (size_t i = 0; ours && i < r->nr_tasks; i++) {
		const struct restore_task *t = &r->tasks[i];

		for (size_t k = 0; restore_task_lives(t) && k < ARRAY_SIZE(namespaces); k++) {
			if (ns_id(t->ids, k) == ns_id(ours, k))
				continue;
			img_fail(err, IMG_UNSUPPORTED, "pid %d: its own %s namespace is not supported yet",
				t->pid, namespaces[k].name);
			if (restore_plan_lack(r, err) < 0)
				return -1;
		}
	}
	return 0;
}

/* ---- images that nobody here reads ---- */

/* What has no record in files.img or mm to be refused by, and would be lost without a word. */
static const struct {
	enum img_kind kind;
	const char *what;
} unread[] = {
	{ IMG_APPARMOR, "AppArmor policies" },
};

static int check_unread(struct restore *r, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(unread); i++) {
		struct img_reader *reader;
		ProtobufCMessage *msg;
		int ret = img_reader_open(r->set, unread[i].kind, 0, &reader, err);

		if (ret < 0)
			return -1;
		if (ret == 0)
			continue;
		ret = img_read(reader, &msg, err);
		img_reader_close(reader);
		if (ret < 0)
			return -1;
		if (ret == 0)
			continue; /* an image without records */
		img_message_free(msg);
		img_fail(err, IMG_UNSUPPORTED, "%s are not supported yet", unread[i].what);
		if (restore_plan_lack(r, err) < 0)
			return -1;
	}
	return 0;
}

int restore_plan_host(struct restore *r, struct img_err *err)
{
	if (r->opt->restore_sibling && !r->opt->restore_detached)
		return img_fail(err, IMG_USAGE, "--restore-sibling goes with --restore-detached only");
	/* Only when it is asked for; what tasks have in their registers is checked in any case. */
	if (r->opt->cpu_cap_given && r->opt->cpu_cap &&
		cpuinfo_check(r->set, r->opt->cpu_cap, true, err) < 0 && restore_plan_lack(r, err) < 0)
		return -1;
	return check_namespaces(r, err) < 0 ? -1 : check_unread(r, err);
}

/* ---- pids ---- */

static int check_pid(struct restore *r, pid_t pid, struct img_err *err)
{
	if (kill(pid, 0) < 0 && errno == ESRCH)
		return 0;
	restore_pid_taken(pid, err);
	return restore_plan_lack(r, err);
}

int restore_plan_pids(struct restore *r, struct img_err *err)
{
	for (size_t i = 0; i < r->nr_tasks; i++)
		for (size_t k = 0; k < (r->tasks[i].nr_threads ? r->tasks[i].nr_threads : 1); k++)
			if (check_pid(r, k ? r->tasks[i].threads[k].tid : r->tasks[i].pid, err) < 0)
				return -1;
	return 0;
}
