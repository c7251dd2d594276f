/* engines/kernel/uffd.c -- userfaultfd(2) for asynchronous write protection. */

#include <errno.h>
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

struct range {
	uint64_t start, len;
};

struct protect {
	uint64_t start, len, mode;
};

#define API_IOCTL      _IOWR(0xaa, 0x3f, struct api)
#define REGISTER_IOCTL _IOWR(0xaa, 0x00, struct reg)
#define UNREGISTER_IOCTL _IOR(0xaa, 0x01, struct range)
#define PROTECT_IOCTL  _IOWR(0xaa, 0x06, struct protect)

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

void kern_uffd_unregister(int fd, uint64_t start, uint64_t end)
{
	struct range range = { .start = start, .len = end - start };

	ioctl(fd, UNREGISTER_IOCTL, &range);
}

int kern_uffd_unmark(int fd, uint64_t start, uint64_t end, struct img_err *err)
{
	struct protect protect = { .start = start, .len = end - start };
	int ret;

	do
		ret = ioctl(fd, PROTECT_IOCTL, &protect);
	while (ret < 0 && (errno == EAGAIN || errno == EINTR));
	return ret < 0 ? img_fail_sys(err, "userfaultfd: taking marks off") : 0;
}
