/* engines/fd/memfd/memfd-dump.c -- what criu-dump saves of files that are memory: memfds, and descriptors
 * of shared anonymous memory.
 *
 * A record for each file description or mapping, and one in memfd.img for the file itself, known by its
 * inode. What is in it goes the way of shared memory (mem/shmem/).
 */

#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "criu-dump/dump.h"
#include "criu-dump/files.h"
#include "criu-dump/mem.h"
#include "criu-dump/ns_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/anon-dev.h"
#include "memfd.pb-c.h"

/* linux/memfd.h */
enum {
	HUGETLB = 0x4,
	HUGE_SHIFT = 26,
};

static const char deleted[] = " (deleted)";

/* What the kernel calls such files. A file of that name on a device of its own is another matter. */
static bool memfd_claims(const struct fd_probe *probe)
{
	struct img_err ignored = IMG_ERR_INIT;
	dev_t shmem;

	if (!S_ISREG(probe->mode))
		return false;
	if (strncmp(probe->link, "/memfd:", 7) && strcmp(probe->link, "/dev/zero (deleted)") &&
		strcmp(probe->link, "/anon_hugepage (deleted)"))
		return false;
	if (kern_shmem_dev(&shmem, &ignored) < 0)
		return false;
	/* Huge pages are on devices of theirs, one for each size, that have no number either. */
	return probe->dev == shmem || !major(probe->dev);
}

static int memfd_check(struct dump *d, struct dump_task *t, const struct fd_probe *probe, struct img_err *err)
{
	if (probe->flags & O_PATH)
		return img_fail(err, IMG_UNSUPPORTED, "a memfd opened with O_PATH is not supported");
	if (probe->ino > UINT32_MAX)
		return img_fail(err, IMG_UNSUPPORTED,
			"a memfd with an inode above 32 bits has no place in the images");
	return 0;
}

/* "/memfd:name (deleted)", "/dev/zero (deleted)" -> "name", "/dev/zero" */
static char *name_of(struct dump_task *t, const char *link)
{
	char *name = img_arena_strdup(&t->arena, strncmp(link, "/memfd:", 7) ? link : link + 7);
	size_t len = name ? strlen(name) : 0;

	if (len >= sizeof(deleted) - 1 && !strcmp(name + len - (sizeof(deleted) - 1), deleted))
		name[len - (sizeof(deleted) - 1)] = '\0';
	return name;
}

static int dump_inode(struct dump *d, const struct fd_target *t, uint32_t inode_id, struct img_err *err)
{
	MemfdInodeEntry rec = MEMFD_INODE_ENTRY__INIT;
	cleanup_fd int fd = -1;
	struct statfs fs;
	struct stat st;
	char path[32];
	int seals;

	/* A mapping's descriptor is only a path. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", t->lfd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
		return img_fail_sys(err, "'%s'", t->probe->link);
	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0)
		return img_fail_sys(err, "seals of '%s'", t->probe->link);

	rec.name = name_of(t->task, t->probe->link);
	if (!rec.name)
		return img_fail_nomem(err);
	rec.uid = dump_uid(d, st.st_uid);
	rec.gid = dump_gid(d, st.st_gid);
	rec.size = st.st_size;
	rec.shmid = (uint32_t)st.st_ino;
	rec.seals = seals;
	rec.inode_id = inode_id;
	rec.has_mode = true;
	rec.mode = st.st_mode;
	if (fs.f_type == HUGETLBFS_MAGIC) {
		rec.has_hugetlb_flag = true;
		rec.hugetlb_flag = HUGETLB | (uint32_t)(63 - __builtin_clzll(fs.f_bsize)) << HUGE_SHIFT;
	}
	log_info(d->log, "memfd %u: '%s', %" PRIu64 " bytes, shared memory %#x", inode_id, rec.name, rec.size,
		rec.shmid);
	return dump_write_shared(d, IMG_MEMFD_INODE, &rec.base, err);
}

static int memfd_dump(struct dump *d, const struct fd_target *t, struct img_err *err)
{
	MemfdFileEntry memfd = MEMFD_FILE_ENTRY__INIT;
	FownEntry fown = FOWN_ENTRY__INIT;
	FileEntry rec = FILE_ENTRY__INIT;
	uint32_t *inode_id;
	int ret;

	ret = dump_once(d, DUMP_ONCE_MEMFD, t->probe->dev, t->probe->ino, &inode_id, err);
	if (ret < 0 || (ret && dump_inode(d, t, *inode_id, err) < 0))
		return -1;
	/* What is only mapped is added by whoever knows the mapping. */
	if (t->probe->fd >= 0) {
		if (dump_file_owner(d, t, &fown, err) < 0 ||
			dump_shmem_add(d, t->probe->ino, err, "/proc/%d/fd/%d", t->task->pid, t->probe->fd) <
				0)
			return -1;
	}
	memfd.id = t->id;
	memfd.flags = t->probe->flags;
	memfd.pos = t->probe->pos;
	memfd.fown = &fown;
	memfd.inode_id = *inode_id;
	rec.type = FD_TYPES__MEMFD;
	rec.id = t->id;
	rec.memfd = &memfd;
	return dump_write_file(d, &rec, err);
}

const struct fd_dump_ops memfd_dump_ops = {
	.name = "memfd",
	.type = FD_TYPES__MEMFD,
	.mappable = true,
	.claims = memfd_claims,
	.check = memfd_check,
	.dump = memfd_dump,
};
