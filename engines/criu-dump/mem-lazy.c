/* engines/criu-dump/mem-lazy.c -- --lazy-pages: pages stay where they are, and are served from the stopped tasks.
 *
 * The images then have a run for each, without data. All else of the dump is done when this begins, and what criu-lazy-pages has not
 * asked for yet is nowhere else: the tasks stay stopped until it says that it has all. Should it vanish before that, they go on
 * here.
 */

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "criu-dump/cut.h"
#include "criu-dump/mem-lazy.h"
#include "criu-dump/spine.h"
#include "criuimg/cleanup.h"
#include "remote/conn.h"
#include "remote/server.h"
#include "remote/tls.h"
#include "remote/wire.h"

enum { ANSWER_MAX = 256 }; /* pages */

struct dump_lazy {
	int listener; /* or, with --ps-socket, the connection */
	struct remote_conn conn;
	struct dump_cut *cut;
	char *buf; /* ANSWER_MAX pages */
	uint64_t served;
};

static int check_options(const struct options *opt, struct img_err *err)
{
	if (opt->page_server)
		return img_fail(
			err, IMG_USAGE, "--lazy-pages and --page-server: pages stay here, or they go there");
	if (opt->leave_running)
		return img_fail(err, IMG_USAGE,
			"--lazy-pages and --leave-running: pages are served while nobody changes them");
	return 0;
}

int dump_lazy_open(struct dump *d, struct img_err *err)
{
	int port = d->opt->port;

	if (!d->opt->lazy_pages)
		return 0;
	if (check_options(d->opt, err) < 0)
		return -1;
	if (d->opt->tls && remote_tls_check(d->opt, err) < 0)
		return -1;
	d->lazy = calloc(1, sizeof(*d->lazy));
	if (!d->lazy)
		return img_fail_nomem(err);
	d->lazy->listener = d->lazy->conn.fd = -1;
	d->lazy->buf = malloc(ANSWER_MAX * IMG_PAGE);
	if (!d->lazy->buf)
		return img_fail_nomem(err);
	if (d->opt->ps_socket >= 0)
		d->lazy->listener = d->opt->ps_socket;
	else if (remote_listen(d->opt->address, &port, &d->lazy->listener, err) < 0)
		return img_wrap(err, "--lazy-pages");
	if (port && port != d->opt->port) {
		printf("%d\n", port);
		fflush(stdout);
	}
	return img_set_require(d->set, "lazy-pages", err);
}

void dump_lazy_free(struct dump *d)
{
	if (!d->lazy)
		return;
	dump_cut_stop(d->lazy->cut);
	remote_close(&d->lazy->conn);
	remote_unlisten(d->lazy->listener);
	free(d->lazy->buf);
	free(d->lazy);
	d->lazy = NULL;
}

/* ---- a request ---- */

static struct dump_task *task_of(struct dump *d, uint64_t vpid)
{
	for_each_live_task(d, t)
		if ((uint64_t)t->vpid == vpid)
			return t;
	return NULL;
}

/* How many pages from addr on are ours to serve, one behind the other. */
static uint64_t there(const struct dump_mem *mem, uint64_t addr, uint64_t most)
{
	size_t low = 0, high = mem->nr_runs;
	uint64_t end = addr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (mem->runs[mid].addr + mem->runs[mid].nr_pages * IMG_PAGE <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < mem->nr_runs && end - addr < most * IMG_PAGE; low++) {
		const struct img_run *run = &mem->runs[low];

		if (run->addr > end || !(run->flags & IMG_RUN_LAZY) || run->flags & IMG_RUN_PARENT)
			break;
		end = run->addr + run->nr_pages * IMG_PAGE;
	}
	return (end - addr) / IMG_PAGE < most ? (end - addr) / IMG_PAGE : most;
}

static int answer(struct dump *d, const struct remote_request *req, struct img_err *err)
{
	struct dump_task *t = task_of(d, req->dst_id);
	struct remote_request head = { .cmd = remote_cmd_flags(REMOTE_ADD_F, IMG_RUN_PRESENT),
		.vaddr = req->vaddr,
		.dst_id = req->dst_id };
	struct iovec iov[2] = { { &head, sizeof(head) }, { d->lazy->buf, 0 } };

	if (!t)
		return img_fail(err, IMG_CORRUPT, "there is no task %" PRIu64, req->dst_id);
	if (req->vaddr % IMG_PAGE || !req->nr_pages || req->nr_pages > (UINT64_MAX - req->vaddr) / IMG_PAGE)
		return img_fail(
			err, IMG_CORRUPT, "%" PRIu64 " pages at %#" PRIx64, req->nr_pages, req->vaddr);
	head.nr_pages = there(t->mem, req->vaddr, req->nr_pages < ANSWER_MAX ? req->nr_pages : ANSWER_MAX);
	iov[1].iov_len = head.nr_pages * IMG_PAGE;
	if (head.nr_pages && dump_memory_read(d, t, req->vaddr, d->lazy->buf, iov[1].iov_len, err) < 0)
		return img_wrap(err, "pid %d", t->pid);
	d->lazy->served += head.nr_pages;
	return remote_sendv(&d->lazy->conn, iov, head.nr_pages ? 2 : 1, err);
}

static int close_down(struct dump *d, struct img_err *err)
{
	const int32_t status = 0;

	d->lazy->conn.orderly = true;
	log_info(d->log, "--lazy-pages: %" PRIu64 " pages were fetched", d->lazy->served);
	return remote_send(&d->lazy->conn, &status, sizeof(status), err);
}

/* ---- all of them ---- */

/* Something to be read at fd, and the user has not given up. */
static int wait_for(struct dump *d, int fd, struct img_err *err)
{
	struct pollfd p[] = { { .fd = fd, .events = POLLIN }, { .fd = d->front, .events = POLLIN } };

	for (;;) {
		if (dump_go_on(d, err) < 0)
			return -1;
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return img_fail_sys(err, "poll");
		if (p[0].revents)
			return 0;
	}
}

static int accept_one(struct dump *d, struct img_err *err)
{
	struct dump_lazy *lazy = d->lazy;
	int listening = 1;
	socklen_t len = sizeof(listening);

	if (getsockopt(lazy->listener, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) < 0)
		return img_fail_sys(err, "--ps-socket");
	if (!listening) {
		lazy->conn.fd = steal_fd(&lazy->listener);
	} else {
		if (wait_for(d, lazy->listener, err) < 0)
			return -1;
		lazy->conn.fd = accept4(lazy->listener, NULL, NULL, SOCK_CLOEXEC);
		if (lazy->conn.fd < 0)
			return img_fail_sys(err, "accept");
	}
	remote_tune(lazy->conn.fd);
	lazy->cut = dump_cut_start(d, lazy->conn.fd, err);
	if (!lazy->cut)
		return -1;
	if (d->opt->tls) {
		lazy->conn.tls = remote_tls_start(d->opt, lazy->conn.fd, true, NULL, err);
		if (!lazy->conn.tls)
			return -1;
	}
	return 0;
}

static int serve(struct dump *d, struct img_err *err)
{
	if (accept_one(d, err) < 0)
		return -1;
	for (;;) {
		struct remote_request req;
		int ret;

		/* TLS may have read more than it gave us: it then has something without being asked. */
		if (!d->lazy->conn.tls && wait_for(d, d->lazy->conn.fd, err) < 0)
			return -1;
		ret = remote_recv(&d->lazy->conn, &req, sizeof(req), err);
		if (ret < 0)
			return -1;
		if (ret == 0)
			return img_fail(err, IMG_SYS, "the connection ended before all pages were fetched");
		switch (req.cmd & 0xffff) {
		case REMOTE_GET:
			if (answer(d, &req, err) < 0)
				return -1;
			break;
		case REMOTE_CLOSE:
		case REMOTE_FORCE_CLOSE:
			return close_down(d, err);
		default:
			return img_fail(err, IMG_CORRUPT, "command %#x: only pages can be had here", req.cmd);
		}
	}
}

int dump_lazy_serve(struct dump *d, struct img_err *err)
{
	if (!d->lazy)
		return 0;
	if (remote_tell_ready(d->opt, err) < 0 || dump_script(d, "status-ready", err) < 0)
		return -1;
	if (serve(d, err) == 0)
		return 0;
	return dump_go_on(d, err) < 0 ? -1 : img_wrap(err, "--lazy-pages");
}
