/* samples/api/io.c -- criuimg/io.h: bytes through an interface: from a file into memory. */

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "criuimg/io.h"

int main(int argc, char **argv)
{
	struct img_err err = IMG_ERR_INIT;
	int fd = open(argc > 1 ? argv[1] : argv[0], O_RDONLY | O_CLOEXEC);
	struct img_source *src = fd < 0 ? NULL : img_source_fd_new(fd, &err);
	struct img_sink *sink = img_sink_memory_new(&err);
	char buf[4096];
	size_t size;
	ssize_t n = -1;

	while (src && sink && (n = img_source_read(src, buf, sizeof(buf), &err)) > 0)
		if (img_sink_write(sink, buf, n, &err))
			break;
	if (n == 0 && img_sink_memory(sink, &size))
		printf("%zu bytes\n", size);
	else
		fprintf(stderr, "%s\n", err.text);
	img_source_close(src);
	img_sink_abort(sink);
	return n != 0;
}
