/* store/streamer-write.c -- a set that goes to an image streamer: a pipe for each member.
 *
 * inventory.img waits until the set is complete: by it a streamer, and whoever is served by it later, sees that a dump was not
 * given up.
 */

#include "store/streamer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "store/set.h"

#define LAST	"inventory.img"
#define LOOK_MS 100

struct streamer {
	struct img_set set;
	int sock;
	int (*go_on)(void *arg, struct img_err *err);
	void *arg;

	pthread_mutex_t lock; /* of all below, and of requests */
	char **names;
	size_t nr, room;
	unsigned char *last; /* the bytes of LAST; NULL: not written yet */
	size_t last_size;
};

static struct streamer *streamer_of(const struct img_set *set)
{
	return (struct streamer *)set;
}

/* ---- bytes into a pipe that may stand still ---- */

static int wait_for_room(struct streamer *w, int fd, struct img_err *err)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	if (poll(&p, 1, LOOK_MS) < 0 && errno != EINTR)
		return img_fail_sys(err, "image streamer: poll");
	return w->go_on ? w->go_on(w->arg, err) : 0;
}

static int pipe_write(struct streamer *w, int fd, const void *buf, size_t len, struct img_err *err)
{
	const char *at = buf;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EAGAIN && wait_for_room(w, fd, err))
			return -1;
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return errno == EPIPE ? img_fail_sys(err, "image streamer: it went away")
					      : img_fail_sys(err, "image streamer: write");
		at += n;
		len -= n;
	}
	return 0;
}

/* The pipe of a new member. */
static int member_pipe(struct streamer *w, const char *name, struct img_err *err)
{
	int fd = -1, ret;

	pthread_mutex_lock(&w->lock);
	ret = img_streamer_ask(w->sock, name, false, &fd, err);
	pthread_mutex_unlock(&w->lock);
	if (ret < 0)
		return -1;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* ---- members ---- */

struct member {
	struct streamer *w;
	int fd; /* -1: LAST */
	unsigned char *buf;
	size_t used, room;
	char name[256];
};

static int member_write(void *self, const void *buf, size_t len, struct img_err *err)
{
	struct member *m = self;

	if (m->fd >= 0)
		return pipe_write(m->w, m->fd, buf, len, err) ? img_wrap(err, "%s", m->name) : 0;
	if (len > m->room - m->used) {
		unsigned char *more = realloc(m->buf, m->used + len);

		if (!more)
			return img_fail_nomem(err);
		m->buf = more;
		m->room = m->used + len;
	}
	memcpy(m->buf + m->used, buf, len);
	m->used += len;
	return 0;
}

static int note_name(struct streamer *w, const char *name, struct img_err *err)
{
	char **at = img_array_more(&w->names, w->nr, &w->room);

	if (at)
		*at = strdup(name);
	if (!at || !*at)
		return img_fail_nomem(err);
	w->nr++;
	return 0;
}

static int member_finish(void *self, struct img_err *err)
{
	struct member *m = self;
	int ret;

	if (m->fd >= 0)
		close(steal_fd(&m->fd));
	pthread_mutex_lock(&m->w->lock);
	if (m->buf || !strcmp(m->name, LAST)) {
		free(m->w->last);
		m->w->last = steal_ptr(&m->buf);
		m->w->last_size = m->used;
	}
	ret = note_name(m->w, m->name, err);
	pthread_mutex_unlock(&m->w->lock);
	return ret;
}

static void member_close(void *self)
{
	struct member *m = self;

	if (m->fd >= 0)
		close(m->fd);
	free(m->buf);
	free(m);
}

static const struct img_sink_ops member_ops = {
	.write = member_write,
	.finish = member_finish,
	.close = member_close,
};

static struct img_sink *streamer_sink(struct img_set *set, const char *name, struct img_err *err)
{
	struct streamer *w = streamer_of(set);
	struct member *m = calloc(1, sizeof(*m));
	struct img_sink *sink = NULL;

	if (!m) {
		img_fail_nomem(err);
		return NULL;
	}
	m->w = w;
	strncpy(m->name, name, sizeof(m->name) - 1);
	m->fd = strcmp(name, LAST) ? member_pipe(w, name, err) : -1;
	if (m->fd >= 0 || !strcmp(name, LAST))
		sink = img_sink_new(&member_ops, m, err);
	if (!sink)
		member_close(m);
	return sink;
}

/* ---- the set ---- */

static int streamer_has(struct img_set *set, const char *name, struct img_err *err)
{
	struct streamer *w = streamer_of(set);
	bool has = false;

	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->nr && !has; i++)
		has = !strcmp(w->names[i], name);
	pthread_mutex_unlock(&w->lock);
	return has;
}

static int streamer_each(struct img_set *set, int (*fn)(void *arg, const char *name, struct img_err *err), void *arg,
	struct img_err *err)
{
	struct streamer *w = streamer_of(set);
	int ret = 0;

	for (size_t i = 0; i < w->nr && !ret; i++)
		ret = fn(arg, w->names[i], err);
	return ret;
}

static int streamer_source(struct img_set *set, const char *name, struct img_source **src_out, struct img_err *err)
{
	return streamer_has(set, name, err) > 0
		       ? img_fail(err, IMG_UNSUPPORTED, "%s: is with the image streamer already", name)
		       : 0;
}

static int streamer_remove(struct img_set *set, const char *name, struct img_err *err)
{
	return streamer_has(set, name, err) > 0
		       ? img_fail(err, IMG_UNSUPPORTED, "%s: is with the image streamer already", name)
		       : 0;
}

/* A byte of it: 1; 0 when it has closed its end, -1. */
static int take_byte(struct streamer *w, char *byte, struct img_err *err)
{
	struct pollfd p = { .fd = w->sock, .events = POLLIN };
	ssize_t n;

	while (poll(&p, 1, LOOK_MS) <= 0)
		if (w->go_on && w->go_on(w->arg, err))
			return -1;
	n = recv(w->sock, byte, 1, 0);
	return n < 0 && errno != ECONNRESET ? img_fail_sys(err, "image streamer") : n > 0;
}

/* Until it has closed its end. Whether all of it is with the shards only one can say that has promised to (criuimg/set.h). */
static int wait_for_it(struct streamer *w, struct img_err *err)
{
	bool promised, done = false;
	char byte;
	int ret;

	shutdown(w->sock, SHUT_WR);
	ret = take_byte(w, &byte, err);
	promised = ret > 0 && byte == IMG_STREAMER_PROMISE;
	if (promised) {
		ret = take_byte(w, &byte, err);
		done = ret > 0 && byte == IMG_STREAMER_DONE;
	}
	if (ret < 0 || !promised || done)
		return ret < 0 ? -1 : 0;
	return img_fail(err, IMG_SYS, "image streamer: it ended before all was written to its shards");
}

static int streamer_finish(struct img_set *set, struct img_err *err)
{
	struct streamer *w = streamer_of(set);
	cleanup_fd int fd = -1;

	if (w->last) {
		fd = member_pipe(w, LAST, err);
		if (fd < 0 || pipe_write(w, fd, w->last, w->last_size, err))
			return img_wrap(err, LAST);
		close(steal_fd(&fd));
	}
	return wait_for_it(w, err);
}

static void streamer_close(struct img_set *set)
{
	struct streamer *w = streamer_of(set);

	for (size_t i = 0; i < w->nr; i++)
		free(w->names[i]);
	free(w->names);
	free(w->last);
	close(w->sock);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

static const struct img_set_ops streamer_ops = {
	.has = streamer_has,
	.each = streamer_each,
	.source = streamer_source,
	.sink = streamer_sink,
	.remove = streamer_remove,
	.finish = streamer_finish,
	.close = streamer_close,
};

struct img_set *img_set_create_streamer(
	int sock, int (*go_on)(void *arg, struct img_err *err), void *arg, struct img_err *err)
{
	struct streamer *w = calloc(1, sizeof(*w));

	if (!w) {
		img_fail_nomem(err);
		return NULL;
	}
	img_set_init(&w->set, &streamer_ops, true);
	pthread_mutex_init(&w->lock, NULL);
	w->sock = sock;
	w->go_on = go_on;
	w->arg = arg;
	return &w->set;
}
