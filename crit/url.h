/* crit/url.h -- images that a web server or an object store has: read in place by ranges. */
#ifndef CRIT_URL_H
#define CRIT_URL_H

#include <stdbool.h>

#include "criuimg/err.h"
#include "criuimg/io.h"

struct crit_url;

/* Is this a URL that can be read: http://..., https://... */
bool crit_is_url(const char *path);

/* Look at what is there. Name and password are taken from the URL or from ~/.netrc, a proxy from the environment. NULL on failure, which
 * names the URL. */
struct crit_url *crit_url_open(const char *path, struct img_err *err);
void crit_url_close(struct crit_url *url); /* its sources go on; NULL is fine */
/* Does the server give parts of it? Else its sources are read from front to end. */
bool crit_url_has_ranges(const struct crit_url *url);
/* All of its bytes. For img_set_open_from(). */
struct img_source *crit_url_source(void *url, struct img_err *err);

#endif
