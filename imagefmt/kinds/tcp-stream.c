/* kinds/tcp-stream.c -- tcp-stream-ID.img: the receive queue and then the send queue of a connection follow its record. */

#include "kinds/ops.h"

#include "tcp-stream.pb-c.h"

static int tcp_stream_record(
	struct img_flow *flow, const ProtobufCMessage *msg, struct img_payload *payload, struct img_err *err)
{
	const TcpStreamEntry *tcp = (const TcpStreamEntry *)msg;

	payload->size = (uint64_t)tcp->inq_len + tcp->outq_len;
	return 0;
}

const struct img_kind_ops img_tcp_stream_ops = {
	.record = tcp_stream_record,
};
