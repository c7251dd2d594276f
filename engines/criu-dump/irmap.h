/* criu-dump/irmap.h -- paths of watched inodes that the kernel does not tell: looked for, and remembered (irmap-cache). */
#ifndef CRIU_DUMP_IRMAP_H
#define CRIU_DUMP_IRMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "criuimg/err.h"

struct dump;

/* May it be looked for (--force-irmap, --irmap-scan-path)? */
bool dump_irmap_allowed(const struct dump *d);
/* The inode among the files and directories that the tree has open: a descriptor (O_PATH), -1 where it is not (IMG_UNSUPPORTED). */
int dump_irmap_open(struct dump *d, const char *line, uint64_t ino, struct img_err *err);
/* A path of the inode that a line of fdinfo is about, in the cache of the set before, below --irmap-scan-path, or where files are mostly watched: 1, 0 not found,
 * -1. */
int dump_irmap_find(struct dump *d, const char *line, uint64_t ino, char *path, size_t size, struct img_err *err);
/* A pre-dump: write what the watches of the tree lead to, for the dump that follows. Does nothing without --force-irmap. */
int dump_irmap_write(struct dump *d, struct img_err *err);

#endif
