/* samples/api/image.c -- criuimg/image.h: the records of an image: the tasks of a set. */

#include <stdio.h>

#include "criuimg/image.h"
#include "pstree.pb-c.h"

int main(int argc, char **argv)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_set *set = img_set_open(argc > 1 ? argv[1] : ".", &err);
	struct img_reader *r = NULL;
	ProtobufCMessage *msg;
	int ret = set ? img_reader_open(set, IMG_PSTREE, 0, &r, &err) : -1;

	while (ret > 0 && (ret = img_read(r, &msg, &err)) > 0) {
		const PstreeEntry *task = (const PstreeEntry *)msg;

		printf("%u, child of %u, %zu threads\n", task->pid, task->ppid, task->n_threads);
		img_message_free(msg);
	}
	if (ret < 0)
		fprintf(stderr, "%s\n", err.text);
	img_reader_close(r);
	img_set_close(set);
	return ret < 0 ? img_exit_status(&err) : 0;
}
