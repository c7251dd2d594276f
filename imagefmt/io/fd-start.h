/* io/fd-start.h -- where a source or a sink on a descriptor begins. */
#ifndef IMAGEFMT_IO_FD_START_H
#define IMAGEFMT_IO_FD_START_H

#include <stdint.h>

#include "criuimg/err.h"

/* 1 for a regular file, with its position in *pos: from then on it is read and written by position; 0 for all else, -1. */
int img_fd_start(int fd, uint64_t *pos, struct img_err *err);

#endif
