/* engines/criu-restore/inet-own.h -- what the files of the restore half of engines/fd/inet share. */
#ifndef CRIU_RESTORE_INET_OWN_H
#define CRIU_RESTORE_INET_OWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "criuimg/err.h"
#include "criu-restore/fd_ops.h"
#include "sk-inet.pb-c.h"
#include "tcp-stream.pb-c.h"

struct restore;

union inet_address {
	struct sockaddr any;
	struct sockaddr_storage storage;
};

/* The own address of a record, or that of its peer; the size. */
socklen_t inet_address(const InetSkEntry *isk, bool peer, union inet_address *addr, struct img_err *err);

/* States in which a packet of the peer finds the socket. */
bool inet_connected(const InetSkEntry *isk);
/* Comes back as a connection: not with --tcp-close. */
bool inet_carried(const struct restore *r, const InetSkEntry *isk);
/* Comes back as one whose connection is over. */
bool inet_ended(const struct restore *r, const InetSkEntry *isk);

/* SO_REUSEADDR and SO_REUSEPORT as the record has them: when all that listen do. */
int inet_own_reuse(int fd, const InetSkEntry *isk, struct img_err *err);

/* ---- opts-restore.c ---- */

/* Options of the levels above SOL_SOCKET, of a socket that is not bound yet. */
int inet_opts_restore(int fd, const InetSkEntry *isk, struct img_err *err);
int inet_set(int fd, int level, int name, const char *what, int value, struct img_err *err);

/* ---- groups-restore.c ---- */

int inet_groups_check(const InetSkEntry *isk, struct img_err *err);
int inet_groups_join(int fd, const InetSkEntry *isk, struct img_err *err);

/* ---- stream-restore.c: tcp-stream-<ino>.img ---- */

struct inet_stream {
	TcpStreamEntry *rec;
	char *inq, *outq; /* rec->inq_len, rec->outq_len bytes */
};
/* Read and checked. The caller frees it. */
int inet_stream_read(struct restore *r, const InetSkEntry *isk, struct inet_stream *s, struct img_err *err);
/* The same, where there may be none: *s is as it was then. */
int inet_stream_there(struct restore *r, const InetSkEntry *isk, struct inet_stream *s, struct img_err *err);
void inet_stream_free(struct inet_stream *s);
/* Bytes of the send queue that the peer has not seen. */
uint32_t inet_stream_unsent(const struct inet_stream *s);

/* ---- tcp-restore.c ---- */

/* Make the socket fd the end of the connection that it was; it stays in repair mode, with unsent data missing. */
int inet_tcp_make(struct restore *r, int fd, const InetSkEntry *isk, struct img_err *err);
/* When all of the tree is there and its packets pass: end the repair, send what was never sent. fd: any descriptor of it. */
int inet_tcp_resume(struct restore *r, int fd, const InetSkEntry *isk, struct img_err *err);

/* ---- ended-restore.c ---- */

/* Make fd a socket whose connection is over: what had come can be read, then the end; writing fails. */
int inet_ended_make(struct restore *r, int fd, const InetSkEntry *isk, struct img_err *err);

/* ---- inject-restore.c ---- */

/* A segment without data from the peer of isk: seq and ack as they go over the wire. It bears KERN_NET_LOCK_MARK. */
int inet_inject(const InetSkEntry *isk, bool fin, uint32_t seq, uint32_t ack, struct img_err *err);
/* A datagram from the peer of c (dst, dport) to this host, which has the address src; protocol: IPPROTO_UDP, IPPROTO_UDPLITE. At most 65507
 * bytes of data. The same mark. */
struct kern_connection;
int inet_inject_datagram(const struct kern_connection *c, int protocol, const void *data, size_t len, struct img_err *err);

/* ---- queue-restore.c ---- */

int inet_queue_check(const InetSkEntry *isk, struct img_err *err);
/* What had come to the socket fd, which is bound, and has no peer yet. */
int inet_queue_fill(struct restore *r, int fd, const InetSkEntry *isk, struct img_err *err);

#endif
