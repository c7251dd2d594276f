/* engines/ns/ipc/ipc-restore.c -- how criu-restore sets up an IPC namespace: what is in it (objects-restore.c), and its
 * settings (ipcns-var). */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "criu-restore/ipc-own.h"
#include "criu-restore/ns_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "ipc-var.pb-c.h"

extern const struct ns_restore_ops ipc_restore_ops;

enum width {
	W32,
	W64,
};

/* In an order that the kernel accepts: a default may not be above its maximum. auto_msgmni has no effect. */
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

/* Written only where it is another one: what is as it should be needs no right to change it. */
static int set_sysctl(struct restore *r, const char *path, const char *value, struct img_err *err)
{
	cleanup_fd int fd = -1;
	char full[64], now[64];
	ssize_t got;

	snprintf(full, sizeof(full), "/proc/sys/%s", path);
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && r->opt->weak_sysctls) {
		log_warn(r->log, "sysctl %s: this kernel has no such thing: left out", path);
		return 0;
	}
	if (fd < 0)
		return img_fail_sys(err, "%s", full);
	got = read(fd, now, sizeof(now) - 1);
	if (got > 0) {
		now[got] = '\0';
		now[strcspn(now, "\n")] = '\0';
		if (!strcmp(now, value))
			return 0;
	}
	close(steal_fd(&fd));
	fd = open(full, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		return img_fail_sys(err, "set %s to %s", full, value);
	return 0;
}

static int read_vars(struct restore *r, uint32_t id, IpcVarEntry **e, struct img_err *err)
{
	int ret = img_read_single(r->set, IMG_IPC_VAR, id, (ProtobufCMessage **)e, err);

	if (ret == 0)
		return img_fail(err, IMG_CORRUPT, "ipcns-var-%u.img is missing", id);
	return ret < 0 ? -1 : 0;
}

static int ipc_plan(struct restore *r, uint32_t id, struct img_err *err)
{
	IpcVarEntry *e;
	int ret = 0;

	if (read_vars(r, id, &e, err) < 0)
		return -1;
	if (e->n_sem_ctls != 4)
		ret = img_fail(err, IMG_CORRUPT, "ipcns-var-%u.img: %zu limits of semaphores", id, e->n_sem_ctls);
	img_message_free(&e->base);
	return ret;
}

static int set_vars(struct restore *r, const IpcVarEntry *e, struct img_err *err)
{
	char text[64];

	snprintf(text, sizeof(text), "%u\t%u\t%u\t%u", e->sem_ctls[0], e->sem_ctls[1], e->sem_ctls[2], e->sem_ctls[3]);
	if (set_sysctl(r, "kernel/sem", text, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(vars); i++) {
		const char *at = (const char *)e;

		if (vars[i].has && !*(const protobuf_c_boolean *)(at + vars[i].has))
			continue;
		if (vars[i].width == W64)
			snprintf(text, sizeof(text), "%llu", (unsigned long long)*(const uint64_t *)(at + vars[i].field));
		else
			snprintf(text, sizeof(text), "%u", *(const uint32_t *)(at + vars[i].field));
		if (set_sysctl(r, vars[i].path, text, err) < 0)
			return -1;
	}
	return 0;
}

static int ipc_make(struct restore *r, uint32_t id, struct img_err *err)
{
	IpcVarEntry *e;
	int ret;

	if (read_vars(r, id, &e, err) < 0)
		return -1;
	/* Objects first: some of the settings are limits for them, and the identifier of the next object is among them. */
	ret = ipc_make_objects(r, IMG_IPCNS_SEM, id, err);
	if (ret == 0)
		ret = ipc_make_objects(r, IMG_IPCNS_MSG, id, err);
	if (ret == 0)
		ret = ipc_make_objects(r, IMG_IPCNS_SHM, id, err);
	if (ret == 0)
		ret = set_vars(r, e, err);
	img_message_free(&e->base);
	return ret;
}

const struct ns_restore_ops ipc_restore_ops = {
	.name = "ipc",
	.flag = CLONE_NEWIPC,
	.plan = ipc_plan,
	.make = ipc_make,
};
