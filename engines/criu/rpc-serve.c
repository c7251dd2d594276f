/* engines/criu/rpc-serve.c -- the requests, and what each is answered with. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpuinfo/cpuinfo.h"
#include "criu/front.h"
#include "criu/rpc.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/probe.h"
#include "options/options.h"

/* The version of the protocol and of the images: that of the CRIU whose clients this serves. Our own is another count. */
enum {
	VERSION_MAJOR = 4,
	VERSION_MINOR = 2,
};

/* A request being served. What resp points to beside the request lives here. */
struct serving {
	const struct rpc_client *client;
	const CriuReq *req;
	CriuResp resp;
	struct img_err err;
	bool more;   /* the connection stays, whatever the request says of it */
	bool is_not_ours; /* this process has become the one that answers, and nothing else */
	CriuDumpResp dump;
	CriuRestoreResp restore;
	CriuPageServerInfo ps;
	CriuFeatures features;
	CriuVersion version;
};

/* ---- those that take an engine ---- */

/* The engine has been followed to its end. */
static int run(
	struct serving *s, const char *program, const char *word, enum rpc_until until, struct rpc_outcome *out)
{
	struct rpc_args args __attribute__((cleanup(rpc_args_free))) = { 0 };
	const CriuOpts *opts = s->req->opts;
	bool sibling = s->client->sibling && opts && opts->rst_sibling && s->req->type == CRIU_REQ_TYPE__RESTORE;
	struct rpc_engine e;
	int ret;

	if (word && rpc_args_add(&args, &s->err, "%s", word) < 0)
		return -1;
	if (rpc_args_fill(&args, s->client, s->req, &s->err) < 0)
		return -1;
	ret = sibling ? rpc_engine_become(&e, program, &args, &s->err) : rpc_engine_start(&e, program, &args, &s->err);
	if (ret < 0)
		return -1;
	s->is_not_ours = sibling;
	rpc_engine_follow(&e, s->client, opts->notify_scripts, sibling ? RPC_UNTIL_CLOSED : until, out);
	if (out->success)
		return 0;
	s->err = out->err;
	return -1;
}

static int serve_dump(struct serving *s)
{
	struct rpc_outcome out;

	s->resp.dump = &s->dump;
	s->dump.has_restored = true;
	return run(s, "criu-dump", NULL, RPC_UNTIL_END, &out);
}

static int serve_pre_dump(struct serving *s)
{
	struct rpc_outcome out;

	s->more = s->req->type == CRIU_REQ_TYPE__PRE_DUMP;
	return run(s, "criu-dump", "pre-dump", RPC_UNTIL_END, &out);
}

static int serve_restore(struct serving *s)
{
	struct rpc_outcome out = { .pid = 0 };
	int ret;

	s->resp.restore = &s->restore;
	s->restore.pid = -1;
	ret = run(s, "criu-restore", NULL, s->req->opts && s->req->opts->n_exec_cmd ? RPC_UNTIL_CLOSED : RPC_UNTIL_END, &out);
	if (ret == 0)
		s->restore.pid = out.pid;
	return ret;
}

/* A server says where it listens and goes on: as our child, to be waited for, or by itself. */
static int serve_page_server(struct serving *s)
{
	struct rpc_outcome out;
	bool child = s->req->type == CRIU_REQ_TYPE__PAGE_SERVER_CHLD;

	s->resp.type = CRIU_REQ_TYPE__PAGE_SERVER;
	if (run(s, "criu-page-server", child ? NULL : "--daemon", RPC_UNTIL_DONE, &out) < 0)
		return -1;
	s->ps.has_pid = s->ps.has_port = true;
	s->ps.pid = out.pid;
	s->ps.port = out.port;
	s->resp.ps = &s->ps;
	return 0;
}

static int serve_wait_pid(struct serving *s)
{
	int status;

	while (waitpid(s->req->pid, &status, 0) < 0)
		if (errno != EINTR)
			return img_fail_sys(&s->err, "wait for pid %u", s->req->pid);
	s->resp.has_status = true;
	s->resp.status = status;
	return 0;
}

/* ---- those that are done here ---- */

static int serve_check(struct serving *s)
{
	for (size_t i = 0; i < kern_probes_nr; i++)
		if (kern_probes[i].category == PROBE_ESSENTIAL && kern_probes[i].run(&s->err) != 1) {
			if (s->err.code == IMG_OK)
				img_fail(&s->err, IMG_UNSUPPORTED, "not there");
			return img_wrap(&s->err, "%s", kern_probes[i].name);
		}
	return 0;
}

static int cpuinfo(struct serving *s, const char *verb)
{
	struct rpc_args args __attribute__((cleanup(rpc_args_free))) = { 0 };
	struct options opt;
	int ret = -1;

	if (rpc_args_add(&args, &s->err, OPTIONS_FRONT) < 0 || rpc_args_add(&args, &s->err, "cpuinfo") < 0 ||
		rpc_args_fill(&args, s->client, s->req, &s->err) < 0 || rpc_args_add(&args, &s->err, "%s", verb) < 0)
		return -1;
	if (options_parse(&opt, 0, args.nr, args.items, &s->err) == 0) {
		opt.verbosity = 0; /* the answer says it */
		ret = front_cpuinfo(&opt, &s->err);
	}
	options_free(&opt);
	return ret == 0 ? 0 : -1;
}

static int serve_cpuinfo_dump(struct serving *s)
{
	return cpuinfo(s, "dump");
}

static int serve_cpuinfo_check(struct serving *s)
{
	return cpuinfo(s, "check");
}

/* Both the kernel and we have it. */
static bool can(const char *probe, const char *option)
{
	const struct probe *p = kern_probe_find(probe);
	struct img_err why;

	return options_has(option) && p && p->run(&why) == 1;
}

static int serve_features(struct serving *s)
{
	const CriuFeatures *asked = s->req->features;

	if (!asked)
		return img_fail(&s->err, IMG_USAGE, "the request names no feature");
	if (asked->base.n_unknown_fields)
		return img_fail(&s->err, IMG_UNSUPPORTED, "feature %u is not known here", asked->base.unknown_fields[0].tag);
	s->features.has_mem_track = s->features.has_lazy_pages = s->features.has_pidfd_store = true;
	s->features.mem_track = asked->mem_track && can("mem_dirty_track", "track-mem");
	s->features.lazy_pages = asked->lazy_pages && can("uffd", "lazy-pages") && can("uffd-noncoop", "lazy-pages");
	s->features.pidfd_store = asked->pidfd_store && can("pidfd_store", "pidfd-store");
	s->resp.features = &s->features;
	return 0;
}

static int serve_version(struct serving *s)
{
	s->version.major_number = VERSION_MAJOR;
	s->version.minor_number = VERSION_MINOR;
	s->version.name = (char *)VERSION;
	s->resp.version = &s->version;
	return 0;
}

/* ---- the table ---- */

static const struct {
	CriuReqType type;
	int (*serve)(struct serving *s);
	bool for_anybody; /* tells nothing of other people's tasks and changes nothing */
} requests[] = {
	{ CRIU_REQ_TYPE__DUMP, serve_dump, false },
	{ CRIU_REQ_TYPE__RESTORE, serve_restore, false },
	{ CRIU_REQ_TYPE__CHECK, serve_check, true },
	{ CRIU_REQ_TYPE__PRE_DUMP, serve_pre_dump, false },
	{ CRIU_REQ_TYPE__SINGLE_PRE_DUMP, serve_pre_dump, false },
	{ CRIU_REQ_TYPE__PAGE_SERVER, serve_page_server, false },
	{ CRIU_REQ_TYPE__PAGE_SERVER_CHLD, serve_page_server, false },
	{ CRIU_REQ_TYPE__CPUINFO_DUMP, serve_cpuinfo_dump, false },
	{ CRIU_REQ_TYPE__CPUINFO_CHECK, serve_cpuinfo_check, false },
	{ CRIU_REQ_TYPE__FEATURE_CHECK, serve_features, true },
	{ CRIU_REQ_TYPE__VERSION, serve_version, true },
	{ CRIU_REQ_TYPE__WAIT_PID, serve_wait_pid, false },
};

static int serve(struct serving *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		if (requests[i].type != s->req->type)
			continue;
		if (requests[i].for_anybody || s->client->uid == 0 || s->client->uid == geteuid())
			return requests[i].serve(s);
		img_fail(&s->err, IMG_SYS, "user %u may not ask for this: it would be done as user %u", s->client->uid, geteuid());
		s->err.sys_errno = EPERM;
		return -1;
	}
	s->resp.type = CRIU_REQ_TYPE__EMPTY;
	return img_fail(&s->err, IMG_USAGE, "request %d is not known here", s->req->type);
}

/* As clients know it: of what makes no sense, EBADRQC. */
static int errno_of(const struct img_err *err)
{
	return err->code == IMG_USAGE ? EBADRQC : err->sys_errno;
}

/* 1: there may be another request; 0: this was the last; -1. */
static int one(const struct rpc_client *client, CriuReq *req, bool *failed, struct img_err *err)
{
	struct serving s = {
		.client = client, .req = req, .resp = CRIU_RESP__INIT, .err = IMG_ERR_INIT, .dump = CRIU_DUMP_RESP__INIT,
		.restore = CRIU_RESTORE_RESP__INIT, .ps = CRIU_PAGE_SERVER_INFO__INIT, .features = CRIU_FEATURES__INIT,
		.version = CRIU_VERSION__INIT,
	};

	if (req) {
		s.resp.type = req->type;
		s.resp.success = serve(&s) == 0;
	} else {
		s.resp.type = CRIU_REQ_TYPE__EMPTY;
		img_fail(&s.err, IMG_USAGE, "this is no request");
	}
	*failed = !s.resp.success;
	if (!s.resp.success) {
		s.resp.cr_errmsg = s.err.text;
		s.resp.cr_errno = errno_of(&s.err);
		s.resp.has_cr_errno = s.resp.cr_errno != 0;
	}
	if (rpc_send(client->fd, &s.resp, -1, err) < 0) {
		/* Gone: it has perhaps dumped itself. */
		bool gone = err->sys_errno == EPIPE || err->sys_errno == ECONNRESET;

		return gone ? 0 : -1;
	}
	if (s.is_not_ours)
		_exit(0);
	return req && (s.more || req->keep_open);
}

int rpc_serve(const struct rpc_client *client, struct img_err *err)
{
	bool failed = false;

	for (;;) {
		CriuReq *req;
		int got = rpc_receive(client->fd, &req, err);

		if (got < 0)
			return -1;
		if (got == 0)
			return failed;
		got = one(client, req, &failed, err);
		if (req)
			criu_req__free_unpacked(req, NULL);
		if (got < 0)
			return -1;
		if (got == 0)
			return failed;
	}
}
