/* crit/crit.h -- what the verbs of crit share.
 *
 * A verb is one row: its words, its options, its operands, and the function that does it, in a file of its own
 * (cmd-<verb>.c). Command line and help come from that row (args.c); main.c has the list of rows.
 */
#ifndef CRIT_CRIT_H
#define CRIT_CRIT_H

#include <stdbool.h>

#include "criuimg/err.h"
#include "criuimg/image.h"
#include "criuimg/io.h"
#include "criuimg/kind.h"

#define CRIT_MAX 16 /* options, and operands, of a verb */

struct crit_option {
	const char *name;
	char letter;	 /* 0: none */
	const char *arg; /* what its argument is called in the help; NULL: it has none */
	const char *help;
};

struct crit_operand {
	const char *name; /* in the help, and in messages */
	const char *help;
};

struct crit_args {
	const char *option[CRIT_MAX];  /* by the order of the verb's rows: its argument ("" if it has none), NULL: not given */
	const char *operand[CRIT_MAX]; /* all of them are there; NULL: left out, with the option `alone` */
};

struct crit_verb {
	const char *name;
	const char *summary;		     /* one line, for the list of verbs */
	const struct crit_option *options;   /* end with a NULL name; NULL: none */
	const struct crit_operand *operands; /* likewise */
	const char *alone;		     /* the option with which operands may be left out; NULL: none */
	void (*more_help)(void);	     /* prints what else the help has; NULL: nothing */
	const char *examples;		     /* lines */
	int (*run)(const struct crit_args *args, struct img_err *err);
};

extern const struct crit_verb crit_decode, crit_encode, crit_info, crit_show, crit_validate, crit_x;
extern const struct crit_verb crit_mem, crit_grep, crit_core, crit_diff, crit_stats, crit_redact, crit_report, crit_edit, crit_requires;

extern const struct crit_verb crit_convert, crit_flatten, crit_compress, crit_decompress, crit_dedup;

/* Read a verb's arguments; argv[0] is the verb. 0; 1 when the help was asked for and printed; -1 (IMG_USAGE). */
int crit_args_parse(const struct crit_verb *verb, int argc, char **argv, struct crit_args *args, struct img_err *err);

/* The completion of a shell ("bash", "zsh"), from the rows, to standard output. */
int crit_print_completion(const struct crit_verb *const *verbs, size_t nr, const char *shell, struct img_err *err);

/* ---- files ---- */

struct img_set;

/* The images that DIR says: a directory, an archive, "-", or the URL of an archive (url.h). NULL on failure, which names it. */
struct img_set *crit_set_open(const char *dir, struct img_err *err);
/* The same, and an archive that comes through a pipe is kept in a file without a name first: then what stands between its members
 * can be looked at, too. */
struct img_set *crit_set_open_whole(const char *dir, struct img_err *err);

/* A file's bytes, of a URL as well; path NULL: standard input. NULL on failure, which names the file. */
struct img_source *crit_source_open(const char *path, struct img_err *err);

/* An image to look into: its records, or, for the kinds that have none (known by the name of the file), its bytes. */
struct crit_image {
	struct img_reader *reader; /* NULL for a raw kind */
	struct img_source *raw;	   /* NULL for all others */
	struct img_set *set;	   /* the archive that it is in, or NULL */
	enum img_kind kind;
};

/* path NULL: standard input. An image in an archive is ARCHIVE/IMAGE, as if the archive were a directory. */
int crit_image_open(struct crit_image *image, const char *path, struct img_err *err);
void crit_image_close(struct crit_image *image);

/* Where a result goes: standard output, or a file that has its name only once all of it is there. */
struct crit_output {
	struct img_sink *sink;
	const char *path; /* NULL: standard output */
	char *target;	  /* the file that path leads to */
	char *temporary;  /* its name until then; NULL: written in place (a device, a pipe), or without a name yet */
	int nameless;	  /* the file that has none until all is written: whoever ends crit leaves nothing; -1 */
};

/* path NULL: standard output. */
int crit_output_open(struct crit_output *out, const char *path, struct img_err *err);
/* All of it is written: give the file its name. The output is gone whatever is returned. */
int crit_output_finish(struct crit_output *out, struct img_err *err);
/* Something failed: leave what was at path as it was, where that can be done. */
void crit_output_abort(struct crit_output *out);

#endif
