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
/* An image without records (img_kind_info(kind)->framing is IMG_FRAMING_RAW), which crit cannot show, in the same form:
 * one entry that has an `extra` and nothing else. */
int img_json_decode_raw(struct img_source *src, enum img_kind kind, const struct img_json_options *opt,
	struct img_sink *out, struct img_err *err);
/* What `crit info` prints, {"magic": ..., "count": ...} indented, of a reader that has read no record. The count is the
 * one of crit, which goes from record to record by their sizes and takes payloads for records; where that leads nowhere
 * (or the source cannot be read by position) it is the number of entries. */
int img_json_info(struct img_reader *r, struct img_sink *out, struct img_err *err);
/* The same of an image without records: one entry. */
int img_json_info_raw(enum img_kind kind, struct img_sink *out, struct img_err *err);
/* The image that this JSON, compact or pretty or of any other layout, says. `crit encode` of `crit decode` gives the same
 * bytes (v1.1). Nothing is made up: what an image may not lack must be there, and members that mean nothing are refused
 * (IMG_CORRUPT, with the line). json and out stay the caller's. */
int img_json_encode(struct img_source *json, struct img_sink *out, struct img_err *err);

/* Bytes as crit shows the name of a UNIX socket: quoted-printable. */
int img_quoted_printable(const void *data, size_t len, struct img_sink *out, struct img_err *err);

/* One message alone, for tools: {"a": 1, ...} */
int img_json_message(const ProtobufCMessage *msg, const struct img_json_options *opt, struct img_sink *out, struct img_err *err);

#ifdef __cplusplus
}
#endif
#endif
