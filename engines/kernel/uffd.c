/* engines/kernel/uffd.c -- userfaultfd(2) for asynchronous write protection. */

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "kernel/uffd.h"

/* linux/userfaultfd.h, for building where the headers are older than the kernel. */
#define USER_MODE_ONLY 1
#define WP_ASYNC       (1ull << 15)
#define MODE_WP	       (1ull << 1)

struct api {
	uint64_t api, features, ioctls;
};

struct reg {
	uint64_t start, len, mode, ioctls;
};

#define API_IOCTL      _IOWR(0xaa, 0x3f, struct api)
#define REGISTER_IOCTL _IOWR(0xaa, 0x00, struct reg)

long kern_uffd_flags(void)
{
	return O_CLOEXEC | O_NONBLOCK | USER_MODE_ONLY;
}

int kern_uffd_tracking(int fd, struct img_err *err)
{
	struct api api = { .api = 0xaa, .features = WP_ASYNC };

	if (ioctl(fd, API_IOCTL, &api) < 0)
		return img_fail_sys(err, "userfaultfd: asynchronous write protection");
	return 0;
}

bool kern_uffd_has_tracking(void)
{
	cleanup_fd int fd = syscall(SYS_userfaultfd, kern_uffd_flags());

	return fd >= 0 && kern_uffd_tracking(fd, NULL) == 0;
}

int kern_uffd_register(int fd, uint64_t start, uint64_t end, struct img_err *err)
{
	struct reg reg = { .start = start, .len = end - start, .mode = MODE_WP };

	if (ioctl(fd, REGISTER_IOCTL, &reg) < 0)
		return img_fail_sys(err, "userfaultfd: %#llx-%#llx", (unsigned long long)start,
			(unsigned long long)end);
	return 0;
}
