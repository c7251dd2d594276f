/* imagefmt/convert/json-extra.c -- from the member `extra` to what an image has after a record, by kind: the way back of
 * json-payload.c. */

#include "convert/json-encode.h"

#include <string.h>

#include "convert/json-unbytes.h"
#include "criuimg/array.h"
#include "ipc-msg.pb-c.h"
#include "ipc-sem.pb-c.h"
#include "ipc-shm.pb-c.h"
#include "tcp-stream.pb-c.h"

#define PIECE 16384

int json_extra_bytes(struct json_encode *e, struct img_writer *writer, uint64_t *total, struct img_err *err)
{
	struct json_unbase64 state = { 0 };
	char text[PIECE];
	uint8_t data[PIECE];
	ssize_t got;
	size_t n;

	*total = 0;
	if (json_string_begin(e->in, err) < 0)
		return -1;
	while ((got = json_string_piece(e->in, text, sizeof(text), err)) > 0) {
		if (!json_unbase64(&state, text, got, data, &n))
			return json_in_fail(e->in, err, "this is not base64");
		if ((writer ? img_write_payload(writer, data, n, err) : img_sink_write(e->sink, data, n, err)) < 0)
			return -1;
		*total += n;
	}
	if (got == 0 && !json_unbase64_end(&state))
		return json_in_fail(e->in, err, "base64 that ends in the middle");
	return got;
}

/* ---- the kinds ---- */

static int bytes_extra(struct json_encode *e, const ProtobufCMessage *msg, struct img_err *err)
{
	uint64_t total;

	return json_extra_bytes(e, e->writer, &total, err);
}

/* camel: how go-criu spells it. */
static int tcp_queue(struct json_encode *e, const char *name, const char *camel, uint32_t len, struct img_err *err)
{
	const char *key;
	size_t key_len;
	uint64_t total;
	int ret = json_more(e->in, '{', err);

	if (ret < 0 || (ret && json_read_key(e->in, &key, &key_len, err) < 0))
		return -1;
	if (!ret || key_len != strlen(name) || (memcmp(key, name, key_len) && memcmp(key, camel, key_len)))
		return json_in_fail(e->in, err, "%s belongs here", name);
	if (json_extra_bytes(e, e->writer, &total, err) < 0)
		return img_wrap(err, "%s", name);
	if (total != len)
		return json_in_fail(e->in, err, "%s has %llu bytes, %s_len says %u", name, (unsigned long long)total, name, len);
	return 0;
}

static int tcp_extra(struct json_encode *e, const ProtobufCMessage *msg, struct img_err *err)
{
	const TcpStreamEntry *tcp = (const TcpStreamEntry *)msg;
	int ret;

	if (json_enter(e->in, '{', err) < 0 || tcp_queue(e, "inq", "inQ", tcp->inq_len, err) < 0 ||
		tcp_queue(e, "outq", "outQ", tcp->outq_len, err) < 0)
		return -1;
	ret = json_more(e->in, '{', err);
	return ret > 0 ? json_in_fail(e->in, err, "more than inq and outq") : ret;
}

static int sem_extra(struct json_encode *e, const ProtobufCMessage *msg, struct img_err *err)
{
	int ret;

	if (json_enter(e->in, '[', err) < 0)
		return -1;
	while ((ret = json_more(e->in, '[', err)) > 0) {
		struct json_number n;
		uint8_t le[2];

		if (json_read_number(e->in, &n, err) < 0)
			return -1;
		if (n.negative || n.magnitude > UINT16_MAX)
			return json_in_fail(e->in, err, "the value of a semaphore has 16 bits");
		le[0] = n.magnitude & 0xff;
		le[1] = n.magnitude >> 8;
		if (img_write_payload(e->writer, le, sizeof(le), err) < 0)
			return -1;
	}
	return ret;
}

static int msg_extra(struct json_encode *e, const ProtobufCMessage *msg, struct img_err *err)
{
	uint64_t total;
	int ret;

	if (json_enter(e->in, '[', err) < 0)
		return -1;
	while ((ret = json_more(e->in, '[', err)) > 0) {
		ProtobufCMessage *one;

		if (json_build(&e->builder, &ipc_msg__descriptor, &one, err) < 0 || img_write(e->writer, one, err) < 0)
			return -1;
		ret = json_more(e->in, '[', err);
		if (ret < 0)
			return -1;
		if (ret == 0)
			return json_in_fail(e->in, err, "a message without its text");
		if (json_extra_bytes(e, e->writer, &total, err) < 0)
			return -1;
	}
	return ret;
}

static int shm_extra(struct json_encode *e, const ProtobufCMessage *msg, struct img_err *err)
{
	const IpcShmEntry *shm = (const IpcShmEntry *)msg;
	uint64_t total;

	/* What stands for the content of a segment that lives in page maps is the rest of the image: see shm_swallows() in
	 * json-payload.c. */
	return json_extra_bytes(e, shm->has_in_pagemaps && shm->in_pagemaps ? NULL : e->writer, &total, err);
}

/* ---- the table ---- */

static const struct {
	enum img_kind kind;
	int (*extra)(struct json_encode *e, const ProtobufCMessage *msg, struct img_err *err);
} rows[] = {
	{ IMG_PIPES_DATA, bytes_extra },
	{ IMG_FIFO_DATA, bytes_extra },
	{ IMG_SK_QUEUES, bytes_extra },
	{ IMG_BPFMAP_DATA, bytes_extra },
	{ IMG_TCP_STREAM, tcp_extra },
	{ IMG_IPCNS_SHM, shm_extra },
	{ IMG_IPCNS_SEM, sem_extra },
	{ IMG_IPCNS_MSG, msg_extra },
	{ IMG_GHOST_FILE, bytes_extra },
};

int json_extra(struct json_encode *e, const ProtobufCMessage *msg, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].kind != e->kind)
			continue;
		return rows[i].extra(e, msg, err) < 0 ? img_wrap(err, "extra") : 0;
	}
	return json_in_fail(e->in, err, "extra: there is none in %s images", img_kind_info(e->kind)->name);
}
