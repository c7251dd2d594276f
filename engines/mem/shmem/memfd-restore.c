/* engines/mem/shmem/memfd-restore.c -- the files of memfds, and of shared anonymous memory that CRIU tells
 * as such: each made once, by the front, with its content. Whoever has it open or mapped opens it anew.
 *
 * Seals come last, when every task has mapped what it maps: some of them forbid to map or to write.
 */

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criu-restore/files.h"
#include "criu-restore/mem.h"
#include "criu-restore/namespaces.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "memfd.pb-c.h"

/* linux/memfd.h, linux/fcntl.h */
enum {
	HUGETLB = 0x4,
	HUGE_BITS = 0x3f << IMG_MAP_HUGE_SHIFT,
	SEALS_KNOWN = 0x3f,
};

/* Of these names there is shared anonymous memory, and no memfd, as long as nobody calls one so. */
static bool is_anonymous(const MemfdInodeEntry *rec)
{
	return rec->seals == F_SEAL_SEAL &&
	       (!strcmp(rec->name, "/dev/zero") || !strcmp(rec->name, "/anon_hugepage"));
}

static int add(struct restore_mem *mem, MemfdInodeEntry *rec, struct img_err *err)
{
	struct restore_memfd *m;

	if (rec->inode_id > UINT32_MAX || rec->size > INT64_MAX)
		return img_fail(err, IMG_CORRUPT, "memfd.img: file %" PRIu64 " of %" PRIu64 " bytes",
			rec->inode_id, rec->size);
	for (size_t i = 0; i < mem->nr_memfds; i++)
		if (mem->memfds[i].rec->inode_id == rec->inode_id)
			return img_fail(err, IMG_CORRUPT, "memfd.img: file %" PRIu64 " is there twice",
				rec->inode_id);
	if (rec->seals & ~(uint32_t)SEALS_KNOWN)
		return img_fail(
			err, IMG_UNSUPPORTED, "memfd '%s': seals %#x are not known", rec->name, rec->seals);
	if (rec->has_hugetlb_flag && rec->hugetlb_flag & ~(uint32_t)(HUGETLB | HUGE_BITS))
		return img_fail(err, IMG_UNSUPPORTED, "memfd '%s': flags %#x are not known", rec->name,
			rec->hugetlb_flag);
	m = img_array_more(&mem->memfds, mem->nr_memfds, &mem->room_memfds);
	if (!m)
		return img_fail_nomem(err);
	m->rec = rec;
	m->fd = -1;
	mem->nr_memfds++;
	return 0;
}

int restore_memfds_read(struct restore *r, struct img_err *err)
{
	struct restore_mem *mem = restore_mem_get(r, err);
	struct img_reader *reader;
	ProtobufCMessage *msg;
	int ret;

	if (!mem)
		return -1;
	if (mem->memfds_read)
		return 0;
	mem->memfds_read = true;
	ret = img_reader_open(r->set, IMG_MEMFD_INODE, 0, &reader, err);
	if (ret <= 0)
		return ret;
	while ((ret = img_read(reader, &msg, err)) > 0) {
		ret = add(mem, (MemfdInodeEntry *)msg, err);
		if (ret < 0) {
			img_message_free(msg);
			break;
		}
	}
	img_reader_close(reader);
	return ret;
}

struct restore_memfd *restore_memfd_find(const struct restore *r, uint32_t inode_id)
{
	for (size_t i = 0; i < r->mem->nr_memfds; i++)
		if (r->mem->memfds[i].rec->inode_id == inode_id)
			return &r->mem->memfds[i];
	return NULL;
}

static int make_anonymous(const MemfdInodeEntry *rec, int *fd, struct img_err *err)
{
	uint32_t huge = rec->has_hugetlb_flag ? IMG_MAP_HUGETLB | (rec->hugetlb_flag & HUGE_BITS) : 0;

	/* One cannot map nothing; the size is set afterwards. */
	return restore_anon_shmem(rec->size ? rec->size : IMG_PAGE, huge, fd, err);
}

static int make_memfd(const MemfdInodeEntry *rec, int *fd, struct img_err *err)
{
	unsigned flags = MFD_CLOEXEC | (rec->has_hugetlb_flag ? rec->hugetlb_flag : 0);

	/* A memfd that was not made for seals has the one against them. */
	if (rec->seals != F_SEAL_SEAL)
		flags |= MFD_ALLOW_SEALING;
	*fd = memfd_create(rec->name, flags);
	return *fd < 0 ? img_fail_sys(err, "making it") : 0;
}

static int start_one(struct restore *r, struct restore_memfd *m, struct img_err *err)
{
	const MemfdInodeEntry *rec = m->rec;
	mode_t mode = rec->has_mode ? rec->mode & 07777 : 0777;

	if ((is_anonymous(rec) ? make_anonymous(rec, &m->fd, err) : make_memfd(rec, &m->fd, err)) < 0)
		return -1;
	if (ftruncate(m->fd, (off_t)rec->size) < 0)
		return img_fail_sys(err, "giving it %" PRIu64 " bytes", rec->size);
	if (restore_shmem_fill(r, rec->shmid, m->fd, rec->size, err) < 0)
		return -1;
	if (fchown(m->fd, restore_front_uid(r, rec->uid), restore_front_gid(r, rec->gid)) < 0 || fchmod(m->fd, mode) < 0)
		return img_fail_sys(err, "owner and mode");
	log_info(r->log, "memfd %" PRIu64 ": '%s', %" PRIu64 " bytes, shared memory %#x", rec->inode_id,
		rec->name, rec->size, rec->shmid);
	return 0;
}

int restore_memfds_start(struct restore *r, struct img_err *err)
{
	for (size_t i = 0; i < r->mem->nr_memfds; i++)
		if (start_one(r, &r->mem->memfds[i], err) < 0)
			return img_wrap(err, "memfd '%s'", r->mem->memfds[i].rec->name);
	return 0;
}

int restore_memfds_seal(struct restore *r, struct img_err *err)
{
	for (size_t i = 0; i < r->mem->nr_memfds; i++) {
		const struct restore_memfd *m = &r->mem->memfds[i];

		if (m->rec->seals && m->rec->seals != F_SEAL_SEAL &&
			fcntl(m->fd, F_ADD_SEALS, m->rec->seals) < 0)
			return img_fail_sys(err, "memfd '%s': seals %#x", m->rec->name, m->rec->seals);
	}
	return 0;
}

int restore_memfd_open(
	struct restore *r, uint32_t inode_id, int flags, bool first, int *fd, struct img_err *err)
{
	const struct restore_memfd *m = restore_memfd_find(r, inode_id);

	if (!m)
		return img_fail(err, IMG_CORRUPT, "memfd %u is not in memfd.img", inode_id);
	if (first) {
		*fd = fcntl(m->fd, F_DUPFD_CLOEXEC, 0);
		return *fd < 0 ? img_fail_sys(err, "memfd '%s'", m->rec->name) : 0;
	}
	*fd = restore_reopen(m->fd, (flags & ~(O_CREAT | O_EXCL | O_TRUNC | O_ASYNC)) | O_CLOEXEC, err);
	return *fd < 0 ? img_wrap(err, "memfd '%s'", m->rec->name) : 0;
}
