/* crit/x-mounts.c -- crit x DIR mounts: the mounts of each mount namespace that was dumped. */

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "criuimg/array.h"
#include "mnt.pb-c.h"
#include "namespaces.h"
#include "rows.h"
#include "x.h"

static const struct {
	uint32_t bit;
	const char *name;
} flags[] = { { MS_NOSUID, "nosuid" }, { MS_NODEV, "nodev" }, { MS_NOEXEC, "noexec" }, { MS_NOATIME, "noatime" },
	{ MS_NODIRATIME, "nodiratime" }, { MS_RELATIME, "relatime" }, { MS_NOSYMFOLLOW, "nosymfollow" } };

static json_t *flag_names(const MntEntry *mnt)
{
	json_t *list = json_array();

	if (list)
		json_array_append_new(list, json_string(mnt->flags & MS_RDONLY ? "ro" : "rw"));
	for (size_t i = 0; i < ARRAY_SIZE(flags) && list; i++)
		if (mnt->flags & flags[i].bit)
			json_array_append_new(list, json_string(flags[i].name));
	return list;
}

static const char *type_name(const MntEntry *mnt, char buf[static 32])
{
	const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(&fstype__descriptor, mnt->fstype);
	size_t i = 0;

	if (mnt->fsname)
		return mnt->fsname;
	if (!value || mnt->fstype == FSTYPE__UNSUPPORTED) {
		snprintf(buf, 32, value ? "?" : "%" PRIu32, mnt->fstype);
		return buf;
	}
	for (; value->name[i] && i < 31; i++)
		buf[i] = tolower(value->name[i]);
	buf[i] = '\0';
	return buf;
}

static void add_row(struct rows *rows, uint32_t ns, const MntEntry *mnt)
{
	char buf[32];

	rows_next(rows);
	rows_int(rows, "ns", ns);
	rows_int(rows, "id", mnt->mnt_id);
	rows_int(rows, "parent", mnt->parent_mnt_id);
	rows_format(rows, "dev", "%" PRIu32 ":%" PRIu32, mnt->root_dev >> 20, mnt->root_dev & 0xfffff);
	rows_text(rows, "type", type_name(mnt, buf));
	rows_text(rows, "source", mnt->source);
	rows_text(rows, "root", mnt->root);
	/* The root of the namespace has an empty one, or "./". */
	rows_format(rows, "mountpoint", "/%s", mnt->mountpoint + strspn(mnt->mountpoint, "./"));
	rows_value(rows, "flags", flag_names(mnt));
	if (mnt->has_shared_id && mnt->shared_id)
		rows_format(rows, "propagation", mnt->has_master_id && mnt->master_id ? "shared:%" PRIu32 ",slave:%" PRIu32 : "shared:%" PRIu32,
			mnt->shared_id, mnt->master_id);
	else if (mnt->has_master_id && mnt->master_id)
		rows_format(rows, "propagation", "slave:%" PRIu32, mnt->master_id);
	rows_text(rows, "options", mnt->options);
	if (mnt->ext_key)
		rows_text(rows, "external", mnt->ext_key);
}

static int add_namespace(struct x *x, struct rows *rows, const struct namespace *ns, struct img_err *err)
{
	struct img_reader *r;
	ProtobufCMessage *msg;
	int ret = ns->kind == NS_MNT ? img_reader_open(x->set, IMG_MNTS, ns->id, &r, err) : 0;

	if (ret <= 0)
		return ret;
	while ((ret = img_read(r, &msg, err)) > 0) {
		add_row(rows, ns->id, (const MntEntry *)msg);
		img_message_free(msg);
	}
	img_reader_close(r);
	return ret;
}

static json_t *rows(struct x *x, struct img_err *err)
{
	return namespaces_rows(x, add_namespace, err);
}

static const struct column columns[] = {
	{ "ns", "NS", true, '6' },	 { "id", "ID", true, 0 },	  { "parent", "PARENT", true, 0 },
	{ "dev", "DEV", false, 0 },	 { "type", "TYPE", false, '2' },  { "mountpoint", "MOUNTPOINT", false, 0 },
	{ "root", "ROOT", false, 0 },	 { "source", "SOURCE", false, 0 }, { "propagation", "PROPAGATION", false, 0 },
	{ "flags", "FLAGS", false, 0 },	 { "options", "OPTIONS", false, 0 }, { 0 },
};

const struct x_view x_mounts = {
	.name = "mounts",
	.summary = "the mounts of each mount namespace",
	.rows = rows,
	.columns = columns,
};
