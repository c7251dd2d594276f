/* engines/criu/rpc-args.c -- the options of a request, as a command line.
 *
 * A field of criu_opts has the name of an option, with _ for -, or is in one of the two tables here. So a new option needs nothing here
 * when it is called by the same name in both places; a field that is in neither table and no option is refused by name.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "criu/rpc.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "options/options.h"

#define LOG_FILE "criu.log" /* where clients look for it that named none */

void rpc_args_free(struct rpc_args *args)
{
	free(args->items);
	img_arena_free(&args->arena);
	*args = (struct rpc_args){ 0 };
}

/* There is always room for the NULL at the end. */
static int add(struct rpc_args *args, char *text, struct img_err *err)
{
	if (!text || !img_array_more(&args->items, args->nr, &args->room) ||
		!img_array_more(&args->items, args->nr + 1, &args->room))
		return img_fail_nomem(err);
	args->items[args->nr++] = text;
	args->items[args->nr] = NULL;
	return 0;
}

int rpc_args_add(struct rpc_args *args, struct img_err *err, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0) {
		text = NULL;
		return img_fail_nomem(err);
	}
	return add(args, img_arena_strdup(&args->arena, text), err);
}

/* ---- fields that are put otherwise than their options ---- */

struct request {
	struct rpc_args *args;
	const struct rpc_client *client;
	const CriuReq *req;
	const CriuOpts *opts;
};

/* A descriptor of the client's. */
static int client_dir(const struct request *r, const char *option, int fd, struct img_err *err)
{
	char path[64];
	int dir;

	if (!r->client->pid)
		return img_fail(err, IMG_UNSUPPORTED, "%s: the client is in another pid namespace", option);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", r->client->pid, fd);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		img_fail(err, IMG_USAGE, "%s: descriptor %d of pid %d: %s", option, fd, r->client->pid, strerror(errno));
		return -1;
	}
	close(dir);
	return rpc_args_add(r->args, err, "--%s=%s", option, path);
}

static int put_images_dir(const struct request *r, struct img_err *err)
{
	if (r->opts->images_dir_fd >= 0)
		return client_dir(r, "images-dir", r->opts->images_dir_fd, err);
	if (r->opts->images_dir && *r->opts->images_dir)
		return rpc_args_add(r->args, err, "--images-dir=%s", r->opts->images_dir);
	return img_fail(err, IMG_USAGE, "the request names no directory of images");
}

static int put_work_dir(const struct request *r, struct img_err *err)
{
	return r->opts->work_dir_fd < 0 ? 0 : client_dir(r, "work-dir", r->opts->work_dir_fd, err);
}

/* The caller itself, where none is named. */
static int put_pid(const struct request *r, struct img_err *err)
{
	CriuReqType type = r->req->type;
	int pid = r->opts->has_pid ? r->opts->pid : r->client->pid;
	struct stat st;

	if (type != CRIU_REQ_TYPE__DUMP && type != CRIU_REQ_TYPE__PRE_DUMP && type != CRIU_REQ_TYPE__SINGLE_PRE_DUMP)
		return 0;
	/* The client may be one of those that are dumped: its end of the connection is told by ours. */
	if (fstat(r->client->fd, &st) == 0 && rpc_args_add(r->args, err, "--client-socket=%" PRIu64, (uint64_t)st.st_ino) < 0)
		return -1;
	return rpc_args_add(r->args, err, "--tree=%d", pid);
}

static int put_log(const struct request *r, struct img_err *err)
{
	if (r->opts->log_to_stderr)
		return 0;
	return rpc_args_add(
		r->args, err, "--log-file=%s", r->opts->log_file && *r->opts->log_file ? r->opts->log_file : LOG_FILE);
}

static int put_page_server(const struct request *r, struct img_err *err)
{
	const CriuPageServerInfo *ps = r->opts->ps;
	CriuReqType type = r->req->type;
	bool dump = type == CRIU_REQ_TYPE__DUMP || type == CRIU_REQ_TYPE__PRE_DUMP || type == CRIU_REQ_TYPE__SINGLE_PRE_DUMP;

	if (!ps)
		return 0;
	/* With lazy_pages it is not where pages are sent, but where they are to be fetched. */
	if (dump && !r->opts->lazy_pages && rpc_args_add(r->args, err, "--page-server") < 0)
		return -1;
	if (ps->address && *ps->address && rpc_args_add(r->args, err, "--address=%s", ps->address) < 0)
		return -1;
	if (ps->has_port && rpc_args_add(r->args, err, "--port=%d", ps->port) < 0)
		return -1;
	return ps->has_fd ? rpc_args_add(r->args, err, "--ps-socket=%d", ps->fd) : 0;
}

static int put_veths(const struct request *r, struct img_err *err)
{
	for (size_t i = 0; i < r->opts->n_veths; i++)
		if (rpc_args_add(r->args, err, "--external=veth[%s]:%s", r->opts->veths[i]->if_in,
			    r->opts->veths[i]->if_out) < 0)
			return -1;
	return 0;
}

static int put_cpu_cap(const struct request *r, struct img_err *err)
{
	static const struct {
		uint32_t bit;
		const char *word;
	} words[] = { { 1, "fpu," }, { 2, "cpu," }, { 4, "ins," } };
	char text[32] = "";

	if (r->opts->cpu_cap == UINT32_MAX)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (r->opts->cpu_cap & words[i].bit)
			strcat(text, words[i].word);
	return rpc_args_add(r->args, err, "--cpu-cap=%s", *text ? text : "none");
}

static int put_ext_mnt(const struct request *r, struct img_err *err)
{
	for (size_t i = 0; i < r->opts->n_ext_mnt; i++)
		if (rpc_args_add(r->args, err, "--ext-mount-map=%s:%s", r->opts->ext_mnt[i]->key,
			    r->opts->ext_mnt[i]->val) < 0)
			return -1;
	return 0;
}

static int put_auto_ext_mnt(const struct request *r, struct img_err *err)
{
	return r->opts->auto_ext_mnt ? rpc_args_add(r->args, err, "--ext-mount-map=auto") : 0;
}

static int put_cgroups_mode(const struct request *r, struct img_err *err)
{
	static const char *const modes[] = {
		[CRIU_CG_MODE__IGNORE] = "ignore",
		[CRIU_CG_MODE__CG_NONE] = "none",
		[CRIU_CG_MODE__PROPS] = "props",
		[CRIU_CG_MODE__SOFT] = "soft",
		[CRIU_CG_MODE__FULL] = "full",
		[CRIU_CG_MODE__STRICT] = "strict",
		[CRIU_CG_MODE__DEFAULT] = "soft",
	};
	size_t mode = r->opts->manage_cgroups_mode;

	if (mode >= ARRAY_SIZE(modes))
		return img_fail(err, IMG_USAGE, "manage_cgroups_mode %zu is not known", mode);
	return rpc_args_add(r->args, err, "--manage-cgroups=%s", modes[mode]);
}

/* The mode says more where it is there. */
static int put_manage_cgroups(const struct request *r, struct img_err *err)
{
	return r->opts->manage_cgroups && !r->opts->has_manage_cgroups_mode ? rpc_args_add(r->args, err, "--manage-cgroups=soft")
									    : 0;
}

static int put_cg_root(const struct request *r, struct img_err *err)
{
	for (size_t i = 0; i < r->opts->n_cg_root; i++) {
		const CgroupRoot *root = r->opts->cg_root[i];
		bool named = root->ctrl && *root->ctrl;

		if (rpc_args_add(r->args, err, "--cgroup-root=%s%s%s", named ? root->ctrl : "", named ? ":" : "", root->path) < 0)
			return -1;
	}
	return 0;
}

static int put_inherit_fd(const struct request *r, struct img_err *err)
{
	for (size_t i = 0; i < r->opts->n_inherit_fd; i++)
		if (rpc_args_add(r->args, err, "--inherit-fd=fd[%d]:%s", r->opts->inherit_fd[i]->fd,
			    r->opts->inherit_fd[i]->key) < 0)
			return -1;
	return 0;
}

static int put_unix_sk_ino(const struct request *r, struct img_err *err)
{
	for (size_t i = 0; i < r->opts->n_unix_sk_ino; i++)
		if (rpc_args_add(r->args, err, "--ext-unix-sk=%u", r->opts->unix_sk_ino[i]->inode) < 0)
			return -1;
	return 0;
}

static int put_empty_ns(const struct request *r, struct img_err *err)
{
	uint32_t rest = r->opts->empty_ns & ~(uint32_t)CLONE_NEWNET;

	if (rest)
		return img_fail(err, IMG_UNSUPPORTED, "empty_ns: namespaces %#" PRIx32 " cannot be empty, only that of the network",
			rest);
	return r->opts->empty_ns ? rpc_args_add(r->args, err, "--empty-ns=net") : 0;
}

static int put_join_ns(const struct request *r, struct img_err *err)
{
	for (size_t i = 0; i < r->opts->n_join_ns; i++) {
		const JoinNamespace *j = r->opts->join_ns[i];
		bool extra = j->extra_opt && *j->extra_opt;

		if (rpc_args_add(r->args, err, "--join-ns=%s:%s%s%s", j->ns, j->ns_file, extra ? "," : "",
			    extra ? j->extra_opt : "") < 0)
			return -1;
	}
	return 0;
}

static int put_pre_dump_mode(const struct request *r, struct img_err *err)
{
	return rpc_args_add(
		r->args, err, "--pre-dump-mode=%s", r->opts->pre_dump_mode == CRIU_PRE_DUMP_MODE__VM_READ ? "read" : "splice");
}

static int put_network_lock(const struct request *r, struct img_err *err)
{
	static const char *const methods[] = {
		[CRIU_NETWORK_LOCK_METHOD__IPTABLES] = "iptables",
		[CRIU_NETWORK_LOCK_METHOD__NFTABLES] = "nftables",
		[CRIU_NETWORK_LOCK_METHOD__SKIP] = "skip",
	};
	size_t method = r->opts->network_lock;

	if (method >= ARRAY_SIZE(methods) || !methods[method])
		return img_fail(err, IMG_USAGE, "network_lock %zu is not known", method);
	return rpc_args_add(r->args, err, "--network-lock=%s", methods[method]);
}

/* Fields that say nothing by themselves, or say it to us. */
static int put_nothing(const struct request *r, struct img_err *err)
{
	return 0;
}

static const struct {
	const char *field;
	int (*put)(const struct request *r, struct img_err *err);
} own_forms[] = {
	{ "images_dir_fd", put_images_dir },
	{ "images_dir", put_nothing },
	{ "work_dir_fd", put_work_dir },
	{ "pid", put_nothing }, /* also when it is not there: see rpc_args_fill() */
	{ "log_file", put_nothing },
	{ "log_to_stderr", put_nothing },
	{ "ps", put_page_server },
	{ "notify_scripts", put_nothing },
	{ "veths", put_veths },
	{ "cpu_cap", put_cpu_cap },
	{ "exec_cmd", put_nothing }, /* at the end */
	{ "ext_mnt", put_ext_mnt },
	{ "auto_ext_mnt", put_auto_ext_mnt },
	{ "manage_cgroups", put_manage_cgroups },
	{ "manage_cgroups_mode", put_cgroups_mode },
	{ "cg_root", put_cg_root },
	{ "inherit_fd", put_inherit_fd },
	{ "unix_sk_ino", put_unix_sk_ino },
	{ "empty_ns", put_empty_ns },
	{ "join_ns", put_join_ns },
	{ "pre_dump_mode", put_pre_dump_mode },
	{ "network_lock", put_network_lock },
	{ "config_file", put_nothing }, /* after all others */
};

/* Fields that are called otherwise than their options. */
static const struct {
	const char *field, *option;
} own_names[] = {
	{ "log_level", "verbosity" },
	{ "parent_img", "prev-images-dir" },
	{ "rst_sibling", "restore-sibling" },
	{ "tcp_skip_in_flight", "skip-in-flight" },
	{ "irmap_scan_paths", "irmap-scan-path" },
	{ "ext_sharing", "enable-external-sharing" },
	{ "ext_masters", "enable-external-masters" },
	{ "pidfd_store_sk", "pidfd-store" },
};

/* ---- all others: the value as text ---- */

static void option_name(const char *field, char *name, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_names); i++)
		if (!strcmp(own_names[i].field, field))
			field = own_names[i].option;
	snprintf(name, size, "%s", field);
	for (char *at = name; (at = strchr(at, '_'));)
		*at = '-';
}

static int put_value(struct rpc_args *args, const ProtobufCFieldDescriptor *f, const void *value, struct img_err *err)
{
	char name[64], no[sizeof(name) + 3];

	option_name(f->name, name, sizeof(name));
	switch (f->type) {
	case PROTOBUF_C_TYPE_BOOL:
		if (*(const protobuf_c_boolean *)value)
			return rpc_args_add(args, err, "--%s", name);
		/* Some cannot be taken back: then it is not there. */
		snprintf(no, sizeof(no), "no-%s", name);
		return options_has(no) ? rpc_args_add(args, err, "--%s", no) : 0;
	case PROTOBUF_C_TYPE_INT32:
		return rpc_args_add(args, err, "--%s=%" PRId32, name, *(const int32_t *)value);
	case PROTOBUF_C_TYPE_UINT32:
		return rpc_args_add(args, err, "--%s=%" PRIu32, name, *(const uint32_t *)value);
	case PROTOBUF_C_TYPE_STRING:
		/* Clients that set everything leave it empty. */
		return **(char *const *)value ? rpc_args_add(args, err, "--%s=%s", name, *(char *const *)value) : 0;
	default:
		return img_fail(err, IMG_UNSUPPORTED, "option %s of a request is not supported", f->name);
	}
}

static bool is_there(const CriuOpts *opts, const ProtobufCFieldDescriptor *f)
{
	const char *quantifier = (const char *)opts + f->quantifier_offset, *value = (const char *)opts + f->offset;

	if (f->label == PROTOBUF_C_LABEL_REQUIRED)
		return true;
	if (f->label == PROTOBUF_C_LABEL_REPEATED)
		return *(const size_t *)quantifier;
	if (f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_MESSAGE) {
		const void *at = *(void *const *)value;

		return at && at != f->default_value;
	}
	return *(const protobuf_c_boolean *)quantifier;
}

static int put_field(const struct request *r, const ProtobufCFieldDescriptor *f, struct img_err *err)
{
	const char *value = (const char *)r->opts + f->offset;

	for (size_t i = 0; i < ARRAY_SIZE(own_forms); i++)
		if (!strcmp(own_forms[i].field, f->name))
			return own_forms[i].put(r, err);
	if (f->label != PROTOBUF_C_LABEL_REPEATED)
		return put_value(r->args, f, value, err);
	for (size_t i = 0; i < *(const size_t *)((const char *)r->opts + f->quantifier_offset); i++)
		if (put_value(r->args, f, *(char ***)value + i, err) < 0)
			return -1;
	return 0;
}

/* ---- the whole ---- */

static int put_line(void *arg, const char *name, const char *value, struct img_err *err)
{
	return value ? rpc_args_add(arg, err, "--%s=%s", name, value) : rpc_args_add(arg, err, "--%s", name);
}

/* Goes over what the request says; need not be there. */
static int put_config_file(const struct request *r, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;

	if (!r->opts->config_file || !*r->opts->config_file ||
		options_config_each(r->opts->config_file, put_line, r->args, &why) == 0)
		return 0;
	if (why.sys_errno == ENOENT)
		return 0;
	*err = why;
	return -1;
}

int rpc_args_fill(struct rpc_args *args, const struct rpc_client *client, const CriuReq *req, struct img_err *err)
{
	const ProtobufCMessageDescriptor *d = &criu_opts__descriptor;
	const struct request r = { .args = args, .client = client, .req = req, .opts = req->opts };

	if (!req->opts)
		return img_fail(err, IMG_USAGE, "a request without options");
	if (req->opts->base.n_unknown_fields)
		return img_fail(err, IMG_UNSUPPORTED, "option %u of a request is not known here", req->opts->base.unknown_fields[0].tag);
	for (unsigned i = 0; i < d->n_fields; i++)
		if (is_there(req->opts, &d->fields[i]) && put_field(&r, &d->fields[i], err) < 0)
			return -1;
	if (put_pid(&r, err) < 0 || put_log(&r, err) < 0 || put_config_file(&r, err) < 0)
		return -1;
	if (!req->opts->n_exec_cmd)
		return req->type == CRIU_REQ_TYPE__RESTORE ? rpc_args_add(args, err, "--restore-detached") : 0;
	if (rpc_args_add(args, err, "--exec-cmd") < 0 || rpc_args_add(args, err, "--") < 0)
		return -1;
	for (size_t i = 0; i < req->opts->n_exec_cmd; i++)
		if (rpc_args_add(args, err, "%s", req->opts->exec_cmd[i]) < 0)
			return -1;
	return 0;
}
