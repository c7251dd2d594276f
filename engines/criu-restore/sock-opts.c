/* criu-restore/sock-opts.c -- options that all sockets have: setsockopt(2), level SOL_SOCKET. */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <linux/filter.h>
#include <net/if.h>

#include "criu-restore/files.h"
#include "criuimg/array.h"

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72 /* Linux 5.14 */
#endif

#define NUMBER(opt, field)                                                                                   \
	{                                                                                                    \
		opt, #opt, offsetof(SkOptsEntry, field), offsetof(SkOptsEntry, has_##field), false           \
	}
#define SWITCH(opt, field)                                                                                   \
	{                                                                                                    \
		opt, #opt, offsetof(SkOptsEntry, field), offsetof(SkOptsEntry, has_##field), true            \
	}

static const struct {
	int opt;
	const char *name;
	size_t value, has; /* uint32_t or protobuf_c_boolean */
	bool is_switch;
} options[] = {
	SWITCH(SO_REUSEADDR, reuseaddr),
	NUMBER(SO_PRIORITY, so_priority),
	NUMBER(SO_RCVLOWAT, so_rcvlowat),
	NUMBER(SO_MARK, so_mark),
	SWITCH(SO_PASSCRED, so_passcred),
	SWITCH(SO_PASSSEC, so_passsec),
	SWITCH(SO_DONTROUTE, so_dontroute),
	SWITCH(SO_NO_CHECK, so_no_check),
	SWITCH(SO_REUSEPORT, so_reuseport),
	SWITCH(SO_BROADCAST, so_broadcast),
	SWITCH(SO_KEEPALIVE, so_keepalive),
	NUMBER(SO_OOBINLINE, so_oobinline),
};

/* What is as it should be is not touched: some families do not take what they tell. */
static int set_number(int fd, int opt, const char *name, int value, struct img_err *err)
{
	int now = 0;
	socklen_t len = sizeof(now);

	if (getsockopt(fd, SOL_SOCKET, opt, &now, &len) == 0 && now == value)
		return 0;
	if (setsockopt(fd, SOL_SOCKET, opt, &value, sizeof(value)) < 0)
		return img_fail_sys(err, "%s %d", name, value);
	return 0;
}

/* The kernel doubles what it is given. FORCE goes beyond net.core.*mem_max. */
static int set_buffer(int fd, int opt, int force, const char *name, uint32_t value, struct img_err *err)
{
	int half = (int)(value / 2), now = 0;
	socklen_t len = sizeof(now);

	if (getsockopt(fd, SOL_SOCKET, opt, &now, &len) == 0 && (uint32_t)now == value)
		return 0;
	if (setsockopt(fd, SOL_SOCKET, force, &half, sizeof(half)) < 0 &&
		setsockopt(fd, SOL_SOCKET, opt, &half, sizeof(half)) < 0)
		return img_fail_sys(err, "%s %u", name, value);
	return 0;
}

int restore_sock_room(int fd, int opt, int bytes, struct img_err *err)
{
	int force = opt == SO_SNDBUF ? SO_SNDBUFFORCE : SO_RCVBUFFORCE;

	if (setsockopt(fd, SOL_SOCKET, force, &bytes, sizeof(bytes)) == 0)
		return 0;
	/* In a user namespace of its own a task had no more than that either. */
	if (errno != EPERM || setsockopt(fd, SOL_SOCKET, opt, &bytes, sizeof(bytes)) < 0)
		return img_fail_sys(err, "a buffer of %d bytes", bytes);
	return 0;
}

/* Setting a size locks it. Images without the field come from kernels without the option. */
static int set_lock(int fd, const SkOptsEntry *opts, struct img_err *err)
{
	int now;
	socklen_t len = sizeof(now);

	if (!opts->has_so_buf_lock && getsockopt(fd, SOL_SOCKET, SO_BUF_LOCK, &now, &len) < 0)
		return 0;
	return set_number(fd, SO_BUF_LOCK, "SO_BUF_LOCK", opts->has_so_buf_lock ? (int)opts->so_buf_lock : 0, err);
}

int restore_sock_buffers(int fd, const SkOptsEntry *opts, struct img_err *err)
{
	if (set_buffer(fd, SO_SNDBUF, SO_SNDBUFFORCE, "SO_SNDBUF", opts->so_sndbuf, err) < 0 ||
	    set_buffer(fd, SO_RCVBUF, SO_RCVBUFFORCE, "SO_RCVBUF", opts->so_rcvbuf, err) < 0)
		return -1;
	return set_lock(fd, opts, err);
}

static int set_timeout(int fd, int opt, uint64_t sec, uint64_t usec, struct img_err *err)
{
	struct timeval tv = { (time_t)sec, (suseconds_t)usec };

	if ((sec || usec) && setsockopt(fd, SOL_SOCKET, opt, &tv, sizeof(tv)) < 0)
		return img_fail_sys(err, "set a timeout of %llu.%06llu s", (unsigned long long)sec,
			(unsigned long long)usec);
	return 0;
}

static int set_device(int fd, const char *name, struct img_err *err)
{
	if (name && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name)) < 0)
		return img_fail_sys(err, "bind to the device '%s'", name);
	return 0;
}

int restore_sock_filter(int fd, const SkOptsEntry *opts, struct img_err *err)
{
	struct sock_filter code[BPF_MAXINSNS];
	struct sock_fprog program = { (unsigned short)opts->n_so_filter, code };
	int on = 1;

	if (opts->n_so_filter > BPF_MAXINSNS)
		return img_fail(err, IMG_CORRUPT, "a filter of %zu instructions", opts->n_so_filter);
	for (size_t i = 0; i < opts->n_so_filter; i++) {
		uint64_t word = opts->so_filter[i];

		code[i] = (struct sock_filter){ (uint16_t)(word >> 48), (uint8_t)(word >> 40), (uint8_t)(word >> 32),
			(uint32_t)word };
	}
	if (opts->n_so_filter && setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0)
		return img_fail_sys(err, "attach a filter of %zu instructions", opts->n_so_filter);
	if (opts->has_so_lock_filter && opts->so_lock_filter &&
		setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)) < 0)
		return img_fail_sys(err, "SO_LOCK_FILTER");
	return 0;
}

int restore_sock_opts(int fd, const SkOptsEntry *opts, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const char *base = (const char *)opts;
		int value;

		if (!*(const protobuf_c_boolean *)(base + options[i].has))
			continue;
		value = options[i].is_switch ? *(const protobuf_c_boolean *)(base + options[i].value)
					     : (int)*(const uint32_t *)(base + options[i].value);
		if (set_number(fd, options[i].opt, options[i].name, value, err) < 0)
			return -1;
	}
	if (restore_sock_buffers(fd, opts, err) < 0)
		return -1;
	if (opts->has_so_linger) {
		struct linger linger = { 1, (int)opts->so_linger };

		if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) < 0)
			return img_fail_sys(err, "SO_LINGER %u", opts->so_linger);
	}
	if (set_timeout(fd, SO_SNDTIMEO, opts->so_snd_tmo_sec, opts->so_snd_tmo_usec, err) < 0)
		return -1;
	if (set_timeout(fd, SO_RCVTIMEO, opts->so_rcv_tmo_sec, opts->so_rcv_tmo_usec, err) < 0 ||
		set_device(fd, opts->so_bound_dev, err) < 0)
		return -1;
	if (opts->has_uid && opts->has_gid && fchown(fd, opts->uid, opts->gid) < 0)
		return img_fail_sys(err, "give a socket to uid %u, gid %u", opts->uid, opts->gid);
	return restore_sock_filter(fd, opts, err);
}
