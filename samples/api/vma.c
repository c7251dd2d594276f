/* samples/api/vma.c -- criuimg/vma.h: the bits of a mapping. */

#include <stdio.h>

#include "criuimg/image.h"
#include "criuimg/vma.h"
#include "mm.pb-c.h"

int main(int argc, char **argv)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_set *set = img_set_open(argc > 1 ? argv[1] : ".", &err);
	uint64_t pid = 1;
	MmEntry *mm;
	int ret;

	if (argc > 2)
		sscanf(argv[2], "%lu", &pid);
	ret = set ? img_read_single(set, IMG_MM, pid, (ProtobufCMessage **)&mm, &err) : -1;
	for (size_t i = 0; ret == 1 && i < mm->n_vmas; i++) {
		const VmaEntry *vma = mm->vmas[i];

		printf("%#lx-%#lx %s%s\n", (unsigned long)vma->start, (unsigned long)vma->end,
			vma->status & (IMG_VMA_FILE_PRIVATE | IMG_VMA_FILE_SHARED) ? "file" : "memory",
			vma->flags & IMG_MAP_SHARED ? ", shared" : "");
	}
	if (ret == 1)
		img_message_free(&mm->base);
	if (ret < 0)
		fprintf(stderr, "%s\n", err.text);
	img_set_close(set);
	return ret < 0 ? img_exit_status(&err) : 0;
}
