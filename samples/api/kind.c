/* samples/api/kind.c -- criuimg/kind.h: what an image is, by the name of its file. */

#include <stdio.h>

#include "criuimg/kind.h"

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "core-17.img";
	char buf[IMG_NAME_MAX];
	uint64_t id;
	enum img_kind kind = img_kind_by_file(name, &id);

	if (kind == IMG_KIND_UNKNOWN) {
		printf("%s is no image\n", name);
		return 1;
	}
	printf("%s is %s number %llu: %s\n", name, img_kind_info(kind)->name, (unsigned long long)id,
		img_kind_info(kind)->entry ? img_kind_info(kind)->entry->name : "raw");
	printf("the next one is %s\n", img_kind_file_name(kind, id + 1, buf));
	return 0;
}
