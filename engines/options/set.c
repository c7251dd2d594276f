/* engines/options/set.c -- what one option does to the struct, whatever source it came from. */

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "criuimg/array.h"
#include "options/cgroups.h"
#include "options/external.h"
#include "options/table.h"

static int bad_value(const struct option_row *row, const char *value, const char *wanted, struct img_err *err)
{
	return img_fail(err, IMG_USAGE, "--%s: \"%s\" is not %s", row->name, value, wanted);
}

static int number(const struct option_row *row, const char *value, long long low, long long high, long long *out,
	struct img_err *err)
{
	char *end;

	errno = 0;
	*out = strtoll(value, &end, 10);
	if (errno || end == value || *end || *out < low || *out > high)
		return bad_value(row, value, "a number that makes sense here", err);
	return 0;
}

static int set_size(const struct option_row *row, uint64_t *field, const char *value, struct img_err *err)
{
	static const char suffixes[] = "KMG";
	unsigned long long n;
	const char *at;
	char *end;

	errno = 0;
	n = strtoull(value, &end, 10);
	if (errno || end == value || *value == '-')
		return bad_value(row, value, "a size", err);
	if (*end && (at = strchr(suffixes, toupper((unsigned char)*end))) && !end[1])
		n <<= 10 * (at - suffixes + 1);
	else if (*end)
		return bad_value(row, value, "a size (suffixes are K, M and G)", err);
	*field = n;
	return 0;
}

static int list_add(struct options *opt, struct option_list *list, const char *item, size_t len, struct img_err *err)
{
	const char **at = img_array_more(&list->items, list->nr, &list->room);

	if (at)
		*at = img_arena_printf(&opt->arena, "%.*s", (int)len, item);
	if (!at || !*at)
		return img_fail_nomem(err);
	list->nr++;
	return 0;
}

static int set_commas(struct options *opt, struct option_list *list, const char *value, struct img_err *err)
{
	while (*value) {
		size_t len = strcspn(value, ",");

		if (len && list_add(opt, list, value, len, err) < 0)
			return -1;
		value += len + (value[len] == ',');
	}
	return 0;
}

/* -v, -vv, -v3, --verbosity, --verbosity=3; and "-verbosity=3", which getopt hands over as -v with "erbosity=3". */
static int set_verbosity(const struct option_row *row, int *field, const char *value, struct img_err *err)
{
	static const char rest_of_word[] = "erbosity=";
	long long n;

	if (!value) {
		*field += 1;
		return 0;
	}
	if (value[strspn(value, "v")] == '\0') {
		*field += 1 + strlen(value);
		return 0;
	}
	if (!strncmp(value, rest_of_word, strlen(rest_of_word)))
		value += strlen(rest_of_word);
	if (number(row, value, 0, 4, &n, err) < 0)
		return -1;
	*field = n;
	return 0;
}

static int set_cpu_cap(const struct option_row *row, unsigned *field, const char *value, struct img_err *err)
{
	static const struct {
		const char *word;
		unsigned bits;
	} words[] = {
		{ "all", CPU_CAP_ALL }, { "cpu", CPU_CAP_CPU }, { "fpu", CPU_CAP_FPU },
		{ "ins", CPU_CAP_INS }, { "none", CPU_CAP_NONE },
	};
	unsigned bits = CPU_CAP_NONE;

	if (!value) {
		*field = CPU_CAP_ALL;
		return 0;
	}
	/* What starts by taking away starts from all. */
	if (*value == '^')
		bits = CPU_CAP_ALL;
	while (*value) {
		bool away = *value == '^';
		const char *word = value + away;
		size_t len = strcspn(word, ","), i;

		for (i = 0; i < ARRAY_SIZE(words); i++) {
			if (strlen(words[i].word) == len && !strncmp(words[i].word, word, len))
				break;
		}
		if (i == ARRAY_SIZE(words))
			return bad_value(row, value, "one of cpu, fpu, ins, all, none", err);
		if (!words[i].bits)
			bits = away ? CPU_CAP_ALL : CPU_CAP_NONE;
		else if (away)
			bits &= ~words[i].bits;
		else
			bits |= words[i].bits;
		value = word + len + (word[len] == ',');
	}
	*field = bits;
	return 0;
}

bool options_has(const char *name)
{
	bool negated;

	for (size_t i = 0; i < options_not_yet_nr; i++)
		if (!strcmp(options_not_yet[i], name))
			return false;
	return option_row_find(name, &negated);
}

static int note_not_yet(struct options *opt, const char *name, struct img_err *err)
{
	size_t i;

	for (i = 0; i < opt->not_yet.nr; i++)
		if (!strcmp(opt->not_yet.items[i], name))
			return 0; /* once is enough */
	for (i = 0; i < options_not_yet_nr; i++) {
		if (!strcmp(options_not_yet[i], name))
			return list_add(opt, &opt->not_yet, name, strlen(name), err);
	}
	return 0;
}

static int set_external(struct options *opt, const struct option_row *row, const char *value, struct img_err *err)
{
	struct option_external ext;
	char name[64];

	if (!option_external_parse(value, &ext))
		return bad_value(row, value, "of the form TYPE[ID] or TYPE[ID]:VALUE", err);
	for (size_t i = 0; i < externals_not_yet_nr; i++) {
		if (strlen(externals_not_yet[i]) != ext.type_len || memcmp(externals_not_yet[i], ext.type, ext.type_len))
			continue;
		snprintf(name, sizeof(name), "external %s[..]", externals_not_yet[i]);
		if (list_add(opt, &opt->not_yet, name, strlen(name), err) < 0)
			return -1;
	}
	return list_add(opt, &opt->externals, value, strlen(value), err);
}

static int set_ext_unix(struct options *opt, const struct option_row *row, bool *flag, const char *value, struct img_err *err)
{
	char item[64];

	if (!value) {
		*flag = true;
		return 0;
	}
	if (!*value || strspn(value, "0123456789") != strlen(value) || strlen(value) > 20)
		return bad_value(row, value, "an inode", err);
	return list_add(opt, &opt->externals, item, (size_t)snprintf(item, sizeof(item), "unix[%s]", value), err);
}

static int set_veth_pair(struct options *opt, const struct option_row *row, const char *value, struct img_err *err)
{
	const char *eq = strchr(value, '=');
	char item[128];
	int len = eq ? snprintf(item, sizeof(item), "veth[%.*s]:%s", (int)(eq - value), value, eq + 1) : -1;

	if (len < 0 || (size_t)len >= sizeof(item) || eq == value || !eq[1] || memchr(value, ']', (size_t)(eq - value)))
		return bad_value(row, value, "of the form IN=OUT or IN=OUT@BRIDGE", err);
	return list_add(opt, &opt->externals, item, (size_t)len, err);
}

static int set_inherit(struct options *opt, const struct option_row *row, const char *value, struct img_err *err)
{
	const char *key;
	int fd;

	if (!option_inherit_parse(value, &fd, &key))
		return bad_value(row, value, "of the form fd[N]:RES", err);
	return list_add(opt, &opt->inherit_fds, value, strlen(value), err);
}

int options_supported(const struct options *opt, struct img_err *err)
{
	char names[512] = "";
	size_t i, len = 0;

	for (i = 0; i < opt->not_yet.nr && len < sizeof(names); i++)
		len += snprintf(names + len, sizeof(names) - len, " --%s", opt->not_yet.items[i]);
	return len ? img_fail(err, IMG_UNSUPPORTED, "not supported yet:%s", names) : 0;
}

int option_set(struct options *opt, const struct option_row *row, bool negated, const char *value, struct img_err *err)
{
	void *field = (char *)opt + row->offset;
	long long n;

	if (row->arg == ARG_REQUIRED && !value)
		return img_fail(err, IMG_USAGE, "--%s needs a value", row->name);
	if (row->arg == ARG_NONE && value)
		return img_fail(err, IMG_USAGE, "--%s takes no value", row->name);
	if (!negated && (row->commands & opt->command) && note_not_yet(opt, row->name, err) < 0)
		return -1;
	if (row->also)
		*(bool *)((char *)opt + row->also) = true;

	switch (row->type) {
	case OPT_FLAG:
		*(bool *)field = !negated;
		return 0;
	case OPT_MODE:
		if (value && !options_cgroup_mode_known(value, NULL))
			return bad_value(row, value, "none, props, soft, full, strict or ignore", err);
		*(const char **)field = value;
		return 0;
	case OPT_CGROUP_ROOT:
		if (!options_cgroup_root_valid(value))
			return bad_value(row, value, "of the form [CONTROLLER:]/DIR", err);
		return list_add(opt, field, value, strlen(value), err);
	case OPT_STRING:
		*(const char **)field = value;
		return 0;
	case OPT_INT:
	case OPT_COUNT:
		if (number(row, value, row->type == OPT_COUNT ? 0 : INT_MIN, INT_MAX, &n, err) < 0)
			return -1;
		*(int *)field = n;
		return 0;
	case OPT_PID:
		if (number(row, value, 1, INT_MAX, &n, err) < 0)
			return -1;
		*(pid_t *)field = n;
		return 0;
	case OPT_FD:
		n = -1;
		if (value && number(row, value, 0, INT_MAX, &n, err) < 0)
			return -1;
		*(int *)field = n;
		return 0;
	case OPT_COMPRESS:
		if (value && number(row, value, 1, 19, &n, err) < 0)
			return -1;
		*(int *)field = value ? n : 1;
		return 0;
	case OPT_SIZE:
		return set_size(row, field, value, err);
	case OPT_LIST:
		return list_add(opt, field, value, strlen(value), err);
	case OPT_COMMAS:
		return set_commas(opt, field, value, err);
	case OPT_EXTERNAL:
		return set_external(opt, row, value, err);
	case OPT_VALIDATION:
		if (strcmp(value, "filesize") && strcmp(value, "buildid"))
			return bad_value(row, value, "filesize or buildid", err);
		*(const char **)field = value;
		return 0;
	case OPT_EXT_UNIX:
		return set_ext_unix(opt, row, field, value, err);
	case OPT_VETH_PAIR:
		return set_veth_pair(opt, row, value, err);
	case OPT_INHERIT:
		return set_inherit(opt, row, value, err);
	case OPT_VERBOSITY:
		return set_verbosity(row, field, value, err);
	case OPT_CPU_CAP:
		return set_cpu_cap(row, field, value, err);
	case OPT_CONFIG:
	case OPT_NO_CONFIG:
	case OPT_HELP:
	case OPT_VERSION:
		return 0; /* seen to by options_parse() */
	}
	return 0;
}

const struct option_row *option_row_find(const char *name, bool *negated)
{
	size_t i;

	*negated = false;
	for (i = 0; i < option_rows_nr; i++) {
		if (!strcmp(option_rows[i].name, name))
			return &option_rows[i];
	}
	if (strncmp(name, "no-", 3))
		return NULL;
	*negated = true;
	for (i = 0; i < option_rows_nr; i++) {
		if (option_rows[i].type == OPT_FLAG && !strcmp(option_rows[i].name, name + 3))
			return &option_rows[i];
	}
	return NULL;
}

int options_apply(struct options *opt, const char *name, const char *value, struct img_err *err)
{
	const struct option_row *row;
	bool negated;

	row = option_row_find(name, &negated);
	if (!row)
		return img_fail(err, IMG_USAGE, "unknown option --%s", name);
	if (value && !(value = img_arena_strdup(&opt->arena, value)))
		return img_fail_nomem(err);
	return option_set(opt, row, negated, value, err);
}
