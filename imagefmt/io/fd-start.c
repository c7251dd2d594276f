/* io/fd-start.c -- where a source or a sink on a descriptor begins. */

#include "io/fd-start.h"

#include <sys/stat.h>
#include <unistd.h>

int img_fd_start(int fd, uint64_t *pos, struct img_err *err)
{
	struct stat st;
	off_t at;

	*pos = 0;
	if (fstat(fd, &st))
		return img_fail_sys(err, "stat");
	if (!S_ISREG(st.st_mode))
		return 0;
	at = lseek(fd, 0, SEEK_CUR);
	if (at < 0)
		return img_fail_sys(err, "seek");
	*pos = at;
	return 1;
}
