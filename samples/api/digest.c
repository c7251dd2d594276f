/* samples/api/digest.c -- criuimg/digest.h: the digest that a manifest has of a file. */

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "criuimg/digest.h"

int main(int argc, char **argv)
{
	cleanup_fd int fd = open(argc > 1 ? argv[1] : argv[0], O_RDONLY | O_CLOEXEC);
	struct img_err err = IMG_ERR_INIT;
	struct img_digest *d = img_digest_new(&err);
	unsigned char digest[IMG_DIGEST_SIZE], buf[65536];
	ssize_t n;

	while (d && (n = read(fd, buf, sizeof(buf))) > 0)
		if (img_digest_update(d, buf, n, &err))
			break;
	if (d && img_digest_final(d, digest)) {
		for (size_t i = 0; i < sizeof(digest); i++)
			printf("%02x", digest[i]);
		putchar('\n');
	}
	img_digest_free(d);
	return 0;
}
