/* engines/options/parse.c -- the command line, and in which order the sources of options speak. */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "criuimg/cleanup.h"
#include "options/table.h"

enum {
	LONG_BASE = 1000,  /* val of a row's long option: LONG_BASE + its index */
	NEGATED = 1 << 20, /* added for its --no- form */
};

void options_init(struct options *opt, const char *program)
{
	*opt = (struct options){
		.program = program,
		.images_dir = ".",
		.verbosity = 2,
		.timeout = 10,
		.status_fd = -1,
		.control_fd = -1,
		.ps_socket = -1,
		.stream_fd = -1,
		.pidfd_store = -1,
		.ghost_limit = 1 << 20,
	};
}

enum command options_command_by_name(const char *name)
{
	size_t i;

	for (i = 0; i < command_rows_nr; i++) {
		if (!strcmp(command_rows[i].name, name))
			return command_rows[i].command;
	}
	return 0;
}

const char *options_command_name(enum command command)
{
	size_t i;

	for (i = 0; i < command_rows_nr; i++) {
		if (command_rows[i].command == command)
			return command_rows[i].name;
	}
	return "";
}

/* What getopt_long(3) wants, made from the rows. */
struct getopt_tables {
	struct option *longs;
	char letters[256];
	char **names; /* "no-..." strings, owned */
};

static void getopt_tables_free(struct getopt_tables *t)
{
	size_t i;

	for (i = 0; t->names && i < option_rows_nr; i++)
		free(t->names[i]);
	free(t->names);
	free(t->longs);
}

static int getopt_tables_make(struct getopt_tables *t, struct img_err *err)
{
	static const int has_arg[] = { [ARG_NONE] = no_argument, [ARG_REQUIRED] = required_argument,
		[ARG_OPTIONAL] = optional_argument };
	static const char *const colons[] = { [ARG_NONE] = "", [ARG_REQUIRED] = ":", [ARG_OPTIONAL] = "::" };
	char *letter = t->letters;
	size_t i, n = 0;

	t->longs = calloc(2 * option_rows_nr + 1, sizeof(*t->longs));
	t->names = calloc(option_rows_nr, sizeof(*t->names));
	if (!t->longs || !t->names)
		return img_fail_nomem(err);
	*letter++ = ':'; /* a missing value is told apart from an unknown option */
	for (i = 0; i < option_rows_nr; i++) {
		const struct option_row *row = &option_rows[i];

		t->longs[n++] = (struct option){ row->name, has_arg[row->arg], NULL, LONG_BASE + i };
		if (row->letter)
			letter += sprintf(letter, "%c%s", row->letter, colons[row->arg]);
		if (row->type != OPT_FLAG)
			continue;
		if (asprintf(&t->names[i], "no-%s", row->name) < 0) {
			t->names[i] = NULL;
			return img_fail_nomem(err);
		}
		t->longs[n++] = (struct option){ t->names[i], no_argument, NULL, NEGATED | (LONG_BASE + i) };
	}
	return 0;
}

static const struct option_row *row_of(int c, bool *negated)
{
	size_t i;

	*negated = c & NEGATED;
	c &= ~NEGATED;
	if (c >= LONG_BASE)
		return &option_rows[c - LONG_BASE];
	for (i = 0; i < option_rows_nr; i++) {
		if (option_rows[i].letter == c)
			return &option_rows[i];
	}
	return NULL;
}

/* Walk over the command line; each option found goes to fn. Returns the index of the first word that is none (getopt has
 * moved those behind the options), or -1. */
static int walk(int argc, char **argv, int (*fn)(void *arg, const struct option_row *, bool negated, const char *value,
	struct img_err *err), void *arg, struct img_err *err)
{
	__attribute__((cleanup(getopt_tables_free))) struct getopt_tables t = { 0 };
	int c;

	if (getopt_tables_make(&t, err) < 0)
		return -1;
	opterr = 0;
	optind = 0;
	while ((c = getopt_long(argc, argv, t.letters, t.longs, NULL)) != -1) {
		const struct option_row *row;
		bool negated;

		if (c == '?' || c == ':') {
			const char *what = argv[optind - 1];

			if (c == ':')
				return img_fail(err, IMG_USAGE, "option %s needs a value", what);
			if (optopt && optopt < 256)
				return img_fail(err, IMG_USAGE, "unknown option -%c", optopt);
			return img_fail(err, IMG_USAGE, "unknown option %s", what);
		}
		row = row_of(c, &negated);
		if (fn(arg, row, negated, optarg, err) < 0)
			return -1;
	}
	return optind;
}

/* ---- first: what decides where options come from ---- */

struct sources {
	bool no_default, help, version;
	const char *config;
	int control_fd; /* to whom it is told that an option behind it makes no sense */
};

static int note_source(void *arg, const struct option_row *row, bool negated, const char *value, struct img_err *err)
{
	struct sources *s = arg;

	switch (row->type) {
	case OPT_NO_CONFIG:
		s->no_default = true;
		break;
	case OPT_CONFIG:
		s->config = value;
		break;
	case OPT_HELP:
		s->help = true;
		break;
	case OPT_VERSION:
		s->version = true;
		break;
	default:
		if (row->offset == offsetof(struct options, control_fd) && value)
			s->control_fd = atoi(value);
		break;
	}
	return 0;
}

static int default_file(struct options *opt, const char *path, struct img_err *err)
{
	if (access(path, F_OK) < 0)
		return 0;
	return options_config_file(opt, path, err);
}

static int config_files(struct options *opt, const struct sources *s, struct img_err *err)
{
	const char *home = getenv("HOME"), *named = getenv("CRIU_CONFIG_FILE");
	char path[4096];

	if (!s->no_default) {
		if (default_file(opt, "/etc/criu/default.conf", err) < 0)
			return -1;
		if (home && *home) {
			snprintf(path, sizeof(path), "%s/.criu/default.conf", home);
			if (default_file(opt, path, err) < 0)
				return -1;
		}
		if (named && *named && options_config_file(opt, named, err) < 0)
			return -1;
	}
	return s->config ? options_config_file(opt, s->config, err) : 0;
}

static int set_one(void *arg, const struct option_row *row, bool negated, const char *value, struct img_err *err)
{
	return option_set(arg, row, negated, value, err);
}

/* The command's name, where the program is the front door: the first word that is no option. */
static int take_command(struct options *opt, struct img_err *err)
{
	if (!opt->nr_args)
		return img_fail(err, IMG_USAGE, "which command? `%s --help` lists them", opt->program);
	opt->command = options_command_by_name(opt->args[0]);
	if (!opt->command)
		return img_fail(err, IMG_USAGE, "unknown command \"%s\": `%s --help` lists them", opt->args[0], opt->program);
	opt->args++;
	opt->nr_args--;
	return 0;
}

int options_parse(struct options *opt, enum command command, int argc, char **argv, struct img_err *err)
{
	const char *slash = argc ? strrchr(argv[0], '/') : NULL;
	struct sources sources = { .control_fd = -1 };
	int rest;

	options_init(opt, argc ? (slash ? slash + 1 : argv[0]) : "criu");
	rest = walk(argc, argv, note_source, &sources, err);
	opt->control_fd = sources.control_fd;
	if (rest < 0)
		return -1;
	opt->args = argv + rest;
	opt->nr_args = argc - rest;
	opt->command = command;
	if (sources.help) {
		if (!command && opt->nr_args)
			opt->command = options_command_by_name(opt->args[0]);
		options_help(opt, opt->command);
		return 1;
	}
	if (sources.version) {
		printf("Version: %s\n", VERSION);
		return 1;
	}
	if (!command && take_command(opt, err) < 0)
		return -1;
	if (config_files(opt, &sources, err) < 0)
		return -1;
	if (walk(argc, argv, set_one, opt, err) < 0)
		return -1;

	/* -d is one letter for two things: what it means depends on who reads it. */
	if (opt->command & (CMD_PAGE_SERVER | CMD_LAZY_PAGES | CMD_SERVICE))
		opt->daemon |= opt->restore_detached;
	if (opt->exec_cmd)
		opt->exec_argv = opt->args;
	if (!opt->cpu_cap_given)
		opt->cpu_cap = opt->command == CMD_RESTORE ? CPU_CAP_FPU : CPU_CAP_FPU | CPU_CAP_INS;
	if (opt->check_all)
		opt->check_extra = opt->check_experimental = true;
	return 0;
}

int options_close_fds(const struct options *opt, struct img_err *err)
{
	size_t i;

	for (i = 0; i < opt->close_fds.nr; i++) {
		const char *item = opt->close_fds.items[i];
		char *end;
		long fd = strtol(item, &end, 10);

		if (end == item || *end || fd < 0)
			return img_fail(err, IMG_USAGE, "--close: \"%s\" is not a descriptor", item);
		close(fd);
	}
	return 0;
}

int options_exit_status(const struct options *opt, int status)
{
	return status && !strcmp(opt->program, OPTIONS_FRONT) ? 1 : status;
}

void options_free(struct options *opt)
{
	size_t i;

	for (i = 0; i < option_rows_nr; i++) {
		enum option_type type = option_rows[i].type;

		if (type == OPT_LIST || type == OPT_COMMAS || type == OPT_EXTERNAL || type == OPT_INHERIT) {
			struct option_list *list = (void *)((char *)opt + option_rows[i].offset);

			free(list->items);
			*list = (struct option_list){ 0 };
		}
	}
	free(opt->not_yet.items);
	opt->not_yet = (struct option_list){ 0 };
	img_arena_free(&opt->arena);
}
