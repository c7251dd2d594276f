/* io/fd-write.h -- bytes to a descriptor, all of them. */
#ifndef IMAGEFMT_IO_FD_WRITE_H
#define IMAGEFMT_IO_FD_WRITE_H

#include <sys/uio.h>

#include "criuimg/err.h"

/* From where the descriptor is. 0, or -1: "write: ...". */
int img_fd_write(int fd, const void *buf, size_t len, struct img_err *err);

/* n bytes of iov[0..nr) are done: what is left of it. */
static inline void img_iov_done(struct iovec **iov, int *nr, size_t n)
{
	while (*nr && n >= (*iov)->iov_len) {
		n -= (*iov)->iov_len;
		++*iov;
		--*nr;
	}
	if (*nr) {
		(*iov)->iov_base = (char *)(*iov)->iov_base + n;
		(*iov)->iov_len -= n;
	}
}

#endif
