/* engines/ns/cgroup/values-restore.c -- how criu-restore sets a file of a control group: each in the way that the kernel takes it. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "criu-restore/cgroups.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"

/* ---- words and lines ---- */

static bool has_word(const char *list, const char *word, size_t len, const char *separators)
{
	for (const char *at = list; *at;) {
		size_t n = strcspn(at, separators);

		if (n == len && !strncmp(at, word, len))
			return true;
		at += n + (at[n] != '\0');
	}
	return false;
}

/* Call fn with each word of list that is not in `other`. */
static int each_new(const char *list, const char *other, const char *separators,
	int (*fn)(void *arg, const char *word, struct img_err *err), void *arg, struct img_err *err)
{
	for (const char *at = list; *at;) {
		size_t len = strcspn(at, separators);
		cleanup_free char *word = strndup(at, len);

		if (!word)
			return img_fail_nomem(err);
		if (len && !has_word(other, at, len, separators) && fn(arg, word, err) < 0)
			return -1;
		at += len + (at[len] != '\0');
	}
	return 0;
}

struct target {
	int root;
	const char *path, *file, *before; /* what goes in front of each word */
};

static int write_word(void *arg, const char *word, struct img_err *err)
{
	const struct target *t = arg;
	char text[4096];

	if (strlen(t->before) + strlen(word) >= sizeof(text))
		return img_fail(err, IMG_CORRUPT, "%s/%s: '%.40s...' is too long", t->path, t->file, word);
	strcpy(text, t->before);
	strcat(text, word);
	return kern_cgroup_write(t->root, t->path, t->file, text, err);
}

/* ---- the ways ---- */

typedef int set_fn(int root, const char *path, const char *name, const char *now, const char *value, struct img_err *err);

static int set_plain(int root, const char *path, const char *name, const char *now, const char *value, struct img_err *err)
{
	struct target t = { root, path, name, "" };

	/* A table takes one line at a time. */
	if (strchr(value, '\n'))
		return each_new(value, "", "\n", write_word, &t, err);
	return kern_cgroup_write(root, path, name, value, err);
}

/* "a *:* rwm", or a list of what is allowed. All at once is changed only where there are no groups below. */
static int set_devices(int root, const char *path, const char *name, const char *now, const char *value, struct img_err *err)
{
	static const char all[] = "a *:* rwm";
	struct target allow = { root, path, "devices.allow", "" }, deny = { root, path, "devices.deny", "" };

	if (!strcmp(value, all))
		return kern_cgroup_write(root, path, "devices.allow", "a", err);
	if (!strcmp(now, all)) {
		if (kern_cgroup_write(root, path, "devices.deny", "a", err) < 0)
			return -1;
		now = "";
	}
	if (each_new(now, value, "\n", write_word, &deny, err) < 0)
		return -1;
	return each_new(value, now, "\n", write_word, &allow, err);
}

static int set_control(int root, const char *path, const char *name, const char *now, const char *value, struct img_err *err)
{
	struct target on = { root, path, name, "+" }, off = { root, path, name, "-" };

	return each_new(now, value, " ", write_word, &off, err) < 0 ? -1 : each_new(value, now, " ", write_word, &on, err);
}

/* Others than this one come about by themselves. */
static int set_type(int root, const char *path, const char *name, const char *now, const char *value, struct img_err *err)
{
	return strcmp(value, "threaded") ? 0 : kern_cgroup_write(root, path, name, value, err);
}

/* It shows more than it takes. */
static int set_oom(int root, const char *path, const char *name, const char *now, const char *value, struct img_err *err)
{
	const char *at = strstr(now, "oom_kill_disable ");

	if (at && at[strlen("oom_kill_disable ")] == *value && strlen(value) == 1)
		return 0;
	return kern_cgroup_write(root, path, name, value, err);
}

/* An empty set of processors is what a group has before anybody gives it some. */
static int set_cpuset(int root, const char *path, const char *name, const char *now, const char *value, struct img_err *err)
{
	return *value ? kern_cgroup_write(root, path, name, value, err) : 0;
}

static const struct {
	const char *name;
	set_fn *set;
} ways[] = {
	{ "devices.list", set_devices },	{ "cgroup.subtree_control", set_control },
	{ "cgroup.type", set_type },		{ "memory.oom_control", set_oom },
	{ "cpuset.cpus", set_cpuset },		{ "cpuset.mems", set_cpuset },
};

int cg_value_set(int root, const char *path, const char *name, const char *value, struct img_err *err)
{
	cleanup_free char *now = kern_cgroup_read(root, path, name, err);

	if (!now)
		return -1;
	if (!strcmp(now, value))
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (!strcmp(ways[i].name, name))
			return ways[i].set(root, path, name, now, value, err);
	return set_plain(root, path, name, now, value, err);
}

bool cg_value_is_nothing(const char *name, const char *value)
{
	/* The last is PAGE_COUNTER_MAX in bytes. */
	static const char *const nothing[] = { "", "0", "max", "-1", "9223372036854771712" };
	/* What a group has from the start. */
	static const struct {
		const char *name, *value;
	} defaults[] = {
		{ "memory.use_hierarchy", "1" }, { "memory.swappiness", "60" }, { "cgroup.pressure", "1" },
		{ "cpuset.sched_load_balance", "1" }, { "cpu.rt_period_us", "1000000" }, { "memory.zswap.writeback", "1" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(nothing); i++)
		if (!strcmp(value, nothing[i]))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++)
		if (!strcmp(defaults[i].name, name) && !strcmp(defaults[i].value, value))
			return true;
	return false;
}
