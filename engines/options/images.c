/* engines/options/images.c -- what -D and -W mean. */

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "criuimg/array.h"
#include "options/options.h"

static bool ends_in(const char *path, const char *end)
{
	size_t len = strlen(path), end_len = strlen(end);

	return len > end_len && !strcmp(path + len - end_len, end);
}

bool options_images_archive(const struct options *opt, bool *zstd)
{
	static const char *const zstd_names[] = { ".tar.zst", ".tzst", ".tar.zstd" };
	struct stat st;
	bool there = stat(opt->images_dir, &st) == 0;

	*zstd = false;
	if (there && S_ISDIR(st.st_mode))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(zstd_names); i++)
		*zstd |= ends_in(opt->images_dir, zstd_names[i]);
	/* What is there is read whatever its name is; it is not written over. */
	if (there && (opt->command == CMD_RESTORE || opt->command == CMD_DEDUP))
		return true;
	return *zstd || ends_in(opt->images_dir, ".tar");
}

const char *options_work_dir(const struct options *opt, char *buf)
{
	const char *slash;
	bool zstd;

	if (opt->work_dir || opt->stream || !options_images_archive(opt, &zstd))
		return opt->work_dir ? opt->work_dir : opt->images_dir;
	slash = strrchr(opt->images_dir, '/');
	if (!slash)
		return ".";
	snprintf(buf, PATH_MAX, "%.*s", slash == opt->images_dir ? 1 : (int)(slash - opt->images_dir),
		opt->images_dir);
	return buf;
}
