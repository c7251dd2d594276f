/* convert/extract.c -- the part of a set that a task and all below it need.
 *
 * First what refers to files is read: descriptors, mappings, working directories; then files.img tells inodes, pipes and memfds;
 * then each image that belongs to a task or a file is kept, left out, or loses the records of others. What belongs to the whole set
 * (namespaces, mounts, control groups, ...) stays.
 */

#include <stdlib.h>
#include <string.h>

#include "convert/view.h"
#include "criuimg/cleanup.h"
#include "criuimg/pages.h"
#include "criuimg/vma.h"

#include "core.pb-c.h"
#include "fdinfo.pb-c.h"
#include "file-lock.pb-c.h"
#include "fs.pb-c.h"
#include "memfd.pb-c.h"
#include "mm.pb-c.h"
#include "pagemap.pb-c.h"
#include "pipe-data.pb-c.h"
#include "pstree.pb-c.h"
#include "remap-file-path.pb-c.h"
#include "sk-packet.pb-c.h"

/* Sockets in queues of sockets in queues of sockets: the kernel itself has a limit of 4. */
#define ROUNDS 6

struct part {
	struct img_set *set;
	uint32_t root;
	struct img_numbers tasks, threads, tables; /* pids, tids, task_kobj_ids_entry.files_id */
	struct img_numbers files;		   /* file_entry.id */
	struct img_numbers pipes, sockets;	   /* pipe_id; inodes */
	struct img_numbers segments, memfds;	   /* shmid, memfd_inode_entry.inode_id */
	struct img_numbers ghosts;		   /* remap_id */
	struct img_numbers data;		   /* pages_id */
};

static void part_free(void *arg)
{
	struct part *p = arg;
	struct img_numbers *all[] = { &p->tasks, &p->threads, &p->tables, &p->files, &p->pipes, &p->sockets,
		&p->segments, &p->memfds, &p->ghosts, &p->data };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		img_numbers_free(all[i]);
	free(p);
}

/* Every record of an image, if there is one. */
static int each_record(struct part *p, enum img_kind kind, uint64_t id,
	int (*fn)(struct part *p, ProtobufCMessage *msg, struct img_err *err), struct img_err *err)
{
	ProtobufCMessage *msg;
	struct img_reader *r;
	int ret = img_reader_open(p->set, kind, id, &r, err);

	if (ret <= 0)
		return ret;
	while ((ret = img_read(r, &msg, err)) == 1) {
		ret = fn(p, msg, err);
		img_message_free(msg);
		if (ret)
			break;
	}
	img_reader_close(r);
	if (ret) {
		char name[IMG_NAME_MAX];

		return img_wrap(err, "%s", img_kind_file_name(kind, id, name));
	}
	return 0;
}

/* ---- tasks ---- */

/* Parents come before their children: one pass finds all. */
static int task_look(struct part *p, ProtobufCMessage *msg, struct img_err *err)
{
	const PstreeEntry *e = (const PstreeEntry *)msg;

	if (e->pid != p->root && !img_numbers_has(&p->tasks, e->ppid))
		return 0;
	if (img_numbers_add(&p->tasks, e->pid, err) || img_numbers_add(&p->threads, e->pid, err))
		return -1;
	for (size_t i = 0; i < e->n_threads; i++)
		if (img_numbers_add(&p->threads, e->threads[i], err))
			return -1;
	return 0;
}

static int ids_look(struct part *p, ProtobufCMessage *msg, struct img_err *err)
{
	return img_numbers_add(&p->tables, ((const TaskKobjIdsEntry *)msg)->files_id, err);
}

/* Old images have the ids here. */
static int core_look(struct part *p, ProtobufCMessage *msg, struct img_err *err)
{
	const CoreEntry *core = (const CoreEntry *)msg;

	return core->ids ? img_numbers_add(&p->tables, core->ids->files_id, err) : 0;
}

static int mm_look(struct part *p, ProtobufCMessage *msg, struct img_err *err)
{
	const MmEntry *mm = (const MmEntry *)msg;

	if (img_numbers_add(&p->files, mm->exe_file_id, err))
		return -1;
	for (size_t i = 0; i < mm->n_vmas; i++) {
		const VmaEntry *vma = mm->vmas[i];
		bool file = vma->status &
			    (IMG_VMA_FILE_PRIVATE | IMG_VMA_FILE_SHARED | IMG_VMA_SOCKET | IMG_VMA_MEMFD);

		if (file && img_numbers_add(&p->files, vma->shmid, err))
			return -1;
		if ((vma->status & IMG_VMA_ANON_SHARED) && img_numbers_add(&p->segments, vma->shmid, err))
			return -1;
	}
	return 0;
}

static int fs_look(struct part *p, ProtobufCMessage *msg, struct img_err *err)
{
	const FsEntry *fs = (const FsEntry *)msg;

	return img_numbers_add(&p->files, fs->cwd_id, err) || img_numbers_add(&p->files, fs->root_id, err)
		       ? -1
		       : 0;
}

static int fd_look(struct part *p, ProtobufCMessage *msg, struct img_err *err)
{
	return img_numbers_add(&p->files, ((const FdinfoEntry *)msg)->id, err);
}

static int head_look(struct part *p, ProtobufCMessage *msg, struct img_err *err)
{
	if (msg->descriptor != &pagemap_head__descriptor)
		return 0;
	return img_numbers_add(&p->data, ((const PagemapHead *)msg)->pages_id, err);
}

/* ---- files ---- */

static int file_look(struct part *p, ProtobufCMessage *msg, struct img_err *err)
{
	const FileEntry *e = (const FileEntry *)msg;
	int ret = 0;

	if (!img_numbers_has(&p->files, e->id))
		return 0;
	if (e->pipe)
		ret = img_numbers_add(&p->pipes, e->pipe->pipe_id, err);
	if (e->fifo)
		ret = img_numbers_add(&p->pipes, e->fifo->pipe_id, err);
	if (!ret && e->fifo && e->fifo->has_regf_id)
		ret = img_numbers_add(&p->files, e->fifo->regf_id, err);
	if (e->isk)
		ret = img_numbers_add(&p->sockets, e->isk->ino, err);
	if (e->memfd)
		ret = img_numbers_add(&p->memfds, e->memfd->inode_id, err);
	return ret ? -1 : 0;
}

static int remap_look(struct part *p, ProtobufCMessage *msg, struct img_err *err)
{
	const RemapFilePathEntry *e = (const RemapFilePathEntry *)msg;

	if (!img_numbers_has(&p->files, e->orig_id))
		return 0;
	/* Old images mark ghosts by the highest bit. */
	if (img_numbers_add(&p->ghosts, e->remap_id & 0x7fffffff, err))
		return -1;
	return e->has_remap_type && e->remap_type == REMAP_TYPE__LINKED
		       ? img_numbers_add(&p->files, e->remap_id, err)
		       : 0;
}

static int packet_look(struct part *p, ProtobufCMessage *msg, struct img_err *err)
{
	const SkPacketEntry *e = (const SkPacketEntry *)msg;

	if (!img_numbers_has(&p->files, e->id_for))
		return 0;
	for (size_t i = 0; i < e->n_scm; i++)
		for (size_t k = 0; k < e->scm[i]->n_rights; k++)
			if (img_numbers_add(&p->files, e->scm[i]->rights[k], err))
				return -1;
	return 0;
}

static int memfd_look(struct part *p, ProtobufCMessage *msg, struct img_err *err)
{
	const MemfdInodeEntry *e = (const MemfdInodeEntry *)msg;

	return img_numbers_has(&p->memfds, e->inode_id) ? img_numbers_add(&p->segments, e->shmid, err) : 0;
}

static int all_look(struct part *p, struct img_err *err)
{
	if (each_record(p, IMG_PSTREE, 0, task_look, err))
		return -1;
	if (!p->tasks.nr)
		return img_fail(err, IMG_USAGE, "there is no task %u in the set", p->root);
	for (size_t i = 0; i < p->tasks.nr; i++) {
		uint64_t pid = p->tasks.list[i];

		if (each_record(p, IMG_IDS, pid, ids_look, err) ||
			each_record(p, IMG_CORE, pid, core_look, err) ||
			each_record(p, IMG_MM, pid, mm_look, err) ||
			each_record(p, IMG_FS, pid, fs_look, err) ||
			each_record(p, IMG_PAGEMAP, pid, head_look, err))
			return -1;
	}
	/* A table may be of several tasks: again does not matter. */
	for (size_t i = 0; i < p->tables.nr; i++)
		if (each_record(p, IMG_FDINFO, p->tables.list[i], fd_look, err))
			return -1;
	/* What a fifo, a packet or a remap refers to refers to others in turn: a few rounds, until nothing is new. */
	for (size_t round = 0, before = 0; round < ROUNDS && before != p->files.nr; round++) {
		before = p->files.nr;
		if (each_record(p, IMG_FILES, 0, file_look, err) ||
			each_record(p, IMG_REMAP_FPATH, 0, remap_look, err) ||
			each_record(p, IMG_SK_QUEUES, 0, packet_look, err))
			return -1;
	}
	if (each_record(p, IMG_MEMFD_INODE, 0, memfd_look, err))
		return -1;
	for (size_t i = 0; i < p->segments.nr; i++)
		if (each_record(p, IMG_SHMEM_PAGEMAP, p->segments.list[i], head_look, err))
			return -1;
	return 0;
}

/* ---- what is left ---- */

static bool wanted(struct img_view *v, const char *name)
{
	struct part *p = v->arg;
	enum img_kind kind;
	uint64_t id;

	kind = img_kind_by_file(name, &id);
	switch (kind) {
	case IMG_IDS:
	case IMG_MM:
	case IMG_FS:
	case IMG_PAGEMAP:
	case IMG_VMAS:
	case IMG_SIGACT:
	case IMG_ITIMERS:
	case IMG_POSIX_TIMERS:
	case IMG_CREDS:
	case IMG_RLIMIT:
	case IMG_SIGNAL:
		return img_numbers_has(&p->tasks, id);
	case IMG_CORE:
	case IMG_PSIGNAL:
		return img_numbers_has(&p->threads, id);
	case IMG_FDINFO:
		return img_numbers_has(&p->tables, id);
	case IMG_SHMEM_PAGEMAP:
		return img_numbers_has(&p->segments, id);
	case IMG_PAGES:
		return img_numbers_has(&p->data, id);
	case IMG_GHOST_FILE:
		return img_numbers_has(&p->ghosts, id);
	case IMG_TCP_STREAM:
		return img_numbers_has(&p->sockets, id);
	default:
		return true;
	}
}

static int task_keep(void *arg, ProtobufCMessage *msg, struct img_err *err)
{
	struct part *p = arg;
	PstreeEntry *e = (PstreeEntry *)msg;

	if (!img_numbers_has(&p->tasks, e->pid))
		return 0;
	if (e->pid == p->root)
		e->ppid = 0;
	return 1;
}

static int file_keep(void *arg, ProtobufCMessage *msg, struct img_err *err)
{
	return img_numbers_has(&((struct part *)arg)->files, ((const FileEntry *)msg)->id);
}

static int remap_keep(void *arg, ProtobufCMessage *msg, struct img_err *err)
{
	return img_numbers_has(&((struct part *)arg)->files, ((const RemapFilePathEntry *)msg)->orig_id);
}

static int pipe_keep(void *arg, ProtobufCMessage *msg, struct img_err *err)
{
	return img_numbers_has(&((struct part *)arg)->pipes, ((const PipeDataEntry *)msg)->pipe_id);
}

static int packet_keep(void *arg, ProtobufCMessage *msg, struct img_err *err)
{
	return img_numbers_has(&((struct part *)arg)->files, ((const SkPacketEntry *)msg)->id_for);
}

static int memfd_keep(void *arg, ProtobufCMessage *msg, struct img_err *err)
{
	return img_numbers_has(&((struct part *)arg)->memfds, ((const MemfdInodeEntry *)msg)->inode_id);
}

static int lock_keep(void *arg, ProtobufCMessage *msg, struct img_err *err)
{
	return img_numbers_has(&((struct part *)arg)->tasks, ((const FileLockEntry *)msg)->pid);
}

static const struct {
	enum img_kind kind;
	int (*keep)(void *arg, ProtobufCMessage *msg, struct img_err *err);
} records[] = {
	{ IMG_PSTREE, task_keep },
	{ IMG_FILES, file_keep },
	{ IMG_REMAP_FPATH, remap_keep },
	{ IMG_PIPES_DATA, pipe_keep },
	{ IMG_FIFO_DATA, pipe_keep },
	{ IMG_SK_QUEUES, packet_keep },
	{ IMG_MEMFD_INODE, memfd_keep },
	{ IMG_FILE_LOCKS, lock_keep },
};

static struct img_source *filter(
	struct img_view *v, const char *name, struct img_source *src, struct img_err *err)
{
	enum img_kind kind = img_kind_by_file(name, NULL);

	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++)
		if (records[i].kind == kind)
			return img_rewrite(src, kind, records[i].keep, v->arg, err);
	return src;
}

static int extract(struct img_set *set, uint32_t pid, struct img_set *to,
	const struct img_convert_options *opt, struct img_err *err)
{
	struct img_view *v = img_view_new(set, false, err);
	struct part *p = v ? calloc(1, sizeof(*p)) : NULL;
	int ret = -1;

	if (!v)
		return -1;
	v->arg = p;
	if (!p) {
		img_fail_nomem(err);
	} else {
		v->arg_free = part_free;
		p->set = set;
		p->root = pid;
		if (!all_look(p, err)) {
			v->wanted = wanted;
			v->filter = filter;
			ret = img_set_convert(&v->set, to, opt, err);
		}
	}
	img_set_close(&v->set);
	return ret;
}

int img_set_extract(struct img_set *from, uint32_t pid, struct img_set *to,
	const struct img_convert_options *opt, struct img_err *err)
{
	struct img_view *bottom = img_view_new(from, false, err);
	struct img_set *today;
	int ret;

	if (!bottom)
		return -1;
	/* Only today's forms are looked into. */
	today = img_step_forms(&bottom->set, err);
	if (!today) {
		img_set_close(&bottom->set);
		return -1;
	}
	ret = extract(today, pid, to, opt, err);
	img_set_close(today);
	return ret;
}
