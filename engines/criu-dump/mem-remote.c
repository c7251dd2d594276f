/* engines/criu-dump/mem-remote.c -- pages to a page server.
 *
 * Requests and pages go out together, up to a buffer full of pages at a time: tens of thousands of small runs are no special case. What
 * the server has stored is known at the end alone: until then it may drop all, and so may we, by closing the connection.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "criu-dump/cut.h"
#include "criu-dump/mem-remote.h"
#include "criu-dump/spine.h"
#include "criu-dump/track.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "remote/conn.h"
#include "remote/tls.h"
#include "remote/wire.h"

enum {
	BUFFER = 1 << 20,
	PIECES = 256, /* requests that go out together */
};

struct dump_remote {
	struct remote_conn conn;
	struct dump_cut *cut;
	char *buf;

	/* what goes out next */
	struct img_run runs[PIECES];
	int nr;
	size_t len; /* of all that have data */
	uint64_t dst;

	/* what was not sent, of tracked tasks: */
	struct zeros *zeros;
	size_t nr_zeros, room_zeros;
};

/* Pages of zeros of one task. */
struct zeros {
	uint64_t dst;
	struct img_run *runs;
	size_t nr, room;
};

_Static_assert(PIECES >= BUFFER / IMG_PAGE, "a buffer full of single pages");

static int connect_to(struct dump *d, struct dump_remote *remote, struct img_err *err)
{
	const struct options *opt = d->opt;

	if (opt->ps_socket >= 0)
		remote->conn.fd = opt->ps_socket;
	else if (remote_connect(opt->address, opt->port, &remote->conn.fd, err) < 0)
		return -1;
	remote->cut = dump_cut_start(d, remote->conn.fd, err);
	if (!remote->cut)
		return -1;
	if (opt->tls) {
		remote->conn.tls = remote_tls_start(opt, remote->conn.fd, false, opt->address, err);
		if (!remote->conn.tls)
			return -1;
	}
	remote->buf = mmap(NULL, BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (remote->buf == MAP_FAILED) {
		remote->buf = NULL;
		return img_fail_nomem(err);
	}
	return 0;
}

int dump_remote_open(struct dump *d, struct img_err *err)
{
	if (!d->opt->page_server)
		return 0;
	d->remote = calloc(1, sizeof(*d->remote));
	if (!d->remote)
		return img_fail_nomem(err);
	d->remote->conn.fd = -1;
	if (connect_to(d, d->remote, err) < 0)
		return img_wrap(err, "page server");
	/* The images here do without page maps: whoever restores has to get them. */
	return img_set_require(d->set, "remote-pages", err);
}

/* ---- sending ---- */

/* Requests, each with its data behind it. */
struct parcel {
	struct remote_request requests[2 * PIECES];
	struct iovec iov[3 * PIECES];
	int nr_requests, nr_iov;
};

static void put(struct parcel *p, uint64_t dst, uint64_t addr, uint64_t nr_pages, uint32_t flags, char *data)
{
	struct remote_request *req = &p->requests[p->nr_requests++];

	*req = (struct remote_request){
		.cmd = remote_cmd_flags(
			REMOTE_ADD_F, flags & (IMG_RUN_PARENT | IMG_RUN_LAZY | IMG_RUN_PRESENT)),
		.nr_pages = nr_pages,
		.vaddr = addr,
		.dst_id = dst,
	};
	p->iov[p->nr_iov++] = (struct iovec){ req, sizeof(*req) };
	if (data)
		p->iov[p->nr_iov++] = (struct iovec){ data, nr_pages * IMG_PAGE };
}

static int note_zeros(struct dump_remote *remote, uint64_t addr, uint64_t nr_pages, struct img_err *err)
{
	struct zeros *z = remote->nr_zeros ? &remote->zeros[remote->nr_zeros - 1] : NULL;
	struct img_run *last;

	if (!z || z->dst != remote->dst)
		return 0;
	last = z->nr ? &z->runs[z->nr - 1] : NULL;
	if (last && last->addr + last->nr_pages * IMG_PAGE == addr) {
		last->nr_pages += nr_pages;
		return 0;
	}
	last = img_array_more(&z->runs, z->nr, &z->room);
	if (!last)
		return img_fail_nomem(err);
	*last = (struct img_run){ .addr = addr, .nr_pages = nr_pages };
	z->nr++;
	return 0;
}

/* A run whose data is at `data`: without its pages of zeros, if nobody misses them. */
static int put_data(struct dump_remote *remote, struct parcel *p, const struct img_run *run, char *data,
	struct dump_pages_count *count, struct img_err *err)
{
	bool keep = run->flags & DUMP_RUN_KEEP;

	for (uint64_t i = 0; i < run->nr_pages;) {
		uint64_t from = i;

		while (i < run->nr_pages && (keep || !dump_page_is_zero(data + i * IMG_PAGE)))
			i++;
		count->written += i - from;
		if (i > from)
			put(p, remote->dst, run->addr + from * IMG_PAGE, i - from, run->flags,
				data + from * IMG_PAGE);
		for (from = i; i < run->nr_pages && !keep && dump_page_is_zero(data + i * IMG_PAGE); i++)
			count->zero++;
		if (i > from && note_zeros(remote, run->addr + from * IMG_PAGE, i - from, err) < 0)
			return -1;
	}
	return 0;
}

static int flush(struct dump_remote *remote, const struct dump_source *src, struct dump_pages_count *count,
	struct img_err *err)
{
	struct iovec from[PIECES] = { 0 };
	struct parcel parcel = { .nr_iov = 0 };
	char *at = remote->buf;
	int nr_from = 0;

	for (int i = 0; i < remote->nr; i++)
		if (remote->runs[i].flags & IMG_RUN_PRESENT)
			from[nr_from++] = (struct iovec){ (void *)(uintptr_t)remote->runs[i].addr,
				remote->runs[i].nr_pages * IMG_PAGE };
	if (nr_from && src->read(src->arg, from, nr_from, remote->buf, remote->len, err) < 0)
		return -1;
	for (int i = 0; i < remote->nr; i++) {
		const struct img_run *run = &remote->runs[i];

		if (run->flags & IMG_RUN_PRESENT) {
			if (put_data(remote, &parcel, run, at, count, err) < 0)
				return -1;
			at += run->nr_pages * IMG_PAGE;
		} else {
			put(&parcel, remote->dst, run->addr, run->nr_pages, run->flags, NULL);
		}
	}
	remote->nr = 0;
	remote->len = 0;
	return parcel.nr_iov ? remote_sendv(&remote->conn, parcel.iov, parcel.nr_iov, err) : 0;
}

static int add_run(struct dump_remote *remote, const struct img_run *run, const struct dump_source *src,
	struct dump_pages_count *count, struct img_err *err)
{
	bool data = run->flags & IMG_RUN_PRESENT;

	for (uint64_t done = 0, nr; done < run->nr_pages; done += nr) {
		uint64_t room = data ? (BUFFER - remote->len) / IMG_PAGE : UINT64_MAX;

		if (remote->nr == PIECES || !room) {
			if (flush(remote, src, count, err) < 0)
				return -1;
			room = data ? BUFFER / IMG_PAGE : UINT64_MAX;
		}
		nr = run->nr_pages - done < room ? run->nr_pages - done : room;
		remote->runs[remote->nr++] = (struct img_run){
			.addr = run->addr + done * IMG_PAGE, .nr_pages = nr, .flags = run->flags
		};
		remote->len += data ? nr * IMG_PAGE : 0;
	}
	return 0;
}

/* A connection that is cut because the user has given up is no fault of the server's. */
static int failed(struct dump *d, struct img_err *err)
{
	return dump_go_on(d, err) < 0 ? -1 : img_wrap(err, "page server");
}

static uint64_t dst_of(enum img_kind kind, uint64_t id)
{
	return remote_dst(kind == IMG_PAGEMAP ? REMOTE_TASK : REMOTE_SHMEM, id);
}

static int ask(struct dump_remote *remote, enum remote_cmd cmd, uint64_t dst, void *answer, size_t size,
	struct img_err *err)
{
	const struct remote_request req = { .cmd = cmd, .dst_id = dst };

	if (remote_send(&remote->conn, &req, sizeof(req), err) < 0)
		return -1;
	return remote_recv_all(&remote->conn, answer, size, err);
}

int dump_remote_parent(struct dump *d, enum img_kind kind, uint64_t id, struct img_err *err)
{
	int32_t answer;

	if (ask(d->remote, REMOTE_PARENT, dst_of(kind, id), &answer, sizeof(answer), err) < 0)
		return img_wrap(err, "page server");
	return answer > 0;
}

static int send_map(struct dump *d, uint64_t dst, const struct img_run *runs, size_t nr,
	const struct dump_source *src, struct dump_pages_count *count, struct img_err *err)
{
	struct dump_remote *remote = d->remote;
	char parent;

	if (ask(remote, REMOTE_OPEN2, dst, &parent, sizeof(parent), err) < 0)
		return -1;
	remote->dst = dst;
	for (size_t i = 0; i < nr; i++)
		if (dump_go_on(d, err) < 0 || add_run(remote, &runs[i], src, count, err) < 0)
			return -1;
	return flush(remote, src, count, err);
}

int dump_remote_pages(struct dump *d, enum img_kind kind, uint64_t id, const struct img_run *runs, size_t nr,
	const struct dump_source *src, struct dump_pages_count *count, struct img_err *err)
{
	struct dump_remote *remote = d->remote;

	if (kind == IMG_PAGEMAP && d->track && d->track->wanted) {
		struct zeros *z = img_array_more(&remote->zeros, remote->nr_zeros, &remote->room_zeros);

		if (!z)
			return img_fail_nomem(err);
		*z = (struct zeros){ .dst = dst_of(kind, id) };
		remote->nr_zeros++;
	}
	return send_map(d, dst_of(kind, id), runs, nr, src, count, err) < 0 ? failed(d, err) : 0;
}

const struct img_run *dump_remote_zeros(const struct dump *d, pid_t vpid, size_t i)
{
	for (size_t k = 0; d->remote && k < d->remote->nr_zeros; k++) {
		const struct zeros *z = &d->remote->zeros[k];

		if (z->dst == dst_of(IMG_PAGEMAP, vpid))
			return i < z->nr ? &z->runs[i] : NULL;
	}
	return NULL;
}

int dump_remote_finish(struct dump *d, struct img_err *err)
{
	enum remote_cmd cmd = d->opt->ps_socket >= 0 ? REMOTE_FORCE_CLOSE : REMOTE_CLOSE;
	int32_t status;

	if (!d->remote)
		return 0;
	if (ask(d->remote, cmd, 0, &status, sizeof(status), err) < 0)
		return failed(d, err);
	d->remote->conn.orderly = true;
	if (status)
		return img_fail(err, IMG_SYS, "page server: it could not store the pages: status %d", status);
	return 0;
}

void dump_remote_free(struct dump *d)
{
	if (!d->remote)
		return;
	dump_cut_stop(d->remote->cut);
	remote_close(&d->remote->conn);
	if (d->remote->buf)
		munmap(d->remote->buf, BUFFER);
	for (size_t i = 0; i < d->remote->nr_zeros; i++)
		free(d->remote->zeros[i].runs);
	free(d->remote->zeros);
	free(d->remote);
	d->remote = NULL;
}
