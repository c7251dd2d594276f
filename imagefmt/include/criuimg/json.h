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

/* ---- a set as a directory of JSON: a file NAME.json for each image NAME ---- */

struct img_json_set_options {
	/* Told of each image that is there as it is, since JSON does not say all of it (unknown fields, damage). NULL: nobody is. */
	void (*note)(void *arg, const char *name);
	void *arg;
};

/* As img_set_open_dir(); what is in the set is made of the JSON when it is asked for. */
struct img_set *img_set_open_json(int dirfd, const char *path, struct img_err *err);
/* As img_set_create_dir(). Each image is written as JSON, in its pretty form, if the same bytes can be made of that again; page images, what is no image
 * and the rest as they are. So a set that is copied there and back is the same. opt may be NULL. */
struct img_set *img_set_create_json(int dirfd, const char *path, const struct img_json_set_options *opt, struct img_err *err);
/* Is this directory such a one: 1, 0 (also when it is no directory, or not there), -1. */
int img_set_is_json(int dirfd, const char *path, struct img_err *err);

#ifdef __cplusplus
}
#endif
#endif
