/* engines/options/config.c -- configuration files: an option a line, without dashes.
 *
 *	tcp-established
 *	work-dir "/a \"quoted\" path"	# a comment
 *
 * Syntax: criu(8), "Configuration file syntax".
 */

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "criuimg/cleanup.h"
#include "options/table.h"

/* Cut the next word out of *line, in place: NULL at the end or at a comment. \" inside quotes is a quote. */
static char *next_word(char **line)
{
	char *in = *line, *out, *word;

	while (isspace((unsigned char)*in))
		in++;
	if (!*in || *in == '#')
		return NULL;
	if (*in != '"') {
		word = in;
		while (*in && !isspace((unsigned char)*in))
			in++;
		if (*in)
			*in++ = '\0';
		*line = in;
		return word;
	}
	word = out = ++in;
	while (*in && *in != '"') {
		if (*in == '\\' && in[1] == '"')
			in++;
		*out++ = *in++;
	}
	*line = *in ? in + 1 : in;
	*out = '\0';
	return word;
}

int options_config_each(const char *path, int (*fn)(void *arg, const char *name, const char *value, struct img_err *err),
	void *arg, struct img_err *err)
{
	cleanup_file FILE *f = fopen(path, "re");
	cleanup_free char *line = NULL;
	size_t room = 0;
	int nr = 0;

	if (!f)
		return img_fail_sys(err, "configuration file %s", path);
	while (getline(&line, &room, f) > 0) {
		char *at = line, *name, *value, *more;

		nr++;
		name = next_word(&at);
		if (!name)
			continue;
		value = next_word(&at);
		more = value ? next_word(&at) : NULL;
		if (more) {
			img_fail(err, IMG_USAGE, "\"%s\" is too much: one option a line", more);
			return img_wrap(err, "%s:%d", path, nr);
		}
		if (fn(arg, name, value, err) < 0)
			return img_wrap(err, "%s:%d", path, nr);
	}
	return 0;
}

static int apply(void *arg, const char *name, const char *value, struct img_err *err)
{
	return options_apply(arg, name, value, err);
}

int options_config_file(struct options *opt, const char *path, struct img_err *err)
{
	return options_config_each(path, apply, opt, err);
}
