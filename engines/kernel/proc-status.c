/* kernel/proc-status.c -- /proc/PID/task/TID/status: a table of the lines that count. */

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/proc-file.h"
#include "kernel/proc-status.h"

typedef int line_parser(const char *value, void *at, struct kern_status *status, struct img_err *err);

struct line {
	const char *key;
	line_parser *parse;
	size_t offset;
	bool optional; /* depends on the kernel's configuration or the architecture */
};

static int bad(const char *value, struct img_err *err)
{
	return img_fail(err, IMG_UNSUPPORTED, "\"%.40s\" is not what it should be", value);
}

static int parse_state(const char *value, void *at, struct kern_status *status, struct img_err *err)
{
	*(char *)at = *value;
	return *value ? 0 : bad(value, err);
}

static int parse_number(const char *value, int base, unsigned long long *out, struct img_err *err)
{
	char *end;

	*out = strtoull(value, &end, base);
	return end == value ? bad(value, err) : 0;
}

static int parse_int(const char *value, void *at, struct kern_status *status, struct img_err *err)
{
	unsigned long long n;

	if (parse_number(value, 10, &n, err) < 0)
		return -1;
	*(int *)at = n;
	return 0;
}

static int parse_octal(const char *value, void *at, struct kern_status *status, struct img_err *err)
{
	unsigned long long n;

	if (parse_number(value, 8, &n, err) < 0)
		return -1;
	*(uint32_t *)at = n;
	return 0;
}

static int parse_hex(const char *value, void *at, struct kern_status *status, struct img_err *err)
{
	unsigned long long n;

	if (parse_number(value, 16, &n, err) < 0)
		return -1;
	*(uint64_t *)at = n;
	return 0;
}

static int parse_bool(const char *value, void *at, struct kern_status *status, struct img_err *err)
{
	*(bool *)at = *value == '1';
	return 0;
}

static int parse_ids(const char *value, void *at, struct kern_status *status, struct img_err *err)
{
	uint32_t *ids = at;

	if (sscanf(value, "%u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]) != 4)
		return bad(value, err);
	return 0;
}

static int parse_groups(const char *value, void *at, struct kern_status *status, struct img_err *err)
{
	size_t room = 0;
	char *end;

	for (;; value = end) {
		unsigned long gid = strtoul(value, &end, 10);
		uint32_t *one;

		if (end == value)
			return 0;
		one = img_array_more(&status->groups, status->nr_groups, &room);
		if (!one)
			return img_fail_nomem(err);
		*one = gid;
		status->nr_groups++;
	}
}

/* One number a pid namespace, ours first. */
static int parse_ns(const char *value, void *at, struct kern_status *status, struct img_err *err)
{
	pid_t *ids = at;
	int depth = 0;
	char *end;

	for (;; value = end, depth++) {
		unsigned long id = strtoul(value, &end, 10);

		if (end == value)
			break;
		if (depth == KERN_PID_NS_DEPTH)
			return bad(value, err);
		ids[depth] = id;
	}
	status->ns_depth = depth;
	return depth ? 0 : bad(value, err);
}

static int parse_features(const char *value, void *at, struct kern_status *status, struct img_err *err)
{
	*(bool *)at = strstr(value, "shstk") != NULL;
	return 0;
}

#define FIELD(f) offsetof(struct kern_status, f)
static const struct line lines[] = {
	/* none of a kernel thread or zombie */
	{ "Umask", parse_octal, FIELD(umask), true },
	{ "State", parse_state, FIELD(state), false },
	{ "Tgid", parse_int, FIELD(tgid), false },
	{ "Pid", parse_int, FIELD(pid), false },
	{ "PPid", parse_int, FIELD(ppid), false },
	{ "TracerPid", parse_int, FIELD(tracer), false },
	{ "Uid", parse_ids, FIELD(uid), false },
	{ "Gid", parse_ids, FIELD(gid), false },
	{ "Groups", parse_groups, 0, false },
	{ "NStgid", parse_ns, FIELD(ns_tgid), false },
	{ "NSpid", parse_ns, FIELD(ns_tid), false },
	{ "NSpgid", parse_ns, FIELD(ns_pgid), false },
	{ "NSsid", parse_ns, FIELD(ns_sid), false },
	{ "THP_enabled", parse_bool, FIELD(thp_enabled), true },
	{ "untag_mask", parse_hex, FIELD(untag_mask), true },
	{ "Threads", parse_int, FIELD(threads), true },
	{ "SigPnd", parse_hex, FIELD(sig_pending), false },
	{ "ShdPnd", parse_hex, FIELD(sig_shared_pending), false },
	{ "SigBlk", parse_hex, FIELD(sig_blocked), false },
	{ "SigIgn", parse_hex, FIELD(sig_ignored), false },
	{ "SigCgt", parse_hex, FIELD(sig_caught), false },
	{ "CapInh", parse_hex, FIELD(cap_inh), false },
	{ "CapPrm", parse_hex, FIELD(cap_prm), false },
	{ "CapEff", parse_hex, FIELD(cap_eff), false },
	{ "CapBnd", parse_hex, FIELD(cap_bnd), false },
	{ "CapAmb", parse_hex, FIELD(cap_amb), false },
	{ "NoNewPrivs", parse_bool, FIELD(no_new_privs), false },
	{ "Seccomp", parse_int, FIELD(seccomp), true },
	{ "Seccomp_filters", parse_int, FIELD(seccomp_filters), true },
	{ "x86_Thread_features", parse_features, FIELD(shadow_stack), true },
};

/* The row of a key, looked for from where the last one was found: the file is in the order of the table. */
static const struct line *find_line(const char *key, size_t len, size_t *hint)
{
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		const struct line *l = &lines[(*hint + i) % ARRAY_SIZE(lines)];

		if (strlen(l->key) == len && !memcmp(l->key, key, len)) {
			*hint = l - lines + 1;
			return l;
		}
	}
	return NULL;
}

int kern_status_parse(const char *text, struct kern_status *status, struct img_err *err)
{
	bool seen[ARRAY_SIZE(lines)] = { false };
	size_t hint = 0;

	memset(status, 0, sizeof(*status));
	status->thp_enabled = true;
	status->untag_mask = UINT64_MAX;
	while (*text) {
		const char *eol = strchrnul(text, '\n'), *colon = memchr(text, ':', eol - text);
		const struct line *l = colon ? find_line(text, colon - text, &hint) : NULL;

		if (l && !seen[l - lines]) {
			const char *value = colon + 1 + strspn(colon + 1, " \t");

			seen[l - lines] = true;
			if (l->parse(value, (char *)status + l->offset, status, err) < 0) {
				kern_status_free(status);
				return img_wrap(err, "line %s", l->key);
			}
		}
		text = *eol ? eol + 1 : eol;
	}
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (!seen[i] && !lines[i].optional) {
			kern_status_free(status);
			return img_fail(err, IMG_UNSUPPORTED, "no line %s", lines[i].key);
		}
	return 0;
}

int kern_status_read(pid_t pid, pid_t tid, struct kern_status *status, struct img_err *err)
{
	cleanup_free char *text = kern_proc_read(NULL, err, "/proc/%d/task/%d/status", pid, tid);

	if (!text)
		return -1;
	if (kern_status_parse(text, status, err) < 0)
		return img_wrap(err, "/proc/%d/task/%d/status", pid, tid);
	return 0;
}

void kern_status_free(struct kern_status *status)
{
	free(status->groups);
	status->groups = NULL;
	status->nr_groups = 0;
}
