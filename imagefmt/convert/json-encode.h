/* imagefmt/convert/json-encode.h -- what the parts of the way from JSON to an image share. */
#ifndef IMAGEFMT_CONVERT_JSON_ENCODE_H
#define IMAGEFMT_CONVERT_JSON_ENCODE_H

#include "convert/json-build.h"
#include "criuimg/image.h"

struct json_encode {
	struct json_in *in;
	struct json_builder builder;
	enum img_kind kind;
	struct img_writer *writer; /* NULL for kinds without records */
	struct img_sink *sink; /* the writer's go through it, unbuffered */
};

/* The value of the member `extra` (its key was read) of the record msg, which is written: append what it stands for. */
int json_extra(struct json_encode *e, const ProtobufCMessage *msg, struct img_err *err);

/* A string of base64, as payload of the record that writer wrote last, or (NULL) straight into the sink, where it comes
 * after all records written so far. *total: bytes. */
int json_extra_bytes(struct json_encode *e, struct img_writer *writer, uint64_t *total, struct img_err *err);

#endif
