/* engines/criu-restore/watched.h -- inodes that inotify and fanotify are to watch again. */
#ifndef CRIU_RESTORE_WATCHED_H
#define CRIU_RESTORE_WATCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "criuimg/err.h"
#include "fh.pb-c.h"

struct restore;
struct restore_task;

enum {
	RESTORE_WATCHED_PATH = 64,
};

/* Is the record whole? IMG_CORRUPT. */
int restore_watched_plan(const FhEntry *fh, struct img_err *err);

/* Does anybody watch the deleted file of this device (12 bits major, 20 bits minor) and inode? */
bool restore_is_watched(const struct restore *r, uint32_t dev, uint64_t ino);

/* Open the watched file (O_PATH), by its path, as the ghost with its device and inode, or by its handle where there is neither. *fd is the
 * caller's; path is what leads to it while fd is open. */
int restore_watched_open(struct restore *r, const struct restore_task *t, const FhEntry *fh, uint32_t sdev, uint64_t ino, int *fd,
	char path[RESTORE_WATCHED_PATH], struct img_err *err);
/* The same of a path, in the mount namespace of mount mnt_id (of the images; -1: not known). */
int restore_watched_open_path(struct restore *r, const struct restore_task *t, int mnt_id, const char *named, int *fd,
	char path[RESTORE_WATCHED_PATH], struct img_err *err);

#endif
