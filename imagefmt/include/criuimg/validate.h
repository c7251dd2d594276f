/* criuimg/validate.h -- is a set of images whole, does it agree with itself, can a host take it.
 *
 * A list of checks that report through a callback and do not stop at the first finding. Nothing is changed, nothing is printed.
 * What the checks are: docs/format.md has the rules, imagefmt/validate/ one file per group of them.
 */
#ifndef CRIUIMG_VALIDATE_H
#define CRIUIMG_VALIDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "criuimg/err.h"
#include "criuimg/set.h"

#ifdef __cplusplus
extern "C" {
#endif

enum img_severity {
	IMG_NOTE,    /* worth knowing: an old form, something that could not be looked at */
	IMG_WARNING, /* unusual; a restore may or may not mind */
	IMG_ERROR,   /* the set is not what its writer meant, or this host cannot take it */
};

/* "note", "warning", "error". */
const char *img_severity_name(enum img_severity severity);

/* All strings are valid during the call of report only. */
struct img_finding {
	enum img_severity severity;
	enum img_code code; /* of an error: IMG_CORRUPT or IMG_UNSUPPORTED; else IMG_OK */
	const char
		*check; /* the word of the check: "files", "pages"; a closed list, see img_validate_check() */
	const char *file;  /* the image; "" for the set as a whole; "parent" for the link of that name */
	int64_t entry;	   /* which record of it, from 0; -1: none in particular */
	const char *field; /* of that record: "reg.mnt_id", "vmas[3].shmid"; "" for none in particular */
	const char *text;  /* what is wrong: the number that is there and the one that would be right */
};

/* What a host can do. Whoever asks fills it in; what is NULL or 0 is not held against the set. */
struct img_host {
	const char *arch; /* uname(2) machine: "x86_64" */
	uint32_t page_size;
	const char *const *cpu_features; /* words of /proc/cpuinfo "flags" */
	size_t nr_cpu_features;
	const char *const *features; /* the words of `requires` that it and its restorer know */
	size_t nr_features;
};

struct img_validate_options {
	const struct img_host *host; /* NULL: only the set */
	bool no_digests;	     /* not to read all the data: sizes alone are held against the manifest */
};

struct img_validate_result {
	uint64_t errors, warnings, notes;
	bool unsupported; /* all errors are IMG_UNSUPPORTED: the set is whole, and not for this host or this program */
};

/* Look at the set. opt may be NULL. A nonzero return of report ends the work early. Returns 0 when all was looked at (the verdict
 * is in *result), -1 when it could not look: no memory, no access. Memory: what the small images take, and 32 bytes for
 * each run of a page map. */
int img_validate(struct img_set *set, const struct img_validate_options *opt,
	int (*report)(void *arg, const struct img_finding *finding), void *arg,
	struct img_validate_result *result, struct img_err *err);

/* The checks: the word of number n and what it looks at, NULL behind the last. */
const char *img_validate_check(size_t n, const char **about);

#ifdef __cplusplus
}
#endif
#endif
