/* crit/objects-text.c -- what an open file is, for people: one function per type that has more to say than its number. */

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "criuimg/array.h"
#include "objects.h"
#include "regfile.pb-c.h"
#include "sockets.h"
#include "x.h"

#define ENTRY(type, var) const type *var = (const type *)object->msg

static void reg_text(FILE *out, const struct objects *objects, const struct object *object)
{
	ENTRY(RegFileEntry, reg);

	fputs(reg->name, out);
}

static void pipe_text(FILE *out, const struct objects *objects, const struct object *object)
{
	ENTRY(PipeEntry, pipe);

	fprintf(out, "pipe:[%" PRIu32 "]", pipe->pipe_id);
}

static void fifo_text(FILE *out, const struct objects *objects, const struct object *object)
{
	ENTRY(FifoEntry, fifo);
	/* Its name is that of a regular file of the same number, or of regf_id. */
	const char *path = objects_path(objects, fifo->has_regf_id ? fifo->regf_id : fifo->id);

	fprintf(out, "%s fifo:[%" PRIu32 "]", path, fifo->pipe_id);
}

static void socket_text(FILE *out, const struct objects *objects, const struct object *object)
{
	struct socket_text text;

	if (socket_describe(objects, object, &text) < 0)
		return;
	fprintf(out, "%s %s %s", text.proto, text.state, text.local);
	if (*text.peer)
		fprintf(out, " -> %s", text.peer);
	socket_text_free(&text);
}

static void eventfd_text(FILE *out, const struct objects *objects, const struct object *object)
{
	ENTRY(EventfdFileEntry, efd);

	fprintf(out, "counter %" PRIu64 "%s", efd->counter, efd->has_semaphore && efd->semaphore ? " semaphore" : "");
}

static void epoll_text(FILE *out, const struct objects *objects, const struct object *object)
{
	ENTRY(EventpollFileEntry, epfd);

	fputs("watches", out);
	for (size_t i = 0; i < epfd->n_tfd; i++)
		fprintf(out, " fd %" PRIu32 ":0x%" PRIx32, epfd->tfd[i]->tfd, epfd->tfd[i]->events);
	if (!epfd->n_tfd)
		fputs(" nothing", out);
}

static void signalfd_text(FILE *out, const struct objects *objects, const struct object *object)
{
	ENTRY(SignalfdEntry, sgfd);
	char buf[16];

	fputs("signals", out);
	for (unsigned int n = 1; n <= 64; n++)
		if (sgfd->sigmask >> (n - 1) & 1)
			fprintf(out, " %s", x_signal_name(n, buf));
}

static void timerfd_text(FILE *out, const struct objects *objects, const struct object *object)
{
	ENTRY(TimerfdEntry, tfd);

	fprintf(out, "clock %" PRIu32 ", next in %" PRIu64 ".%09" PRIu64 " s, every %" PRIu64 ".%09" PRIu64 " s, %" PRIu64 " ticks",
		tfd->clockid, tfd->vsec, tfd->vnsec, tfd->isec, tfd->insec, tfd->ticks);
}

static void inotify_text(FILE *out, const struct objects *objects, const struct object *object)
{
	ENTRY(InotifyFileEntry, ify);

	fprintf(out, "%zu watches", ify->n_wd);
	for (size_t i = 0; i < ify->n_wd; i++)
		fprintf(out, ", inode %" PRIu64 " (%s)", ify->wd[i]->i_ino,
			ify->wd[i]->f_handle && ify->wd[i]->f_handle->path ? ify->wd[i]->f_handle->path : "no path");
}

static void fanotify_text(FILE *out, const struct objects *objects, const struct object *object)
{
	ENTRY(FanotifyFileEntry, ffy);

	fprintf(out, "%zu marks", ffy->n_mark);
}

static void tty_text(FILE *out, const struct objects *objects, const struct object *object)
{
	ENTRY(TtyFileEntry, tty);

	fprintf(out, "%s tty:[0x%" PRIx32 "]", objects_path(objects, tty->has_regf_id ? tty->regf_id : tty->id), tty->tty_info_id);
}

static void ns_text(FILE *out, const struct objects *objects, const struct object *object)
{
	ENTRY(NsFileEntry, nsf);

	fprintf(out, "namespace %" PRIu32 " of 0x%" PRIx32, nsf->ns_id, nsf->ns_cflag);
}

static void tun_text(FILE *out, const struct objects *objects, const struct object *object)
{
	ENTRY(TunfileEntry, tun);

	fprintf(out, "%s%s", tun->netdev ? tun->netdev : "no device", tun->has_detached && tun->detached ? " detached" : "");
}

static void memfd_text(FILE *out, const struct objects *objects, const struct object *object)
{
	ENTRY(MemfdFileEntry, memfd);

	fprintf(out, "memfd:[%" PRIu32 "]", memfd->inode_id);
}

static void bpf_text(FILE *out, const struct objects *objects, const struct object *object)
{
	ENTRY(BpfmapFileEntry, bpf);

	fprintf(out, "map %s, type %" PRIu32 ", %" PRIu32 " entries of %" PRIu32 " and %" PRIu32 " bytes", bpf->map_name, bpf->map_type,
		bpf->max_entries, bpf->key_size, bpf->value_size);
}

static void pidfd_text(FILE *out, const struct objects *objects, const struct object *object)
{
	ENTRY(PidfdEntry, pidfd);

	fprintf(out, "pid %" PRId32, pidfd->nspid);
}

/* One row per type: what it is, and where its record has the flags and the position, if it has. */
static const struct {
	FdTypes type;
	void (*text)(FILE *out, const struct objects *objects, const struct object *object);
	size_t flags, pos; /* 0: none */
} rows[] = {
	{ FD_TYPES__REG, reg_text, offsetof(RegFileEntry, flags), offsetof(RegFileEntry, pos) },
	{ FD_TYPES__PIPE, pipe_text, offsetof(PipeEntry, flags), 0 },
	{ FD_TYPES__FIFO, fifo_text, 0, 0 },
	{ FD_TYPES__INETSK, socket_text, offsetof(InetSkEntry, flags), 0 },
	{ FD_TYPES__UNIXSK, socket_text, offsetof(UnixSkEntry, flags), 0 },
	{ FD_TYPES__PACKETSK, socket_text, offsetof(PacketSockEntry, flags), 0 },
	{ FD_TYPES__NETLINKSK, socket_text, offsetof(NetlinkSkEntry, flags), 0 },
	{ FD_TYPES__EVENTFD, eventfd_text, offsetof(EventfdFileEntry, flags), 0 },
	{ FD_TYPES__EVENTPOLL, epoll_text, offsetof(EventpollFileEntry, flags), 0 },
	{ FD_TYPES__SIGNALFD, signalfd_text, offsetof(SignalfdEntry, flags), 0 },
	{ FD_TYPES__TIMERFD, timerfd_text, offsetof(TimerfdEntry, flags), 0 },
	{ FD_TYPES__INOTIFY, inotify_text, offsetof(InotifyFileEntry, flags), 0 },
	{ FD_TYPES__FANOTIFY, fanotify_text, offsetof(FanotifyFileEntry, flags), 0 },
	{ FD_TYPES__TTY, tty_text, offsetof(TtyFileEntry, flags), 0 },
	{ FD_TYPES__NS, ns_text, offsetof(NsFileEntry, flags), 0 },
	{ FD_TYPES__TUNF, tun_text, 0, 0 },
	{ FD_TYPES__MEMFD, memfd_text, offsetof(MemfdFileEntry, flags), offsetof(MemfdFileEntry, pos) },
	{ FD_TYPES__BPFMAP, bpf_text, offsetof(BpfmapFileEntry, flags), offsetof(BpfmapFileEntry, pos) },
	{ FD_TYPES__PIDFD, pidfd_text, offsetof(PidfdEntry, flags), 0 },
};

char *objects_describe(const struct objects *objects, const struct object *object, struct img_err *err)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out)
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			if (rows[i].type == object->type)
				rows[i].text(out, objects, object);
	if (!out || fclose(out)) {
		free(text);
		img_fail_nomem(err);
		return NULL;
	}
	return text;
}

bool objects_flags(const struct object *object, uint32_t *flags)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].type == object->type && rows[i].flags) {
			*flags = *(const uint32_t *)((const char *)object->msg + rows[i].flags);
			return true;
		}
	}
	return false;
}

bool objects_position(const struct object *object, uint64_t *pos)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].type == object->type && rows[i].pos) {
			*pos = *(const uint64_t *)((const char *)object->msg + rows[i].pos);
			return true;
		}
	}
	return false;
}
