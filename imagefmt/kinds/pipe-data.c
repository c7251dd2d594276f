/* kinds/pipe-data.c -- pipes-data.img, fifo-data.img: the bytes that were in a pipe follow its record. */

#include "kinds/ops.h"

#include "pipe-data.pb-c.h"

static int pipe_data_record(
	struct img_flow *flow, const ProtobufCMessage *msg, struct img_payload *payload, struct img_err *err)
{
	payload->size = ((const PipeDataEntry *)msg)->bytes;
	return 0;
}

const struct img_kind_ops img_pipe_data_ops = {
	.record = pipe_data_record,
};
