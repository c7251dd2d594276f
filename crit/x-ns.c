/* crit/x-ns.c -- crit x DIR ns: the namespaces that tasks are in, and what is in them. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "criuimg/cleanup.h"
#include "namespaces.h"
#include "netdev.pb-c.h"
#include "pidns.pb-c.h"
#include "rows.h"
#include "timens.pb-c.h"
#include "userns.pb-c.h"
#include "utsns.pb-c.h"
#include "x.h"

/* ---- what is in one, by kind ---- */

static void uts_text(FILE *out, const ProtobufCMessage *msg)
{
	const UtsnsEntry *uts = (const UtsnsEntry *)msg;

	fprintf(out, "host %s, domain %s", uts->nodename, uts->domainname);
}

static void map_text(FILE *out, const char *name, UidGidExtent *const *map, size_t n)
{
	fprintf(out, "%s", name);
	for (size_t i = 0; i < n; i++)
		fprintf(out, " %" PRIu32 ":%" PRIu32 ":%" PRIu32, map[i]->first, map[i]->lower_first, map[i]->count);
}

static void user_text(FILE *out, const ProtobufCMessage *msg)
{
	const UsernsEntry *user = (const UsernsEntry *)msg;

	map_text(out, "uid", user->uid_map, user->n_uid_map);
	map_text(out, ", gid", user->gid_map, user->n_gid_map);
}

static void time_text(FILE *out, const ProtobufCMessage *msg)
{
	const TimensEntry *times = (const TimensEntry *)msg;

	fprintf(out, "monotonic %" PRIu64 ".%09" PRIu64 ", boottime %" PRIu64 ".%09" PRIu64, times->monotonic->tv_sec,
		times->monotonic->tv_nsec, times->boottime->tv_sec, times->boottime->tv_nsec);
}

static void pid_text(FILE *out, const ProtobufCMessage *msg)
{
	const PidnsEntry *pid = (const PidnsEntry *)msg;

	fprintf(out, "external %s", pid->ext_key ? pid->ext_key : "");
}

static void device_text(FILE *out, const ProtobufCMessage *msg)
{
	const NetDeviceEntry *device = (const NetDeviceEntry *)msg;

	fprintf(out, "%s(%" PRIu32 ") ", device->name, device->ifindex);
}

static void count_text(FILE *out, const ProtobufCMessage *msg)
{
}

/* One row per image that belongs to a namespace of a kind. */
static const struct {
	enum ns_kind kind;
	enum img_kind image;
	void (*text)(FILE *out, const ProtobufCMessage *msg); /* for each record */
	const char *counted;				      /* what records are, if they are to be counted */
} rows_of[] = {
	{ NS_UTS, IMG_UTSNS, uts_text, NULL },
	{ NS_USER, IMG_USERNS, user_text, NULL },
	{ NS_TIME, IMG_TIMENS, time_text, NULL },
	{ NS_PID, IMG_PIDNS, pid_text, NULL },
	{ NS_NET, IMG_NETDEV, device_text, NULL },
	{ NS_MNT, IMG_MNTS, count_text, "mounts" },
	{ NS_IPC, IMG_IPCNS_SHM, count_text, "segments" },
	{ NS_IPC, IMG_IPCNS_SEM, count_text, "semaphore sets" },
};

static int describe_image(struct x *x, FILE *out, size_t row, uint32_t id, struct img_err *err)
{
	struct img_reader *r;
	ProtobufCMessage *msg;
	size_t n = 0;
	int ret = img_reader_open(x->set, rows_of[row].image, id, &r, err);

	if (ret <= 0)
		return ret;
	while ((ret = img_read(r, &msg, err)) > 0) {
		rows_of[row].text(out, msg);
		img_message_free(msg);
		n++;
	}
	if (rows_of[row].counted)
		fprintf(out, "%zu %s ", n, rows_of[row].counted);
	img_reader_close(r);
	return ret;
}

static int describe(struct x *x, const struct namespace *ns, char **text, struct img_err *err)
{
	size_t size;
	FILE *out = open_memstream(text, &size);
	int ret = 0;

	if (!out)
		return img_fail_nomem(err);
	for (size_t i = 0; i < sizeof(rows_of) / sizeof(rows_of[0]) && ret == 0; i++)
		if (rows_of[i].kind == ns->kind)
			ret = describe_image(x, out, i, ns->id, err);
	return fclose(out) && ret == 0 ? img_fail_nomem(err) : ret;
}

static int add_row(struct x *x, struct rows *rows, const struct namespace *ns, struct img_err *err)
{
	cleanup_free char *text = NULL;
	json_t *pids = json_array();

	for (size_t i = 0; i < ns->nr_pids && pids; i++)
		json_array_append_new(pids, json_integer(ns->pids[i]));
	rows_next(rows);
	rows_text(rows, "type", namespaces_kind_name(ns->kind));
	rows_int(rows, "id", ns->id);
	rows_bool(rows, "host", ns->host);
	rows_int(rows, "tasks", ns->nr_pids);
	rows_value(rows, "pids", pids);
	if (!ns->host && describe(x, ns, &text, err) < 0)
		return -1;
	rows_text(rows, "content", text);
	return 0;
}

static json_t *rows(struct x *x, struct img_err *err)
{
	return namespaces_rows(x, add_row, err);
}

static const struct column columns[] = {
	{ "type", "TYPE", false, '2' },	 { "id", "ID", true, 0 },      { "host", "HOST'S", false, 0 },
	{ "tasks", "TASKS", true, 0 },	 { "content", "CONTENT", false, 0 }, { "pids", "PIDS", false, '6' },
	{ 0 },
};

const struct x_view x_ns = {
	.name = "ns",
	.summary = "namespaces: who is in them, and what",
	.rows = rows,
	.columns = columns,
};
