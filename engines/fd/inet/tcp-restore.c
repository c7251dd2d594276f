/* engines/fd/inet/tcp-restore.c -- how criu-restore makes one end of a TCP connection again: repair mode (TCP_REPAIR, Linux 3.5).
 *
 * In that mode connect(2) says nothing to anybody, and what is sent goes to one of the queues: the receive queue, as if it had
 * come, or the send queue, as if it were on its way. A FIN that had come is put back by a segment in the name of the peer.
 *
 * The end of it (inet_tcp_resume) is the front's, when every task is there: nothing that was never sent is sent before.
 *
 *	state		our FIN			the peer's FIN
 *	FIN_WAIT1	sent, or behind what is to be sent
 *	FIN_WAIT2	confirmed
 *	CLOSE_WAIT				came
 *	LAST_ACK	sent after it		came
 *	CLOSING		sent before it		came
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "criu-restore/files.h"
#include "criu-restore/inet-own.h"
#include "criu-restore/restore.h"
#include "criuimg/array.h"

/* TCP options by which the ends agreed on something: RFC 9293, 7323, 2018. */
enum {
	OPT_MSS = 2,
	OPT_WINDOW = 3,
	OPT_SACK_PERM = 4,
	OPT_TIMESTAMP = 8,
};

enum { /* what TCP_MAXSEG takes: include/net/tcp.h, TCP_MIN_MSS and MAX_TCP_WINDOW */
	MAXSEG_MIN = 88,
	MAXSEG_MAX = 32767,
	TIMESTAMP_SIZE = 12, /* of the option, in every segment */
};

static bool fin_sent(const InetSkEntry *isk)
{
	return isk->state == TCP_FIN_WAIT1 || isk->state == TCP_FIN_WAIT2 || isk->state == TCP_CLOSING || isk->state == TCP_LAST_ACK;
}

static bool fin_came(const InetSkEntry *isk)
{
	return isk->state == TCP_CLOSE_WAIT || isk->state == TCP_CLOSING || isk->state == TCP_LAST_ACK;
}

static int set(int fd, int opt, const char *name, int value, struct img_err *err)
{
	return setsockopt(fd, IPPROTO_TCP, opt, &value, sizeof(value)) < 0 ? img_fail_sys(err, "%s %d", name, value) : 0;
}

static int set_seq(int fd, int queue, uint32_t seq, struct img_err *err)
{
	if (set(fd, TCP_REPAIR_QUEUE, "TCP_REPAIR_QUEUE", queue, err) < 0)
		return -1;
	return set(fd, TCP_QUEUE_SEQ, "TCP_QUEUE_SEQ", (int)seq, err);
}

/* Sequence number of the first byte in the queue. */
static uint32_t inq_start(const InetSkEntry *isk, const TcpStreamEntry *ts)
{
	return ts->inq_seq - ts->inq_len - fin_came(isk);
}

static uint32_t outq_start(const InetSkEntry *isk, const TcpStreamEntry *ts)
{
	return ts->outq_seq - ts->outq_len - fin_sent(isk);
}

/* ---- steps of making ---- */

/* connect(2) works out how large segments are to be, before anybody can tell it what the ends agreed on, and does so again only when the
 * route changes: without TCP_MAXSEG at that moment it is 536 bytes for good. Small segments take several times their size in the peer's buffer,
 * and what the peer's window had promised would not fit. Larger ones than half of the largest window are not sent before a timer is over. */
static int choose_mss(int fd, const TcpStreamEntry *ts, struct img_err *err)
{
	uint32_t half = ts->max_window / 2 + (ts->opt_mask & TCPI_OPT_TIMESTAMPS ? TIMESTAMP_SIZE : 0);
	uint32_t mss = ts->mss_clamp < MAXSEG_MAX ? ts->mss_clamp : MAXSEG_MAX;

	if (ts->max_window && mss > half)
		mss = half;
	return mss < MAXSEG_MIN ? 0 : set(fd, TCP_MAXSEG, "TCP_MAXSEG", (int)mss, err);
}

static int attach(int fd, const InetSkEntry *isk, const TcpStreamEntry *ts, struct img_err *err)
{
	union inet_address src, dst;
	socklen_t len = inet_address(isk, false, &src, err);

	if (!len || !inet_address(isk, true, &dst, err) || set(fd, TCP_REPAIR, "TCP_REPAIR", TCP_REPAIR_ON, err) < 0)
		return -1;
	if (set_seq(fd, TCP_RECV_QUEUE, inq_start(isk, ts), err) < 0 || set_seq(fd, TCP_SEND_QUEUE, outq_start(isk, ts), err) < 0)
		return -1;
	if (bind(fd, &src.any, len) < 0)
		return img_fail_sys(err, "bind to the address of the connection, port %u", isk->src_port);
	if (choose_mss(fd, ts, err) < 0)
		return -1;
	if (connect(fd, &dst.any, len) < 0)
		return img_fail_sys(err, "connect to the peer, port %u", isk->dst_port);
	return set(fd, TCP_MAXSEG, "TCP_MAXSEG", 0, err);
}

static int agree(int fd, const TcpStreamEntry *ts, struct img_err *err)
{
	struct tcp_repair_opt opts[4];
	size_t nr = 0;

	opts[nr++] = (struct tcp_repair_opt){ OPT_MSS, ts->mss_clamp };
	if (ts->opt_mask & TCPI_OPT_WSCALE)
		opts[nr++] = (struct tcp_repair_opt){ OPT_WINDOW, ts->snd_wscale | ts->rcv_wscale << 16 };
	if (ts->opt_mask & TCPI_OPT_SACK)
		opts[nr++] = (struct tcp_repair_opt){ OPT_SACK_PERM, 0 };
	if (ts->opt_mask & TCPI_OPT_TIMESTAMPS)
		opts[nr++] = (struct tcp_repair_opt){ OPT_TIMESTAMP, 0 };
	if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_OPTIONS, opts, (socklen_t)(nr * sizeof(*opts))) < 0)
		return img_fail_sys(err, "TCP_REPAIR_OPTIONS");
	if (!ts->has_timestamp)
		return 0;
	return set(fd, TCP_TIMESTAMP, "TCP_TIMESTAMP", (int)ts->timestamp, err);
}

/* The kernel takes as much at a time as fits into one of its buffers. */
static int put(int fd, const char *data, size_t len, struct img_err *err)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n <= 0)
			return img_fail_sys(err, "%zu bytes do not fit into a queue", len);
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int fill(int fd, const struct inet_stream *s, struct img_err *err)
{
	if (set(fd, TCP_REPAIR_QUEUE, "TCP_REPAIR_QUEUE", TCP_RECV_QUEUE, err) < 0 || put(fd, s->inq, s->rec->inq_len, err) < 0)
		return -1;
	if (set(fd, TCP_REPAIR_QUEUE, "TCP_REPAIR_QUEUE", TCP_SEND_QUEUE, err) < 0)
		return -1;
	return put(fd, s->outq, s->rec->outq_len - inet_stream_unsent(s), err);
}

/* What was said of the end. In repair mode shutdown(2) does not send its FIN: it is on its way already. */
static int end(int fd, const InetSkEntry *isk, const struct inet_stream *s, struct img_err *err)
{
	const TcpStreamEntry *ts = s->rec;
	bool ours_first = isk->state != TCP_LAST_ACK;
	bool ours = fin_sent(isk) && !inet_stream_unsent(s);

	if (ours && ours_first && shutdown(fd, SHUT_WR) < 0)
		return img_fail_sys(err, "shutdown");
	if (isk->state == TCP_FIN_WAIT2 && inet_inject(isk, false, ts->inq_seq, ts->outq_seq, err) < 0)
		return -1;
	if (fin_came(isk) && inet_inject(isk, true, ts->inq_seq - 1, outq_start(isk, ts), err) < 0)
		return -1;
	if (ours && !ours_first && shutdown(fd, SHUT_WR) < 0)
		return img_fail_sys(err, "shutdown");
	return 0;
}

static int set_window(int fd, const TcpStreamEntry *ts, struct img_err *err)
{
	struct tcp_repair_window w = { ts->snd_wl1, ts->snd_wnd, ts->max_window, ts->rcv_wnd, ts->rcv_wup };

	if (!ts->has_snd_wnd)
		return 0;
	return setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &w, sizeof(w)) < 0 ? img_fail_sys(err, "TCP_REPAIR_WINDOW") : 0;
}

/* The accounts of the kernel are not those of the dump to the byte: no limit while the queues are filled. */
static int without_limit(int fd, struct img_err *err)
{
	return restore_sock_room(fd, SO_SNDBUF, INT32_MAX / 2, err) < 0 ? -1 : restore_sock_room(fd, SO_RCVBUF, INT32_MAX / 2, err);
}

static int make(int fd, const InetSkEntry *isk, const struct inet_stream *s, struct img_err *err)
{
	/* Its own buffers first: connect(2) chooses the largest window by them. */
	if (attach(fd, isk, s->rec, err) < 0 || agree(fd, s->rec, err) < 0 || without_limit(fd, err) < 0 || fill(fd, s, err) < 0 ||
	    restore_sock_buffers(fd, isk->opts, err) < 0 || end(fd, isk, s, err) < 0 || set_window(fd, s->rec, err) < 0)
		return -1;
	return set(fd, TCP_REPAIR_QUEUE, "TCP_REPAIR_QUEUE", TCP_NO_QUEUE, err);
}

/* A connection that was being set up starts again with the same number: the peer may know it by now. */
static int make_syn_sent(int fd, const InetSkEntry *isk, const TcpStreamEntry *ts, struct img_err *err)
{
	union inet_address src;
	socklen_t len = inet_address(isk, false, &src, err);

	if (!len || set(fd, TCP_REPAIR, "TCP_REPAIR", TCP_REPAIR_ON, err) < 0 ||
	    set_seq(fd, TCP_SEND_QUEUE, ts->outq_seq - 1, err) < 0)
		return -1;
	if (bind(fd, &src.any, len) < 0)
		return img_fail_sys(err, "bind to the address of the connection, port %u", isk->src_port);
	return 0;
}

int inet_tcp_make(struct restore *r, int fd, const InetSkEntry *isk, struct img_err *err)
{
	struct inet_stream s;
	int ret;

	if (inet_stream_read(r, isk, &s, err) < 0)
		return -1;
	ret = isk->state == TCP_SYN_SENT ? make_syn_sent(fd, isk, s.rec, err) : make(fd, isk, &s, err);
	inet_stream_free(&s);
	return ret < 0 ? img_wrap(err, "its connection") : 0;
}

/* ---- the end of it ---- */

/* The receive buffer keeps its limit: the other end may be there already. */
static int send_rest(int fd, const InetSkEntry *isk, const struct inet_stream *s, struct img_err *err)
{
	uint32_t unsent = inet_stream_unsent(s);

	if (!unsent)
		return 0;
	if (restore_sock_room(fd, SO_SNDBUF, INT32_MAX / 2, err) < 0)
		return -1;
	if (put(fd, s->outq + s->rec->outq_len - unsent, unsent, err) < 0)
		return -1;
	return fin_sent(isk) && shutdown(fd, SHUT_WR) < 0 ? img_fail_sys(err, "shutdown") : 0;
}

static int connect_again(int fd, const InetSkEntry *isk, struct img_err *err)
{
	union inet_address dst;
	socklen_t len = inet_address(isk, true, &dst, err);
	int flags = fcntl(fd, F_GETFL), ret;

	if (!len)
		return -1;
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return img_fail_sys(err, "fcntl");
	ret = connect(fd, &dst.any, len) < 0 && errno != EINPROGRESS ? img_fail_sys(err, "connect to port %u", isk->dst_port) : 0;
	if (fcntl(fd, F_SETFL, flags) < 0)
		return img_fail_sys(err, "fcntl");
	return ret;
}

static int resume(int fd, const InetSkEntry *isk, const struct inet_stream *s, struct img_err *err)
{
	if (set(fd, TCP_REPAIR, "TCP_REPAIR", TCP_REPAIR_OFF, err) < 0)
		return -1;
	if ((isk->state == TCP_SYN_SENT ? connect_again(fd, isk, err) : send_rest(fd, isk, s, err)) < 0)
		return -1;
	if (restore_sock_buffers(fd, isk->opts, err) < 0)
		return -1;
	return inet_own_reuse(fd, isk, err);
}

int inet_tcp_resume(struct restore *r, int fd, const InetSkEntry *isk, struct img_err *err)
{
	struct inet_stream s;
	int ret;

	if (inet_stream_read(r, isk, &s, err) < 0)
		return -1;
	ret = resume(fd, isk, &s, err);
	inet_stream_free(&s);
	return ret < 0 ? img_wrap(err, "its connection") : 0;
}
