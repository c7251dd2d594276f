/* samples/api/cleanup.c -- criuimg/cleanup.h: what is opened is closed on every way out, unless it is given away. */

#include <fcntl.h>
#include <string.h>

#include "criuimg/cleanup.h"

static int open_log(const char *dir)
{
	cleanup_free char *path = NULL;
	cleanup_fd int fd = -1;

	if (asprintf(&path, "%s/log", dir) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || lseek(fd, 0, SEEK_END) < 0)
		return -1;
	return steal_fd(&fd);
}

int main(int argc, char **argv)
{
	cleanup_fd int fd = open_log(argc > 1 ? argv[1] : "/var");

	puts(fd < 0 ? "no log" : "a log");
	return 0;
}
