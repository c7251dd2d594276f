/* streamer/image/options.c -- the command line of criu-image-streamer, as that of the existing program. */

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "streamer/image/image.h"

static const char usage[] =
	"Usage: criu-image-streamer [OPTION]... -D DIR capture|serve|extract\n"
	"\n"
	"  capture   take a set of images from a dump (--stream) and write it to the shards\n"
	"  serve     read a set from the shards and give it to a restore (--stream)\n"
	"  extract   read a set from the shards and write it into DIR\n"
	"\n"
	"  -D, --images-dir DIR          where the socket is that the dump or restore connects to\n"
	"  -s, --shard-fds FD,..         descriptors of the shards (1 for capture, else 0)\n"
	"  -e, --ext-file-fds NAME:FD,.. other files to carry along: where they come from or go to\n"
	"  -p, --progress-fd FD          where to tell how far it is (2)\n"
	"      --tcp-listen-remap OLD:NEW,..\n"
	"                                change ports of listening TCP sockets (serve, extract)\n"
	"  -h, --help                    this text\n"
	"  -V, --version                 the version\n";

enum { OPT_REMAP = 256 };

static const struct option longs[] = {
	{ "images-dir", required_argument, NULL, 'D' },
	{ "shard-fds", required_argument, NULL, 's' },
	{ "ext-file-fds", required_argument, NULL, 'e' },
	{ "progress-fd", required_argument, NULL, 'p' },
	{ "tcp-listen-remap", required_argument, NULL, OPT_REMAP },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static int number(const char *option, const char *text, long max, long *out, struct img_err *err)
{
	char *end;

	*out = strtol(text, &end, 10);
	if (end == text || *end || *out < 0 || *out > max)
		return img_fail(err, IMG_USAGE, "%s: \"%s\" is not a number that makes sense here", option, text);
	return 0;
}

static int add_shard(struct streamer *s, char *item, struct img_err *err)
{
	int *shards = reallocarray(s->shards, s->nr_shards + 1, sizeof(*shards));
	long fd;

	if (!shards)
		return img_fail_nomem(err);
	s->shards = shards;
	if (number("--shard-fds", item, INT_MAX, &fd, err) < 0)
		return -1;
	for (size_t i = 0; i < s->nr_shards; i++)
		if (shards[i] == fd)
			return img_fail(err, IMG_USAGE, "--shard-fds: %ld is there twice", fd);
	shards[s->nr_shards++] = fd;
	return 0;
}

static int add_ext(struct streamer *s, char *item, struct img_err *err)
{
	struct ext_file *ext = reallocarray(s->ext, s->nr_ext + 1, sizeof(*ext));
	char *colon = strrchr(item, ':');
	long fd;

	if (!ext)
		return img_fail_nomem(err);
	s->ext = ext;
	if (!colon)
		return img_fail(err, IMG_USAGE, "--ext-file-fds: \"%s\" is not NAME:FD", item);
	*colon = '\0';
	if (number("--ext-file-fds", colon + 1, INT_MAX, &fd, err) < 0)
		return -1;
	if (!image_name_ok(item))
		return img_fail(err, IMG_USAGE, "--ext-file-fds: '%.300s' is no name for a file", item);
	if (streamer_ext_fd(s, item) >= 0)
		return img_fail(err, IMG_USAGE, "--ext-file-fds: %s is there twice", item);
	ext[s->nr_ext++] = (struct ext_file){ strdup(item), fd };
	return ext[s->nr_ext - 1].name ? 0 : img_fail_nomem(err);
}

static int add_remap(struct streamer *s, char *item, struct img_err *err)
{
	struct port_remap *remaps = reallocarray(s->remaps, s->nr_remaps + 1, sizeof(*remaps));
	char *colon = strchr(item, ':');
	long from, to;

	if (!remaps)
		return img_fail_nomem(err);
	s->remaps = remaps;
	if (!colon)
		return img_fail(err, IMG_USAGE, "--tcp-listen-remap: \"%s\" is not OLD:NEW", item);
	*colon = '\0';
	if (number("--tcp-listen-remap", item, UINT16_MAX, &from, err) < 0 ||
		number("--tcp-listen-remap", colon + 1, UINT16_MAX, &to, err) < 0)
		return -1;
	remaps[s->nr_remaps++] = (struct port_remap){ from, to };
	return 0;
}

static int each_item(struct streamer *s, char *list, int (*add)(struct streamer *, char *, struct img_err *),
	struct img_err *err)
{
	char *rest = list, *item;

	while ((item = strsep(&rest, ",")))
		if (*item && add(s, item, err) < 0)
			return -1;
	return 0;
}

static int take(struct streamer *s, int c, struct img_err *err)
{
	long fd;

	switch (c) {
	case 'D':
		s->dir = optarg;
		return 0;
	case 's':
		return each_item(s, optarg, add_shard, err);
	case 'e':
		return each_item(s, optarg, add_ext, err);
	case OPT_REMAP:
		return each_item(s, optarg, add_remap, err);
	case 'p':
		if (number("--progress-fd", optarg, INT_MAX, &fd, err) < 0)
			return -1;
		s->progress = fd;
		return 0;
	case 'h':
		fputs(usage, stdout);
		return 1;
	case 'V':
		puts("criu-image-streamer " VERSION);
		return 1;
	default:
		return img_fail(err, IMG_USAGE, "%s: see criu-image-streamer --help",
			c == ':' ? "an option without its value" : "an option that is not known");
	}
}

static int finish(struct streamer *s, char **args, int nr, struct img_err *err)
{
	static const char *const operations[] = { "capture", "serve", "extract" };
	char first[2];

	for (size_t i = 0; nr == 1 && i < ARRAY_SIZE(operations); i++)
		if (!strcmp(args[0], operations[i]))
			s->operation = operations[i];
	if (!s->operation)
		return img_fail(err, IMG_USAGE, "one of capture, serve and extract, please");
	if (!s->dir)
		return img_fail(err, IMG_USAGE, "--images-dir is needed");
	if (s->nr_remaps && !strcmp(s->operation, "capture"))
		return img_fail(err, IMG_USAGE, "--tcp-listen-remap goes with serve and extract only");
	strcpy(first, strcmp(s->operation, "capture") ? "0" : "1");
	return s->nr_shards ? 0 : add_shard(s, first, err);
}

int streamer_options(struct streamer *s, int argc, char **argv, struct img_err *err)
{
	int c, ret;

	*s = (struct streamer){ .dirfd = -1, .progress = STDERR_FILENO };
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":D:s:e:p:hV", longs, NULL)) != -1) {
		ret = take(s, c, err);
		if (ret)
			return ret;
	}
	return finish(s, argv + optind, argc - optind, err);
}

void streamer_options_free(struct streamer *s)
{
	for (size_t i = 0; i < s->nr_ext; i++)
		free(s->ext[i].name);
	free(s->ext);
	free(s->shards);
	free(s->remaps);
}

int streamer_ext_fd(const struct streamer *s, const char *name)
{
	for (size_t i = 0; i < s->nr_ext; i++)
		if (!strcmp(s->ext[i].name, name))
			return s->ext[i].fd;
	return -1;
}

bool image_name_ok(const char *name)
{
	return *name && strcmp(name, ".") && strcmp(name, "..") && !strchr(name, '/') && strlen(name) <= IMAGE_NAME_MAX;
}
