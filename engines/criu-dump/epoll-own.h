/* engines/criu-dump/epoll-own.h -- what the files of the dump half of engines/fd/epoll share. */
#ifndef CRIU_DUMP_EPOLL_OWN_H
#define CRIU_DUMP_EPOLL_OWN_H

#include <stdbool.h>
#include <stddef.h>

#include "criuimg/err.h"

/* Does descriptor fd of a process that stands still watch, under numbers[i], the file that has this number there now? No number is
 * there twice. What cannot be found out is false. */
int epoll_verify(int pidfd, int fd, const int *numbers, size_t nr, bool *found, struct img_err *err);

#endif
