/* engines/ns/mnt/content-restore.c -- what was in file systems that live in memory only: out of a tar archive inside gzip (tmpfs-dev). */

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "criu-restore/mnt-own.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"

IMG_DEFINE_CLEANUP(struct archive *, archive_free);

enum {
	COPY_SIZE = 64 << 10,
};

struct input {
	struct img_source *src;
	char buf[COPY_SIZE];
};

static la_ssize_t get(struct archive *a, void *arg, const void **data)
{
	struct input *in = arg;
	struct img_err err = IMG_ERR_INIT;
	ssize_t got = img_source_read(in->src, in->buf, sizeof(in->buf), &err);

	if (got < 0)
		archive_set_error(a, ARCHIVE_FATAL, "%s", err.text);
	*data = in->buf;
	return got;
}

static int fail(struct archive *a, struct img_err *err, const char *path)
{
	const char *why = archive_error_string(a);

	return img_fail(err, IMG_SYS, "'%s': %s", path, why ? why : "the archive library says nothing");
}

static int copy_data(struct archive *in, struct archive *out, const char *path, struct img_err *err)
{
	for (;;) {
		const void *data;
		la_int64_t offset;
		size_t len;
		int ret = archive_read_data_block(in, &data, &len, &offset);

		if (ret == ARCHIVE_EOF)
			return 0;
		if (ret < ARCHIVE_WARN)
			return fail(in, err, path);
		if (archive_write_data_block(out, data, len, offset) < ARCHIVE_WARN)
			return fail(out, err, path);
	}
}

/* Into the current directory. Names that would lead out of it are refused by the library. */
static int extract(struct archive *in, struct img_err *err)
{
	cleanup_with(archive_free) struct archive *out = archive_write_disk_new();
	struct archive_entry *e;
	size_t nr = 0;
	int ret;

	if (!out)
		return img_fail_nomem(err);
	archive_write_disk_set_options(out, ARCHIVE_EXTRACT_OWNER | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_ACL |
						    ARCHIVE_EXTRACT_XATTR | ARCHIVE_EXTRACT_SECURE_NODOTDOT |
						    ARCHIVE_EXTRACT_SECURE_SYMLINKS | ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS);
	while ((ret = archive_read_next_header(in, &e)) != ARCHIVE_EOF) {
		const char *path = ret >= ARCHIVE_WARN ? archive_entry_pathname(e) : "the archive";

		if (ret < ARCHIVE_WARN)
			return fail(in, err, path);
		nr++;
		if (archive_write_header(out, e) < ARCHIVE_WARN)
			return fail(out, err, path);
		if (archive_entry_size(e) > 0 && copy_data(in, out, path, err) < 0)
			return -1;
		if (archive_write_finish_entry(out) < ARCHIVE_WARN)
			return fail(out, err, path);
	}
	/* There is the root at least. */
	if (!nr)
		return img_fail(err, IMG_CORRUPT, "an archive with nothing in it");
	/* Owners and times of directories are set last. */
	return archive_write_close(out) < ARCHIVE_WARN ? fail(out, err, ".") : 0;
}

static int untar(struct img_source *src, struct img_err *err)
{
	cleanup_with(archive_free) struct archive *in = archive_read_new();
	cleanup_free struct input *input = malloc(sizeof(*input));

	if (!in || !input)
		return img_fail_nomem(err);
	input->src = src;
	archive_read_support_filter_gzip(in);
	archive_read_support_format_tar(in);
	if (archive_read_open(in, input, NULL, get, NULL) < ARCHIVE_WARN)
		return fail(in, err, "the archive");
	return extract(in, err);
}

int mnt_fill(struct restore *r, const struct mnt_sb *sb, struct img_err *err)
{
	cleanup_fd int cwd = -1;
	char name[IMG_NAME_MAX];
	struct img_source *src;
	int ret;

	if (sb->entry->fstype == FSTYPE__BINFMT_MISC)
		return mnt_fill_binfmt(r, sb, err);
	if (sb->entry->fstype != FSTYPE__TMPFS)
		return 0;
	/* Older images have them by mount and not by device. */
	ret = img_set_source(r->set, img_kind_file_name(IMG_TMPFS_DEV, sb->dev, name), &src, err);
	if (ret == 0)
		ret = img_set_source(r->set, img_kind_file_name(IMG_TMPFS_IMG, sb->entry->mnt_id, name), &src, err);
	if (ret <= 0)
		return ret;
	cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (cwd < 0 || fchdir(sb->fd) < 0)
		ret = img_fail_sys(err, "enter tmpfs '%s'", sb->entry->mountpoint);
	else
		ret = untar(src, err);
	img_source_close(src);
	if (cwd >= 0 && fchdir(cwd) < 0 && ret >= 0)
		ret = img_fail_sys(err, "back to where we were");
	return ret < 0 ? img_wrap(err, "%s", name) : 0;
}
