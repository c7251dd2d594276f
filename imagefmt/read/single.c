/* read/single.c -- images of one record. */

#include "criuimg/cleanup.h"
#include "criuimg/image.h"

IMG_DEFINE_CLEANUP(struct img_reader *, img_reader_close);

int img_read_single(
	struct img_set *set, enum img_kind kind, uint64_t id, ProtobufCMessage **msg, struct img_err *err)
{
	cleanup_with(img_reader_close) struct img_reader *r = NULL;
	const struct img_kind_info *info = img_kind_info(kind);
	ProtobufCMessage *more;
	int ret;

	*msg = NULL;
	ret = img_reader_open(set, kind, id, &r, err);
	if (ret <= 0)
		return ret;
	if (img_read_one(r, info->head ? info->head : info->entry, msg, err) < 0)
		return -1;
	ret = img_read(r, &more, err);
	if (ret == 0)
		return 1;
	img_message_free(steal_ptr(msg));
	return -1;
}
