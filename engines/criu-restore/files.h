/* engines/criu-restore/files.h -- open files: the plan, who makes what, and putting it in place.
 *
 * Order of calls (steps.c):
 *
 *	in the main process, before the first fork
 *		restore_files_plan()	      files.img, fdinfo-*.img, ...: read, checked, makers chosen. Changes nothing.
 *		restore_files_service_fds()   numbers for descriptors of our own
 *		restore_files_prepare()	      puts deleted files on disk under temporary names (ghosts)
 *	in each task that lives (a task that shares its parent's table calls them too: they see it)
 *		restore_files_make()	      after all tasks of the tree exist (owners for SIGIO are pids)
 *		-- barrier --
 *		restore_files_fetch()
 *		-- barrier: nobody needs a maker's descriptor any more --
 *		restore_files_finish()	      lets go of what was held for others only
 *	anywhere, in a task, after restore_files_make()
 *		restore_open_file()	      cwd, root, exe, mapped files
 *	in the main process, after all tasks have opened all they open, and after any failure
 *		restore_files_remove_ghosts()
 *		restore_files_free()
 *
 * The numbers below: a task's table holds, from the start of restore_files_make() on, its final descriptors and our own (the
 * service descriptors). restore_files_make() closes everything else. What is opened later takes the lowest free number, as
 * always, and may even take one that is final in ANOTHER table; it must be closed before the task runs. Nobody may dup2() to
 * a number that he has not got from restore_files_service_fds().
 *
 * Tables shared by CLONE_FILES: the first task with a files id makes the table; a child with the files id of its parent is
 * cloned with CLONE_FILES. It must not open or close anything between its parent's restore_files_make() and the end of
 * restore_files_fetch(), that is, between the two barriers; it must not use temporary numbers across them either.
 */
#ifndef CRIU_RESTORE_FILES_H
#define CRIU_RESTORE_FILES_H

#include <stdint.h>

#include "criuimg/err.h"
#include "criu-restore/fd_ops.h"
#include "fown.pb-c.h"

struct restore;
struct restore_task;
struct restore_files; /* struct restore has `struct restore_files *files`, NULL at first */

int restore_files_plan(struct restore *r, struct img_err *err);
/* nr numbers that no table of the set uses and RLIMIT_NOFILE allows (the highest that are free): descriptors of our own go
 * there, with FD_CLOEXEC, before the first fork. They are what restore_files_make() leaves alone: keep it to a few. May be
 * called once. */
int restore_files_service_fds(struct restore *r, size_t nr, int *numbers, struct img_err *err);
int restore_files_prepare(struct restore *r, struct img_err *err);

int restore_files_make(struct restore *r, struct restore_task *t, struct img_err *err);
int restore_files_fetch(struct restore *r, struct restore_task *t, struct img_err *err);
int restore_files_finish(struct restore *r, struct restore_task *t, struct img_err *err);

/* Open the file of record id anew: a description of its own. flags: O_* to open it with in place of the record's (a
 * mapping's VMA has its own, O_PATH is fine), -1: the record's. *fd is the caller's, FD_CLOEXEC. Checks size and mode of a
 * regular file against the record. */
int restore_open_file(struct restore *r, struct restore_task *t, uint32_t id, int flags, int *fd, struct img_err *err);
/* The path of record id as the record has it; NULL when there is no such record or it has no name. */
const char *restore_file_path(const struct restore *r, uint32_t id);

void restore_files_remove_ghosts(struct restore *r);
void restore_files_free(struct restore *r);

/* ---- for the rooms ---- */

/* The record with this id, NULL when there is none. */
const struct restore_file *restore_find_file(const struct restore *r, uint32_t id);
/* Who gets the signals: F_SETSIG, F_SETOWN_EX as the uid and euid that set it, then O_ASYNC if flags has it. */
int restore_file_owner(struct restore *r, int fd, const FownEntry *fown, uint32_t flags, struct img_err *err);
/* What fcntl(2) can change of the flags (O_APPEND, O_NONBLOCK, O_DIRECT, O_NOATIME): set to those of flags. */
int restore_file_flags(int fd, uint32_t flags, struct img_err *err);

#endif
