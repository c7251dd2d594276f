/* crit/set-output.h -- where a set goes: a directory or an archive, which has its name only once all of it is there. */
#ifndef CRIT_SET_OUTPUT_H
#define CRIT_SET_OUTPUT_H

#include <signal.h>

#include "criuimg/compress.h"
#include "criuimg/convert.h"
#include "criuimg/set.h"
#include "crit.h"

/* What verbs that make sets have in common, as options. */
struct crit_packing {
	bool compress;
	bool json; /* a directory of JSON */
	struct img_zstd_options zstd;
};

/* From the arguments of --level, --threads and --long, each NULL where it was not given; compress is left alone. */
int crit_packing_parse(struct crit_packing *packing, const char *level, const char *threads, const char *wide,
	struct img_err *err);

struct crit_set_output {
	struct img_set *set;
	const char *path;
	char *target;	  /* of a directory: its path without a slash at the end */
	char *temporary;  /* of a directory: its name until then */
	bool replace;	  /* what is there goes away */
	sigset_t signals; /* as they were */
	bool terminal;	  /* progress is shown */
	struct timespec shown;
};

/* path: "-" is an archive to standard output; what ends in .tar, .tar.zst or .tzst an archive (the latter two are compressed, and
 * .tar with packing->compress); all else a directory. replace: a set of that name is replaced by the new one; else a directory that
 * is there must be empty. SIGINT, SIGTERM and SIGHUP are held back until the end: crit_set_progress() sees them. */
int crit_set_output_open(struct crit_set_output *out, const char *path, const struct crit_packing *packing,
	bool replace, struct img_err *err);
/* ret: what making the set gave. Gives it its name, or takes it away. Returns ret, or -1. */
int crit_set_output_close(struct crit_set_output *out, int ret, struct img_err *err);
/* As progress of struct img_convert_options, with the output as arg. */
int crit_set_progress(void *out, uint64_t done, uint64_t total);
/* As lost. */
void crit_set_lost(void *out, const char *what);

/* Is this the name of an archive; of one that is compressed? */
bool crit_is_archive_name(const char *path, bool *zstd);
/* Is a part of the set in a directory of its own, with pages that several tasks share? In another place it has to be flat. 1, 0, -1. */
int crit_is_forked(struct img_set *set, struct img_err *err);
/* The parent of a set as a link in (or beside) path has it: 1 with *link (to be freed), 0 when there is none, -1. */
int crit_parent_link(struct img_set *set, const char *in, const char *path, char **link, struct img_err *err);

#endif
