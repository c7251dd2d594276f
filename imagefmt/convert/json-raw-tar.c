/* imagefmt/convert/json-raw-tar.c -- the content of a tmpfs (tar.gz): its members listed, and the bytes in `extra`.
 *
 * Without libarchive, or where the source cannot be read twice, there is no list.
 */

#include "convert/json-raw.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "convert/json-names.h"
#include "io/libarchive.h"

#define PIECE 16384

struct reading {
	struct img_source *src;
	struct img_err *err;
	uint64_t at;
	bool failed;
	char piece[PIECE];
};

static la_ssize_t give(struct archive *archive, void *arg, const void **data)
{
	struct reading *reading = arg;
	ssize_t n = img_source_pread(reading->src, reading->piece, sizeof(reading->piece), reading->at, reading->err);

	if (n < 0) {
		reading->failed = true;
		return ARCHIVE_FATAL;
	}
	reading->at += n;
	*data = reading->piece;
	return n;
}

static const char *type_of(mode_t mode)
{
	static const struct json_name types[] = { { S_IFREG, "file" }, { S_IFDIR, "directory" }, { S_IFLNK, "symlink" },
		{ S_IFIFO, "fifo" }, { S_IFCHR, "char" }, { S_IFBLK, "block" }, { S_IFSOCK, "socket" }, { 0, NULL } };

	return json_name_of(types, mode & S_IFMT);
}

static void write_text(struct json_out *out, const char *name, const char *text)
{
	json_raw_key(out, name);
	json_quoted(out, text);
}

static void write_member(struct json_out *out, const struct img_libarchive *f, struct archive_entry *entry)
{
	mode_t mode = f->archive_entry_mode(entry);
	const char *path = f->archive_entry_pathname(entry), *link;
	char octal[16];
	const char *type = f->archive_entry_hardlink(entry) ? "hardlink" : type_of(mode);

	json_item(out);
	json_open(out, '{');
	write_text(out, "path", path ? path : "");
	write_text(out, "type", type ? type : "unknown");
	snprintf(octal, sizeof(octal), "%04o", mode & 07777u);
	write_text(out, "mode", octal);
	json_member(out, "uid");
	json_signed(out, f->archive_entry_uid(entry));
	json_member(out, "gid");
	json_signed(out, f->archive_entry_gid(entry));
	json_member(out, "size");
	json_signed(out, f->archive_entry_size(entry));
	json_member(out, "mtime");
	json_signed(out, f->archive_entry_mtime(entry));
	link = f->archive_entry_symlink(entry);
	if (!link)
		link = f->archive_entry_hardlink(entry);
	if (link)
		write_text(out, "link", link);
	if (S_ISCHR(mode) || S_ISBLK(mode)) {
		char text[JSON_TEXT_MAX];

		json_dev_text(text, f->archive_entry_rdev(entry), true);
		write_text(out, "rdev", text);
	}
	json_close(out, '}');
}

/* A list of what could be read; a tar that is bad ends it. */
static int write_list(struct json_raw *raw, const struct img_libarchive *f, struct img_err *err)
{
	struct reading reading = { .src = raw->src, .err = err };
	struct archive *archive = img_libarchive_reader(f);
	struct archive_entry *entry;
	int ret = ARCHIVE_FATAL;

	if (!archive)
		return img_fail_nomem(err);
	json_member(raw->out, "files");
	json_open(raw->out, '[');
	if (f->archive_read_open(archive, &reading, NULL, give, NULL) == ARCHIVE_OK)
		while ((ret = f->archive_read_next_header(archive, &entry)) == ARCHIVE_OK || ret == ARCHIVE_WARN)
			write_member(raw->out, f, entry);
	json_close(raw->out, ']');
	if (ret != ARCHIVE_EOF && !reading.failed) {
		json_member(raw->out, "complete");
		json_bool(raw->out, false);
	}
	f->archive_read_free(archive);
	return reading.failed ? -1 : 0;
}

static int write_bytes(struct json_raw *raw, struct img_err *err)
{
	struct json_base64 b64;
	uint8_t piece[PIECE];
	ssize_t n;

	if (raw->opt->no_payload) {
		json_raw_extra(raw, NULL, img_source_size(raw->src));
		return 0;
	}
	json_member(raw->out, "extra");
	json_base64_begin(&b64, raw->out);
	while ((n = img_source_read(raw->src, piece, sizeof(piece), err)) > 0)
		json_base64_add(&b64, piece, n);
	json_base64_end(&b64);
	return n < 0 ? -1 : 0;
}

int json_raw_tar(struct json_raw *raw, struct img_err *err)
{
	struct img_libarchive f;
	int ret = 0;

	if (!img_source_can_pread(raw->src) || img_source_size(raw->src) < 0 || img_libarchive_load(&f, NULL) < 0)
		return json_raw_bytes(raw, err);
	json_item(raw->out);
	json_open(raw->out, '{');
	ret = write_list(raw, &f, err);
	img_libarchive_unload(&f);
	if (ret == 0)
		ret = write_bytes(raw, err);
	json_close(raw->out, '}');
	return ret;
}
