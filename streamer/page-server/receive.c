/* streamer/page-server/receive.c -- page maps and pages from a connection into images.
 *
 * Pages go from the socket to the image without passing through our memory where both ends allow it: spliced through a pipe. From a
 * TLS connection, or into a store that is no plain file, they are read into a buffer.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "streamer/page-server/server.h"

enum {
	PIPE_SIZE = 1 << 20, /* what anybody may have (fs.pipe-max-size) */
	BUFFER = 1 << 20,
};

struct received {
	enum img_kind kind;
	uint64_t id;
	uint32_t pages_id;
};

struct page_server_receiver {
	struct page_server *s;
	struct remote_conn *conn;
	struct img_pages_writer *w; /* of maps[nr - 1], NULL: that one is finished */
	struct received *maps;
	size_t nr, room;
	int pipe[2]; /* -1: not made */
	char *buf;
	struct img_pages_reader *parent; /* of the map in the parent, once it was asked for */
	uint64_t
		floor; /* where the last run of the map ended: img_pages_run() calls it the caller's mistake */
};

struct page_server_receiver *page_server_receiver_new(struct page_server *s, struct remote_conn *conn)
{
	struct page_server_receiver *r = calloc(1, sizeof(*r));

	if (r) {
		r->s = s;
		r->conn = conn;
		r->pipe[0] = r->pipe[1] = -1;
	}
	return r;
}

/* ---- which maps ---- */

/* Of two connections that send the same map one is wrong. */
static int claim(struct page_server *s, enum img_kind kind, uint64_t id, struct img_err *err)
{
	struct page_server_open *o;
	int ret = 0;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->nr_open && !ret; i++)
		if (s->open[i].kind == kind && s->open[i].id == id)
			ret = img_fail(err, IMG_CORRUPT, "it is being sent already");
	o = ret ? NULL : img_array_more(&s->open, s->nr_open, &s->room_open);
	if (o) {
		*o = (struct page_server_open){ kind, id };
		s->nr_open++;
	} else if (!ret) {
		ret = img_fail_nomem(err);
	}
	pthread_mutex_unlock(&s->lock);
	return ret;
}

static void unclaim(struct page_server *s, const struct received *m)
{
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->nr_open; i++)
		if (s->open[i].kind == m->kind && s->open[i].id == m->id) {
			s->open[i] = s->open[--s->nr_open];
			break;
		}
	pthread_mutex_unlock(&s->lock);
}

int page_server_in_parent(struct page_server *s, enum img_kind kind, uint64_t id, struct img_err *err)
{
	char name[IMG_NAME_MAX];
	struct img_set *parent;
	int ret;

	img_kind_file_name(kind, id, name);
	pthread_mutex_lock(&s->lock);
	ret = img_set_parent(s->images, &parent, err);
	if (ret > 0)
		ret = img_set_has(parent, name, err);
	pthread_mutex_unlock(&s->lock);
	return ret;
}

static int finish_map(struct page_server_receiver *r, struct img_err *err)
{
	img_pages_close(steal_ptr(&r->parent));
	return r->w ? img_pages_finish(steal_ptr(&r->w), err) : 0;
}

int page_server_receive_map(
	struct page_server_receiver *r, enum img_kind kind, uint64_t id, bool *parent, struct img_err *err)
{
	struct received *m;
	int ret;

	if (finish_map(r, err) < 0)
		return -1;
	ret = page_server_in_parent(r->s, kind, id, err);
	if (ret < 0 || claim(r->s, kind, id, err) < 0)
		return -1;
	*parent = ret;
	m = img_array_more(&r->maps, r->nr, &r->room);
	if (!m) {
		unclaim(r->s, &(struct received){ .kind = kind, .id = id });
		return img_fail_nomem(err);
	}
	*m = (struct received){ .kind = kind, .id = id };
	r->nr++;
	r->floor = 0;
	r->w = img_pages_create(r->s->stage, kind, id, err);
	if (!r->w)
		return -1;
	m->pages_id = img_pages_id(r->w);
	return 0;
}

/* ---- their pages ---- */

static int lost(struct img_err *err)
{
	errno = ECONNRESET;
	return img_fail_sys(err, "the connection was lost in the middle of pages");
}

static int make_pipe(struct page_server_receiver *r, struct img_err *err)
{
	if (r->pipe[0] >= 0)
		return 0;
	if (pipe2(r->pipe, O_CLOEXEC) < 0)
		return img_fail_sys(err, "pipe");
	fcntl(r->pipe[1], F_SETPIPE_SZ, PIPE_SIZE); /* smaller does it, too */
	return 0;
}

static int splice_data(
	struct page_server_receiver *r, int fd, uint64_t offset, uint64_t len, struct img_err *err)
{
	loff_t at = offset;

	while (len) {
		ssize_t got = splice(r->conn->fd, NULL, r->pipe[1], NULL, len < PIPE_SIZE ? len : PIPE_SIZE,
			SPLICE_F_MOVE | SPLICE_F_MORE);

		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0 || (got < 0 && errno == ECONNRESET))
			return lost(err);
		if (got < 0)
			return img_fail_sys(err, "receiving pages");
		len -= got;
		while (got) {
			ssize_t put = splice(r->pipe[0], NULL, fd, &at, got, SPLICE_F_MOVE);

			if (put < 0 && errno == EINTR)
				continue;
			if (put <= 0)
				return img_fail_sys(err, "writing pages");
			got -= put;
		}
	}
	return 0;
}

static int copy_data(struct page_server_receiver *r, uint64_t len, struct img_err *err)
{
	if (!r->buf)
		r->buf = malloc(BUFFER);
	if (!r->buf)
		return img_fail_nomem(err);
	while (len) {
		struct iovec iov = { r->buf, len < BUFFER ? len : BUFFER };

		if (remote_recv_all(r->conn, r->buf, iov.iov_len, err) < 0)
			return -1;
		len -= iov.iov_len;
		if (img_pages_data(r->w, &iov, 1, err) < 0)
			return -1;
	}
	return 0;
}

static int receive_data(struct page_server_receiver *r, uint64_t len, struct img_err *err)
{
	uint64_t offset;
	int fd = r->conn->tls ? -1 : img_pages_data_fd(r->w, &offset, NULL);

	if (fd < 0)
		return copy_data(r, len, err);
	if (make_pipe(r, err) < 0 || splice_data(r, fd, offset, len, err) < 0)
		return -1;
	return img_pages_data_moved(r->w, len, err);
}

static int open_parent(struct page_server_receiver *r, struct img_err *err)
{
	const struct received *m = &r->maps[r->nr - 1];
	struct img_set *parent;
	int ret;

	if (r->parent)
		return 0;
	pthread_mutex_lock(&r->s->lock);
	ret = img_set_parent(r->s->images, &parent, err);
	if (ret > 0)
		ret = img_pages_open(parent, m->kind, m->id, &r->parent, err);
	pthread_mutex_unlock(&r->s->lock);
	return ret == 0 ? img_fail(err, IMG_CORRUPT, "there is no parent to have pages") : ret < 0 ? -1 : 0;
}

/* Does the parent have what is said to be in it? */
static int check_parent(struct page_server_receiver *r, uint64_t addr, uint64_t nr_pages, struct img_err *err)
{
	uint64_t end = addr + nr_pages * IMG_PAGE;
	const struct img_run *runs;
	size_t nr, i;

	if (open_parent(r, err) < 0)
		return -1;
	runs = img_pages_runs(r->parent, &nr);
	for (i = img_pages_find(r->parent, addr); i < nr && runs[i].addr <= addr && addr < end; i++)
		addr = runs[i].addr + runs[i].nr_pages * IMG_PAGE;
	if (addr < end)
		return img_fail(err, IMG_CORRUPT, "the parent has no page at %#" PRIx64, addr);
	return 0;
}

static int check_run(
	struct page_server_receiver *r, uint64_t addr, uint64_t nr_pages, uint32_t flags, struct img_err *err)
{
	if (!r->w)
		return img_fail(err, IMG_CORRUPT, "pages before it was said whose");
	if (addr % IMG_PAGE || !nr_pages || nr_pages > (UINT64_MAX - addr) / IMG_PAGE)
		return img_fail(err, IMG_CORRUPT, "%" PRIu64 " pages at %#" PRIx64, nr_pages, addr);
	if (addr < r->floor)
		return img_fail(err, IMG_CORRUPT,
			"pages at %#" PRIx64 " come after others that end at %#" PRIx64, addr, r->floor);
	if (!flags || flags & ~(uint32_t)(IMG_RUN_PARENT | IMG_RUN_LAZY | IMG_RUN_PRESENT) ||
		(flags & IMG_RUN_PARENT && flags & IMG_RUN_PRESENT))
		return img_fail(err, IMG_CORRUPT, "pages at %#" PRIx64 " have flags %#x", addr, flags);
	return flags & IMG_RUN_PARENT ? check_parent(r, addr, nr_pages, err) : 0;
}

int page_server_receive_run(
	struct page_server_receiver *r, uint64_t addr, uint64_t nr_pages, uint32_t flags, struct img_err *err)
{
	if (check_run(r, addr, nr_pages, flags, err) < 0)
		return -1;
	r->floor = addr + nr_pages * IMG_PAGE;
	if (img_pages_run(r->w, addr, nr_pages, flags, err) < 0)
		return -1;
	return flags & IMG_RUN_PRESENT ? receive_data(r, nr_pages * IMG_PAGE, err) : 0;
}

/* ---- the end ---- */

static void names_of(const struct received *m, char *map, char *pages)
{
	img_kind_file_name(m->kind, m->id, map);
	img_kind_file_name(IMG_PAGES, m->pages_id, pages);
}

/* A map that is there has its pages. */
static int publish(struct page_server_receiver *r, struct img_err *err)
{
	char map[IMG_NAME_MAX], pages[IMG_NAME_MAX];

	if (page_server_unseal(r->s, err) < 0)
		return -1;
	for (size_t i = 0; i < r->nr; i++) {
		names_of(&r->maps[i], map, pages);
		if (page_server_publish(r->s, pages, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < r->nr; i++) {
		names_of(&r->maps[i], map, pages);
		if (page_server_publish(r->s, map, err) < 0)
			return -1;
		unclaim(r->s, &r->maps[i]);
	}
	return 0;
}

int page_server_receive_end(struct page_server_receiver *r, struct img_err *err)
{
	if (finish_map(r, err) < 0)
		return -1;
	if (!r->nr)
		return 0;
	if (publish(r, err) < 0)
		return -1;
	r->nr = 0;
	return page_server_dedup(r->s, err);
}

void page_server_receiver_free(struct page_server_receiver *r)
{
	char map[IMG_NAME_MAX], pages[IMG_NAME_MAX];

	if (!r)
		return;
	img_pages_close(r->parent);
	img_pages_abort(r->w);
	for (size_t i = 0; i < r->nr; i++) {
		names_of(&r->maps[i], map, pages);
		page_server_drop(r->s, map);
		page_server_drop(r->s, pages);
		unclaim(r->s, &r->maps[i]);
	}
	if (r->pipe[0] >= 0) {
		close(r->pipe[0]);
		close(r->pipe[1]);
	}
	free(r->maps);
	free(r->buf);
	free(r);
}
