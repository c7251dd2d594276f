/* engines/criu-dump/watched.h -- inodes that inotify and fanotify watch: their handles and paths, for the images. */
#ifndef CRIU_DUMP_WATCHED_H
#define CRIU_DUMP_WATCHED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "criuimg/err.h"
#include "fh.pb-c.h"

struct dump;
struct dump_task;

/* The record of a watched inode, from a line of fdinfo that has its handle. The path is the one it has now. A deleted file has none: it
 * becomes a ghost, by which restore knows it (nothing is written while checking). A file that cannot be found is
 * IMG_UNSUPPORTED. Lives in d->arena. */
int dump_watched(struct dump *d, struct dump_task *t, const char *line, uint32_t sdev, uint64_t ino, bool checking, FhEntry **fh,
	struct img_err *err);
/* The path alone, and st_dev. */
int dump_watched_path(struct dump *d, const char *line, uint32_t sdev, uint64_t ino, char *path, size_t size, dev_t *dev,
	struct img_err *err);

#endif
