/* criu-dump/sock-opts.c -- options that all sockets have: getsockopt(2), level SOL_SOCKET. */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <linux/filter.h>
#include <net/if.h>

#include "criu-dump/dump.h"
#include "criu-dump/files.h"
#include "criu-dump/ns_ops.h"
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

/* The device that it is bound to. */
static int dump_device(struct dump *d, int fd, SkOptsEntry *opts, struct img_err *err)
{
	char name[IF_NAMESIZE] = "";
	socklen_t len = sizeof(name);

	if (getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &len) < 0 || !len || !name[0])
		return 0;
	opts->so_bound_dev = img_arena_strdup(&d->arena, name);
	return opts->so_bound_dev ? 0 : img_fail_nomem(err);
}

/* The program that looks at what comes in: one that was attached as instructions of the classic kind can be read. */
static int dump_filter(struct dump *d, int fd, SkOptsEntry *opts, struct img_err *err)
{
	socklen_t nr = 0; /* of instructions, here */
	struct sock_filter *code;
	int locked = 0;
	socklen_t len = sizeof(locked);

	if (getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &nr) < 0 && errno == EACCES)
		return img_fail(err, IMG_UNSUPPORTED, "a BPF program attached to a socket is not supported");
	if (getsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &locked, &len) == 0 && locked)
		opts->has_so_lock_filter = opts->so_lock_filter = true;
	if (!nr)
		return 0;
	code = img_arena_array(&d->arena, nr, sizeof(*code));
	opts->so_filter = img_arena_array(&d->arena, nr, sizeof(*opts->so_filter));
	if (!code || !opts->so_filter)
		return img_fail_nomem(err);
	if (getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, code, &nr) < 0)
		return img_fail_sys(err, "SO_GET_FILTER");
	for (socklen_t i = 0; i < nr; i++)
		opts->so_filter[i] = (uint64_t)code[i].code << 48 | (uint64_t)code[i].jt << 40 | (uint64_t)code[i].jf << 32 | code[i].k;
	opts->n_so_filter = nr;
	return 0;
}

/* Who made it, which packet filters look at. */
static int dump_socket_owner(struct dump *d, int fd, SkOptsEntry *opts, struct img_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return img_fail_sys(err, "fstat");
	if (st.st_uid || st.st_gid) {
		opts->has_uid = opts->has_gid = true;
		opts->uid = dump_uid(d, st.st_uid);
		opts->gid = dump_gid(d, st.st_gid);
	}
	return 0;
}

int dump_sock_opts(struct dump *d, int fd, SkOptsEntry *opts, struct img_err *err)
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
	if (dump_socket_owner(d, fd, opts, err) < 0)
		return -1;
	return dump_device(d, fd, opts, err) < 0 ? -1 : dump_filter(d, fd, opts, err);
}
