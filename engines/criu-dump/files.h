/* engines/criu-dump/files.h -- open files: tables, identity of file descriptions, files.img.
 *
 * files_dump_ops is one of the task rooms (task_ops.h), the last of the list, since all the others may still hand files over
 * in their `task` and `tree` hooks:
 *	check  looks at every descriptor of the table from outside, and names what cannot be dumped
 *	task   the records of the table's files, and fdinfo-<files id>.img
 *	tree   closes files.img and the images that belong to it
 * A table that several tasks share is looked at, and written, for the first of them.
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
#include "sk-opts.pb-c.h"

struct dump;
struct dump_task;
struct task_dump_ops;
struct dump_files; /* dump.files: NULL at first */

extern const struct task_dump_ops files_dump_ops;
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
 * closed with files.img: pipes-data.img, remap-fpath.img, ... */
int dump_write_shared(struct dump *d, enum img_kind kind, const ProtobufCMessage *rec, struct img_err *err);
int dump_write_shared_payload(struct dump *d, enum img_kind kind, const void *data, size_t len, struct img_err *err);
/* Has some task of the tree the socket with this inode open? 1, 0, -1. */
int dump_tree_has_socket(struct dump *d, uint64_t ino, struct img_err *err);
/* Every descriptor of a room's kind, of all tables, and of the files on their way as far as they are known. May be called from
 * ->check on. */
typedef int dump_file_fn(void *arg, struct dump_task *t, const struct fd_probe *probe, struct img_err *err);
int dump_each_file(struct dump *d, const struct fd_dump_ops *ops, dump_file_fn *fn, void *arg, struct img_err *err);
/* Whose table the numbers are of that a file knows: t, or of a file on its way, whoever has the socket. */
const struct dump_task *dump_file_holder(const struct dump *d, const struct dump_task *t);
/* The id of a file that ->inside handed over before, and that fd is another descriptor of; its record is written. */
int dump_file_inside(struct dump *d, int fd, uint32_t *id, struct img_err *err);
/* A room's own memory for the run: zeroed when first asked for, the same every time after, given to drop and then freed at the
 * end. NULL: no memory. */
void *dump_files_keep(struct dump *d, const struct fd_dump_ops *ops, size_t size, void (*drop)(void *));
/* Options that all sockets have (sock-opts.c); what opts points to lives as long as the run. */
int dump_sock_opts(struct dump *d, int fd, SkOptsEntry *opts, struct img_err *err);
/* Whose signals (fcntl F_GETOWN_EX, F_GETSIG, F_GETOWNER_UIDS). An O_PATH descriptor has none: all zero. */
int dump_file_owner(struct dump *d, const struct fd_target *t, FownEntry *fown, struct img_err *err);
/* The record of a file with a name, and its ghost if it was deleted: what the room `file` does for its own, for the room
 * `fifo` under an id of its own. */
int dump_named_file(struct dump *d, const struct fd_target *t, struct img_err *err);
int dump_named_file_check(struct dump *d, struct dump_task *t, const struct fd_probe *probe, struct img_err *err);
/* Does path lead to the very file of a probe? */
bool dump_path_leads_to(struct dump *d, const struct dump_task *t, const char *path, const struct fd_probe *probe);
/* A file without a name: its content and attributes in ghost-file-<id>.img (once for each inode), and the line of
 * remap-fpath.img that says so of record t->id. engines/fd/ghost/ */
int dump_ghost(struct dump *d, const struct fd_target *t, struct img_err *err);
int dump_ghost_check(struct dump *d, const struct fd_probe *probe, struct img_err *err);
/* A file of /proc of a process that is gone: remap-fpath.img names the process. */
int dump_dead_proc(struct dump *d, const struct fd_target *t, pid_t pid, struct img_err *err);
/* A file that has other names than path, its own: gets a new one beside it (--link-remap), which a failed dump removes
 * again, and remap-fpath.img says that it stands for record t->id. */
int dump_link(struct dump *d, const struct fd_target *t, const char *path, struct img_err *err);
/* Locks that are seen through a descriptor: filelocks.img. fresh: its file description is seen for the first time. engines/fd/flock/ */
int dump_locks(struct dump *d, struct dump_task *t, const struct fd_probe *probe, bool fresh, struct img_err *err);
int dump_locks_check(struct dump *d, struct dump_task *t, const struct fd_probe *probe, struct img_err *err);
/* A thing of the whole tree that has one image or one entry, known by two numbers (device and inode): 1 when it is asked
 * about for the first time, 0 later. **value is kept with it: at first its number among the things of this `what` (1, 2, ...
 * in order), to be changed at will. */
enum dump_once {
	DUMP_ONCE_GHOST,
	DUMP_ONCE_LINK,
	DUMP_ONCE_PROC,
	DUMP_ONCE_PIPE_DATA,
	DUMP_ONCE_FIFO_DATA,
	DUMP_ONCE_MEMFD,
	DUMP_ONCE_BPFMAP,
	DUMP_ONCE_TTY,
	DUMP_ONCE_CONNECTION,
	DUMP_ONCE_NR,
};
int dump_once(struct dump *d, enum dump_once what, uint64_t a, uint64_t b, uint32_t **value, struct img_err *err);

/* What is in the pipe or fifo of t, if t can be read from, and if it was not asked about before. engines/fd/pipe/ */
int dump_pipe_data(struct dump *d, const struct fd_target *t, uint32_t pipe_id, enum dump_once once, enum img_kind kind,
	struct img_err *err);

#endif
