/* engines/ns/ipc/objects-dump.c -- System V semaphores, message queues and shared memory of an IPC namespace (sysvipc(7)).
 *
 * The kernel lists them by index. Messages are copied and stay (MSG_COPY); a segment is attached by us, so that its content can be
 * read in the bulk phase like that of other shared memory, and is known there by its identifier.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <linux/magic.h>

#include "criu-dump/ipc-own.h"
#include "criu-dump/mem.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "ipc-msg.pb-c.h"
#include "ipc-sem.pb-c.h"
#include "ipc-shm.pb-c.h"
#include "kernel/maps.h"

#ifndef MSG_COPY
#define MSG_COPY 040000 /* msgrcv(2) */
#endif

enum {
	PERMISSIONS = 0777,
	HUGE_SHIFT = 26, /* shmget(2): SHM_HUGE_SHIFT */
};

void ipc_desc(const struct dump *d, const struct ipc_perm *perm, uint32_t id, void *desc)
{
	IpcDescEntry *e = desc;

	ipc_desc_entry__init(e);
	e->key = (uint32_t)perm->__key;
	e->uid = dump_uid(d, perm->uid);
	e->gid = dump_gid(d, perm->gid);
	e->cuid = dump_uid(d, perm->cuid);
	e->cgid = dump_gid(d, perm->cgid);
	e->mode = perm->mode & PERMISSIONS;
	e->id = id;
}

/* Some index below the highest one may be free. */
static bool is_hole(void)
{
	return errno == EINVAL || errno == EIDRM;
}

/* An image that is made with its first record: a namespace without such objects has none. */
struct lazy {
	struct img_writer *w;
	enum img_kind kind;
	uint32_t id;
};

static struct img_writer *writer(struct dump *d, struct lazy *l, struct img_err *err)
{
	if (!l->w)
		l->w = img_writer_create(d->set, l->kind, l->id, err);
	return l->w;
}

static int finish(struct lazy *l, int ret, struct img_err *err)
{
	if (ret < 0)
		img_writer_abort(l->w);
	return ret < 0 ? -1 : l->w ? img_writer_finish(l->w, err) : 0;
}

/* ---- semaphores ---- */

union semarg {
	struct semid_ds *buf;
	struct seminfo *info;
	uint16_t *array;
};

static int write_sem(struct dump *d, struct lazy *l, int id, const struct semid_ds *ds, struct img_err *err)
{
	cleanup_free uint16_t *values = calloc(ds->sem_nsems + 1, sizeof(*values));
	IpcSemEntry e = IPC_SEM_ENTRY__INIT;
	IpcDescEntry desc;

	if (!values)
		return img_fail_nomem(err);
	if (semctl(id, 0, GETALL, (union semarg){ .array = values }) < 0)
		return img_fail_sys(err, "values of semaphores %d", id);
	ipc_desc(d, &ds->sem_perm, (uint32_t)id, &desc);
	e.desc = &desc;
	e.nsems = (uint32_t)ds->sem_nsems;
	log_info(d->log, "semaphores %d: key %#x, %u of them", id, desc.key, e.nsems);
	if (!writer(d, l, err) || img_write(l->w, &e.base, err) < 0)
		return -1;
	return img_write_payload(l->w, values, ds->sem_nsems * sizeof(*values), err);
}

static int write_sems(struct dump *d, struct lazy *l, struct img_err *err)
{
	struct seminfo info;
	int last = semctl(0, 0, SEM_INFO, (union semarg){ .info = &info });

	if (last < 0)
		return img_fail_sys(err, "SEM_INFO");
	for (int i = 0; i <= last && info.semusz; i++) {
		struct semid_ds ds;
		int id = semctl(i, 0, SEM_STAT, (union semarg){ .buf = &ds });

		if (id < 0 && is_hole())
			continue;
		if (id < 0)
			return img_fail_sys(err, "SEM_STAT");
		if (write_sem(d, l, id, &ds, err) < 0)
			return -1;
	}
	return 0;
}

int ipc_dump_sems(struct dump *d, const struct dump_namespace *ns, struct img_err *err)
{
	struct lazy l = { NULL, IMG_IPCNS_SEM, ns->id };

	return finish(&l, write_sems(d, &l, err), err);
}

/* ---- message queues ---- */

struct message {
	long type;
	char text[];
};

static int write_messages(struct img_writer *w, int id, const struct msqid_ds *ds, size_t max, struct img_err *err)
{
	cleanup_free struct message *m = malloc(sizeof(*m) + max);

	if (!m)
		return img_fail_nomem(err);
	for (msgqnum_t i = 0; i < ds->msg_qnum; i++) {
		IpcMsg rec = IPC_MSG__INIT;
		ssize_t len = msgrcv(id, m, max, (long)i, IPC_NOWAIT | MSG_COPY);

		if (len < 0)
			return img_fail_sys(err, "message %lu of queue %d", (unsigned long)i, id);
		rec.mtype = (uint64_t)m->type;
		rec.msize = (uint32_t)len;
		if (img_write(w, &rec.base, err) < 0 || img_write_payload(w, m->text, (size_t)len, err) < 0)
			return -1;
	}
	return 0;
}

static int write_queue(struct dump *d, struct lazy *l, int id, const struct msqid_ds *ds, struct img_err *err)
{
	IpcMsgEntry e = IPC_MSG_ENTRY__INIT;
	IpcDescEntry desc;

	ipc_desc(d, &ds->msg_perm, (uint32_t)id, &desc);
	e.desc = &desc;
	e.qbytes = (uint32_t)ds->msg_qbytes;
	e.qnum = (uint32_t)ds->msg_qnum;
	log_info(d->log, "message queue %d: key %#x, %u messages", id, desc.key, e.qnum);
	if (!writer(d, l, err) || img_write(l->w, &e.base, err) < 0)
		return -1;
	/* No message is longer than all of them. */
	return write_messages(l->w, id, ds, ds->__msg_cbytes, err);
}

static int write_queues(struct dump *d, struct lazy *l, struct img_err *err)
{
	struct msginfo info;
	int last = msgctl(0, MSG_INFO, (struct msqid_ds *)&info);

	if (last < 0)
		return img_fail_sys(err, "MSG_INFO");
	for (int i = 0; i <= last && info.msgpool; i++) {
		struct msqid_ds ds;
		int id = msgctl(i, MSG_STAT, &ds);

		if (id < 0 && is_hole())
			continue;
		if (id < 0)
			return img_fail_sys(err, "MSG_STAT");
		if (write_queue(d, l, id, &ds, err) < 0)
			return -1;
	}
	return 0;
}

int ipc_dump_queues(struct dump *d, const struct dump_namespace *ns, struct img_err *err)
{
	struct lazy l = { NULL, IMG_IPCNS_MSG, ns->id };

	return finish(&l, write_queues(d, &l, err), err);
}

/* ---- shared memory ---- */

static int each_segment(struct dump *d, void *arg,
	int (*fn)(struct dump *d, void *arg, int id, const struct shmid_ds *ds, struct img_err *err), struct img_err *err)
{
	struct shm_info info;
	int last = shmctl(0, SHM_INFO, (struct shmid_ds *)&info);

	if (last < 0)
		return img_fail_sys(err, "SHM_INFO");
	for (int i = 0; i <= last && info.used_ids; i++) {
		struct shmid_ds ds;
		int id = shmctl(i, SHM_STAT, &ds);

		if (id < 0 && is_hole())
			continue;
		if (id < 0)
			return img_fail_sys(err, "SHM_STAT");
		if (fn(d, arg, id, &ds, err) < 0)
			return -1;
	}
	return 0;
}

/* One that is to go with its last user has nothing that it could be made by again. */
static int check_segment(struct dump *d, void *arg, int id, const struct shmid_ds *ds, struct img_err *err)
{
	const struct dump_namespace *ns = arg;
	char what[64];

	if (!(ds->shm_perm.mode & SHM_DEST))
		return 0;
	snprintf(what, sizeof(what), "shared memory segment %d", id);
	return dump_block(d, ns->task, what, "it is marked to be destroyed (IPC_RMID): not supported");
}

int ipc_check_segments(struct dump *d, const struct dump_namespace *ns, struct img_err *err)
{
	return each_segment(d, (void *)ns, check_segment, err);
}

struct mapping {
	char path[64];	    /* below /proc/self/map_files */
	unsigned long huge; /* bytes of a huge page, 0: ordinary ones */
};

static int find_mapping(uintptr_t at, struct mapping *map, struct img_err *err)
{
	struct kern_maps maps = KERN_MAPS_INIT;
	uint64_t end = 0;
	struct statfs fs;

	if (kern_maps_read(getpid(), false, &maps, err) == 0)
		for (size_t i = 0; i < maps.nr; i++)
			if (maps.vmas[i].start == at)
				end = maps.vmas[i].end;
	kern_maps_free(&maps);
	if (!end)
		return img_fail(err, IMG_SYS, "what was attached is not to be seen");
	snprintf(map->path, sizeof(map->path), "/proc/self/map_files/%" PRIxPTR "-%" PRIx64, at, end);
	if (statfs(map->path, &fs) < 0)
		return img_fail_sys(err, "%s", map->path);
	map->huge = fs.f_type == HUGETLBFS_MAGIC ? (unsigned long)fs.f_bsize : 0;
	return 0;
}

/* Attached for as long as we live, read through map_files; huge pages show by the size of the file system's blocks. */
static int write_segment(struct dump *d, void *arg, int id, const struct shmid_ds *ds, struct img_err *err)
{
	IpcShmEntry e = IPC_SHM_ENTRY__INIT;
	IpcDescEntry desc;
	struct mapping map;
	void *mem;

	ipc_desc(d, &ds->shm_perm, (uint32_t)id, &desc);
	e.desc = &desc;
	e.size = ds->shm_segsz;
	e.has_in_pagemaps = e.in_pagemaps = 1;
	mem = shmat(id, NULL, SHM_RDONLY);
	if (mem == (void *)-1)
		return img_fail_sys(err, "attach shared memory segment %d", id);
	if (find_mapping((uintptr_t)mem, &map, err) < 0)
		return -1;
	if (map.huge) {
		e.has_hugetlb_flag = 1;
		e.hugetlb_flag = SHM_HUGETLB | (uint32_t)__builtin_ctzl(map.huge) << HUGE_SHIFT;
	}
	log_info(d->log, "shared memory segment %d: key %#x, %llu bytes", id, desc.key, (unsigned long long)e.size);
	if (dump_shmem_add(d, (uint64_t)id, err, "%s", map.path) < 0)
		return -1;
	return writer(d, arg, err) ? img_write(((struct lazy *)arg)->w, &e.base, err) : -1;
}

int ipc_dump_segments(struct dump *d, const struct dump_namespace *ns, struct img_err *err)
{
	struct lazy l = { NULL, IMG_IPCNS_SHM, ns->id };

	return finish(&l, each_segment(d, &l, write_segment, err), err);
}
