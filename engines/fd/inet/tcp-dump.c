/* engines/fd/inet/tcp-dump.c -- what the kernel holds of a TCP connection: sequence numbers, both queues, what the ends agreed on.
 *
 * The socket is put into repair mode (TCP_REPAIR, Linux 3.5), in which its queues and numbers can be read, and in which closing it
 * sends nothing: so it ends with the tasks, and the peer does not notice. Before that the packets of all connections of the
 * tree are locked out, since what came after the queues were read would be confirmed and lost. Where the tasks live on, the undo
 * list takes both back.
 */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <linux/sockios.h>

#include "criu-dump/dump.h"
#include "criu-dump/files.h"
#include "criu-dump/inet-own.h"
#include "criu-dump/ns_ops.h"
#include "criu-dump/track.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "kernel/getfd.h"
#include "kernel/net-lock.h"
#include "tcp-stream.pb-c.h"

extern const struct fd_dump_ops inet_dump_ops;

/* ---- the lock ---- */

struct locked {
	struct kern_connection *items;
	size_t nr, room;
	struct kern_net_lock how;
};

static int add_connection(struct locked *l, const struct inet_socket *s, struct img_err *err)
{
	struct kern_connection *c;

	if (!inet_connected(s) || !s->dst.ss_family)
		return 0;
	c = img_array_more(&l->items, l->nr, &l->room);
	if (!c)
		return img_fail_nomem(err);
	l->nr++;
	return kern_connection_of(&s->src, &s->dst, c, err);
}

struct collecting {
	struct dump *d;
	struct locked *l;
};

/* What lives in a network namespace of its own is cut off as a whole. */
static int collect(void *arg, struct dump_task *t, const struct fd_probe *probe, struct img_err *err)
{
	struct collecting *c = arg;
	struct inet_socket s;
	cleanup_fd int fd = -1;
	uint32_t *unused;
	int first;

	if (probe->type != SOCK_STREAM || probe->fd < 0 || dump_ns_of(c->d, t, CLONE_NEWNET))
		return 0;
	first = dump_once(c->d, DUMP_ONCE_CONNECTION, probe->dev, probe->ino, &unused, err);
	if (first <= 0)
		return first;
	fd = kern_getfd(t->pidfd, probe->fd, err);
	if (fd < 0 || inet_look(c->d, t, fd, probe->ino, &s, err) < 0)
		return -1;
	return add_connection(c->l, &s, err);
}

static int unlock(struct dump *d, void *obj, struct img_err *err)
{
	struct locked *l = obj;
	int ret = kern_net_unlock(&l->how, l->items, l->nr, err);

	free(l->items);
	l->items = NULL;
	l->nr = 0;
	return ret;
}

static int lock_all(struct dump *d, struct img_err *err)
{
	struct locked *l = img_arena_alloc(&d->arena, sizeof(*l));
	uint32_t method;

	if (!l)
		return img_fail_nomem(err);
	*l = (struct locked){ 0 };
	if (kern_net_lock_method(d->opt->network_lock, &method, err) < 0)
		return -1;
	l->how.method = (enum kern_net_lock_method)method;
	l->how.run_id = d->track->id;
	if (undo_push(&d->undo, UNDO_TO_RUN, "unlock the network", unlock, l, err) < 0 ||
	    dump_each_file(d, &inet_dump_ops, collect, &(struct collecting){ d, l }, err) < 0)
		return -1;
	log_info(d->log, "%zu connections are locked", l->nr);
	return kern_net_lock(&l->how, l->items, l->nr, err) < 0 ? -1 : 0;
}

/* ---- repair mode ---- */

static int set(int fd, int opt, const char *name, int value, struct img_err *err)
{
	return setsockopt(fd, IPPROTO_TCP, opt, &value, sizeof(value)) < 0 ? img_fail_sys(err, "%s %d", name, value) : 0;
}

static int get(int fd, int opt, const char *name, uint32_t *value, struct img_err *err)
{
	socklen_t len = sizeof(*value);

	return getsockopt(fd, IPPROTO_TCP, opt, value, &len) < 0 ? img_fail_sys(err, "%s", name) : 0;
}

struct repaired {
	struct dump_task *task;
	int fd;	       /* in the task's table */
	int reuseaddr; /* repair mode changes it, and leaving it changes it again */
};

static int repair_off(struct dump *d, void *obj, struct img_err *err)
{
	const struct repaired *r = obj;
	cleanup_fd int fd = kern_getfd(r->task->pidfd, r->fd, err);

	if (fd < 0 || set(fd, TCP_REPAIR, "TCP_REPAIR", TCP_REPAIR_OFF, err) < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &r->reuseaddr, sizeof(r->reuseaddr)) < 0)
		return img_fail_sys(err, "SO_REUSEADDR");
	return 0;
}

static int repair_on(struct dump *d, const struct fd_target *t, struct img_err *err)
{
	struct repaired *r = img_arena_alloc(&d->arena, sizeof(*r));
	socklen_t len = sizeof(r->reuseaddr);

	if (!r)
		return img_fail_nomem(err);
	r->task = t->task;
	r->fd = t->probe->fd;
	if (getsockopt(t->lfd, SOL_SOCKET, SO_REUSEADDR, &r->reuseaddr, &len) < 0)
		return img_fail_sys(err, "SO_REUSEADDR");
	if (undo_push(&d->undo, UNDO_TO_RUN, "end the repair of a connection", repair_off, r, err) < 0)
		return -1;
	return set(t->lfd, TCP_REPAIR, "TCP_REPAIR", TCP_REPAIR_ON, err);
}

/* ---- --tcp-close ---- */

struct given_up {
	struct dump_task *task;
	int fd; /* in the task's table */
	struct linger linger;
};

static int linger_again(struct dump *d, void *obj, struct img_err *err)
{
	const struct given_up *g = obj;
	cleanup_fd int fd = kern_getfd(g->task->pidfd, g->fd, err);

	if (fd < 0)
		return -1;
	return setsockopt(fd, SOL_SOCKET, SO_LINGER, &g->linger, sizeof(g->linger)) < 0 ? img_fail_sys(err, "SO_LINGER") : 0;
}

/* The end of the task is to be a reset for the peer: what waited for the peer's answer would keep the port for a minute. */
int inet_tcp_give_up(struct dump *d, const struct fd_target *t, struct img_err *err)
{
	const struct linger reset = { 1, 0 };
	struct given_up *g;
	socklen_t len = sizeof(g->linger);

	if (d->opt->leave_running || d->opt->leave_stopped)
		return 0;
	g = img_arena_alloc(&d->arena, sizeof(*g));
	if (!g)
		return img_fail_nomem(err);
	g->task = t->task;
	g->fd = t->probe->fd;
	if (getsockopt(t->lfd, SOL_SOCKET, SO_LINGER, &g->linger, &len) < 0)
		return img_fail_sys(err, "SO_LINGER");
	if (undo_push(&d->undo, UNDO_ON_FAILURE, "let a connection linger", linger_again, g, err) < 0)
		return -1;
	return setsockopt(t->lfd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0 ? img_fail_sys(err, "SO_LINGER") : 0;
}

/* ---- what is read ---- */

/* A queue, ended by sequence number *seq: len bytes, *data the caller's. */
static int read_queue(int fd, int queue, uint32_t len, uint32_t *seq, char **data, struct img_err *err)
{
	ssize_t n;

	if (set(fd, TCP_REPAIR_QUEUE, "TCP_REPAIR_QUEUE", queue, err) < 0 || get(fd, TCP_QUEUE_SEQ, "TCP_QUEUE_SEQ", seq, err) < 0)
		return -1;
	*data = malloc(len ? len : 1);
	if (!*data)
		return img_fail_nomem(err);
	if (!len)
		return 0;
	n = recv(fd, *data, len, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0)
		return img_fail_sys(err, "read the %s queue", queue == TCP_SEND_QUEUE ? "send" : "receive");
	if ((size_t)n != len)
		return img_fail(err, IMG_SYS, "the %s queue has %u bytes, and %zd could be read",
			queue == TCP_SEND_QUEUE ? "send" : "receive", len, n);
	return 0;
}

static int length(int fd, unsigned long what, const char *name, uint32_t *len, struct img_err *err)
{
	int value = 0;

	if (ioctl(fd, what, &value) < 0)
		return img_fail_sys(err, "%s", name);
	*len = value > 0 ? (uint32_t)value : 0;
	return 0;
}

/* A FIN that was sent, or is to be, counts as a byte of the send queue until it is confirmed. */
static void without_fin(const struct inet_socket *s, uint32_t *len)
{
	bool waits = s->state == TCP_FIN_WAIT1 || s->state == TCP_CLOSING || s->state == TCP_LAST_ACK;

	if (waits && *len)
		--*len;
}

static int read_lengths(int fd, const struct inet_socket *s, TcpStreamEntry *ts, struct img_err *err)
{
	ts->has_unsq_len = true;
	if (length(fd, SIOCINQ, "SIOCINQ", &ts->inq_len, err) < 0 || length(fd, SIOCOUTQ, "SIOCOUTQ", &ts->outq_len, err) < 0 ||
	    length(fd, SIOCOUTQNSD, "SIOCOUTQNSD", &ts->unsq_len, err) < 0)
		return -1;
	if (s->state == TCP_SYN_SENT || s->state == TCP_CLOSE) /* the SYN; what nobody waits for any more */
		ts->outq_len = ts->unsq_len = 0;
	without_fin(s, &ts->outq_len);
	without_fin(s, &ts->unsq_len);
	return 0;
}

static int read_options(int fd, TcpStreamEntry *ts, struct img_err *err)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return img_fail_sys(err, "TCP_INFO");
	ts->opt_mask = info.tcpi_options & (TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE);
	ts->snd_wscale = info.tcpi_snd_wscale;
	ts->has_rcv_wscale = ts->opt_mask & TCPI_OPT_WSCALE;
	ts->rcv_wscale = info.tcpi_rcv_wscale;
	if (get(fd, TCP_MAXSEG, "TCP_MAXSEG", &ts->mss_clamp, err) < 0)
		return -1;
	ts->has_timestamp = ts->opt_mask & TCPI_OPT_TIMESTAMPS;
	return ts->has_timestamp ? get(fd, TCP_TIMESTAMP, "TCP_TIMESTAMP", &ts->timestamp, err) : 0;
}

static int read_window(int fd, TcpStreamEntry *ts, struct img_err *err)
{
	struct tcp_repair_window w = { 0 };
	socklen_t len = sizeof(w);

	if (getsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &w, &len) < 0)
		return img_fail_sys(err, "TCP_REPAIR_WINDOW");
	ts->has_snd_wl1 = ts->has_snd_wnd = ts->has_max_window = ts->has_rcv_wnd = ts->has_rcv_wup = true;
	ts->snd_wl1 = w.snd_wl1;
	ts->snd_wnd = w.snd_wnd;
	ts->max_window = w.max_window;
	ts->rcv_wnd = w.rcv_wnd;
	ts->rcv_wup = w.rcv_wup;
	return 0;
}

static int write_image(struct dump *d, uint64_t ino, const TcpStreamEntry *ts, const char *inq, const char *outq, struct img_err *err)
{
	struct img_writer *w = img_writer_create(d->set, IMG_TCP_STREAM, ino, err);

	if (!w)
		return -1;
	if (img_write(w, &ts->base, err) < 0 || (ts->inq_len && img_write_payload(w, inq, ts->inq_len, err) < 0) ||
	    (ts->outq_len && img_write_payload(w, outq, ts->outq_len, err) < 0)) {
		img_writer_abort(w);
		return -1;
	}
	return img_writer_finish(w, err);
}

static int dump_stream(struct dump *d, const struct fd_target *t, const struct inet_socket *s, struct img_err *err)
{
	TcpStreamEntry ts = TCP_STREAM_ENTRY__INIT;
	cleanup_free char *inq = NULL, *outq = NULL;

	if (read_lengths(t->lfd, s, &ts, err) < 0 || repair_on(d, t, err) < 0 || read_options(t->lfd, &ts, err) < 0 ||
	    read_window(t->lfd, &ts, err) < 0 || read_queue(t->lfd, TCP_RECV_QUEUE, ts.inq_len, &ts.inq_seq, &inq, err) < 0 ||
	    read_queue(t->lfd, TCP_SEND_QUEUE, ts.outq_len, &ts.outq_seq, &outq, err) < 0 ||
	    set(t->lfd, TCP_REPAIR_QUEUE, "TCP_REPAIR_QUEUE", TCP_NO_QUEUE, err) < 0)
		return -1;
	log_info(d->log, "inet socket %#x: TCP state %d, %u bytes to be read, %u to be confirmed, %u to be sent", t->id, s->state,
		ts.inq_len, ts.outq_len, ts.unsq_len);
	return write_image(d, t->probe->ino, &ts, inq, outq, err);
}

int inet_tcp_dump(struct dump *d, const struct fd_target *t, const struct inet_socket *s, struct img_err *err)
{
	bool *locked = inet_locked(d);

	if (!locked)
		return img_fail_nomem(err);
	if (!*locked && lock_all(d, err) < 0)
		return -1;
	*locked = true;
	return dump_stream(d, t, s, err) < 0 ? img_wrap(err, "its connection") : 0;
}
