/* kinds/ipc-msg.c -- ipcns-msg-ID.img: after the record of a System V message queue come the records of its `qnum`
 * messages (ipc_msg), each followed by its text padded to 8 bytes. */

#include "kinds/ops.h"

#include "ipc-msg.pb-c.h"

/* Messages that the queue last seen still lacks. */
#define LEFT mine[0]

static const ProtobufCMessageDescriptor *ipc_msg_next(const struct img_flow *flow)
{
	return flow->LEFT ? &ipc_msg__descriptor : &ipc_msg_entry__descriptor;
}

static int ipc_msg_record(
	struct img_flow *flow, const ProtobufCMessage *msg, struct img_payload *payload, struct img_err *err)
{
	if (!flow->LEFT) {
		flow->LEFT = ((const IpcMsgEntry *)msg)->qnum;
		return 0;
	}
	flow->LEFT--;
	payload->size = ((const IpcMsg *)msg)->msize;
	payload->pad = -payload->size & 7;
	return 0;
}

static int ipc_msg_end(const struct img_flow *flow, struct img_err *err)
{
	if (flow->LEFT)
		return img_fail(err, IMG_CORRUPT, "the last queue lacks %llu messages",
			(unsigned long long)flow->LEFT);
	return 0;
}

const struct img_kind_ops img_ipc_msg_ops = {
	.next = ipc_msg_next,
	.record = ipc_msg_record,
	.end = ipc_msg_end,
};
