/* criu-dump/namespaces.c -- which namespaces the tasks live in.
 *
 * Those that criu-dump lives in too have fixed small numbers. A task in another one cannot be dumped yet,
 * and the namespace is named.
 */

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>

#include "criu-dump/spine.h"
#include "criuimg/array.h"

/* Numbers as the classic images give them to those of the dumping program, in this order. */
static const struct ns_row {
	const char *name; /* below /proc/PID/ns */
	const char *words;
	size_t id, has;
	uint32_t number;
} rows[] = {
#define ROW(field) offsetof(TaskKobjIdsEntry, field##_ns_id), offsetof(TaskKobjIdsEntry, has_##field##_ns_id)
	{ "pid", "pid namespace", ROW(pid), 1 },
	{ "net", "network namespace", ROW(net), 2 },
	{ "ipc", "IPC namespace", ROW(ipc), 3 },
	{ "uts", "UTS namespace", ROW(uts), 4 },
	{ "time", "time namespace", ROW(time), 5 },
	{ "mnt", "mount namespace", ROW(mnt), 6 },
	{ "user", "user namespace", ROW(user), 7 },
	{ "cgroup", "cgroup namespace", ROW(cgroup), 8 },
#undef ROW
	/* What children will get: no record of its own, but it must be the same. */
	{ "pid_for_children", "pid namespace for its children", 0, 0, 0 },
	{ "time_for_children", "time namespace for its children", 0, 0, 0 },
};

static void set_id(TaskKobjIdsEntry *ids, const struct ns_row *row)
{
	if (!row->number)
		return;
	*(uint32_t *)((char *)ids + row->id) = row->number;
	*(protobuf_c_boolean *)((char *)ids + row->has) = 1;
}

void dump_own_namespaces(TaskKobjIdsEntry *ids)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		set_id(ids, &rows[i]);
}

/* 1: there is one, 0: this kernel has no such namespaces (or, of the last two, none was made), -1 */
static int look(const char *task, const struct ns_row *row, struct stat *st, struct img_err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/ns/%s", task, row->name);
	if (stat(path, st) == 0)
		return 1;
	if (errno == ENOENT)
		return 0;
	return img_fail_sys(err, "%s", path);
}

int dump_namespaces(struct dump *d, struct img_err *err)
{
	struct stat own[ARRAY_SIZE(rows)];
	bool have[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int got = look("self", &rows[i], &own[i], err);

		if (got < 0)
			return -1;
		have[i] = got;
	}
	for_each_live_task(d, t) {
		char pid[16];

		snprintf(pid, sizeof(pid), "%d", t->pid);
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			struct stat st;
			int got = have[i] ? look(pid, &rows[i], &st, err) : 0;

			if (got < 0)
				return img_wrap(err, "pid %d", t->pid);
			if (got == 0)
				continue;
			if (st.st_ino == own[i].st_ino && st.st_dev == own[i].st_dev)
				set_id(t->ids, &rows[i]);
			else if (dump_block(d, t, "", "a %s of its own is not supported yet", rows[i].words) <
				 0)
				return img_fail_nomem(err);
		}
	}
	return 0;
}
