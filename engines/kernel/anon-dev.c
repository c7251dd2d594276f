/* engines/kernel/anon-dev.c -- the device of shared memory: that of a memfd of our own. */

#include <sys/mman.h>
#include <sys/stat.h>

#include "criuimg/cleanup.h"
#include "kernel/anon-dev.h"

int kern_shmem_dev(dev_t *dev, struct img_err *err)
{
	cleanup_fd int fd = memfd_create("", MFD_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return img_fail_sys(err, "the device of shared memory: memfd");
	*dev = st.st_dev;
	return 0;
}
