/* imagefmt/convert/json-payload.c -- the member `extra`: what an image has after a record, by kind.
 *
 * One row per kind that has something. `extra` is base64 unless the kind knows better; without payloads ("--nopl") it is
 * "... <size>".
 */

#include "convert/json-image.h"

#include <string.h>

#include "convert/json-names.h"
#include "criuimg/array.h"
#include "ghost-file.pb-c.h"
#include "ipc-msg.pb-c.h"
#include "ipc-sem.pb-c.h"
#include "ipc-shm.pb-c.h"
#include "tcp-stream.pb-c.h"

/* Payloads pass through in pieces of this size. */
#define PIECE 16384

/* The next len bytes of the payload as a string of base64; they are there, or it is a failure. */
static int base64_of_payload(struct json_image *image, uint64_t len, struct img_err *err)
{
	struct json_base64 b64;
	uint8_t piece[PIECE];

	json_base64_begin(&b64, image->out);
	while (len) {
		ssize_t n = img_read_payload(image->reader, piece, len < sizeof(piece) ? len : sizeof(piece), err);

		if (n < 0)
			return -1;
		if (n == 0)
			return img_fail(err, IMG_CORRUPT, "payload: %llu bytes are missing", (unsigned long long)len);
		json_base64_add(&b64, piece, n);
		len -= n;
	}
	json_base64_end(&b64);
	return 0;
}

void json_payload_size(struct json_out *out, uint64_t size)
{
	char text[JSON_TEXT_MAX];

	json_size_text(text, size);
	json_member(out, "extra");
	json_raw(out, "\"... <", 6);
	json_raw(out, text, strlen(text));
	json_raw(out, ">\"", 2);
}

/* ---- the kinds ---- */

/* The payload as it is. */
static int bytes_extra(struct json_image *image, const ProtobufCMessage *msg, struct img_err *err)
{
	json_member(image->out, "extra");
	return base64_of_payload(image, img_read_payload_left(image->reader), err);
}

static int bytes_size(struct json_image *image, const ProtobufCMessage *msg, uint64_t *size, struct img_err *err)
{
	*size = img_read_payload_left(image->reader);
	return 0;
}

/* A ghost file's content to the end of the image, or that of one chunk. The record in front of chunks has none. */
static int ghost_extra(struct json_image *image, const ProtobufCMessage *msg, struct img_err *err)
{
	struct json_base64 b64;
	uint8_t piece[PIECE];
	ssize_t n;

	if (msg->descriptor == &ghost_file_entry__descriptor) {
		const GhostFileEntry *ghost = (const GhostFileEntry *)msg;

		if (ghost->has_chunks && ghost->chunks)
			return 0;
	}
	json_member(image->out, "extra");
	json_base64_begin(&b64, image->out);
	while ((n = img_read_payload(image->reader, piece, sizeof(piece), err)) > 0)
		json_base64_add(&b64, piece, n);
	json_base64_end(&b64);
	return n < 0 ? -1 : 0;
}

static int tcp_extra(struct json_image *image, const ProtobufCMessage *msg, struct img_err *err)
{
	const TcpStreamEntry *tcp = (const TcpStreamEntry *)msg;

	json_member(image->out, "extra");
	json_open(image->out, '{');
	json_member(image->out, "inq");
	if (base64_of_payload(image, tcp->inq_len, err) < 0)
		return -1;
	json_member(image->out, "outq");
	if (base64_of_payload(image, tcp->outq_len, err) < 0)
		return -1;
	json_close(image->out, '}');
	return 0;
}

static int sem_extra(struct json_image *image, const ProtobufCMessage *msg, struct img_err *err)
{
	const IpcSemEntry *sem = (const IpcSemEntry *)msg;
	uint8_t le[2];

	json_member(image->out, "extra");
	json_open(image->out, '[');
	for (uint32_t i = 0; i < sem->nsems; i++) {
		for (size_t have = 0; have < sizeof(le);) {
			ssize_t n = img_read_payload(image->reader, le + have, sizeof(le) - have, err);

			if (n < 0)
				return -1;
			if (n == 0)
				return img_fail(err, IMG_CORRUPT, "semaphore %u is missing", i);
			have += n;
		}
		json_item(image->out);
		json_unsigned(image->out, le[0] | le[1] << 8);
	}
	json_close(image->out, ']');
	return 0;
}

/* The next message of the queue that is being shown. */
static int next_message(struct json_image *image, ProtobufCMessage **msg, struct img_err *err)
{
	return img_read_one(image->reader, &ipc_msg__descriptor, msg, err);
}

/* The messages of a queue are records of the image; crit shows them as what belongs to the queue: each one's record,
 * then its text. */
static int msg_extra(struct json_image *image, const ProtobufCMessage *queue, struct img_err *err)
{
	uint32_t n = ((const IpcMsgEntry *)queue)->qnum;

	json_member(image->out, "extra");
	json_open(image->out, '[');
	while (n--) {
		ProtobufCMessage *msg;

		if (next_message(image, &msg, err) < 0)
			return -1;
		json_item(image->out);
		json_message(image->out, &image->types, msg);
		img_message_free(msg);
		json_item(image->out);
		if (base64_of_payload(image, img_read_payload_left(image->reader), err) < 0)
			return -1;
	}
	json_close(image->out, ']');
	return 0;
}

static int msg_size(struct json_image *image, const ProtobufCMessage *queue, uint64_t *size, struct img_err *err)
{
	uint32_t n = ((const IpcMsgEntry *)queue)->qnum;

	*size = 0;
	while (n--) {
		ProtobufCMessage *msg;

		if (next_message(image, &msg, err) < 0)
			return -1;
		*size += protobuf_c_message_get_packed_size(msg) + img_read_payload_left(image->reader);
		img_message_free(msg);
	}
	return 0;
}

/* crit does not know in_pagemaps: it shows as the content of such a segment what the image goes on with, which are the
 * records of the other segments, where they are no longer than the segment. So do we, where that takes all of the rest;
 * where it would end in the middle of the image the segment has no `extra`, and the other records follow. */
static bool shm_swallows(struct json_image *image, const IpcShmEntry *shm)
{
	int64_t size = img_source_size(img_reader_source(image->reader));
	uint64_t at = img_reader_position(image->reader);

	return size >= 0 && (uint64_t)size >= at && (uint64_t)size - at <= shm->size;
}

static bool shm_in_pagemaps(const IpcShmEntry *shm)
{
	return shm->has_in_pagemaps && shm->in_pagemaps;
}

static int shm_extra(struct json_image *image, const ProtobufCMessage *msg, struct img_err *err)
{
	const IpcShmEntry *shm = (const IpcShmEntry *)msg;
	struct json_base64 b64;
	uint8_t piece[PIECE];
	ssize_t n;

	if (!shm_in_pagemaps(shm))
		return bytes_extra(image, msg, err);
	if (!shm_swallows(image, shm))
		return 0;
	json_member(image->out, "extra");
	json_base64_begin(&b64, image->out);
	while ((n = img_source_read(img_reader_source(image->reader), piece, sizeof(piece), err)) > 0)
		json_base64_add(&b64, piece, n);
	json_base64_end(&b64);
	return n < 0 ? -1 : 0;
}

static int shm_size(struct json_image *image, const ProtobufCMessage *msg, uint64_t *size, struct img_err *err)
{
	const IpcShmEntry *shm = (const IpcShmEntry *)msg;
	struct img_source *src = img_reader_source(image->reader);

	*size = shm->size;
	if (!shm_in_pagemaps(shm))
		return 0;
	if (!shm_swallows(image, shm))
		return 1;
	return img_source_skip(src, img_source_size(src) - img_reader_position(image->reader), err);
}

/* ---- the table ---- */

struct payload_row {
	enum img_kind kind;
	int (*extra)(struct json_image *image, const ProtobufCMessage *msg, struct img_err *err);
	/* What --nopl shows: *size; 1: no `extra` at all. NULL: the kind never has one then. */
	int (*size)(struct json_image *image, const ProtobufCMessage *msg, uint64_t *size, struct img_err *err);
};

static const struct payload_row rows[] = {
	{ IMG_PIPES_DATA, bytes_extra, bytes_size },
	{ IMG_FIFO_DATA, bytes_extra, bytes_size },
	{ IMG_SK_QUEUES, bytes_extra, bytes_size },
	{ IMG_BPFMAP_DATA, bytes_extra, bytes_size },
	{ IMG_TCP_STREAM, tcp_extra, bytes_size },
	{ IMG_IPCNS_SHM, shm_extra, shm_size },
	{ IMG_IPCNS_SEM, sem_extra, bytes_size },
	{ IMG_IPCNS_MSG, msg_extra, msg_size },
	{ IMG_GHOST_FILE, ghost_extra, NULL },
};

static const struct payload_row *row_of(enum img_kind kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].kind == kind)
			return &rows[i];
	return NULL;
}

bool json_has_payload(enum img_kind kind)
{
	return row_of(kind);
}

int json_payload(struct json_image *image, const ProtobufCMessage *msg, struct img_err *err)
{
	const struct payload_row *row = row_of(img_reader_kind(image->reader));
	uint64_t size;
	int ret;

	if (!row)
		return 0;
	if (!image->no_payload)
		return row->extra(image, msg, err);
	if (!row->size)
		return 0;
	ret = row->size(image, msg, &size, err);
	if (ret == 0)
		json_payload_size(image->out, size);
	return ret < 0 ? -1 : 0;
}
