/* engines/fd/timerfd/timerfd-restore.c -- how criu-restore rebuilds a timerfd.
 *
 * The record has the time that was left. A timer that was set to a point of its clock is set to one again, so that the kernel
 * treats it as before (TFD_TIMER_CANCEL_ON_SET goes with such only).
 */

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <time.h>

#include "criu-restore/files.h"
#include "criuimg/cleanup.h"

#ifndef TFD_IOC_SET_TICKS
#define TFD_IOC_SET_TICKS _IOW('T', 0, uint64_t) /* include/uapi/linux/timerfd.h, Linux 3.17 */
#endif

enum {
	NSEC = 1000000000,
	SETTIME_FLAGS = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET,
};

static int timerfd_plan(struct restore *r, const struct restore_file *f, struct img_err *err)
{
	const TimerfdEntry *tfd = f->rec->tfd;

	if (!tfd)
		return img_fail(err, IMG_CORRUPT, "has no timerfd record");
	if (tfd->vnsec >= NSEC || tfd->insec >= NSEC || tfd->vsec > INT64_MAX / 2 || tfd->isec > INT64_MAX / 2)
		return img_fail(err, IMG_CORRUPT, "a time of a timerfd is out of range");
	if (tfd->settime_flags & ~(uint32_t)SETTIME_FLAGS)
		return img_fail(err, IMG_UNSUPPORTED, "timerfd flags %#x are not supported", tfd->settime_flags);
	return 0;
}

static int arm(int fd, const TimerfdEntry *tfd, struct img_err *err)
{
	struct itimerspec left = {
		.it_value = { (time_t)tfd->vsec, (long)tfd->vnsec },
		.it_interval = { (time_t)tfd->isec, (long)tfd->insec },
	};
	struct timespec now;

	if ((tfd->settime_flags & TFD_TIMER_ABSTIME) && (tfd->vsec || tfd->vnsec)) {
		if (clock_gettime((clockid_t)tfd->clockid, &now) < 0)
			return img_fail_sys(err, "clock %u", tfd->clockid);
		left.it_value.tv_sec += now.tv_sec;
		left.it_value.tv_nsec += now.tv_nsec;
		if (left.it_value.tv_nsec >= NSEC) {
			left.it_value.tv_nsec -= NSEC;
			left.it_value.tv_sec++;
		}
	}
	if (timerfd_settime(fd, (int)tfd->settime_flags, &left, NULL) < 0 && errno != ECANCELED)
		return img_fail_sys(err, "timerfd_settime");
	/* After it was set: setting it forgets what has expired. */
	if (tfd->ticks && ioctl(fd, TFD_IOC_SET_TICKS, &tfd->ticks) < 0)
		return img_fail_sys(err, "%llu expirations (TFD_IOC_SET_TICKS)", (unsigned long long)tfd->ticks);
	return 0;
}

static int timerfd_make(struct restore *r, struct restore_task *t, const struct restore_file *const *files, size_t nr, int *fds,
	struct img_err *err)
{
	const TimerfdEntry *tfd = files[0]->rec->tfd;
	cleanup_fd int fd = timerfd_create((clockid_t)tfd->clockid, TFD_CLOEXEC);

	if (fd < 0)
		return img_fail_sys(err, "timerfd of clock %u", tfd->clockid);
	if (arm(fd, tfd, err) < 0 || restore_file_flags(fd, tfd->flags, err) < 0 || restore_file_owner(r, fd, tfd->fown, err) < 0)
		return -1;
	fds[0] = steal_fd(&fd);
	return 0;
}

const struct fd_restore_ops timerfd_restore_ops = {
	.name = "timerfd",
	.type = FD_TYPES__TIMERFD,
	.plan = timerfd_plan,
	.make = timerfd_make,
};
