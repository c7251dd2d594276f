/* engines/criu-dump/mem-remote.c -- pages to a page server.
 *
 * Requests and pages go out together, up to a buffer full of pages at a time: tens of thousands of small runs are no special case. What
 * the server has stored is known at the end alone: until then it may drop all, and so may we, by closing the connection.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "criu-dump/mem-remote.h"
#include "criu-dump/spine.h"
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
	char *buf;

	/* what goes out next */
	struct remote_request requests[PIECES];
	struct iovec pieces[PIECES]; /* memory of the task to follow a request; none: length 0 */
	int nr;
	size_t len; /* of all pieces */
};

static int connect_to(struct dump_remote *remote, const struct options *opt, struct img_err *err)
{
	if (opt->ps_socket >= 0)
		remote->conn.fd = opt->ps_socket;
	else if (remote_connect(opt->address, opt->port, &remote->conn.fd, err) < 0)
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
	if (connect_to(d->remote, d->opt, err) < 0)
		return img_wrap(err, "page server");
	/* The images here do without page maps: whoever restores has to get them. */
	return img_set_require(d->set, "remote-pages", err);
}

/* ---- sending ---- */

static int flush(struct dump_remote *remote, const struct dump_source *src, struct img_err *err)
{
	struct iovec from[PIECES] = { 0 }, out[2 * PIECES];
	char *at = remote->buf;
	int nr_from = 0, nr_out = 0;

	for (int i = 0; i < remote->nr; i++) {
		const struct iovec *piece = &remote->pieces[i];

		out[nr_out++] = (struct iovec){ &remote->requests[i], sizeof(remote->requests[i]) };
		if (!piece->iov_len)
			continue;
		from[nr_from++] = *piece;
		out[nr_out++] = (struct iovec){ at, piece->iov_len };
		at += piece->iov_len;
	}
	if (remote->len && src->read(src->arg, from, nr_from, remote->buf, remote->len, err) < 0)
		return -1;
	remote->nr = 0;
	remote->len = 0;
	return nr_out ? remote_sendv(&remote->conn, out, nr_out, err) : 0;
}

static int add(struct dump_remote *remote, const struct remote_request *req, uint64_t len,
	const struct dump_source *src, struct img_err *err)
{
	if ((remote->nr == PIECES || remote->len + len > BUFFER) && flush(remote, src, err) < 0)
		return -1;
	remote->requests[remote->nr] = *req;
	remote->pieces[remote->nr++] = (struct iovec){ (void *)(uintptr_t)req->vaddr, len };
	remote->len += len;
	return 0;
}

static int add_run(struct dump_remote *remote, uint64_t dst, const struct img_run *run, const struct dump_source *src,
	struct img_err *err)
{
	bool data = run->flags & IMG_RUN_PRESENT;
	uint64_t most = data ? BUFFER / IMG_PAGE : UINT64_MAX;

	for (uint64_t done = 0, nr; done < run->nr_pages; done += nr) {
		struct remote_request req = {
			.cmd = remote_cmd_flags(REMOTE_ADD_F, run->flags),
			.vaddr = run->addr + done * IMG_PAGE,
			.dst_id = dst,
		};

		req.nr_pages = nr = run->nr_pages - done < most ? run->nr_pages - done : most;
		if (add(remote, &req, data ? nr * IMG_PAGE : 0, src, err) < 0)
			return -1;
	}
	return 0;
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

static int send_map(struct dump *d, uint64_t dst, const struct img_run *runs, size_t nr, const struct dump_source *src,
	uint64_t *written, struct img_err *err)
{
	struct dump_remote *remote = d->remote;
	char parent;

	if (ask(remote, REMOTE_OPEN2, dst, &parent, sizeof(parent), err) < 0)
		return -1;
	for (size_t i = 0; i < nr; i++) {
		if (dump_go_on(d, err) < 0 || add_run(remote, dst, &runs[i], src, err) < 0)
			return -1;
		if (runs[i].flags & IMG_RUN_PRESENT)
			*written += runs[i].nr_pages;
	}
	return flush(remote, src, err);
}

int dump_remote_pages(struct dump *d, enum img_kind kind, uint64_t id, const struct img_run *runs, size_t nr,
	const struct dump_source *src, uint64_t *written, struct img_err *err)
{
	uint64_t start = dump_now_us();

	*written = 0;
	if (send_map(d, dst_of(kind, id), runs, nr, src, written, err) < 0)
		return img_wrap(err, "page server");
	d->stats.memwrite_time += (uint32_t)(dump_now_us() - start);
	return 0;
}

int dump_remote_finish(struct dump *d, struct img_err *err)
{
	enum remote_cmd cmd = d->opt->ps_socket >= 0 ? REMOTE_FORCE_CLOSE : REMOTE_CLOSE;
	int32_t status;

	if (!d->remote)
		return 0;
	if (ask(d->remote, cmd, 0, &status, sizeof(status), err) < 0)
		return img_wrap(err, "page server");
	d->remote->conn.orderly = true;
	if (status)
		return img_fail(err, IMG_SYS, "page server: it could not store the pages: status %d", status);
	return 0;
}

void dump_remote_free(struct dump *d)
{
	if (!d->remote)
		return;
	remote_close(&d->remote->conn);
	if (d->remote->buf)
		munmap(d->remote->buf, BUFFER);
	free(d->remote);
	d->remote = NULL;
}
