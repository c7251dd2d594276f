/* io/fd-write.c -- bytes to a descriptor, all of them. */

#include "io/fd-write.h"

#include <errno.h>
#include <unistd.h>

int img_fd_write(int fd, const void *buf, size_t len, struct img_err *err)
{
	while (len) {
		ssize_t n = write(fd, buf, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return img_fail_sys(err, "write");
		buf = (const char *)buf + n;
		len -= n;
	}
	return 0;
}
