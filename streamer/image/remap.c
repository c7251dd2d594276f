/* streamer/image/remap.c -- a server that comes back at another port: listening TCP sockets in images of files. */

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "criuimg/io.h"
#include "fdinfo.pb-c.h"
#include "sk-inet.pb-c.h"
#include "streamer/image/image.h"

enum { TCP_STATE_LISTEN = 10 }; /* include/net/tcp_states.h */

/* files.img, and inetsk.img of old sets. */
static const enum img_kind kinds[] = { IMG_FILES, IMG_INETSK };

bool remap_concerns(const char *name)
{
	enum img_kind kind = img_kind_by_file(name, NULL);

	return kind == kinds[0] || kind == kinds[1];
}

static void remap_socket(const struct streamer *s, InetSkEntry *sk)
{
	if (sk->proto != IPPROTO_TCP || sk->state != TCP_STATE_LISTEN)
		return;
	for (size_t i = 0; i < s->nr_remaps; i++)
		if (sk->src_port == s->remaps[i].from) {
			sk->src_port = s->remaps[i].to;
			return;
		}
}

static int copy(const struct streamer *s, enum img_kind kind, struct img_reader *r, struct img_writer *w, struct img_err *err)
{
	ProtobufCMessage *msg;
	int ret;

	while ((ret = img_read(r, &msg, err)) > 0) {
		if (kind == IMG_INETSK)
			remap_socket(s, (InetSkEntry *)msg);
		else if (((FileEntry *)msg)->isk)
			remap_socket(s, ((FileEntry *)msg)->isk);
		ret = img_write(w, msg, err);
		img_message_free(msg);
		if (ret < 0)
			break;
	}
	return ret;
}

/* What was written to a sink in memory, into *data. */
static int take_out(struct img_sink *sink, unsigned char **data, size_t *size, struct img_err *err)
{
	const void *bytes;
	unsigned char *copy;

	if (img_sink_flush(sink, err) < 0)
		return -1;
	bytes = img_sink_memory(sink, size);
	copy = malloc(*size + 1);
	if (!copy)
		return img_fail_nomem(err);
	memcpy(copy, bytes, *size);
	free(*data);
	*data = copy;
	return 0;
}

int remap_ports(const struct streamer *s, const char *name, unsigned char **data, size_t *size, struct img_err *err)
{
	enum img_kind kind = img_kind_by_file(name, NULL);
	struct img_source *src = img_source_memory_new(*data, *size, err);
	struct img_reader *r = src ? img_reader_of_kind(src, kind, err) : NULL;
	struct img_sink *sink = r ? img_sink_memory_new(err) : NULL;
	struct img_writer *w = sink ? img_writer_to_sink(sink, kind, err) : NULL;
	int ret = w ? copy(s, kind, r, w, err) : -1;

	if (!ret)
		ret = take_out(img_writer_sink(w), data, size, err);
	if (r)
		img_reader_close(r);
	else
		img_source_close(src);
	if (w)
		img_writer_abort(w);
	else
		img_sink_abort(sink);
	return ret < 0 ? img_wrap(err, "%s", name) : 0;
}
