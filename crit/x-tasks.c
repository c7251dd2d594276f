/* crit/x-tasks.c -- the tasks of a set of images. */

#include <stdlib.h>

#include "criuimg/array.h"
#include "x.h"

int x_tasks_read(struct x *x, struct img_err *err)
{
	struct img_reader *r;
	ProtobufCMessage *msg;
	int ret = img_reader_open(x->set, IMG_PSTREE, 0, &r, err);

	if (ret < 0)
		return -1;
	if (ret == 0)
		return img_fail(err, IMG_CORRUPT, "there is no pstree.img");
	while ((ret = img_read(r, &msg, err)) > 0) {
		PstreeEntry **at = img_array_more(&x->tasks.entries, x->tasks.nr, &x->tasks.room);

		if (!at) {
			img_message_free(msg);
			ret = img_fail_nomem(err);
			break;
		}
		*at = (PstreeEntry *)msg;
		x->tasks.nr++;
	}
	img_reader_close(r);
	return ret;
}

void x_tasks_free(struct x_tasks *tasks)
{
	for (size_t i = 0; i < tasks->nr; i++)
		img_message_free(&tasks->entries[i]->base);
	free(tasks->entries);
	*tasks = (struct x_tasks){ 0 };
}

int x_read_mm(struct x *x, uint32_t pid, MmEntry **mm, struct img_err *err)
{
	ProtobufCMessage *msg;
	int ret = img_read_single(x->set, IMG_MM, pid, &msg, err);

	if (ret > 0)
		*mm = (MmEntry *)msg;
	return ret;
}
