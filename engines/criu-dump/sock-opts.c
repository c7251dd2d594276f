/* criu-dump/sock-opts.c -- options that all sockets have: getsockopt(2), level SOL_SOCKET. */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "criu-dump/files.h"
#include "criuimg/array.h"

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72 /* Linux 5.14 */
#endif

#define NUMBER(opt, field) { opt, #opt, offsetof(SkOptsEntry, field), offsetof(SkOptsEntry, has_##field), false }
#define SWITCH(opt, field) { opt, #opt, offsetof(SkOptsEntry, field), offsetof(SkOptsEntry, has_##field), true }
#define NEEDED(opt, field) { opt, #opt, offsetof(SkOptsEntry, field), 0, false }

static const struct {
	int opt;
	const char *name;
	size_t value, has; /* uint32_t or protobuf_c_boolean; has 0: the field is required */
	bool is_switch;
} options[] = {
	NEEDED(SO_SNDBUF, so_sndbuf),
	NEEDED(SO_RCVBUF, so_rcvbuf),
	SWITCH(SO_REUSEADDR, reuseaddr),
	NUMBER(SO_PRIORITY, so_priority),
	NUMBER(SO_RCVLOWAT, so_rcvlowat),
	SWITCH(SO_PASSCRED, so_passcred),
	SWITCH(SO_PASSSEC, so_passsec),
	SWITCH(SO_DONTROUTE, so_dontroute),
	SWITCH(SO_NO_CHECK, so_no_check),
	SWITCH(SO_REUSEPORT, so_reuseport),
	SWITCH(SO_BROADCAST, so_broadcast),
	SWITCH(SO_KEEPALIVE, so_keepalive),
	NUMBER(SO_OOBINLINE, so_oobinline),
	NUMBER(SO_BUF_LOCK, so_buf_lock),
};

static int dump_numbers(int fd, SkOptsEntry *opts, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		int value = 0;
		socklen_t len = sizeof(value);

		if (getsockopt(fd, SOL_SOCKET, options[i].opt, &value, &len) < 0) {
			/* A family, or a kernel, without it. */
			if (options[i].has && (errno == ENOPROTOOPT || errno == EOPNOTSUPP))
				continue;
			return img_fail_sys(err, "%s", options[i].name);
		}
		if (options[i].is_switch)
			*(protobuf_c_boolean *)((char *)opts + options[i].value) = value != 0;
		else
			*(uint32_t *)((char *)opts + options[i].value) = (uint32_t)value;
		if (options[i].has)
			*(protobuf_c_boolean *)((char *)opts + options[i].has) = true;
	}
	return 0;
}

static int timeout(int fd, int opt, uint64_t *sec, uint64_t *usec, struct img_err *err)
{
	struct timeval tv = { 0, 0 };
	socklen_t len = sizeof(tv);

	if (getsockopt(fd, SOL_SOCKET, opt, &tv, &len) < 0)
		return img_fail_sys(err, "timeout of a socket");
	*sec = (uint64_t)tv.tv_sec;
	*usec = (uint64_t)tv.tv_usec;
	return 0;
}

int dump_sock_opts(int fd, SkOptsEntry *opts, struct img_err *err)
{
	struct linger linger = { 0, 0 };
	socklen_t len = sizeof(linger);
	uint32_t mark = 0;

	if (dump_numbers(fd, opts, err) < 0 ||
	    timeout(fd, SO_SNDTIMEO, &opts->so_snd_tmo_sec, &opts->so_snd_tmo_usec, err) < 0 ||
	    timeout(fd, SO_RCVTIMEO, &opts->so_rcv_tmo_sec, &opts->so_rcv_tmo_usec, err) < 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &len) == 0 && linger.l_onoff) {
		opts->has_so_linger = true;
		opts->so_linger = (uint32_t)linger.l_linger;
	}
	len = sizeof(mark);
	if (getsockopt(fd, SOL_SOCKET, SO_MARK, &mark, &len) == 0 && mark) {
		opts->has_so_mark = true;
		opts->so_mark = mark;
	}
	len = 0;
	if (getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &len) < 0 ? errno == EACCES : len > 0)
		return img_fail(err, IMG_UNSUPPORTED, "a filter attached to a socket is not supported");
	return 0;
}
