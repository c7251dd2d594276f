/* criu-restore/files-own.h -- what the plan of open files is kept in: for files*.c, and rooms of fd/ with images of their own. */
#ifndef CRIU_RESTORE_FILES_OWN_H
#define CRIU_RESTORE_FILES_OWN_H

#include "criu-restore/files.h"
#include "criu-restore/restore.h"
#include "criuimg/image.h"
#include "ghost-file.pb-c.h"
#include "pipe-data.pb-c.h"

struct restore_ghosts;
struct restore_queues;
struct restore_locks;
struct restore_ttys;

struct file_plan {
	struct restore_file pub;
	struct restore_fdtable *maker; /* NULL: in no table, nobody makes it */
	int maker_fd;		       /* its number in the maker's table; -1: held there for others, at *held */
	uint32_t *held;		       /* shared: that number, once it is made */
	struct file_plan *group;       /* the next of the same group, NULL at the end; the first one leads it */
	bool follows;		       /* is not the first of its group */
	bool made;		       /* in this process */
	int here;		       /* in this process: its first number in the table, -1: none yet */
};

struct restore_pipe_data {
	PipeDataEntry *rec;
	unsigned char *bytes;	   /* NULL: read them from source at offset */
	struct img_source *source; /* borrowed */
	uint64_t offset;
};

struct pipe_data_image {
	struct restore_pipe_data *items; /* by pipe_id, ascending */
	size_t nr, room;
	struct img_reader *reader;
};

struct restore_files {
	struct file_plan *files; /* by id, ascending */
	size_t nr, room;
	struct pipe_data_image pipes, fifos;
	struct restore_ghosts *ghosts;
	struct restore_locks *locks;
	struct restore_ttys *ttys;
	struct restore_queues *queues; /* what waits in sockets */
	bool net_locked;	       /* connections were not locked before */
};

/* Processes that were gone, and whose files in /proc are open (engines/fd/ghost/dead-restore.c): somebody with that pid lives
 * until all are opened. */
struct restore_dead {
	pid_t *pids; /* as the tree knows them */
	pid_t *here; /* those started, as we do */
	size_t nr, room, nr_started;
};
int restore_dead_add(struct restore *r, struct restore_dead *dead, uint32_t pid, const char *name, struct img_err *err);
int restore_dead_start(struct restore *r, struct restore_dead *dead, struct img_err *err);
/* They end, and dead is empty. */
void restore_dead_end(struct restore_dead *dead);

/* A ghost's file on disk (engines/fd/ghost/inode-restore.c). Open its image and read its first record, which is the caller's; NULL on
 * failure. */
struct img_reader *restore_ghost_image(struct restore *r, uint32_t id, GhostFileEntry **rec, struct img_err *err);
/* A name, as the directory that it is in and what it is there. */
struct ghost_place {
	int dir;	  /* O_PATH */
	const char *base; /* points into path */
	const char *path; /* for messages */
};
/* Make it there, readable by root only; *made when there is something that is ours, whatever is returned. */
int restore_ghost_make(struct restore *r, uint32_t id, const GhostFileEntry *rec, const struct ghost_place *at, bool *made,
	struct img_err *err);
/* Owner, mode, times. */
int restore_ghost_attributes(struct restore *r, const GhostFileEntry *rec, const struct ghost_place *at, struct img_err *err);

/* The number by which its maker has it. */
static inline int files_made_at(const struct file_plan *p)
{
	return p->maker_fd >= 0 || !p->held ? p->maker_fd : (int)*p->held;
}

/* The plan of a record, NULL when there is none. */
struct file_plan *files_find(const struct restore_files *f, uint32_t id);
/* Read files.img (or the images of one type each that came before it) into f. */
int files_read(struct restore *r, struct restore_files *f, struct img_err *err);
int files_read_pipe_data(struct restore *r, struct restore_files *f, struct img_err *err);
void files_free_pipe_data(struct restore_files *f);

#endif
