/* engines/criu-dump/watched.h -- inodes that inotify and fanotify watch: their handles and paths, for the images. */
#ifndef CRIU_DUMP_WATCHED_H
#define CRIU_DUMP_WATCHED_H

#include <stdint.h>

#include "criuimg/err.h"
#include "fh.pb-c.h"

struct dump;
struct dump_task;

/* The record of a watched inode, from a line of fdinfo that has its handle. The path is the one it has now; a file without one,
 * or one that does not open by handle, is IMG_UNSUPPORTED: restore could not find it. Lives in d->arena. */
int dump_watched(struct dump *d, const char *line, uint32_t sdev, uint64_t ino, FhEntry **fh, struct img_err *err);

#endif
