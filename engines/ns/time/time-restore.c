/* engines/ns/time/time-restore.c -- how criu-restore makes a time namespace in which the clocks go on where they were.
 *
 * unshare(2) makes it for the children of the caller; its offsets can be set until somebody lives in it; then the caller
 * enters it, which a process with one thread may (time_namespaces(7), setns(2)).
 */

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "criu-restore/ns_ops.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "timens.pb-c.h"

extern const struct ns_restore_ops time_restore_ops;

#define NS_PER_S 1000000000ll
#define S_MAX	 (INT64_MAX / NS_PER_S / 2)

enum {
	HOST_CLOCKS = 0, /* number of the image that says what the clocks of the dumping host were */
};

static int read_clocks(struct restore *r, uint32_t id, TimensEntry **e, struct img_err *err)
{
	int ret = img_read_single(r->set, IMG_TIMENS, id, (ProtobufCMessage **)e, err);

	if (ret == 0 && r->opt->keep_clocks) {
		id = HOST_CLOCKS;
		ret = img_read_single(r->set, IMG_TIMENS, id, (ProtobufCMessage **)e, err);
	}
	if (ret == 0)
		return img_fail(err, IMG_CORRUPT, "timens-%u.img is missing", id);
	return ret < 0 ? -1 : 0;
}

static bool valid(const Timespec *t)
{
	return t->tv_sec < S_MAX && t->tv_nsec < NS_PER_S;
}

static int time_plan(struct restore *r, uint32_t id, struct img_err *err)
{
	TimensEntry *e;
	int ret = 0;

	if (read_clocks(r, id, &e, err) < 0)
		return -1;
	if (!valid(e->monotonic) || !valid(e->boottime))
		ret = img_fail(err, IMG_CORRUPT, "timens-%u.img: not a time", id);
	img_message_free(&e->base);
	if (ret == 0 && access("/proc/self/timens_offsets", F_OK) < 0)
		ret = img_fail(err, IMG_UNSUPPORTED, "this kernel has no time namespaces");
	return ret;
}

/* Offsets are against the clocks of the initial namespace: our own may have some already. */
static int offset(int fd, clockid_t clock, const Timespec *then, long long own, struct img_err *err)
{
	struct timespec now;
	long long diff;

	clock_gettime(clock, &now);
	diff = (long long)then->tv_sec * NS_PER_S + (long long)then->tv_nsec - now.tv_sec * NS_PER_S - now.tv_nsec + own;
	/* Nanoseconds are never negative there. */
	if (dprintf(fd, "%d %lld %lld\n", (int)clock, diff / NS_PER_S - (diff % NS_PER_S < 0),
		    (diff % NS_PER_S + NS_PER_S) % NS_PER_S) < 0)
		return img_fail_sys(err, "timens_offsets");
	return 0;
}

static int own_offsets(long long *mono, long long *boot, struct img_err *err)
{
	cleanup_file FILE *f = fopen("/proc/self/timens_offsets", "re");
	long long ms, mn, bs, bn;

	if (!f || fscanf(f, "monotonic %lld %lld boottime %lld %lld", &ms, &mn, &bs, &bn) != 4)
		return img_fail_sys(err, "/proc/self/timens_offsets");
	*mono = ms * NS_PER_S + mn;
	*boot = bs * NS_PER_S + bn;
	return 0;
}

static int enter_new(const TimensEntry *e, struct img_err *err)
{
	cleanup_fd int offsets = -1, ns = -1;
	long long mono = 0, boot = 0;

	if (own_offsets(&mono, &boot, err) < 0)
		return -1;
	if (unshare(CLONE_NEWTIME) < 0)
		return img_fail_sys(err, "unshare");
	offsets = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	if (offsets < 0)
		return img_fail_sys(err, "/proc/self/timens_offsets");
	if (offset(offsets, CLOCK_MONOTONIC, e->monotonic, mono, err) < 0 ||
		offset(offsets, CLOCK_BOOTTIME, e->boottime, boot, err) < 0)
		return -1;
	ns = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWTIME) < 0)
		return img_fail_sys(err, "enter it");
	return 0;
}

static int time_make(struct restore *r, uint32_t id, struct img_err *err)
{
	TimensEntry *e;
	int ret;

	if (read_clocks(r, id, &e, err) < 0)
		return -1;
	ret = enter_new(e, err);
	if (ret == 0)
		log_info(r->log, "time namespace %u: monotonic %llu, boottime %llu", id, (unsigned long long)e->monotonic->tv_sec,
			(unsigned long long)e->boottime->tv_sec);
	img_message_free(&e->base);
	return ret;
}

const struct ns_restore_ops time_restore_ops = {
	.name = "time",
	.flag = CLONE_NEWTIME,
	.plan = time_plan,
	.make = time_make,
};
