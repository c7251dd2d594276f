/* streamer/image/capture.c -- from the pipes of a dump to the shards. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/set.h"
#include "streamer/image/image.h"
#include "streamer/image/shard-write.h"

#define SOCKET_NAME "streamer-capture.sock"
/* A dump that was given up does not get so far. */
#define NEEDED	    "inventory.img"

enum { PIPE_SIZE = 1 << 20 };

/* A file on its way. */
struct source {
	int fd; /* a pipe; -1: done */
	bool regular; /* or a file */
	char *name;
	uint64_t bytes;
};

struct capture {
	const struct streamer *s;
	int sock; /* -1: the engine has closed it */
	struct shards_out out;
	struct source *items;
	size_t nr, room;
	size_t next; /* to look at first */
	size_t current; /* whose name was written last; SIZE_MAX: none */
	struct pollfd *polls;
	size_t room_polls;
	bool told;	/* that the checkpoint has begun */
	bool complete;	/* the engine has closed the socket */
	bool has_needed;
};

static int add_source(struct capture *c, const char *name, int fd, struct img_err *err)
{
	struct source *s;
	struct stat st;

	for (size_t i = 0; i < c->nr; i++)
		if (c->items[i].fd >= 0 && !strcmp(c->items[i].name, name))
			return img_fail(err, IMG_CORRUPT, "%s comes twice", name);
	s = img_array_more(&c->items, c->nr, &c->room);
	if (s)
		s->name = strdup(name);
	if (!s || !s->name)
		return img_fail_nomem(err);
	s->fd = fd;
	s->regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	c->nr++;
	fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
	return 0;
}

/* ---- the engine ---- */

static int request(struct capture *c, struct img_err *err)
{
	char name[IMAGE_NAME_MAX + 1];
	cleanup_fd int fd = -1;
	int ret = control_request(c->sock, name, err);

	if (ret < 0)
		return -1;
	if (ret == 0) {
		c->complete = true;
		return 0;
	}
	if (!c->told)
		progress_line(c->s->progress, "checkpoint-start\n");
	c->told = true;
	fd = control_take_fd(c->sock, err);
	if (fd < 0)
		return -1;
	if (add_source(c, name, fd, err) < 0)
		return -1;
	steal_fd(&fd);
	return 0;
}

/* ---- data ---- */

/* Files that are done. Not for each one: it moves the others. */
static int drop_done(struct capture *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->nr; i++)
		kept += c->items[i].fd >= 0;
	if (c->nr < 64 || kept > c->nr / 2)
		return 0;
	kept = 0;
	for (size_t i = 0; i < c->nr; i++) {
		if (c->items[i].fd < 0) {
			free(c->items[i].name);
			continue;
		}
		if (c->current == i)
			c->current = kept;
		c->items[kept++] = c->items[i];
	}
	if (c->current >= kept)
		c->current = SIZE_MAX;
	c->nr = kept;
	return 0;
}

static int name_out(struct capture *c, struct shard_out *to, size_t i, struct img_err *err)
{
	if (c->current == i)
		return 0;
	c->current = i;
	return shard_out_marker(&c->out, to, MARKER_FILE, c->items[i].name, err);
}

static int end_out(struct capture *c, struct shard_out *to, size_t i, struct img_err *err)
{
	struct source *s = &c->items[i];

	if (name_out(c, to, i, err) < 0 || shard_out_marker(&c->out, to, MARKER_FILE_END, NULL, err) < 0)
		return -1;
	close(steal_fd(&s->fd));
	c->current = SIZE_MAX;
	if (!strcmp(s->name, NEEDED) && s->bytes)
		c->has_needed = true;
	return shard_out_push(to, err);
}

/* Something of it, to a shard that takes something. 1: done; 0: no shard does, or there is nothing yet. */
static int move_some(struct capture *c, size_t i, bool at_end, struct img_err *err)
{
	struct source *s = &c->items[i];
	struct shard_out *to;
	int there = 0;

	if (shards_out_busy(&c->out, s->fd))
		return 0;
	if (ioctl(s->fd, FIONREAD, &there) < 0)
		return img_fail_sys(err, "%s", s->name);
	if (there <= 0 && !at_end && !s->regular)
		return 0;
	if (there > PIPE_SIZE)
		there = PIPE_SIZE;
	to = shards_out_free(&c->out);
	if (!to)
		return 0;
	if (there <= 0)
		return end_out(c, to, i, err) < 0 ? -1 : 1;
	if (name_out(c, to, i, err) < 0 || shard_out_data(&c->out, to, s->fd, there, err) < 0)
		return -1;
	s->bytes += there;
	return shard_out_push(to, err) < 0 ? -1 : 1;
}

/* ---- waiting ---- */

static int make_polls(struct capture *c, struct img_err *err)
{
	size_t need = c->nr + c->out.nr + 1;

	if (need > c->room_polls) {
		struct pollfd *polls = reallocarray(c->polls, need * 2, sizeof(*polls));

		if (!polls)
			return img_fail_nomem(err);
		c->polls = polls;
		c->room_polls = need * 2;
	}
	return 0;
}

/* Sources are looked at only while a shard is free, and each shard only while it has something. */
static int wait_for_any(struct capture *c, struct img_err *err)
{
	struct pollfd *p;
	bool can_take = false;

	if (make_polls(c, err) < 0)
		return -1;
	p = c->polls + 1 + c->out.nr;
	for (size_t i = 0; i < c->out.nr; i++) {
		const struct shard_out *s = &c->out.items[i];

		c->polls[1 + i] = (struct pollfd){ .fd = s->staged ? s->fd : -1, .events = POLLOUT };
		can_take |= shard_out_empty(s);
	}
	c->polls[0] = (struct pollfd){ .fd = c->complete ? -1 : c->sock, .events = POLLIN };
	for (size_t i = 0; i < c->nr; i++)
		p[i] = (struct pollfd){
			.fd = can_take && c->items[i].fd >= 0 && !shards_out_busy(&c->out, c->items[i].fd)
				      ? c->items[i].fd
				      : -1,
			.events = POLLIN,
		};
	while (poll(c->polls, c->nr + c->out.nr + 1, -1) < 0)
		if (errno != EINTR)
			return img_fail_sys(err, "poll");
	return 0;
}

static int round_of(struct capture *c, struct img_err *err)
{
	size_t nr = c->nr;
	const struct pollfd *p;

	if (wait_for_any(c, err) < 0)
		return -1;
	p = c->polls + 1 + c->out.nr;
	for (size_t i = 0; i < c->out.nr; i++)
		if (c->polls[1 + i].revents && shard_out_push(&c->out.items[i], err) < 0)
			return img_wrap(err, "shard %zu", i);
	/* Each in turn: one that never runs dry does not keep the others waiting. */
	for (size_t k = 0; k < nr; k++) {
		size_t i = (c->next + k) % nr;

		if (!p[i].revents)
			continue;
		if (move_some(c, i, p[i].revents & POLLHUP, err) < 0)
			return img_wrap(err, "%s", c->items[i].name);
	}
	c->next++;
	if (c->polls[0].revents && request(c, err) < 0)
		return -1;
	return drop_done(c);
}

static bool any_open(const struct capture *c)
{
	for (size_t i = 0; i < c->nr; i++)
		if (c->items[i].fd >= 0)
			return true;
	return false;
}

static bool all_out(const struct capture *c)
{
	for (size_t i = 0; i < c->out.nr; i++)
		if (!shard_out_empty(&c->out.items[i]))
			return false;
	return true;
}

static int run(struct capture *c, struct img_err *err)
{
	struct shard_out *last;

	while (!c->complete || any_open(c))
		if (round_of(c, err) < 0)
			return -1;
	if (!c->has_needed)
		return img_fail(err, IMG_CORRUPT, "the dump was given up: it sent no %s", NEEDED);
	while (!(last = shards_out_free(&c->out)))
		if (round_of(c, err) < 0)
			return -1;
	if (shard_out_marker(&c->out, last, MARKER_IMAGE_END, NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < c->out.nr; i++)
		if (shard_out_push(&c->out.items[i], err) < 0)
			return img_wrap(err, "shard %zu", i);
	while (!all_out(c))
		if (round_of(c, err) < 0)
			return -1;
	return 0;
}

/* ---- all of it ---- */

/* For an engine that waits to hear that all of it is with the shards; others never read it. */
static void say(const struct capture *c, char what)
{
	send(c->sock, &what, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int begin(struct capture *c, struct img_err *err)
{
	const struct streamer *s = c->s;
	cleanup_fd int listener = -1;

	if (shards_out_open(&c->out, s->shards, s->nr_shards, err) < 0)
		return -1;
	for (size_t i = 0; i < s->nr_ext; i++)
		if (add_source(c, s->ext[i].name, s->ext[i].fd, err) < 0)
			return -1;
	listener = control_listen(s, SOCKET_NAME, err);
	if (listener < 0)
		return -1;
	progress_line(s->progress, "socket-init\n");
	c->sock = control_accept(s, SOCKET_NAME, listener, err);
	if (c->sock < 0)
		return -1;
	say(c, IMG_STREAMER_PROMISE);
	return 0;
}

static void tell_stats(const struct capture *c)
{
	struct shard_stat *stats = calloc(c->out.nr, sizeof(*stats));

	for (size_t i = 0; stats && i < c->out.nr; i++)
		stats[i] = c->out.items[i].stat;
	if (stats)
		progress_stats(c->s->progress, stats, c->out.nr);
	free(stats);
}

int streamer_capture(const struct streamer *s, struct img_err *err)
{
	struct capture c = { .s = s, .sock = -1, .current = SIZE_MAX };
	int ret = begin(&c, err);

	if (!ret)
		ret = run(&c, err);
	if (!ret) {
		tell_stats(&c);
		say(&c, IMG_STREAMER_DONE);
	}
	for (size_t i = 0; i < c.nr; i++) {
		if (c.items[i].fd >= 0)
			close(c.items[i].fd);
		free(c.items[i].name);
	}
	free(c.items);
	free(c.polls);
	shards_out_close(&c.out);
	if (c.sock >= 0)
		close(c.sock);
	return ret;
}
