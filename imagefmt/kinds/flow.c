/* kinds/flow.c -- the order of records in an image: a head where the kind has one, then entries, unless its ops differ. */

#include "kinds/ops.h"

const ProtobufCMessageDescriptor *img_flow_next(const struct img_flow *flow)
{
	const struct img_kind_info *kind = flow->kind;

	if (kind->single && flow->nr)
		return NULL;
	if (kind->ops && kind->ops->next)
		return kind->ops->next(flow);
	return kind->head && flow->nr == 0 ? kind->head : kind->entry;
}

int img_flow_record(
	struct img_flow *flow, const ProtobufCMessage *msg, struct img_payload *payload, struct img_err *err)
{
	const struct img_kind_ops *ops = flow->kind->ops;

	*payload = (struct img_payload){ 0 };
	if (ops && ops->record && ops->record(flow, msg, payload, err))
		return -1;
	flow->nr++;
	return 0;
}

int img_flow_end(const struct img_flow *flow, struct img_err *err)
{
	const struct img_kind_info *kind = flow->kind;

	if (kind->head && flow->nr == 0)
		return img_fail(err, IMG_CORRUPT, "no %s in it", kind->head->name);
	return kind->ops && kind->ops->end ? kind->ops->end(flow, err) : 0;
}
