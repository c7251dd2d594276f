/* crit/input.c -- opens an image, from a file or standard input. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crit.h"
#include "criuimg/cleanup.h"
#include "criuimg/json.h"
#include "criuimg/set.h"

struct img_source *crit_source_open(const char *path, struct img_err *err)
{
	cleanup_fd int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);
	struct img_source *src = NULL;

	if (fd < 0)
		img_fail_sys(err, "open");
	else
		src = img_source_fd_new(fd, err);
	if (src)
		steal_fd(&fd);
	else
		img_wrap(err, "%s", path ? path : "standard input");
	return src;
}

struct img_set *crit_set_open(const char *dir, struct img_err *err)
{
	int json = strcmp(dir, "-") ? img_set_is_json(AT_FDCWD, dir, err) : 0;

	/* Their messages name what was to be opened. */
	if (json)
		return json < 0 ? NULL : img_set_open_json(AT_FDCWD, dir, err);
	return img_set_open(dir, err);
}

static int copy_all(int from, int to, struct img_err *err)
{
	static const size_t size = 256 << 10;
	cleanup_free char *buf = malloc(size);
	ssize_t n;

	if (!buf)
		return img_fail_nomem(err);
	while ((n = read(from, buf, size)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return img_fail_sys(err, "standard input: read");
		for (ssize_t done = 0, put; done < n; done += put) {
			put = write(to, buf + done, n - done);
			if (put < 0)
				return img_fail_sys(err, "temporary file: write");
		}
	}
	return 0;
}

struct img_set *crit_set_open_whole(const char *dir, struct img_err *err)
{
	const char *tmp = secure_getenv("TMPDIR");
	cleanup_fd int fd = -1;
	struct img_set *set;
	struct stat st;

	if (strcmp(dir, "-") || fstat(STDIN_FILENO, &st) || S_ISREG(st.st_mode))
		return crit_set_open(dir, err);
	fd = open(tmp && *tmp ? tmp : "/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	/* Not every file system has such files: then it is read as it comes. */
	if (fd < 0)
		return crit_set_open(dir, err);
	if (copy_all(STDIN_FILENO, fd, err))
		return NULL;
	lseek(fd, 0, SEEK_SET);
	set = img_set_open_archive(fd, err);
	if (!set)
		img_wrap(err, "standard input");
	return set;
}

static bool is_raw(enum img_kind kind)
{
	return kind != IMG_KIND_UNKNOWN && img_kind_info(kind)->framing == IMG_FRAMING_RAW;
}

int crit_image_open(struct crit_image *image, const char *path, struct img_err *err)
{
	const char *where = path ? path : "standard input";
	const char *slash = path ? strrchr(path, '/') : NULL;
	struct img_source *src = crit_source_open(path, err);

	*image = (struct crit_image){ .kind = IMG_KIND_UNKNOWN };
	if (!src)
		return -1;
	if (path)
		image->kind = img_kind_by_file(slash ? slash + 1 : path, NULL);
	if (is_raw(image->kind)) {
		image->raw = src;
		return 0;
	}
	image->reader = img_reader_from_source(src, err);
	if (!image->reader) {
		img_source_close(src);
		return img_wrap(err, "%s", where);
	}
	image->kind = img_reader_kind(image->reader);
	return 0;
}

void crit_image_close(struct crit_image *image)
{
	img_source_close(image->raw);
	img_reader_close(image->reader);
	*image = (struct crit_image){ .kind = IMG_KIND_UNKNOWN };
}
