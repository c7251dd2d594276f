/* crit/host.h -- what a host must be able to do for a set, and what one can. */
#ifndef CRIT_HOST_H
#define CRIT_HOST_H

#include <jansson.h>
#include <stdbool.h>

#include "x.h"

/* One row per feature. */
struct feature {
	const char *word;
	const char *about;
	bool (*have)(const struct feature *feature); /* does this host have it, told by trying without privilege */
	const char *path;			     /* what `have` looks at: a file, */
	long call;				     /* or a system call */
	/* What in a set asks for it: any of these. */
	enum img_kind kind; /* an image with records */
	FdTypes type;	    /* an open file */
	int ns;		    /* a namespace of its own: enum ns_kind; -1 */
};

extern const struct feature host_features[];
extern const size_t host_nr_features;

/* {"arch": ..., "kernel": ..., "page_size": ..., "cpu_features": [...], "features": [...], "requires": [...], "filesystems": [...]} of this
 * host; NULL without memory. */
json_t *host_describe(void);
/* The description in a file, of this host when path is NULL. */
json_t *host_read(const char *path, struct img_err *err);

#endif
