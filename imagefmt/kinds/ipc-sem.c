/* kinds/ipc-sem.c -- ipcns-sem-ID.img: the values of a set of System V semaphores follow its record, 16 bits each,
 * padded to 8 bytes. */

#include "kinds/ops.h"

#include "ipc-sem.pb-c.h"

static int ipc_sem_record(
	struct img_flow *flow, const ProtobufCMessage *msg, struct img_payload *payload, struct img_err *err)
{
	payload->size = (uint64_t)((const IpcSemEntry *)msg)->nsems * sizeof(uint16_t);
	payload->pad = -payload->size & 7;
	return 0;
}

const struct img_kind_ops img_ipc_sem_ops = {
	.record = ipc_sem_record,
};
