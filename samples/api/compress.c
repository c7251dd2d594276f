/* samples/api/compress.c -- criuimg/compress.h: bytes to zstd with a seek table, and one of them read back by its place. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "criuimg/compress.h"

int main(int argc, char **argv)
{
	const struct img_zstd_options opt = { .level = 1, .threads = 2 };
	const char *path = argc > 1 ? argv[1] : "lines.zst";
	struct img_err err = IMG_ERR_INIT;
	struct img_sink *sink = img_zstd_sink_new(img_sink_fd_new(open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), &err), &opt, &err);
	struct img_source *src;
	char line[64] = "";
	int ret = sink ? 0 : -1;

	for (int i = 0; !ret && i < 1000000; i++) {
		snprintf(line, sizeof(line), "line %07d\n", i);
		ret = img_sink_write(sink, line, 13, &err);
	}
	if (sink)
		ret = img_sink_finish(sink, &err);
	/* Only the frame that has it is decompressed. */
	src = ret ? NULL : img_zstd_source_new(img_source_fd_new(open(path, O_RDONLY | O_CLOEXEC), &err), &err);
	if (src && img_source_pread(src, line, 13, 13 * 654321, &err) == 13)
		fputs(line, stdout);
	else
		fprintf(stderr, "%s\n", err.text);
	img_source_close(src);
	return !src;
}
