/* crit/decode.h -- what decode and show do. */
#ifndef CRIT_DECODE_H
#define CRIT_DECODE_H

#include "criuimg/json.h"

/* The image at path in (NULL: standard input) as JSON to path out (NULL: standard output, and then a newline follows). */
int crit_decode_image(const char *in, const char *out, const struct img_json_options *json, struct img_err *err);

#endif
