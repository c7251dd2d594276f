/* engines/criu-restore/watched.h -- inodes that inotify and fanotify are to watch again. */
#ifndef CRIU_RESTORE_WATCHED_H
#define CRIU_RESTORE_WATCHED_H

#include <stdint.h>

#include "criuimg/err.h"
#include "fh.pb-c.h"

enum {
	RESTORE_WATCHED_PATH = 64,
};

/* Is the record whole? IMG_CORRUPT. */
int restore_watched_plan(const FhEntry *fh, struct img_err *err);

/* Open the watched file (O_PATH), by its path, or by its handle where the record has no path. *fd is the
 * caller's; path is what leads to it while fd is open. */
int restore_watched_open(
	const FhEntry *fh, uint32_t sdev, int *fd, char path[RESTORE_WATCHED_PATH], struct img_err *err);

#endif
