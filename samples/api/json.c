/* samples/api/json.c -- criuimg/json.h: an image as JSON. */

#include <stdio.h>
#include <unistd.h>

#include "criuimg/json.h"

int main(int argc, char **argv)
{
	const struct img_json_options pretty = { .pretty = true };
	struct img_err err = IMG_ERR_INIT;
	struct img_set *set = img_set_open(argc > 1 ? argv[1] : ".", &err);
	struct img_sink *out = img_sink_fd_new(dup(STDOUT_FILENO), &err);
	struct img_reader *r = NULL;
	int ret = set && out ? img_reader_open(set, IMG_INVENTORY, 0, &r, &err) : -1;

	if (ret == 1)
		ret = img_json_decode(r, &pretty, out, &err);
	img_reader_close(r);
	if (ret == 0)
		ret = img_sink_finish(out, &err);
	else
		img_sink_abort(out);
	if (ret < 0)
		fprintf(stderr, "%s\n", err.text);
	img_set_close(set);
	return ret < 0 ? img_exit_status(&err) : 0;
}
