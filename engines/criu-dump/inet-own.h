/* engines/criu-dump/inet-own.h -- what the files of the dump half of engines/fd/inet share. */
#ifndef CRIU_DUMP_INET_OWN_H
#define CRIU_DUMP_INET_OWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "criuimg/err.h"
#include "criu-dump/fd_ops.h"
#include "kernel/inet-diag.h"
#include "sk-inet.pb-c.h"

struct dump;
struct dump_task;

/* What the socket itself tells. */
struct inet_socket {
	int family, type, protocol;
	int state;			   /* TCP_*; of other protocols TCP_CLOSE, connected ones TCP_ESTABLISHED */
	uint32_t backlog, pending;	   /* of a listening one: how many may wait to be accepted, how many do */
	const struct kern_inet_socket *seen; /* what the listing says of it; NULL: it is not there */
	bool ended;			   /* TCP_CLOSE, and was connected once: reading gives the end */
	struct sockaddr_storage src, dst;  /* ss_family 0: none */
};

/* Of the socket fd, a descriptor of t's, whose inode is ino. */
int inet_look(struct dump *d, struct dump_task *t, int fd, uint64_t ino, struct inet_socket *s, struct img_err *err);
/* In a state in which a packet of the peer finds it. */
bool inet_connected(const struct inet_socket *s);

/* ---- check-dump.c ---- */

int inet_check_socket(struct dump *d, struct dump_task *t, const struct fd_probe *probe, struct img_err *err);

/* ---- opts-dump.c: options of the levels above SOL_SOCKET ---- */

/* The options as they are when a socket is made, for each kind of socket that came along. */
enum { INET_RAW_OPTS = 7 };
struct inet_defaults;
void inet_defaults_free(struct inet_defaults *all);
/* Records that hang on an entry; they live as long as it. */
struct inet_opts {
	IpOptsEntry ip;
	IpOptsRawEntry raw;
	TcpOptsEntry tcp;
	uint32_t icmp_filter[8];
	SkIntOptEntry *more;
	SkIntOptEntry **more_list;
	char congestion[32];
	InetDatagramEntry **datagrams; /* the list; the others are in the arena */
	SkRawOptEntry bytes[INET_RAW_OPTS], *bytes_list[INET_RAW_OPTS];
};
int inet_opts_dump(struct inet_defaults **defaults, int fd, const struct inet_socket *s, InetSkEntry *isk, struct inet_opts *opts,
	struct img_err *err);
void inet_opts_free(struct inet_opts *opts);

/* ---- groups-dump.c ---- */

struct kern_groups;
/* Those of all that is a member of; what it adds to isk is in the arena. */
int inet_groups_dump(struct dump *d, int fd, const struct kern_groups *all, InetSkEntry *isk, struct img_err *err);

/* ---- queue-dump.c ---- */

/* Of a kind whose datagrams can be kept. */
bool inet_has_queue(const struct inet_socket *s);
int inet_queue_dump(struct dump *d, int fd, const struct inet_socket *s, InetSkEntry *isk, struct inet_opts *o, struct img_err *err);

/* ---- tcp-dump.c ---- */

/* Save what the kernel holds of a connection: tcp-stream-<ino>.img. The packets of the connection are locked out. The socket is in
 * repair mode afterwards, which the undo list takes back where the task lives on. */
int inet_tcp_dump(struct dump *d, const struct fd_target *t, const struct inet_socket *s, struct img_err *err);
/* Give the connection up (--tcp-close): the peer sees a reset when the tasks end. Undone where they live on. */
int inet_tcp_give_up(struct dump *d, const struct fd_target *t, struct img_err *err);
/* Is the network locked for the connections of the tree? Kept by inet-dump.c. NULL: no memory. */
bool *inet_locked(struct dump *d);

#endif
