/* engines/ns/ipc/objects-restore.c -- System V semaphores, message queues and shared memory of a new IPC namespace (sysvipc(7)).
 *
 * Each comes back under the identifier it had: the kernel gives the one that was written to *_next_id before
 * (Documentation/admin-guide/sysctl/kernel.rst), which works while nothing has it. Who made an object cannot be told: that is us.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

#include "criu-restore/ipc-own.h"
#include "criu-restore/mem.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "ipc-msg.pb-c.h"
#include "ipc-sem.pb-c.h"
#include "ipc-shm.pb-c.h"

enum {
	MESSAGE_MAX = 64 << 20,
	SEMS_MAX = 1 << 20,
};

static int next_id(const char *which, uint32_t id, struct img_err *err)
{
	char path[64], text[16];
	cleanup_fd int fd = -1;
	int len = snprintf(text, sizeof(text), "%u", id);

	snprintf(path, sizeof(path), "/proc/sys/kernel/%s_next_id", which);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, (size_t)len) != len)
		return img_fail_sys(err, "%s", path);
	return 0;
}

static int check_id(const char *what, int got, uint32_t id, struct img_err *err)
{
	if (got < 0)
		return img_fail_sys(err, "make %s %u", what, id);
	return (uint32_t)got == id ? 0 : img_fail(err, IMG_SYS, "%s %u: came as %d", what, id, got);
}

/* ---- semaphores ---- */

union semarg {
	int val;
	struct semid_ds *buf;
	uint16_t *array;
};

static int make_sem(struct restore *r, struct img_reader *reader, const IpcSemEntry *e, struct img_err *err)
{
	const IpcDescEntry *d = e->desc;
	cleanup_free uint16_t *values = NULL;
	struct semid_ds ds = { 0 };
	size_t size = (size_t)e->nsems * sizeof(*values);

	if (e->nsems > SEMS_MAX || !(values = calloc(e->nsems + 1, sizeof(*values))))
		return img_fail(err, IMG_CORRUPT, "semaphores %u: %u of them", d->id, e->nsems);
	if (img_read_payload(reader, values, size, err) != (ssize_t)size)
		return img_fail(err, IMG_CORRUPT, "semaphores %u: values are missing", d->id);
	if (next_id("sem", d->id, err) < 0 ||
		check_id("semaphores", semget((key_t)d->key, (int)e->nsems, (int)d->mode | IPC_CREAT | IPC_EXCL), d->id, err) < 0)
		return -1;
	ds.sem_perm.uid = d->uid;
	ds.sem_perm.gid = d->gid;
	ds.sem_perm.mode = (unsigned short)d->mode;
	if (semctl((int)d->id, 0, SETALL, (union semarg){ .array = values }) < 0 ||
		semctl((int)d->id, 0, IPC_SET, (union semarg){ .buf = &ds }) < 0)
		return img_fail_sys(err, "set semaphores %u", d->id);
	log_info(r->log, "semaphores %u: key %#x, %u of them", d->id, d->key, e->nsems);
	return 0;
}

/* ---- message queues ---- */

struct message {
	long type;
	char text[];
};

static int send_one(struct img_reader *reader, uint32_t id, struct img_err *err)
{
	cleanup_free struct message *m = NULL;
	IpcMsg *rec;
	int ret = 0;

	if (IMG_READ(reader, ipc_msg, &rec, err) < 0)
		return -1;
	if (rec->msize > MESSAGE_MAX || !(m = malloc(sizeof(*m) + rec->msize)))
		ret = img_fail(err, IMG_CORRUPT, "queue %u: a message of %u bytes", id, rec->msize);
	else if (img_read_payload(reader, m->text, rec->msize, err) != (ssize_t)rec->msize)
		ret = img_fail(err, IMG_CORRUPT, "queue %u: a message is cut", id);
	else
		m->type = (long)rec->mtype;
	if (ret == 0 && msgsnd((int)id, m, rec->msize, IPC_NOWAIT) < 0)
		ret = img_fail_sys(err, "queue %u: a message of %u bytes", id, rec->msize);
	img_message_free(&rec->base);
	return ret;
}

static int make_queue(struct restore *r, struct img_reader *reader, const IpcMsgEntry *e, struct img_err *err)
{
	const IpcDescEntry *d = e->desc;
	struct msqid_ds ds = { .msg_qbytes = e->qbytes };

	if (next_id("msg", d->id, err) < 0 ||
		check_id("message queue", msgget((key_t)d->key, (int)d->mode | IPC_CREAT | IPC_EXCL), d->id, err) < 0)
		return -1;
	for (uint32_t i = 0; i < e->qnum; i++)
		if (send_one(reader, d->id, err) < 0)
			return -1;
	ds.msg_perm.uid = d->uid;
	ds.msg_perm.gid = d->gid;
	ds.msg_perm.mode = (unsigned short)d->mode;
	if (msgctl((int)d->id, IPC_SET, &ds) < 0)
		return img_fail_sys(err, "set message queue %u", d->id);
	log_info(r->log, "message queue %u: key %#x, %u messages", d->id, d->key, e->qnum);
	return 0;
}

/* ---- shared memory ---- */

static int make_segment(struct restore *r, const IpcShmEntry *e, struct img_err *err)
{
	const IpcDescEntry *d = e->desc;
	struct shmid_ds ds = { 0 };
	int flags = (int)d->mode | IPC_CREAT | IPC_EXCL | (int)(e->has_hugetlb_flag ? e->hugetlb_flag : 0), ret;
	void *at;

	if (!e->has_in_pagemaps || !e->in_pagemaps)
		return img_fail(err, IMG_UNSUPPORTED, "segment %u: its content is in an image of CRIU before 3.14", d->id);
	if (next_id("shm", d->id, err) < 0 ||
		check_id("shared memory segment", shmget((key_t)d->key, e->size, flags), d->id, err) < 0)
		return -1;
	at = shmat((int)d->id, NULL, 0);
	if (at == (void *)-1)
		return img_fail_sys(err, "attach segment %u", d->id);
	ret = restore_shmem_fill_at(r, d->id, at, e->size, err);
	shmdt(at);
	if (ret < 0)
		return img_wrap(err, "segment %u", d->id);
	ds.shm_perm.uid = d->uid;
	ds.shm_perm.gid = d->gid;
	ds.shm_perm.mode = (unsigned short)d->mode;
	if (shmctl((int)d->id, IPC_SET, &ds) < 0)
		return img_fail_sys(err, "set segment %u", d->id);
	log_info(r->log, "shared memory segment %u: key %#x, %llu bytes", d->id, d->key, (unsigned long long)e->size);
	return 0;
}

/* ---- images ---- */

static int make_one(struct restore *r, struct img_reader *reader, const ProtobufCMessage *msg, struct img_err *err)
{
	if (msg->descriptor == &ipc_sem_entry__descriptor)
		return make_sem(r, reader, (const IpcSemEntry *)msg, err);
	if (msg->descriptor == &ipc_msg_entry__descriptor)
		return make_queue(r, reader, (const IpcMsgEntry *)msg, err);
	if (msg->descriptor == &ipc_shm_entry__descriptor)
		return make_segment(r, (const IpcShmEntry *)msg, err);
	return img_fail(err, IMG_CORRUPT, "a record that does not belong there");
}

int ipc_make_objects(struct restore *r, enum img_kind kind, uint32_t id, struct img_err *err)
{
	struct img_reader *reader;
	ProtobufCMessage *msg;
	int ret = img_reader_open(r->set, kind, id, &reader, err);

	if (ret <= 0)
		return ret;
	while ((ret = img_read(reader, &msg, err)) > 0) {
		ret = make_one(r, reader, msg, err);
		img_message_free(msg);
		if (ret < 0)
			break;
	}
	img_reader_close(reader);
	return ret;
}
