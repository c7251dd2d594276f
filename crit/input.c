/* crit/input.c -- opens an image, from a file or standard input. */

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "crit.h"
#include "criuimg/cleanup.h"
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
	/* Its messages name what was to be opened. */
	return img_set_open(dir, err);
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
