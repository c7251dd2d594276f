/* samples/api/stream.c -- criuimg/stream.h: an archive as it comes through a pipe: its page images pass once. */

#include <stdio.h>
#include <unistd.h>

#include "criuimg/stream.h"

int main(void)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_stream *s = img_stream_open(STDIN_FILENO, &err);
	static char buf[1 << 16];
	unsigned int id;
	uint64_t size;
	ssize_t n = 0;
	int ret = s ? 1 : -1;

	if (s && !img_stream_ordered(s)) {
		fprintf(stderr, "not in the order of use\n");
		img_stream_close(s);
		return 1;
	}
	while (ret == 1 && (ret = img_stream_next(s, &id, &size, &err)) == 1) {
		printf("pages-%u.img: %llu bytes\n", id, (unsigned long long)size);
		while ((n = img_stream_read(s, buf, sizeof(buf), &err)) > 0)
			;
		if (n < 0)
			ret = -1;
	}
	if (ret < 0)
		fprintf(stderr, "%s\n", err.text);
	img_stream_close(s);
	return ret < 0 ? img_exit_status(&err) : 0;
}
