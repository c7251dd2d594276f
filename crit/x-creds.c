/* crit/x-creds.c -- crit x DIR creds: who each thread is, and what it may. */

#include <inttypes.h>
#include <stdio.h>

#include "creds.pb-c.h"
#include "criuimg/array.h"
#include "rows.h"
#include "x.h"

/* linux/capability.h */
static const char *const capabilities[] = { "chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid",
	"setpcap", "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner", "sys_module",
	"sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time",
	"sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap", "mac_override", "mac_admin", "syslog", "wake_alarm",
	"block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore" };

/* linux/securebits.h */
static const char *const securebits[] = { "noroot", "noroot_locked", "no_setuid_fixup", "no_setuid_fixup_locked", "keep_caps",
	"keep_caps_locked", "no_cap_ambient_raise", "no_cap_ambient_raise_locked" };

static json_t *bits(uint64_t mask, const char *const *names, size_t nr)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < 64 && list; i++)
		if (mask >> i & 1)
			json_array_append_new(list, i < nr ? json_string(names[i]) : json_integer(i));
	return list;
}

static uint64_t words(const uint32_t *word, size_t n)
{
	return (n > 0 ? word[0] : 0) | (n > 1 ? (uint64_t)word[1] << 32 : 0);
}

/* "all", "none", or the names. */
static json_t *capability_set(const uint32_t *word, size_t n)
{
	uint64_t mask = words(word, n), all = (1ull << ARRAY_SIZE(capabilities)) - 1;

	if ((mask & all) == all)
		return json_string("all");
	return mask ? bits(mask, capabilities, ARRAY_SIZE(capabilities)) : json_string("none");
}

static json_t *numbers(const uint32_t *number, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n && list; i++)
		json_array_append_new(list, json_integer(number[i]));
	return list;
}

/* Four numbers, or one where they are all the same. */
static void add_ids(struct rows *rows, const char *key, uint32_t real, uint32_t effective, uint32_t saved, uint32_t fs)
{
	if (real == effective && effective == saved && saved == fs)
		rows_format(rows, key, "%" PRIu32, real);
	else
		rows_format(rows, key, "%" PRIu32 "/%" PRIu32 "/%" PRIu32 "/%" PRIu32, real, effective, saved, fs);
}

static void add_row(struct rows *rows, uint32_t pid, uint32_t tid, const CredsEntry *creds)
{
	rows_next(rows);
	rows_int(rows, "pid", pid);
	rows_int(rows, "tid", tid);
	add_ids(rows, "uid", creds->uid, creds->euid, creds->suid, creds->fsuid);
	add_ids(rows, "gid", creds->gid, creds->egid, creds->sgid, creds->fsgid);
	rows_value(rows, "groups", numbers(creds->groups, creds->n_groups));
	rows_value(rows, "effective", capability_set(creds->cap_eff, creds->n_cap_eff));
	rows_value(rows, "permitted", capability_set(creds->cap_prm, creds->n_cap_prm));
	rows_value(rows, "inheritable", capability_set(creds->cap_inh, creds->n_cap_inh));
	rows_value(rows, "bounding", capability_set(creds->cap_bnd, creds->n_cap_bnd));
	rows_value(rows, "ambient", capability_set(creds->cap_amb, creds->n_cap_amb));
	rows_value(rows, "securebits", bits(creds->secbits, securebits, ARRAY_SIZE(securebits)));
	rows_bool(rows, "no_new_privs", creds->has_no_new_privs && creds->no_new_privs);
	rows_text(rows, "lsm", creds->lsm_profile);
}

static int add_thread(struct x *x, struct rows *rows, uint32_t pid, uint32_t tid, struct img_err *err)
{
	ProtobufCMessage *msg;
	CoreEntry *core;
	int ret = x_read_core(x, tid, &core, err);
	bool found = false;

	if (ret < 0)
		return -1;
	if (ret > 0) {
		found = core->thread_core && core->thread_core->creds;
		if (found)
			add_row(rows, pid, tid, core->thread_core->creds);
		img_message_free(&core->base);
	}
	if (found)
		return 0;
	/* Of old sets: an image for the task. */
	ret = img_read_single(x->set, IMG_CREDS, tid, &msg, err);
	if (ret <= 0)
		return ret;
	add_row(rows, pid, tid, (const CredsEntry *)msg);
	img_message_free(msg);
	return 0;
}

static int add_task(struct x *x, struct rows *rows, const PstreeEntry *task, struct img_err *err)
{
	return x_each_thread(x, rows, task, add_thread, err);
}

static const struct column columns[] = {
	{ "pid", "PID", true, '6' },		{ "tid", "TID", true, '6' },	       { "uid", "UID", false, 0 },
	{ "gid", "GID", false, 0 },		{ "no_new_privs", "NNP", false, 0 },   { "securebits", "SECUREBITS", false, 0 },
	{ "ambient", "AMBIENT", false, 0 },	{ "effective", "EFFECTIVE", false, '2' }, { "groups", "GROUPS", false, 0 },
	{ "lsm", "LSM", false, 0 },		{ 0 },
};

const struct x_view x_creds = {
	.name = "creds",
	.summary = "who each thread is (real/effective/saved/fs ids), and what it may",
	.task = add_task,
	.columns = columns,
};
