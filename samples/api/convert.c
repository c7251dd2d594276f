/* samples/api/convert.c -- criuimg/convert.h: a set of version 2 in an archive, of any set. */

#include <stdio.h>

#include "criuimg/convert.h"

int main(int argc, char **argv)
{
	const struct img_convert_options opt = { .version = IMG_VERSION_2, .producer = "sample" };
	const struct img_zstd_options zstd = { .level = 3 };
	struct img_err err = IMG_ERR_INIT;
	struct img_set *from, *to;
	int ret = -1;

	if (argc < 3)
		return 2;
	from = img_set_open(argv[1], &err);
	to = from ? img_set_create_archive(argv[2], &zstd, &err) : NULL;
	if (to)
		ret = img_set_convert(from, to, &opt, &err);
	if (ret)
		fprintf(stderr, "%s\n", err.text);
	img_set_close(to);
	img_set_close(from);
	return ret ? img_exit_status(&err) : 0;
}
