/* kinds/ipc-shm.c -- ipcns-shm-ID.img: the content of a System V segment follows its record, padded to 4 bytes, unless
 * in_pagemaps says that a page map of its own has it (CRIU since 3.0). */

#include "kinds/ops.h"

#include "ipc-shm.pb-c.h"

static int ipc_shm_record(
	struct img_flow *flow, const ProtobufCMessage *msg, struct img_payload *payload, struct img_err *err)
{
	const IpcShmEntry *shm = (const IpcShmEntry *)msg;

	if (shm->has_in_pagemaps && shm->in_pagemaps)
		return 0;
	payload->size = shm->size;
	payload->pad = -shm->size & 3;
	return 0;
}

const struct img_kind_ops img_ipc_shm_ops = {
	.record = ipc_shm_record,
};
