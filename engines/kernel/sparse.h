/* engines/kernel/sparse.h -- where a file has data, and where holes. */
#ifndef ENGINES_KERNEL_SPARSE_H
#define ENGINES_KERNEL_SPARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "criuimg/err.h"

/* Call fn for each stretch of data of the file, ascending, not overlapping, cut at size; a nonzero return of it ends the walk
 * and is returned. fiemap: ask FS_IOC_FIEMAP (quick for files of very many extents) in place of lseek(2) with SEEK_DATA;
 * where the file system has no fiemap SEEK_DATA is used all the same. Without either the whole file is one stretch.
 * The position of fd moves. */
int kern_file_data(int fd, uint64_t size, bool fiemap,
	int (*fn)(void *arg, uint64_t start, uint64_t len, struct img_err *err), void *arg, struct img_err *err);

/* Has the file a hole before its size? */
bool kern_file_has_hole(int fd, uint64_t size);

#endif
