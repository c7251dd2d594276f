/* criu-restore/stream.h -- images that come through a pipe, and are restored from as they come.
 *
 * The small ones are in memory (criuimg/stream.h) and planned from as any. Page images pass once, in the order in which they
 * were written, and never wait anywhere: a process of ours, the *pump*, reads them and sends each through one pipe that all
 * tasks inherit, to whoever it is for: the front, for shared memory, then the tasks. Whoever takes one puts the bytes where they
 * belong and works out their digest. What comes before its task can be there goes into a file without a name; that
 * does not happen with what criu-dump writes. When all has passed the pump holds it against the manifest: before that no task
 * runs.
 *
 * Moments: open (plan), plan, start (the pump; shared memory is filled), before fork (tasks take theirs), the end of stage
 * "fork" (all is verified), and the end.
 */
#ifndef CRIU_RESTORE_STREAM_H
#define CRIU_RESTORE_STREAM_H

#include "criu-restore/mem.h"
#include "criu-restore/restore.h"

struct restore_stream;

/* --stream: r->set from standard input or the descriptor named; or, of an archive that cannot be restored from as it comes,
 * r->archive_fd. */
int restore_stream_open(struct restore *r, struct img_err *err);
/* Records are read: tasks that are still there (dumped here, a moment ago) have their numbers yet. Then the rest of the stream
 * is kept in a file, r->archive_fd, until its end. r->set is closed. */
int restore_stream_or_file(struct restore *r, struct img_err *err);

/* Where the parent of the set was, or NULL. */
const char *restore_stream_parent(const struct restore *r);
int restore_stream_earlier(struct restore *r, struct img_set **parent, struct img_err *err);
/* r->stream_fd has a new number. */
void restore_stream_moved(struct restore *r);

int restore_stream_plan(struct restore *r, struct img_err *err);
int restore_stream_start(struct restore *r, struct img_err *err);
/* The pump is there, or none is needed. */
int restore_stream_check(struct restore *r, struct img_err *err);
void restore_stream_stop(struct restore *r);
void restore_stream_free(struct restore *r);

/* How many processes of ours take part in stage "fork" beside the tasks. */
static inline size_t restore_stream_parts(const struct restore *r)
{
	return r->stream != NULL;
}

/* Is the data of this page map in the stream? Then it is taken by restore_stream_take() alone. */
bool restore_stream_has(const struct restore *r, const struct img_pages_reader *pages);
/* Take the page image of a page map, to its end. pieces: where it goes; those of other files are left out. */
int restore_stream_take(struct restore *r, struct img_pages_reader *pages, struct restore_pieces *pieces,
	struct img_err *err);
/* Bytes at offset of the task's page image that belonged to no piece when it was taken. */
int restore_stream_kept(struct restore *r, uint64_t offset, void *to, size_t len, struct img_err *err);
/* Shared memory: fd, of that size, is to be filled with segment shmid, in its turn. Front, at "start". */
int restore_stream_fill_later(struct restore *r, uint64_t shmid, int fd, uint64_t size, struct img_err *err);

#endif
