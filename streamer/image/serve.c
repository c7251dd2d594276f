/* streamer/image/serve.c -- from the shards into memory, and from there to a restore that asks for one file after the other. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "streamer/image/image.h"

#define SOCKET_NAME "streamer-serve.sock"

enum { PIPE_SIZE = 1 << 20 };

/* A file on its way to the engine. */
struct sending {
	struct kept_file *file;
	int pipe;
};

struct serve {
	const struct streamer *s;
	struct keep *keep;
	struct kept_file *current; /* NULL: goes to ext */
	int ext;		   /* its descriptor, or -1 */
	bool *ext_seen;
	int sock;
	struct sending *items;
	size_t nr, room;
	struct pollfd *polls;
};

/* ---- from the shards ---- */

static int on_file(void *arg, const char *name, struct img_err *err)
{
	struct serve *v = arg;

	v->ext = streamer_ext_fd(v->s, name);
	v->current = v->ext < 0 ? keep_file(v->keep, name) : NULL;
	for (size_t i = 0; v->ext >= 0 && i < v->s->nr_ext; i++)
		v->ext_seen[i] |= !strcmp(v->s->ext[i].name, name);
	return v->ext >= 0 || v->current ? 0 : img_fail_nomem(err);
}

static int on_data(void *arg, int fd, uint32_t len, struct img_err *err)
{
	struct serve *v = arg;

	return v->ext >= 0 ? ext_copy(fd, v->ext, len, err) : kept_append(v->current, fd, len, err);
}

static int on_end(void *arg, struct img_err *err)
{
	struct serve *v = arg;

	if (v->current)
		kept_end(v->current);
	else
		close(v->ext);
	v->current = NULL;
	v->ext = -1;
	return 0;
}

static const struct shard_ops ops = { on_file, on_data, on_end };

static int file_done(void *arg, const char *name, struct kept_file *f, struct img_err *err)
{
	struct serve *v = arg;
	unsigned char *data;
	size_t size;
	int ret;

	if (!kept_ended(f))
		return img_fail(err, IMG_CORRUPT, "%s has no end", name);
	if (!v->s->nr_remaps || !remap_concerns(name))
		return 0;
	if (kept_bytes(f, &data, &size, err) < 0)
		return -1;
	ret = remap_ports(v->s, name, &data, &size, err);
	if (!ret)
		ret = kept_replace(f, data, size, err);
	free(data);
	return ret;
}

static int take_all(struct serve *v, struct img_err *err)
{
	struct shard_stat *stats = calloc(v->s->nr_shards, sizeof(*stats));
	int ret;

	v->keep = keep_new(err);
	v->ext_seen = calloc(v->s->nr_ext + 1, sizeof(*v->ext_seen));
	if (!stats || !v->keep || !v->ext_seen) {
		free(stats);
		return img_fail_nomem(err);
	}
	ret = shards_read(v->s->shards, v->s->nr_shards, &ops, v, stats, err);
	if (!ret)
		ret = keep_each(v->keep, file_done, v, err);
	for (size_t i = 0; !ret && i < v->s->nr_ext; i++)
		if (!v->ext_seen[i])
			ret = img_fail(err, IMG_CORRUPT, "%s is not in the set", v->s->ext[i].name);
	if (!ret)
		progress_stats(v->s->progress, stats, v->s->nr_shards);
	free(stats);
	return ret;
}

/* ---- to the engine ---- */

static int request(struct serve *v, bool *closed, struct img_err *err)
{
	char name[IMAGE_NAME_MAX + 1];
	int ret = control_request(v->sock, name, err);
	struct kept_file *f;
	struct sending *to;

	*closed = ret == 0;
	if (ret <= 0)
		return ret;
	f = keep_take(v->keep, name);
	if (control_reply(v->sock, f, err) < 0) {
		kept_free(f);
		return -1;
	}
	if (!f)
		return 0;
	to = img_array_more(&v->items, v->nr, &v->room);
	if (!to) {
		kept_free(f);
		return img_fail_nomem(err);
	}
	to->file = f;
	to->pipe = control_take_fd(v->sock, err);
	if (to->pipe < 0) {
		kept_free(f);
		return -1;
	}
	v->nr++;
	fcntl(to->pipe, F_SETPIPE_SZ, PIPE_SIZE);
	return 0;
}

/* What fits. Who closes his end early has read what he wanted. */
static int send_some(struct serve *v, size_t i, struct img_err *err)
{
	struct sending *to = &v->items[i];
	int ret = kept_send(to->file, to->pipe);

	if (ret < 0 && errno != EPIPE)
		return img_fail_sys(err, "sending to the engine");
	if (ret == 0)
		return 0;
	close(to->pipe);
	kept_free(to->file);
	*to = v->items[--v->nr];
	return 0;
}

static int round_of(struct serve *v, bool *closed, struct img_err *err)
{
	struct pollfd *polls = reallocarray(v->polls, v->nr + 1, sizeof(*polls));
	size_t nr = v->nr;

	if (!polls)
		return img_fail_nomem(err);
	v->polls = polls;
	polls[0] = (struct pollfd){ .fd = *closed ? -1 : v->sock, .events = POLLIN };
	for (size_t i = 0; i < nr; i++)
		polls[1 + i] = (struct pollfd){ .fd = v->items[i].pipe, .events = POLLOUT };
	while (poll(polls, nr + 1, -1) < 0)
		if (errno != EINTR)
			return img_fail_sys(err, "poll");
	/* From the last one on: those that are done leave their place to it. */
	for (size_t i = nr; i-- > 0;)
		if (polls[1 + i].revents && send_some(v, i, err) < 0)
			return -1;
	return polls[0].revents ? request(v, closed, err) : 0;
}

static int serve(struct serve *v, struct img_err *err)
{
	cleanup_fd int listener = control_listen(v->s, SOCKET_NAME, err);
	bool closed = false;

	if (listener < 0)
		return -1;
	progress_line(v->s->progress, "socket-init\n");
	v->sock = control_accept(v->s, SOCKET_NAME, listener, err);
	if (v->sock < 0)
		return -1;
	while (!closed || v->nr)
		if (round_of(v, &closed, err) < 0)
			return -1;
	return 0;
}

int streamer_serve(const struct streamer *s, struct img_err *err)
{
	struct serve v = { .s = s, .ext = -1, .sock = -1 };
	int ret = take_all(&v, err);

	if (!ret)
		ret = serve(&v, err);
	while (v.nr) {
		close(v.items[--v.nr].pipe);
		kept_free(v.items[v.nr].file);
	}
	free(v.items);
	free(v.polls);
	free(v.ext_seen);
	keep_free(v.keep);
	if (v.sock >= 0)
		close(v.sock);
	return ret;
}
