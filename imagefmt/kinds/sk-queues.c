/* kinds/sk-queues.c -- sk-queues.img: each record is one packet of a socket's queue, its bytes follow. */

#include "kinds/ops.h"

#include "sk-packet.pb-c.h"

static int sk_queues_record(
	struct img_flow *flow, const ProtobufCMessage *msg, struct img_payload *payload, struct img_err *err)
{
	payload->size = ((const SkPacketEntry *)msg)->length;
	return 0;
}

const struct img_kind_ops img_sk_queues_ops = {
	.record = sk_queues_record,
};
