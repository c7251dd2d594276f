/* crit/edit.h -- the text of one value in JSON replaced. */
#ifndef CRIT_EDIT_H
#define CRIT_EDIT_H

#include <stddef.h>

#include "criuimg/err.h"

/* text is the JSON of an image; field leads to a value in its entries: "[2].reg.name", "[id=7].isk.src_addr", "tc.comm". A last name
 * that is not there is added. *out is owned by the caller, and not terminated. */
int edit_json(const char *text, size_t size, const char *field, const char *value, char **out, size_t *len, struct img_err *err);

#endif
