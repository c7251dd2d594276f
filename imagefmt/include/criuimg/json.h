/* criuimg/json.h -- images as JSON, byte for byte as CRIU's crit writes them (docs/format.md, "JSON").
 *
 * Streaming: one record at a time, memory use does not depend on the size of the image.
 */
#ifndef CRIUIMG_JSON_H
#define CRIUIMG_JSON_H

#include <stdbool.h>

#include "criuimg/err.h"
#include "criuimg/image.h"
#include "criuimg/io.h"

#ifdef __cplusplus
extern "C" {
#endif

struct img_json_options {
	bool pretty;	 /* decode --pretty: indented, annotated fields in their readable form */
	bool no_payload; /* show --nopl: payloads as their sizes */
};

/* The whole image of r, from its first record, to out. Not followed by a newline. */
int img_json_decode(struct img_reader *r, const struct img_json_options *opt, struct img_sink *out, struct img_err *err);
/* What `crit info` prints: magic, count and payload sizes, as indented JSON. */
int img_json_info(struct img_reader *r, struct img_sink *out, struct img_err *err);
/* One message alone, for tools: {"a": 1, ...} */
int img_json_message(const ProtobufCMessage *msg, const struct img_json_options *opt, struct img_sink *out, struct img_err *err);

#ifdef __cplusplus
}
#endif
#endif
