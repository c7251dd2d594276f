/* engines/options/table.h -- the rows that all of the options come from. Internal to engines/options. */
#ifndef ENGINES_OPTIONS_TABLE_H
#define ENGINES_OPTIONS_TABLE_H

#include <stddef.h>

#include "options/options.h"

enum option_type {
	OPT_FLAG,     /* bool; also has a --no- form */
	OPT_STRING,   /* const char * */
	OPT_INT,      /* int */
	OPT_COUNT,    /* unsigned, >= 0 */
	OPT_PID,      /* pid_t, > 0 */
	OPT_SIZE,     /* uint64_t bytes; suffix K, M or G */
	OPT_LIST,     /* struct option_list, one item each time */
	OPT_COMMAS,   /* struct option_list, items separated by commas */
	OPT_EXTERNAL, /* struct option_list of TYPE[ID][:VALUE]: external.h */
	OPT_VALIDATION, /* const char *: filesize or buildid */
	OPT_EXT_UNIX, /* the flag, or the inode of a socket: --external unix[INODE] */
	OPT_VETH_PAIR, /* IN=OUT[@BRIDGE]: an item of --external */
	OPT_INHERIT,  /* struct option_list of fd[N]:KEY: external.h */
	OPT_VERBOSITY,/* -v, -vv, -v3, --verbosity=3 */
	OPT_CPU_CAP,  /* words, commas, ^ */
	OPT_FD,	      /* optional number of a descriptor, -1 without */
	OPT_COMPRESS, /* optional level */
	OPT_MODE,     /* optional word: the flag in `also` becomes true */
	OPT_CGROUP_ROOT, /* struct option_list of [CONTROLLER:]/DIR: cgroups.h */
	OPT_CONFIG,   /* --config: seen before the rest */
	OPT_NO_CONFIG,/* --no-default-config */
	OPT_HELP,
	OPT_VERSION,
};

enum option_arg {
	ARG_NONE,
	ARG_REQUIRED,
	ARG_OPTIONAL, /* only as --name=value or -xvalue, as getopt_long(3) has it */
};

struct option_row {
	const char *group; /* heading of help; NULL: same as the row before */
	const char *name;
	char letter;	   /* 0: none */
	enum option_type type;
	enum option_arg arg;
	const char *arg_name; /* in help */
	size_t offset;	   /* of the field in struct options */
	size_t also;	   /* a bool that becomes true with it; 0: none */
	unsigned commands; /* whose help shows it */
	const char *help;
};

extern const struct option_row option_rows[];
extern const size_t option_rows_nr;

/* Known options that ask for something that is not done yet; they are refused by name. An option that only permits something
 * does not belong here: what it would permit is refused where it is met. */
extern const char *const options_not_yet[];
extern const size_t options_not_yet_nr;
/* Types of --external of which the same is true. */
extern const char *const externals_not_yet[];
extern const size_t externals_not_yet_nr;

struct command_row {
	enum command command;
	const char *name;
	const char *usage; /* after the command's name */
	const char *help;
};

extern const struct command_row command_rows[];
extern const size_t command_rows_nr;

/* The row called name, and whether it was called by its --no- form. NULL when there is none. */
const struct option_row *option_row_find(const char *name, bool *negated);

/* Set what the row says. Strings are not copied. */
int option_set(struct options *opt, const struct option_row *row, bool negated, const char *value, struct img_err *err);

/* The rows that these commands show, in order; group is called before the first of each group. */
void option_rows_each(unsigned commands, void (*group)(const char *heading), void (*row)(const struct option_row *row));

/* Print the help of a program: all commands' (command 0) or one's. */
void options_help(const struct options *opt, enum command command);

#endif
