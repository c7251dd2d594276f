/* engines/fd/unix/unix-restore.c -- how criu-restore rebuilds pairs of unix sockets, what is left of one, and fresh sockets. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <netinet/tcp.h>

#include "criu-restore/files-own.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "sk-packet.pb-c.h"
#include "sk-unix.pb-c.h"

/* ---- sk-queues.img ---- */

/* A message that waits for a socket. */
struct packet {
	uint32_t id_for;
	uint32_t nr; /* in the order of the image */
	uint32_t len;
	unsigned char *data;
};

struct restore_queues {
	struct packet *items; /* by id_for, then nr */
	size_t nr, room;
};

static int compare_packets(const void *va, const void *vb)
{
	const struct packet *a = va, *b = vb;

	if (a->id_for != b->id_for)
		return a->id_for < b->id_for ? -1 : 1;
	return a->nr < b->nr ? -1 : a->nr > b->nr;
}

static int take_packet(struct restore_queues *q, struct img_reader *reader, const SkPacketEntry *rec, struct img_err *err)
{
	struct packet *p = img_array_more(&q->items, q->nr, &q->room);
	uint32_t done = 0;

	if (!p)
		return img_fail_nomem(err);
	p->id_for = rec->id_for;
	p->nr = (uint32_t)q->nr++;
	p->len = rec->length;
	if (rec->n_scm)
		return img_fail(err, IMG_UNSUPPORTED, "sk-queues.img: descriptors on their way to socket %#x are not supported",
			rec->id_for);
	p->data = malloc((size_t)p->len + 1);
	if (!p->data)
		return img_fail_nomem(err);
	while (done < p->len) {
		ssize_t got = img_read_payload(reader, p->data + done, p->len - done, err);

		if (got <= 0)
			return got < 0 ? -1 : img_fail(err, IMG_CORRUPT, "sk-queues.img: a message ends early");
		done += (uint32_t)got;
	}
	return 0;
}

int restore_queues_plan(struct restore *r, struct img_err *err)
{
	struct restore_queues *q = r->files->queues = calloc(1, sizeof(*q));
	struct img_reader *reader = NULL;
	ProtobufCMessage *msg;
	int ret;

	if (!q)
		return img_fail_nomem(err);
	ret = img_reader_open(r->set, IMG_SK_QUEUES, 0, &reader, err);
	if (ret <= 0)
		return ret;
	while ((ret = img_read(reader, &msg, err)) > 0) {
		ret = take_packet(q, reader, (SkPacketEntry *)msg, err);
		img_message_free(msg);
		if (ret < 0)
			break;
	}
	img_reader_close(reader);
	if (ret == 0 && q->nr)
		qsort(q->items, q->nr, sizeof(*q->items), compare_packets);
	return ret;
}

void restore_queues_free(struct restore *r)
{
	struct restore_queues *q = r->files->queues;

	for (size_t i = 0; q && i < q->nr; i++)
		free(q->items[i].data);
	if (q)
		free(q->items);
	free(q);
	r->files->queues = NULL;
}

/* The first message for a socket, or where it would be. */
static size_t first_for(const struct restore_queues *q, uint32_t id)
{
	size_t low = 0, high = q->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (q->items[mid].id_for < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* ---- plan ---- */

static int unix_plan(struct restore *r, const struct restore_file *f, struct img_err *err)
{
	const UnixSkEntry *usk = f->rec->usk;

	if (!usk)
		return img_fail(err, IMG_CORRUPT, "has no unix socket record");
	if (usk->id != f->id)
		return img_fail(err, IMG_CORRUPT, "calls itself %#x", usk->id);
	if (usk->type != SOCK_STREAM && usk->type != SOCK_DGRAM && usk->type != SOCK_SEQPACKET)
		return img_fail(err, IMG_CORRUPT, "has type %u", usk->type);
	if (usk->name.len)
		return img_fail(err, IMG_UNSUPPORTED, "unix sockets with a name are not supported");
	if (usk->state == TCP_LISTEN)
		return img_fail(err, IMG_UNSUPPORTED, "unix sockets that listen are not supported");
	if (usk->uflags)
		return img_fail(err, IMG_UNSUPPORTED, "unix sockets with a peer outside of the tree are not supported");
	if (usk->peer == usk->ino)
		return img_fail(err, IMG_CORRUPT, "is its own peer");
	return 0;
}

/* Both sides of a pair: what they have in common are the two inodes, in whatever order. */
static uint64_t unix_group(const struct restore_file *f)
{
	uint64_t a = f->rec->usk->ino, b = f->rec->usk->peer;

	if (!b)
		return a;
	return a < b ? a << 32 | b : b << 32 | a;
}

/* ---- making ---- */

static int send_one(int fd, const struct packet *p, struct img_err *err)
{
	uint32_t done = 0;

	do { /* of a stream one call may take a part; a message goes as a whole, even one of no bytes */
		ssize_t put = send(fd, p->data + done, p->len - done, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (put < 0)
			return img_fail_sys(err, "put %u bytes into its queue", p->len - done);
		done += (uint32_t)put;
	} while (done < p->len);
	return 0;
}

/* What waits for socket id, sent by its peer. */
static int fill_queue(struct restore *r, int peer, uint32_t id, struct img_err *err)
{
	const struct restore_queues *q = r->files->queues;
	uint64_t all = 0;
	int size;

	for (size_t i = first_for(q, id); i < q->nr && q->items[i].id_for == id; i++)
		all += q->items[i].len + 4096; /* what the kernel counts besides */
	if (!all)
		return 0;
	/* Room for all of it at once; the size of the image comes later. */
	size = all < INT32_MAX / 4 ? (int)all * 2 : INT32_MAX / 2;
	if (setsockopt(peer, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		return img_fail_sys(err, "SO_SNDBUFFORCE %d", size);
	for (size_t i = first_for(q, id); i < q->nr && q->items[i].id_for == id; i++)
		if (send_one(peer, &q->items[i], err) < 0)
			return -1;
	return 0;
}

static int furnish(struct restore *r, int fd, const UnixSkEntry *usk, struct img_err *err)
{
	if (restore_sock_opts(fd, usk->opts, err) < 0)
		return -1;
	/* sk_shutdown is 1 + SHUT_RD, SHUT_WR, SHUT_RDWR. What the peer's end has shut already stays so. */
	if (usk->has_shutdown && (usk->peer || usk->type == SOCK_DGRAM) && usk->shutdown != SK_SHUTDOWN__NONE &&
	    shutdown(fd, (int)usk->shutdown - 1) < 0)
		return img_fail_sys(err, "shutdown %d", (int)usk->shutdown);
	if (restore_file_flags(fd, usk->flags, err) < 0)
		return -1;
	return restore_file_owner(r, fd, usk->fown, err);
}

static int make_fresh(struct restore *r, const UnixSkEntry *usk, int *fd, struct img_err *err)
{
	*fd = socket(AF_UNIX, (int)usk->type | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return img_fail_sys(err, "make a socket");
	return furnish(r, *fd, usk, err);
}

static int unix_make(struct restore *r, struct restore_task *t, const struct restore_file *const *files, size_t nr, int *fds,
	struct img_err *err)
{
	int ends[2], ret = 0;

	if (nr > 2)
		return img_fail(err, IMG_CORRUPT, "%zu sockets are sides of one pair", nr);
	if (files[0]->rec->usk->state == TCP_CLOSE && !files[0]->rec->usk->peer)
		return make_fresh(r, files[0]->rec->usk, &fds[0], err);
	if (socketpair(AF_UNIX, (int)files[0]->rec->usk->type | SOCK_CLOEXEC, 0, ends) < 0)
		return img_fail_sys(err, "make a pair");
	for (size_t i = 0; i < nr; i++)
		fds[i] = ends[i];
	for (size_t i = 0; ret == 0 && i < nr; i++)
		ret = fill_queue(r, ends[1 - i], files[i]->id, err);
	/* A side that nobody has is closed: before the other one is shut, which would not look the same. */
	if (nr == 1)
		close(ends[1]);
	for (size_t i = 0; ret == 0 && i < nr; i++)
		ret = furnish(r, fds[i], files[i]->rec->usk, err);
	return ret;
}

static const FownEntry *unix_owner(const struct restore *r, const struct restore_file *f)
{
	return f->rec->usk->fown;
}

const struct fd_restore_ops unix_restore_ops = {
	.name = "unix socket",
	.type = FD_TYPES__UNIXSK,
	.plan = unix_plan,
	.group = unix_group,
	.make = unix_make,
	.owner = unix_owner,
};
