/* crit/input.c -- opens an image, from a file or standard input. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crit.h"
#include "url.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/json.h"
#include "criuimg/set.h"

static struct crit_url *open_url(const char *path, struct img_err *err)
{
	struct crit_url *url = crit_url_open(path, err);

	if (url && !crit_url_has_ranges(url))
		fprintf(stderr, "crit: %s: the server does not give parts of it (ranges): it is read from front to end\n", path);
	return url;
}

static struct img_source *source_of_url(const char *path, struct img_err *err)
{
	struct crit_url *url = open_url(path, err);
	struct img_source *src = url ? crit_url_source(url, err) : NULL;

	crit_url_close(url);
	return src;
}

static struct img_set *set_of_url(const char *path, struct img_err *err)
{
	struct crit_url *url = open_url(path, err);
	struct img_set *set = url ? img_set_open_from(crit_url_source, url, err) : NULL;

	if (url && !set)
		img_wrap(err, "%s", path);
	crit_url_close(url);
	return set;
}

struct img_source *crit_source_open(const char *path, struct img_err *err)
{
	cleanup_fd int fd = -1;
	struct img_source *src = NULL;

	if (path && crit_is_url(path))
		return source_of_url(path, err);
	fd = path ? open(path, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);
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
	int json;

	if (crit_is_url(dir))
		return set_of_url(dir, err);
	json = strcmp(dir, "-") ? img_set_is_json(AT_FDCWD, dir, err) : 0;
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

/* The archive that an image is in, by its path: a file where there should be a directory, or, in a URL, what is called like one. */
static char *archive_of(const char *path)
{
	static const char *const names[] = { ".tar", ".tar.zst", ".tzst", ".tar.gz", ".tgz", ".tar.xz" };
	const char *slash = path ? strrchr(path, '/') : NULL;
	size_t len = slash ? slash - path : 0;
	char *archive = len ? strndup(path, len) : NULL;
	bool is = false;
	struct stat st;

	if (archive && !crit_is_url(path))
		is = stat(archive, &st) == 0 && S_ISREG(st.st_mode);
	for (size_t i = 0; archive && crit_is_url(path) && !is && i < ARRAY_SIZE(names); i++)
		is = len > strlen(names[i]) && !strcmp(archive + len - strlen(names[i]), names[i]);
	if (!is) {
		free(archive);
		return NULL;
	}
	return archive;
}

/* The bytes of an image, from the archive that it is in or by itself. */
static struct img_source *image_source(struct crit_image *image, const char *path, struct img_err *err)
{
	cleanup_free char *archive = archive_of(path);
	struct img_source *src = NULL;
	int ret;

	if (!archive)
		return crit_source_open(path, err);
	image->set = crit_set_open(archive, err);
	if (!image->set)
		return NULL;
	ret = img_set_source(image->set, strrchr(path, '/') + 1, &src, err);
	if (ret == 0)
		img_fail(err, IMG_USAGE, "%s: there is no such image in it", path);
	return src;
}

int crit_image_open(struct crit_image *image, const char *path, struct img_err *err)
{
	const char *where = path ? path : "standard input";
	const char *slash = path ? strrchr(path, '/') : NULL;
	struct img_source *src;

	*image = (struct crit_image){ .kind = IMG_KIND_UNKNOWN };
	src = image_source(image, path, err);
	if (!src) {
		crit_image_close(image);
		return -1;
	}
	if (path)
		image->kind = img_kind_by_file(slash ? slash + 1 : path, NULL);
	if (is_raw(image->kind)) {
		image->raw = src;
		return 0;
	}
	image->reader = img_reader_from_source(src, err);
	if (!image->reader) {
		img_source_close(src);
		crit_image_close(image);
		return img_wrap(err, "%s", where);
	}
	image->kind = img_reader_kind(image->reader);
	return 0;
}

void crit_image_close(struct crit_image *image)
{
	img_source_close(image->raw);
	img_reader_close(image->reader);
	img_set_close(image->set);
	*image = (struct crit_image){ .kind = IMG_KIND_UNKNOWN };
}
