/* crit/x-sk.c -- crit x DIR sk: sockets, with addresses, states and what is in their queues. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "criuimg/array.h"
#include "rows.h"
#include "sk-packet.pb-c.h"
#include "sockets.h"
#include "tcp-stream.pb-c.h"
#include "x.h"

/* Bytes waiting in UNIX sockets, by the socket's id. */
struct queues {
	struct queue {
		uint32_t id;
		uint64_t bytes;
	} *queues;
	size_t nr, room;
};

static int count_packet(struct queues *queues, const SkPacketEntry *packet, struct img_err *err)
{
	struct queue *queue;

	for (size_t i = 0; i < queues->nr; i++) {
		if (queues->queues[i].id == packet->id_for) {
			queues->queues[i].bytes += packet->length;
			return 0;
		}
	}
	queue = img_array_more(&queues->queues, queues->nr, &queues->room);
	if (!queue)
		return img_fail_nomem(err);
	*queue = (struct queue){ packet->id_for, packet->length };
	queues->nr++;
	return 0;
}

static int read_queues(struct x *x, struct queues *queues, struct img_err *err)
{
	struct img_reader *r;
	ProtobufCMessage *msg;
	int ret = img_reader_open(x->set, IMG_SK_QUEUES, 0, &r, err);

	if (ret <= 0)
		return ret;
	while ((ret = img_read(r, &msg, err)) > 0) {
		ret = count_packet(queues, (const SkPacketEntry *)msg, err);
		img_message_free(msg);
		if (ret < 0)
			break;
	}
	img_reader_close(r);
	return ret;
}

/* The queues of a connection: 1, 0 when there is no such image, -1. */
static int tcp_queues(struct x *x, uint32_t ino, uint64_t *in, uint64_t *out, struct img_err *err)
{
	struct img_reader *r;
	ProtobufCMessage *msg;
	int ret = img_reader_open(x->set, IMG_TCP_STREAM, ino, &r, err);

	if (ret <= 0)
		return ret;
	ret = img_read(r, &msg, err);
	if (ret > 0) {
		*in = ((const TcpStreamEntry *)msg)->inq_len;
		*out = ((const TcpStreamEntry *)msg)->outq_len;
		img_message_free(msg);
	}
	img_reader_close(r);
	return ret;
}

static int add_socket(struct x *x, struct rows *rows, const struct object *object, const struct object_use *use,
	const struct queues *queues, struct img_err *err)
{
	struct socket_text text;
	uint64_t in = 0, out = 0;

	if (socket_describe(&x->objects, object, &text) < 0)
		return img_fail_nomem(err);
	if (object->type == FD_TYPES__INETSK && tcp_queues(x, text.ino, &in, &out, err) < 0) {
		socket_text_free(&text);
		return -1;
	}
	for (size_t i = 0; object->type == FD_TYPES__UNIXSK && i < queues->nr; i++)
		if (queues->queues[i].id == object->id)
			in = queues->queues[i].bytes;
	rows_next(rows);
	rows_value(rows, "pid", use ? json_integer(use->pid) : json_null());
	rows_value(rows, "fd", use ? json_integer(use->fd) : json_null());
	rows_int(rows, "id", object->id);
	rows_int(rows, "ino", text.ino);
	rows_text(rows, "proto", text.proto);
	rows_text(rows, "state", text.state);
	rows_int(rows, "recv_q", in);
	rows_int(rows, "send_q", out);
	rows_text(rows, "local", text.local);
	rows_text(rows, "peer", text.peer);
	socket_text_free(&text);
	return 0;
}

static json_t *rows(struct x *x, struct img_err *err)
{
	struct queues queues = { 0 };
	struct rows rows;
	int ret;

	if (x_uses_read(x, err) < 0)
		return NULL;
	rows_init(&rows);
	ret = read_queues(x, &queues, err);
	for (size_t i = 0; i < x->objects.nr && ret == 0; i++) {
		const struct object *object = &x->objects.objects[i];
		const struct object_use *uses;
		size_t nr;

		if (!socket_is(object->type))
			continue;
		uses = objects_uses(&x->objects, object->type, object->id, &nr);
		if (!nr)
			ret = add_socket(x, &rows, object, NULL, &queues, err);
		for (size_t u = 0; u < nr && ret == 0; u++)
			ret = add_socket(x, &rows, object, &uses[u], &queues, err);
	}
	free(queues.queues);
	if (ret == 0)
		return rows_sorted(rows_done(&rows, err), "pid", "fd");
	rows_drop(&rows);
	return NULL;
}

static const struct column columns[] = {
	{ "pid", "PID", true, '6' },
	{ "fd", "FD", true, 0 },
	{ "proto", "PROTO", false, 0 },
	{ "state", "STATE", false, '2' },
	{ "recv_q", "RECV-Q", true, 0 },
	{ "send_q", "SEND-Q", true, 0 },
	{ "local", "LOCAL", false, 0 },
	{ "peer", "PEER", false, 0 },
	{ 0 },
};

const struct x_view x_sk = {
	.name = "sk",
	.summary = "sockets: addresses, states, queues",
	.rows = rows,
	.columns = columns,
};
