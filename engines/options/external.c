/* engines/options/external.c -- --external and --inherit-fd, taken apart. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options/external.h"

bool option_external_parse(const char *item, struct option_external *ext)
{
	const char *open = strchr(item, '['), *close = open ? strchr(open, ']') : NULL;

	if (!close || open == item || (close[1] && close[1] != ':'))
		return false;
	*ext = (struct option_external){
		.type = item,
		.type_len = (size_t)(open - item),
		.id = open + 1,
		.id_len = (size_t)(close - open - 1),
		.key = item,
		.key_len = (size_t)(close + 1 - item),
		.value = close[1] ? close + 2 : NULL,
	};
	return true;
}

bool options_external_next(const struct options *opt, const char *type, size_t *at, struct option_external *ext)
{
	size_t len = strlen(type);

	while (*at < opt->externals.nr)
		if (option_external_parse(opt->externals.items[(*at)++], ext) && ext->type_len == len &&
			!memcmp(ext->type, type, len))
			return true;
	return false;
}

const char *options_external(const struct options *opt, const char *key, ...)
{
	struct option_external ext;
	char text[PATH_MAX];
	va_list args;
	int len;

	if (!opt->externals.nr)
		return NULL;
	va_start(args, key);
	len = vsnprintf(text, sizeof(text), key, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(text))
		return NULL;
	for (size_t i = 0; i < opt->externals.nr; i++)
		if (option_external_parse(opt->externals.items[i], &ext) && ext.key_len == (size_t)len &&
			!memcmp(ext.key, text, ext.key_len))
			return ext.value ? ext.value : "";
	return NULL;
}

bool option_inherit_parse(const char *item, int *fd, const char **key)
{
	char *end;
	long n;

	if (strncmp(item, "fd[", 3) || item[3] < '0' || item[3] > '9')
		return false;
	errno = 0;
	n = strtol(item + 3, &end, 10);
	if (errno || n > INT_MAX || strncmp(end, "]:", 2) || !end[2])
		return false;
	*fd = (int)n;
	*key = end + 2;
	return true;
}

int options_inherit_check(const struct options *opt, struct img_err *err)
{
	for (size_t i = 0; i < opt->inherit_fds.nr; i++) {
		const char *key;
		int fd;

		if (option_inherit_parse(opt->inherit_fds.items[i], &fd, &key) && fcntl(fd, F_GETFD) < 0)
			return img_fail(err, IMG_USAGE, "--inherit-fd %s: descriptor %d is not open", opt->inherit_fds.items[i], fd);
	}
	return 0;
}
