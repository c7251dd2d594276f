/* criu-restore/files.h -- open files: the plan, who makes what, and putting it in place.
 *
 * Order of calls (steps.c):
 *
 *	front: plan	restore_files_plan()	   files.img and what belongs to it: read, checked, makers chosen; changes nothing
 *	front: start	restore_files_prepare()    puts deleted files on disk under temporary names (ghosts)
 *	task: after fork, all of the tree exists (the owners for SIGIO are pids); a task that shares the table of another calls
 *	them too, they see it and do nothing
 *			restore_files_make()	   what this task is the maker of, at its final numbers
 *		-- all tasks have done this --
 *			restore_files_fetch()	   what others made
 *		-- all tasks have done this --
 *			restore_files_finish()	   lets go of what was held for others only
 *	task: from then on, up to the tape
 *			restore_open_file()	   cwd, root, exe, mapped files
 *	front: resume	restore_files_done()	   no task opens anything any more: what was put on disk goes
 *	front: after a failure restore_files_stop()  processes of ours that stood in for others end
 *	front: undo	restore_files_undo()	   the same after a failure: what the image set needs stays
 *	front: at the end, restore_files_free()
 *
 * Descriptors of our own never take a number that a table of the image has (restore.h), so these functions open, dup3() over
 * and close without looking at what else is in the table, and leave alone what they do not know.
 */
#ifndef CRIU_RESTORE_FILES_H
#define CRIU_RESTORE_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "criuimg/err.h"
#include "criuimg/kind.h"
#include "criu-restore/fd_ops.h"
#include "fown.pb-c.h"
#include "regfile.pb-c.h"
#include "sk-opts.pb-c.h"

struct restore;
struct restore_task;
struct task_restore_ops;
struct restore_files; /* struct restore has `struct restore_files *files`, NULL at first */

int restore_files_plan(struct restore *r, struct img_err *err);
int restore_files_prepare(struct restore *r, struct img_err *err);
int restore_files_make(struct restore *r, struct restore_task *t, struct img_err *err);
int restore_files_fetch(struct restore *r, struct restore_task *t, struct img_err *err);
int restore_files_finish(struct restore *r, struct restore_task *t, struct img_err *err);
/* Both fail when a file that was made could not be removed; they remove the others all the same. Called once more they do
 * nothing. */
int restore_files_done(struct restore *r, struct img_err *err);
int restore_files_undo(struct restore *r, struct img_err *err);
void restore_files_stop(struct restore *r);
void restore_files_free(struct restore *r);

/* What waits for the threads. */
extern const struct task_restore_ops files_restore_ops;

/* Open the file of record id anew: a description of its own. flags: O_* to open it with in place of the record's (a
 * mapping's VMA has its own, O_PATH is fine), -1: the record's. *fd is the caller's, FD_CLOEXEC. Checks size and mode of a
 * regular file against the record. */
int restore_open_file(struct restore *r, struct restore_task *t, uint32_t id, int flags, int *fd, struct img_err *err);
/* The path of record id as the record has it; NULL when there is no such record or it has no name. */
const char *restore_file_path(const struct restore *r, uint32_t id);

/* ---- for the rooms ---- */

/* A descriptor of file id, from its maker, who may be this task: the caller's. From fetch on, up to finish. */
int restore_file_descriptor(struct restore *r, struct restore_task *t, uint32_t id, struct img_err *err);

/* The record with this id, NULL when there is none. */
const struct restore_file *restore_find_file(const struct restore *r, uint32_t id);
/* Who gets the signals: F_SETSIG, F_SETOWN_EX as the uid and euid that set it. A thread other than a leader does not exist yet: that
 * is left to the tape (files_restore_ops). */
int restore_file_owner(struct restore *r, int fd, const FownEntry *fown, struct img_err *err);
/* What fcntl(2) can change of the flags (O_APPEND, O_NONBLOCK, O_DIRECT, O_NOATIME, O_ASYNC): set to those of flags. */
int restore_file_flags(int fd, uint32_t flags, struct img_err *err);
/* Another description of what fd is a descriptor of: open(2) through /proc/self/fd. */
int restore_reopen(int fd, int flags, struct img_err *err);

/* A file with a name (or what stands in for it: a ghost), opened with flags, and found to be what the record says.
 * engines/fd/file/ */
int restore_open_named(struct restore *r, struct restore_task *t, const RegFileEntry *reg, int flags, struct img_err *err);

/* Files whose path leads to something else: remap-fpath.img. engines/fd/ghost/ */
int restore_ghosts_plan(struct restore *r, struct img_err *err);
int restore_ghosts_prepare(struct restore *r, struct img_err *err);
/* done: the restore succeeded, names that the dump made for it (--link-remap) go too. */
int restore_ghosts_remove(struct restore *r, bool done, struct img_err *err);
void restore_ghosts_free(struct restore *r);
/* Is record reg such a file? *path: a name that the dump made for it, NULL for the others. */
bool restore_is_ghost(const struct restore *r, const RegFileEntry *reg, const char **path);
/* Open record reg if it is such a file: 1 with *fd, 0 when it is an ordinary one, -1. */
int restore_open_ghost(struct restore *r, struct restore_task *t, const RegFileEntry *reg, int flags, int *fd, struct img_err *err);

/* Where the ghost of a device (as the kernel has it: 12 bits major, 20 bits minor) and inode lies meanwhile; NULL: there is none. */
bool restore_has_ghosts(const struct restore *r);
const char *restore_ghost_path(const struct restore *r, uint32_t dev, uint64_t ino);

/* What waits in sockets to be read: sk-queues.img. engines/fd/unix/ */
int restore_queues_plan(struct restore *r, struct img_err *err);
void restore_queues_free(struct restore *r);
/* Once it is known who has what: makers for the files that only come along with what waits. */
int restore_queues_makers(struct restore *r, struct img_err *err);
/* When all is made: what could not be put into a queue before, since something comes along with it. */
int restore_queues_fill(struct restore *r, struct restore_task *t, struct img_err *err);
/* After a failure: files of sockets that were not there before. */
void restore_names_undo(struct restore *r);
/* File locks: filelocks.img. engines/fd/flock/ */
struct restore_tape;
int restore_locks_plan(struct restore *r, struct img_err *err);
void restore_locks_free(struct restore *r);
int restore_leases(struct restore *r, struct restore_task *t, struct img_err *err);
int restore_locks_tape(struct restore *r, struct restore_task *t, struct restore_tape *tape, struct img_err *err);
/* Terminals: tty-info.img, tty-data.img. engines/fd/tty/ The front: the records; where each terminal comes from, once it is known what is
 * used. The root of the tree, before it has children: all are made, and inherited. A leader, right after setsid(2): its terminal. When all
 * groups are there: the foreground one. The front: a program on another terminal than before shall see its size; the terminal is ours again. */
int restore_ttys_plan(struct restore *r, struct img_err *err);
int restore_ttys_sources(struct restore *r, struct img_err *err);
void restore_ttys_free(struct restore *r);
int restore_ttys_make(struct restore *r, struct restore_task *t, struct img_err *err);
/* The root, before that: a pty of the devpts that this directory is, whose slave is mounted somewhere (/dev/console of a container). */
int restore_pty_early(struct restore *r, int devpts, unsigned index, struct img_err *err);
int restore_ttys_attach(struct restore *r, struct restore_task *t, struct img_err *err);
int restore_ttys_foreground(struct restore *r, struct restore_task *t, struct img_err *err);
/* The front, when the root has made them: masters that go to somebody outside, one call of the action scripts each. */
int restore_ttys_orphans(struct restore *r, struct img_err *err);
void restore_ttys_redraw(struct restore *r);
void restore_ttys_leave(struct restore *r);
/* The tree was stopped from its terminal: so are we, for the shell to see; it goes on when we do. */
void restore_ttys_stop(struct restore *r);
/* TCP connections (engines/fd/inet/): while they are made no packet of theirs gets through. At last all is let through, and their repair
 * ends. After a failure the network is as it was: what the dump has locked stays locked. */
int restore_connections_lock(struct restore *r, struct img_err *err);
/* When every socket is there, and outside of the tree's mount namespace, where the programs for it are: before the moment "resume". */
int restore_connections_unlock(struct restore *r, struct img_err *err);
int restore_connections_resume(struct restore *r, struct img_err *err);
int restore_connections_undo(struct restore *r, struct img_err *err);
/* Options that all sockets have (sock-opts.c). */
int restore_sock_opts(int fd, const SkOptsEntry *opts, struct img_err *err);
/* Room for this many bytes in a buffer, SO_SNDBUF or SO_RCVBUF, beyond the host's limit where that is allowed. */
int restore_sock_room(int fd, int opt, int bytes, struct img_err *err);
/* The sizes of both buffers alone, and whether somebody chose them. */
int restore_sock_buffers(int fd, const SkOptsEntry *opts, struct img_err *err);
/* The filter alone, which the former sets as the last of all. */
int restore_sock_filter(int fd, const SkOptsEntry *opts, struct img_err *err);

/* What is in a pipe or fifo: pipes-data.img, fifo-data.img. NULL when there is no entry. */
struct restore_pipe_data;
const struct restore_pipe_data *restore_find_pipe_data(const struct restore *r, enum img_kind kind, uint32_t pipe_id);
/* Give the pipe of these two ends (the same descriptor for both is fine) its size and its content. data may be NULL. Leaves
 * write_fd with O_NONBLOCK, and O_DIRECT where the content is packets. */
int restore_fill_pipe(struct restore *r, const struct restore_pipe_data *data, int write_fd, struct img_err *err);

#endif
