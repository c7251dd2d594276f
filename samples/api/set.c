/* samples/api/set.c -- criuimg/set.h: a set, wherever it is: its members and their sizes. */

#include <stdio.h>

#include "criuimg/set.h"

static int member(void *arg, const char *name, struct img_err *err)
{
	struct img_source *src;
	int ret = img_set_source(arg, name, &src, err);

	if (ret <= 0)
		return ret;
	printf("%10lld %s\n", (long long)img_source_size(src), name);
	img_source_close(src);
	return 0;
}

int main(int argc, char **argv)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_set *set = img_set_open(argc > 1 ? argv[1] : ".", &err);
	int ret = set ? img_set_each(set, member, set, &err) : -1;

	if (ret < 0)
		fprintf(stderr, "%s\n", err.text);
	img_set_close(set);
	return ret < 0 ? img_exit_status(&err) : 0;
}
