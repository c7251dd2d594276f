/* streamer/image/main.c -- criu-image-streamer: images between dump or restore and pipes. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "streamer/image/image.h"

static const struct {
	const char *name;
	int (*run)(const struct streamer *s, struct img_err *err);
} operations[] = {
	{ "capture", streamer_capture },
	{ "serve", streamer_serve },
	{ "extract", streamer_extract },
};

/* Descriptors that we were not given must not become ours by accident: 0 to 2 are always something. */
static void keep_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static int run(struct streamer *s, struct img_err *err)
{
	cleanup_fd int dir = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return img_fail_sys(err, "images directory %s", s->dir);
	s->dirfd = dir;
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
		if (!strcmp(s->operation, operations[i].name))
			return operations[i].run(s, err);
	return img_fail(err, IMG_USAGE, "%s", s->operation);
}

int main(int argc, char **argv)
{
	struct img_err err = IMG_ERR_INIT;
	struct streamer s;
	int ret;

	keep_standard_descriptors();
	/* A reader that goes away is an error like others. */
	signal(SIGPIPE, SIG_IGN);
	ret = streamer_options(&s, argc, argv, &err);
	if (!ret && run(&s, &err) < 0)
		ret = -1;
	if (ret < 0)
		fprintf(stderr, "criu-image-streamer: %s\n", err.text);
	streamer_options_free(&s);
	return ret < 0 ? img_exit_status(&err) : 0;
}
