/* streamer/page-server/session.c -- one connection: its requests, one after the other.
 *
 * Nothing of a request is believed: see check_run() for pages, and dst() for whose they are.
 */

#include <inttypes.h>
#include <limits.h>

#include "criuimg/array.h"
#include "streamer/page-server/server.h"
#include "remote/wire.h"

struct session {
	struct page_server *s;
	struct remote_conn *conn;
	struct page_server_receiver *receiver;
	struct page_server_reader *readers;
	uint64_t requests;
	bool ended; /* it was said that all was sent */
	bool sent;  /* something was */
};

/* Whose pages: the task or segment of a request. */
static int dst(uint64_t dst_id, enum img_kind *kind, uint64_t *id, struct img_err *err)
{
	static const enum img_kind kinds[] = {
		[REMOTE_TASK] = IMG_PAGEMAP,
		[REMOTE_SHMEM] = IMG_SHMEM_PAGEMAP,
	};
	unsigned type = dst_id & 0xff;

	*kind = IMG_KIND_UNKNOWN;
	*id = dst_id >> 8;
	if (type < 1 || type >= ARRAY_SIZE(kinds) || (type == REMOTE_TASK && (!*id || *id > INT_MAX)))
		return img_fail(err, IMG_CORRUPT, "a page map of %#" PRIx64, dst_id);
	*kind = kinds[type];
	return 0;
}

static int open_map(struct session *ss, const struct remote_request *req, bool *parent, struct img_err *err)
{
	enum img_kind kind;
	char name[IMG_NAME_MAX];
	uint64_t id;

	if (dst(req->dst_id, &kind, &id, err) < 0)
		return -1;
	img_kind_file_name(kind, id, name);
	ss->sent = true;
	if (page_server_receive_map(ss->receiver, kind, id, parent, err) < 0)
		return img_wrap(err, "%s", name);
	log_info(ss->s->log, "%s: pages come%s", name, *parent ? ", the parent has it" : "");
	return 0;
}

static int do_open(struct session *ss, const struct remote_request *req, struct img_err *err)
{
	bool parent;

	return open_map(ss, req, &parent, err);
}

static int do_open2(struct session *ss, const struct remote_request *req, struct img_err *err)
{
	char answer;
	bool parent;

	if (open_map(ss, req, &parent, err) < 0)
		return -1;
	answer = parent;
	return remote_send(ss->conn, &answer, sizeof(answer), err);
}

static int do_parent(struct session *ss, const struct remote_request *req, struct img_err *err)
{
	enum img_kind kind;
	int32_t answer;
	uint64_t id;

	if (dst(req->dst_id, &kind, &id, err) < 0)
		return -1;
	answer = page_server_in_parent(ss->s, kind, id, err);
	if (answer < 0)
		return -1;
	return remote_send(ss->conn, &answer, sizeof(answer), err);
}

static int add(struct session *ss, const struct remote_request *req, uint32_t flags, struct img_err *err)
{
	log_debug(
		ss->s->log, "%" PRIu64 " pages at %#" PRIx64 ", flags %#x", req->nr_pages, req->vaddr, flags);
	return page_server_receive_run(ss->receiver, req->vaddr, req->nr_pages, flags, err);
}

static int do_add(struct session *ss, const struct remote_request *req, struct img_err *err)
{
	return add(ss, req, IMG_RUN_PRESENT, err);
}

static int do_hole(struct session *ss, const struct remote_request *req, struct img_err *err)
{
	return add(ss, req, IMG_RUN_PARENT, err);
}

static int do_add_flags(struct session *ss, const struct remote_request *req, struct img_err *err)
{
	return add(ss, req, req->cmd >> 16, err);
}

static int do_get(struct session *ss, const struct remote_request *req, struct img_err *err)
{
	if (!ss->s->opt->lazy_pages)
		return img_fail(
			err, IMG_UNSUPPORTED, "pages are asked for: this server was not told --lazy-pages");
	return page_server_serve(ss->s, ss->conn, &ss->readers, req->dst_id, req->vaddr, req->nr_pages, err);
}

static int do_close(struct session *ss, const struct remote_request *req, struct img_err *err)
{
	int32_t status = page_server_receive_end(ss->receiver, err);

	if (status < 0) {
		remote_send(ss->conn, &status, sizeof(status), NULL);
		return -1;
	}
	ss->ended = true;
	ss->conn->orderly = true;
	return remote_send(ss->conn, &status, sizeof(status), err);
}

static const struct {
	enum remote_cmd cmd;
	const char *name;
	int (*run)(struct session *ss, const struct remote_request *req, struct img_err *err);
} commands[] = {
	{ REMOTE_ADD, "add", do_add },
	{ REMOTE_HOLE, "hole", do_hole },
	{ REMOTE_OPEN, "open", do_open },
	{ REMOTE_OPEN2, "open2", do_open2 },
	{ REMOTE_PARENT, "parent", do_parent },
	{ REMOTE_ADD_F, "add", do_add_flags },
	{ REMOTE_GET, "get", do_get },
	{ REMOTE_CLOSE, "close", do_close },
	{ REMOTE_FORCE_CLOSE, "close", do_close },
};

static int request(struct session *ss, const struct remote_request *req, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (commands[i].cmd != (req->cmd & 0xffff))
			continue;
		if (commands[i].run(ss, req, err) < 0)
			return img_wrap(err, "request %" PRIu64 " (%s)", ss->requests, commands[i].name);
		return 0;
	}
	return img_fail(
		err, IMG_CORRUPT, "request %" PRIu64 ": there is no command %#x", ss->requests, req->cmd);
}

static int requests(struct session *ss, struct img_err *err)
{
	while (!ss->ended) {
		struct remote_request req;
		int ret = remote_recv(ss->conn, &req, sizeof(req), err);

		if (ret < 0)
			return -1;
		if (ret == 0 && ss->sent)
			return img_fail(err, IMG_SYS,
				"the connection ended before all was sent: what came is dropped");
		if (ret == 0)
			return 0;
		ss->requests++;
		if (request(ss, &req, err) < 0)
			return -1;
	}
	return 0;
}

int page_server_session(struct page_server *s, struct remote_conn *conn, struct img_err *err)
{
	struct session ss = { .s = s, .conn = conn };
	int ret;

	ss.receiver = page_server_receiver_new(s, conn);
	if (!ss.receiver)
		return img_fail_nomem(err);
	ret = requests(&ss, err);
	page_server_receiver_free(ss.receiver);
	page_server_readers_free(ss.readers);
	return ret;
}
