/* engines/fd/inet/stream-restore.c -- tcp-stream-<ino>.img: read, and found to be possible. */

#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "criu-restore/inet-own.h"
#include "criu-restore/restore.h"
#include "criuimg/image.h"

enum {
	QUEUE_MAX = 1 << 30, /* bytes: half of what a buffer of a socket can be made */
	WSCALE_MAX = 14,     /* RFC 7323 */
};

static int check(const TcpStreamEntry *ts, struct img_err *err)
{
	if (ts->inq_len > QUEUE_MAX || ts->outq_len > QUEUE_MAX)
		return img_fail(err, IMG_CORRUPT, "queues of %u and %u bytes", ts->inq_len, ts->outq_len);
	if (ts->has_unsq_len && ts->unsq_len > ts->outq_len)
		return img_fail(err, IMG_CORRUPT, "%u bytes were not sent, of %u", ts->unsq_len, ts->outq_len);
	if (ts->snd_wscale > WSCALE_MAX || ts->rcv_wscale > WSCALE_MAX)
		return img_fail(err, IMG_CORRUPT, "windows are shifted by %u and %u bits", ts->snd_wscale, ts->rcv_wscale);
	return 0;
}

static int read_queue(struct img_reader *reader, size_t len, char **data, struct img_err *err)
{
	*data = malloc(len ? len : 1);
	if (!*data)
		return img_fail_nomem(err);
	for (size_t done = 0; done < len;) {
		ssize_t n = img_read_payload(reader, *data + done, len - done, err);

		if (n < 0)
			return -1;
		if (!n)
			return img_fail(err, IMG_CORRUPT, "ends within a queue");
		done += (size_t)n;
	}
	return 0;
}

static int read_all(struct img_reader *reader, struct inet_stream *s, struct img_err *err)
{
	ProtobufCMessage *msg;

	if (img_read_one(reader, &tcp_stream_entry__descriptor, &msg, err) < 0)
		return -1;
	s->rec = (TcpStreamEntry *)msg;
	if (check(s->rec, err) < 0 || read_queue(reader, s->rec->inq_len, &s->inq, err) < 0)
		return -1;
	return read_queue(reader, s->rec->outq_len, &s->outq, err);
}

int inet_stream_read(struct restore *r, const InetSkEntry *isk, struct inet_stream *s, struct img_err *err)
{
	struct img_reader *reader;
	int ret;

	*s = (struct inet_stream){ 0 };
	if (img_reader_open(r->set, IMG_TCP_STREAM, isk->ino, &reader, err) < 0)
		return -1;
	ret = read_all(reader, s, err);
	img_reader_close(reader);
	if (ret == 0)
		return 0;
	inet_stream_free(s);
	return img_wrap(err, "tcp-stream-%x.img", isk->ino);
}

int inet_stream_there(struct restore *r, const InetSkEntry *isk, struct inet_stream *s, struct img_err *err)
{
	char name[IMG_NAME_MAX];
	int there = img_set_has(r->set, img_kind_file_name(IMG_TCP_STREAM, isk->ino, name), err);

	return there > 0 ? inet_stream_read(r, isk, s, err) : there;
}

void inet_stream_free(struct inet_stream *s)
{
	if (s->rec)
		tcp_stream_entry__free_unpacked(s->rec, NULL);
	free(s->inq);
	free(s->outq);
	*s = (struct inet_stream){ 0 };
}

uint32_t inet_stream_unsent(const struct inet_stream *s)
{
	return s->rec->has_unsq_len ? s->rec->unsq_len : 0;
}
