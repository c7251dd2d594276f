/* criuimg/image.h -- the records of one image, read and written.
 *
 * Reading: framing, unpacking, the kind's own checks, then the caller: only checked records get out. Writing is
 * deterministic: the same records give the same bytes. Memory use does not depend on the number of records.
 */
#ifndef CRIUIMG_IMAGE_H
#define CRIUIMG_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "criuimg/err.h"
#include "criuimg/io.h"
#include "criuimg/kind.h"
#include "criuimg/set.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What an image is a sequence of: records, each with payload (raw bytes) behind it where the kind has one. Records of
 * other messages than the kind's entry are in
 *	pagemap-*	the first is pagemap_head
 *	ghost-file-*	the first is ghost_file_entry; only with `chunks` set in it come ghost_chunk_entry, else the rest of
 *			the image is the first one's payload
 *	ipcns-msg-*	each ipc_msg_entry is followed by its `qnum` ipc_msg
 * so look at msg->descriptor there. Payloads: pipes-data and fifo-data `bytes`; sk-queues `length`; tcp-stream the receive
 * queue (inq_len) and then the send queue (outq_len); ipcns-shm `size`, none with in_pagemaps; ipc_msg `msize`; ipcns-sem
 * `nsems` of 16 bits, little-endian; ghost_chunk_entry `len`; bpfmap-data the keys and then the values.
 */

/* The largest record that is read or written, in bytes. */
#define IMG_RECORD_MAX (64u << 20)

/* ---- reading ---- */

struct img_reader;

/* Image id of a kind, from a set: 1 with *r_out, 0 when the set has none, -1. */
int img_reader_open(struct img_set *set, enum img_kind kind, uint64_t id, struct img_reader **r_out, struct img_err *err);
/* From bytes of unknown kind: the magic tells (raw kinds: not possible, fails IMG_CORRUPT "unknown magic"). Takes
 * ownership of src on success. */
struct img_reader *img_reader_from_source(struct img_source *src, struct img_err *err);
/* The same where the caller knows the kind; a different magic is IMG_CORRUPT. */
struct img_reader *img_reader_of_kind(struct img_source *src, enum img_kind kind, struct img_err *err);

enum img_kind img_reader_kind(const struct img_reader *r);
/* 0x10 for v1.0 framing, 0x11 for v1.1 (and for kinds that have only one: inventory, manifest). */
int img_reader_version(const struct img_reader *r);

/* The next record: 1 with *msg (free it with img_message_free()), 0 at the end, -1. Payload of the record before that
 * was not read is skipped. *msg has unknown fields kept. */
int img_read(struct img_reader *r, ProtobufCMessage **msg, struct img_err *err);
/* The next record must be there, and of that message. 0 or -1. Typed: CoreEntry *core; IMG_READ(r, core_entry, &core, err) */
int img_read_one(struct img_reader *r, const ProtobufCMessageDescriptor *type, ProtobufCMessage **msg, struct img_err *err);
#define IMG_READ(r, message, outp, err) img_read_one((r), &message##__descriptor, (ProtobufCMessage **)(outp), (err))
/* The payload after the record last read: how many bytes are left of it, and the bytes (up to len; 0 at its end). Bytes of
 * padding are not part of it. UINT64_MAX: all that is left of a source of unknown size (only a ghost file's content). */
uint64_t img_read_payload_left(const struct img_reader *r);
ssize_t img_read_payload(struct img_reader *r, void *buf, size_t len, struct img_err *err);
/* Position (bytes from the start of the image) of the payload's next byte, for readers that use img_reader_source(). */
uint64_t img_reader_position(const struct img_reader *r);
struct img_source *img_reader_source(struct img_reader *r); /* borrowed */
void img_message_free(ProtobufCMessage *msg);
void img_reader_close(struct img_reader *r); /* NULL is fine */

/* The usual case of a kind with one record: open, read it, see that it is the only one, close. 1, 0 when the set has no
 * such image, -1. Free *msg with img_message_free(). */
int img_read_single(struct img_set *set, enum img_kind kind, uint64_t id, ProtobufCMessage **msg, struct img_err *err);

/* ---- writing ---- */

struct img_writer;

/* A new image of a set, v1.1 framing. NULL on failure. */
struct img_writer *img_writer_create(struct img_set *set, enum img_kind kind, uint64_t id, struct img_err *err);
/* Into a sink (ownership taken on success). */
struct img_writer *img_writer_to_sink(struct img_sink *sink, enum img_kind kind, struct img_err *err);
/* Append a record. It must be of the kind's message (or head). Unknown fields it carries are written too. */
int img_write(struct img_writer *w, const ProtobufCMessage *msg, struct img_err *err);
/* Append payload bytes after the record last written, in as many pieces as you like. All that the record announced must
 * follow, and not more: the next img_write() or the end fails IMG_USAGE otherwise. Padding is added where it belongs. */
int img_write_payload(struct img_writer *w, const void *buf, size_t len, struct img_err *err);
/* Borrowed; for what the format does not know of and someone wrote all the same. */
struct img_sink *img_writer_sink(struct img_writer *w);
/* The end: flush and report. The writer is gone whatever is returned. */
int img_writer_finish(struct img_writer *w, struct img_err *err);
void img_writer_abort(struct img_writer *w); /* NULL is fine */
/* Create, write one record, finish. */
int img_write_single(struct img_set *set, enum img_kind kind, uint64_t id, const ProtobufCMessage *msg, struct img_err *err);

#ifdef __cplusplus
}
#endif
#endif
