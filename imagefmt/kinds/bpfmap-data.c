/* kinds/bpfmap-data.c -- bpfmap-data.img: all keys and then all values of a map follow its record. */

#include "kinds/ops.h"

#include "bpfmap-data.pb-c.h"

static int bpfmap_data_record(
	struct img_flow *flow, const ProtobufCMessage *msg, struct img_payload *payload, struct img_err *err)
{
	const BpfmapDataEntry *map = (const BpfmapDataEntry *)msg;

	payload->size = (uint64_t)map->keys_bytes + map->values_bytes;
	return 0;
}

const struct img_kind_ops img_bpfmap_data_ops = {
	.record = bpfmap_data_record,
};
