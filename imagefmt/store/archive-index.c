/* store/archive-index.c -- an archive read in place: its headers tell where each member is, and only they are read. */

#include "store/archive.h"

#include <stdlib.h>

#include "criuimg/cleanup.h"

/* 1 when the archive was read to its end, 2 when it has what only others can read, -1. */
static int scan(struct img_archive *a, struct img_source *bytes, struct img_err *err)
{
	struct tar_entry entry;
	uint64_t at = 0;
	int ret;

	while ((ret = img_tar_read(bytes, at, &entry, err)) == 1) {
		struct member m = { .path = steal_ptr(&entry.path),
			.link = steal_ptr(&entry.link),
			.at = entry.at,
			.size = entry.size };

		at = entry.next;
		if (entry.type == TAR_OTHER) {
			free(m.path);
			continue;
		}
		if (img_archive_add(a, &m, err))
			return -1;
	}
	return ret == 0 ? 1 : ret;
}

struct img_archive *img_archive_index_open(struct img_source *bytes, bool *foreign, struct img_err *err)
{
	struct img_archive *a = img_archive_new(err);
	int ret;

	*foreign = false;
	if (!a)
		return NULL;
	ret = scan(a, bytes, err);
	*foreign = ret == 2;
	if (ret == 1 && !img_archive_complete(a, err)) {
		a->bytes = bytes;
		return a;
	}
	img_set_close(&a->set);
	return NULL;
}
