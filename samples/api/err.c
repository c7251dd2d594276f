/* samples/api/err.c -- criuimg/err.h: how a failure travels: filled in below, wrapped on the way, told once. */

#include <stdio.h>

#include "criuimg/err.h"

static int below(struct img_err *err)
{
	return img_fail(err, IMG_CORRUPT, "%d bytes where %d belong", 3, 4);
}

static int above(struct img_err *err)
{
	return below(err) ? img_wrap(err, "core-%d.img", 7) : 0;
}

int main(void)
{
	struct img_err err = IMG_ERR_INIT;

	if (above(&err))
		printf("%s: %s (exit status %d)\n", img_code_name(err.code), err.text, img_exit_status(&err));
	return 0;
}
