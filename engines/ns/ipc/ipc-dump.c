/* engines/ns/ipc/ipc-dump.c -- what criu-dump saves of an IPC namespace: its settings (ipcns-var), and what is in it
 * (objects-dump.c). */

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "criu-dump/ipc-own.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "ipc-var.pb-c.h"
#include "kernel/proc-file.h"

extern const struct ns_dump_ops ipc_dump_ops;

enum width {
	W32,
	W64,
};

#define VAR(path, field, width) { path, offsetof(IpcVarEntry, field), 0, width }
#define MAYBE(path, field, width) { path, offsetof(IpcVarEntry, field), offsetof(IpcVarEntry, has_##field), width }
static const struct {
	const char *path; /* below /proc/sys */
	size_t field, has;
	enum width width;
} vars[] = {
	VAR("kernel/msgmax", msg_ctlmax, W32),
	VAR("kernel/msgmnb", msg_ctlmnb, W32),
	VAR("kernel/msgmni", msg_ctlmni, W32),
	VAR("kernel/auto_msgmni", auto_msgmni, W32),
	VAR("kernel/shmmax", shm_ctlmax, W64),
	VAR("kernel/shmall", shm_ctlall, W64),
	VAR("kernel/shmmni", shm_ctlmni, W32),
	VAR("kernel/shm_rmid_forced", shm_rmid_forced, W32),
	VAR("fs/mqueue/queues_max", mq_queues_max, W32),
	VAR("fs/mqueue/msg_max", mq_msg_max, W32),
	VAR("fs/mqueue/msgsize_max", mq_msgsize_max, W32),
	MAYBE("fs/mqueue/msg_default", mq_msg_default, W32),
	MAYBE("fs/mqueue/msgsize_default", mq_msgsize_default, W32),
	MAYBE("kernel/msg_next_id", msg_next_id, W32),
	MAYBE("kernel/sem_next_id", sem_next_id, W32),
	MAYBE("kernel/shm_next_id", shm_next_id, W32),
};

enum {
	NEXT_ID_NONE = -1, /* of msg_next_id and so on: nobody has asked for one */
	NR_SEM_CTLS = 4,
};

static int read_var(IpcVarEntry *e, size_t i, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	cleanup_free char *text = kern_proc_read(NULL, &why, "/proc/sys/%s", vars[i].path);
	unsigned long long value;

	/* A kernel without POSIX message queues, or a sysctl that is gone (auto_msgmni may be one day). */
	if (!text && why.sys_errno == ENOENT)
		return 0;
	if (!text) {
		*err = why;
		return -1;
	}
	if (strstr(vars[i].path, "_next_id") && atoi(text) == NEXT_ID_NONE)
		return 0;
	value = strtoull(text, NULL, 10);
	if (vars[i].width == W64)
		*(uint64_t *)((char *)e + vars[i].field) = value;
	else
		*(uint32_t *)((char *)e + vars[i].field) = (uint32_t)value;
	if (vars[i].has)
		*(protobuf_c_boolean *)((char *)e + vars[i].has) = 1;
	return 0;
}

static int ipc_dump_vars(struct dump *d, const struct dump_namespace *ns, struct img_err *err)
{
	cleanup_free char *text = kern_proc_read(NULL, err, "/proc/sys/kernel/sem");
	IpcVarEntry e = IPC_VAR_ENTRY__INIT;
	uint32_t sem[NR_SEM_CTLS];

	if (!text)
		return -1;
	if (sscanf(text, "%u %u %u %u", &sem[0], &sem[1], &sem[2], &sem[3]) != NR_SEM_CTLS)
		return img_fail(err, IMG_SYS, "/proc/sys/kernel/sem: not four numbers");
	e.sem_ctls = sem;
	e.n_sem_ctls = NR_SEM_CTLS;
	for (size_t i = 0; i < ARRAY_SIZE(vars); i++)
		if (read_var(&e, i, err) < 0)
			return -1;
	return img_write_single(d->set, IMG_IPC_VAR, ns->id, &e.base, err);
}

static int ipc_dump(struct dump *d, const struct dump_namespace *ns, struct img_err *err)
{
	return ipc_dump_vars(d, ns, err) < 0 || ipc_dump_sems(d, ns, err) < 0 || ipc_dump_queues(d, ns, err) < 0
		       ? -1
		       : ipc_dump_segments(d, ns, err);
}

const struct ns_dump_ops ipc_dump_ops = {
	.name = "ipc",
	.flag = CLONE_NEWIPC,
	.inside = true,
	.check = ipc_check_segments,
	.dump = ipc_dump,
};
