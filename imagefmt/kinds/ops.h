/* kinds/ops.h -- what a kind has of its own: other messages between its records, raw bytes after them, checks.
 *
 * The same functions serve the reader and the writer, so that both agree on what an image looks like.
 */
#ifndef IMAGEFMT_KINDS_OPS_H
#define IMAGEFMT_KINDS_OPS_H

#include "criuimg/err.h"
#include "criuimg/kind.h"

/* How far a reader or a writer is in an image. */
struct img_flow {
	const struct img_kind_info *kind;
	uint64_t nr;	  /* records so far */
	uint64_t mine[2]; /* belongs to the kind's ops; zero at the start */
};

/* Raw bytes after a record. */
struct img_payload {
	uint64_t size; /* bytes that mean something */
	uint64_t pad;  /* bytes after them that do not: zero when written, ignored when read */
	bool to_end;   /* everything up to the end of the image; size and pad are unused */
};

struct img_kind_ops {
	/* The message of the next record, NULL when the image cannot have one more. NULL: the row's head, then its entry. */
	const ProtobufCMessageDescriptor *(*next)(const struct img_flow *flow);
	/* A record was read, or is going to be written: check it, say what follows (*payload comes zeroed). flow->nr does
	 * not count it yet. */
	int (*record)(struct img_flow *flow, const ProtobufCMessage *msg, struct img_payload *payload,
		struct img_err *err);
	/* The image ends here: is that where it may end? NULL: anywhere. */
	int (*end)(const struct img_flow *flow, struct img_err *err);
};

/* The message of the next record of an image, or NULL: there can be none. */
const ProtobufCMessageDescriptor *img_flow_next(const struct img_flow *flow);
/* Take one record; see img_kind_ops.record. */
int img_flow_record(
	struct img_flow *flow, const ProtobufCMessage *msg, struct img_payload *payload, struct img_err *err);
int img_flow_end(const struct img_flow *flow, struct img_err *err);

extern const struct img_kind_ops img_pagemap_ops;
extern const struct img_kind_ops img_pipe_data_ops;
extern const struct img_kind_ops img_sk_queues_ops;
extern const struct img_kind_ops img_tcp_stream_ops;
extern const struct img_kind_ops img_ipc_shm_ops;
extern const struct img_kind_ops img_ipc_msg_ops;
extern const struct img_kind_ops img_ipc_sem_ops;
extern const struct img_kind_ops img_ghost_file_ops;
extern const struct img_kind_ops img_bpfmap_data_ops;
extern const struct img_kind_ops img_manifest_ops;

#endif
