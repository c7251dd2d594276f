/* samples/api/pages.c -- criuimg/pages.h: memory of a task, through parents and compression: its first bytes. */

#include <stdio.h>
#include <stdlib.h>

#include "criuimg/pages.h"

int main(int argc, char **argv)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_set *set = img_set_open(argc > 1 ? argv[1] : ".", &err);
	struct img_pages_reader *pages = NULL;
	unsigned char page[IMG_PAGE];
	const struct img_run *runs;
	size_t nr;
	int ret = set ? img_pages_open(set, IMG_PAGEMAP, argc > 2 ? strtoul(argv[2], NULL, 10) : 1, &pages, &err) : -1;

	if (ret == 1) {
		runs = img_pages_runs(pages, &nr);
		printf("%zu runs\n", nr);
		for (size_t i = 0; i < nr && ret >= 0; i++) {
			ret = img_pages_read(pages, runs[i].addr, 1, page, &err);
			if (!ret)
				printf("%#llx: %02x %02x %02x %02x\n", (unsigned long long)runs[i].addr, page[0], page[1], page[2], page[3]);
		}
	}
	if (ret < 0)
		fprintf(stderr, "%s\n", err.text);
	img_pages_close(pages);
	img_set_close(set);
	return ret < 0 ? img_exit_status(&err) : 0;
}
