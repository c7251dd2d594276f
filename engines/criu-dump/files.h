/* engines/criu-dump/files.h -- open files: tables, identity of file descriptions, files.img.
 *
 * Order of calls (steps.c):
 *	dump_files_scan()   for each task: looks at its table, once for each files id
 *	dump_files_check()  for each task: names what cannot be dumped
 *	dump_files_task()   for each task: its records and fdinfo-<files id>.img, once for each files id
 *	dump_file_by_fd()   for cwd, root, exe link and mapped files, at any time between scan and finish
 *	dump_files_finish() once: closes files.img and what belongs to it
 *	dump_files_free()   once
 *
 * A file description has one id in the whole set (small numbers from 1 on), and one record in files.img. Which descriptors
 * are one description is found by kcmp(2), only among those whose (device, inode, flags, position) are equal, and in a tree:
 * 100,000 descriptors of one file are no special case.
 */
#ifndef CRIU_DUMP_FILES_H
#define CRIU_DUMP_FILES_H

#include <stdint.h>

#include "criuimg/err.h"
#include "criuimg/kind.h"
#include "criu-dump/fd_ops.h"
#include "fdinfo.pb-c.h"
#include "fown.pb-c.h"

struct dump;
struct dump_task;
struct dump_blockers;
struct dump_files; /* struct dump has `struct dump_files *files`, NULL at first: made by the first scan */

/* Look at every descriptor of the task: link, stat, fdinfo. Touches nothing; the task need not even be stopped (--dry-run),
 * a descriptor that vanishes meanwhile is not there. A table that was scanned for another task (same files id) is not
 * scanned again; without ids yet (t->ids NULL or files_id 0) the task's pid stands for its table. */
int dump_files_scan(struct dump *d, struct dump_task *t, struct img_err *err);
/* All that stands in the way of dumping the task's descriptors: "pid 12: fd 3: io_uring is not supported". */
int dump_files_check(struct dump *d, struct dump_task *t, struct dump_blockers *blockers, struct img_err *err);
/* Dump the table. The task is stopped. */
int dump_files_task(struct dump *d, struct dump_task *t, struct img_err *err);
int dump_files_finish(struct dump *d, struct img_err *err);
void dump_files_free(struct dump *d);

/* A file that is not in a table: cwd, root, exe, a mapped file. lfd is any descriptor of ours for it (O_PATH is enough; of
 * /proc/PID/cwd, /proc/PID/exe, /proc/PID/map_files/...), borrowed; link is the text of that /proc link with " (deleted)"
 * where the kernel put it; flags the O_* that the record is to have (0: CRIU's habit, even for a writable mapping, whose
 * VMA record has the flags). *id: of the record; the same file asked for again with the same link and flags gets the same
 * id, save directories, which get a new one each time as CRIU does.
 * A file that cannot be dumped is IMG_UNSUPPORTED with the reason. */
int dump_file_by_fd(struct dump *d, struct dump_task *t, int lfd, const char *link, int flags, uint32_t *id, struct img_err *err);
/* Would dump_file_by_fd() refuse? For blockers: touches nothing and writes nothing. 0 or the failure. */
int dump_file_check(struct dump *d, struct dump_task *t, int lfd, const char *link, int flags, struct img_err *err);

/* ---- for the rooms ---- */

/* A new id for a record of one's own (a fifo's file). */
uint32_t dump_new_file_id(struct dump *d);
/* Append a record to files.img. */
int dump_write_file(struct dump *d, const FileEntry *rec, struct img_err *err);
/* Append a record, and payload bytes after the last one, to an image of the whole set that is made when first needed and
 * closed by dump_files_finish(): pipes-data.img, remap-fpath.img, ... */
int dump_write_shared(struct dump *d, enum img_kind kind, const ProtobufCMessage *rec, struct img_err *err);
int dump_write_shared_payload(struct dump *d, enum img_kind kind, const void *data, size_t len, struct img_err *err);
/* Whose signals (fcntl F_GETOWN_EX, F_GETSIG, F_GETOWNER_UIDS). An O_PATH descriptor has none: all zero. */
int dump_file_owner(const struct fd_target *t, FownEntry *fown, struct img_err *err);
/* The record of a file with a name, and its ghost if it was deleted: what the room `file` does for its own, for the room
 * `fifo` under an id of its own. */
int dump_named_file(struct dump *d, const struct fd_target *t, struct img_err *err);
int dump_named_file_check(struct dump *d, struct dump_task *t, const struct fd_probe *probe, struct img_err *err);

#endif
