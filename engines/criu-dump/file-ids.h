/* criu-dump/file-ids.h -- which open files are the same, and their ids: files.c's own. */
#ifndef CRIU_DUMP_FILE_IDS_H
#define CRIU_DUMP_FILE_IDS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "criuimg/arena.h"
#include "criuimg/err.h"
#include "criu-dump/files.h"

struct file_ids {
	struct img_arena arena;
	void *descriptions; /* trees of tsearch(3) */
	void *named;
	void *once[DUMP_ONCE_NR];
	uint32_t nr_once[DUMP_ONCE_NR];
	uint32_t last_id;
};

/* The file description of descriptor probe->fd of the task pid: its id, new (*fresh) or that of the one seen before. */
int file_ids_description(struct file_ids *ids, pid_t pid, const struct fd_probe *probe, uint32_t *id, bool *fresh,
	struct img_err *err);
/* The file that is not of a table, by its inode, name and flags. */
int file_ids_named(struct file_ids *ids, const struct fd_probe *probe, uint32_t *id, bool *fresh, struct img_err *err);
/* See dump_once(). */
int file_ids_once(struct file_ids *ids, enum dump_once what, uint64_t a, uint64_t b, uint32_t **value, struct img_err *err);
void file_ids_free(struct file_ids *ids);

#endif
