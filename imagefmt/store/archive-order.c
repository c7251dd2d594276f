/* store/archive-order.c -- the order of members in an archive: that of their use at restore. */

#include "store/archive-write.h"

#include <string.h>

#include "criuimg/array.h"
#include "criuimg/kind.h"

/* Kinds that are not here come behind those that are, page images last of all. */
static const enum img_kind order[] = {
	IMG_INVENTORY,
	IMG_CPUINFO,
	IMG_PSTREE,
	IMG_PIDNS,
	IMG_TIMENS,
	IMG_USERNS,
	IMG_UTSNS,
	IMG_CGROUP,
	IMG_SECCOMP,
	IMG_APPARMOR,
	IMG_IDS,
	IMG_CORE,
	IMG_MNTS,
	IMG_NETNS,
	IMG_NETDEV,
	IMG_IPC_VAR,
	IMG_IPCNS_SHM,
	IMG_IPCNS_MSG,
	IMG_IPCNS_SEM,
	IMG_FILES,
	IMG_REMAP_FPATH,
	IMG_MEMFD_INODE,
	IMG_FDINFO,
	IMG_FS,
	IMG_MM,
	IMG_PAGEMAP,
	IMG_SHMEM_PAGEMAP,
};

static size_t rank(enum img_kind kind, const char *name)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(order) && order[i] != kind)
		i++;
	return kind == IMG_MANIFEST ? i + 2 : kind == IMG_PAGES ? i + 1 : i;
}

int img_archive_order(const char *a, const char *b)
{
	uint64_t id_a = 0, id_b = 0;
	enum img_kind kind_a = img_kind_by_file(a, &id_a), kind_b = img_kind_by_file(b, &id_b);
	size_t rank_a = rank(kind_a, a), rank_b = rank(kind_b, b);

	if (rank_a != rank_b)
		return rank_a < rank_b ? -1 : 1;
	if (kind_a == kind_b && id_a != id_b)
		return id_a < id_b ? -1 : 1;
	return strcmp(a, b);
}
