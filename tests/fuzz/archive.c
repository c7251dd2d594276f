/* tests/fuzz/archive.c -- archives of whoever, as a file and through a pipe: what is in the one is in the other. */

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "criuimg/set.h"
#include "tests/fuzz/fuzz.h"

#define PIPE_SIZE 60000 /* goes into a pipe without anyone reading */
#define MOST	  ((uint64_t)1 << 20)

struct content {
	struct img_set *set;
	uint64_t nr, size, sum;
	bool failed;
};

static int member_read(void *arg, const char *name, struct img_err *e)
{
	struct content *c = arg;
	struct img_err err = IMG_ERR_INIT;
	struct img_source *src;
	unsigned char buf[4096];
	uint64_t size = 0;
	ssize_t n = 0;
	int ret;

	MUST(*name && !strchr(name, '/'));
	ret = img_set_source(c->set, name, &src, &err);
	if (ret == 1) {
		while (size < MOST && (n = img_source_read(src, buf, sizeof(buf), &err)) > 0) {
			for (ssize_t i = 0; i < n; i++)
				c->sum = c->sum * 31 + buf[i];
			size += n;
		}
		img_source_close(src);
	}
	if (ret < 0 || n < 0) {
		failure_check(&err);
		c->failed = true;
	}
	c->size += size;
	c->nr++;
	return c->nr > 100;
}

/* False when it does not open, or not all of it can be read. */
static bool look(int fd, struct content *c)
{
	struct img_err err = IMG_ERR_INIT;

	*c = (struct content){ .set = img_set_open_archive(fd, &err) };
	if (!c->set) {
		failure_check(&err);
		return false;
	}
	if (img_set_each(c->set, member_read, c, &err) < 0) {
		failure_check(&err);
		c->failed = true;
	}
	img_set_close(c->set);
	return !c->failed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("archive", MFD_CLOEXEC), pipes[2];
	struct content file, stream;
	bool whole;

	MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
	whole = look(fd, &file);
	close(fd);
	if (size > PIPE_SIZE)
		return 0;
	MUST(pipe2(pipes, O_CLOEXEC) == 0);
	MUST(write(pipes[1], data, size) == (ssize_t)size);
	close(pipes[1]);
	if (look(pipes[0], &stream) && whole && file.nr <= 100)
		MUST(file.nr == stream.nr && file.size == stream.size);
	close(pipes[0]);
	return 0;
}
