/* crit/cmd-requires.c -- crit requires: what a host must be able to do to restore a set, and whether it can. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crit.h"
#include "criuimg/manifest.h"
#include "host.h"
#include "manifest.pb-c.h"
#include "mnt.pb-c.h"
#include "namespaces.h"
#include "rows.h"
#include "seccomp.pb-c.h"

enum { HOST, DESCRIBE, JSON };
enum { IMAGES };

static const struct crit_option options[] = {
	[HOST] = { "host", 0, "FILE", "the description of another host, that `crit requires --describe` made there" },
	[DESCRIBE] = { "describe", 0, NULL, "describe this host, and look at no set: without DIR" },
	[JSON] = { "json", 0, NULL, "as JSON" },
	{ 0 },
};

static const struct crit_operand operands[] = {
	[IMAGES] = { "DIR", "the images" },
	{ 0 },
};

struct requires {
	struct x *x;
	const json_t *host;
	struct namespaces namespaces;
	struct rows rows;
	char missing[512]; /* words, for the message */
};

static bool has_word(const json_t *list, const char *word)
{
	const json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (json_is_string(item) && !strcmp(json_string_value(item), word))
			return true;
	return false;
}

static void add(struct requires *r, const char *word, const char *why, bool have)
{
	size_t len = strlen(r->missing);

	rows_next(&r->rows);
	rows_text(&r->rows, "requires", word);
	rows_text(&r->rows, "why", why);
	rows_bool(&r->rows, "host", have);
	if (!have)
		snprintf(r->missing + len, sizeof(r->missing) - len, "%s%s", len ? ", " : "", word);
}

/* ---- what asks for it ---- */

struct search {
	enum img_kind kind;
	bool found;
};

static int each_image(void *arg, const char *name, struct img_err *err)
{
	struct search *search = arg;

	search->found |= img_kind_by_file(name, NULL) == search->kind;
	return 0;
}

/* Is there an image of this kind: 1, 0, -1. The one that is always there is looked into. */
static int has_image(struct requires *r, enum img_kind kind, struct img_err *err)
{
	struct search search = { .kind = kind };
	ProtobufCMessage *msg;
	int ret;

	if (kind != IMG_SECCOMP)
		return img_set_each(r->x->set, each_image, &search, err) < 0 ? -1 : search.found;
	ret = img_read_single(r->x->set, kind, 0, &msg, err);
	if (ret > 0) {
		ret = ((const SeccompEntry *)msg)->n_seccomp_filters > 0;
		img_message_free(msg);
	}
	return ret;
}

static int asks_for(struct requires *r, const struct feature *feature, struct img_err *err)
{
	if (feature->ns >= 0)
		for (size_t i = 0; i < r->namespaces.nr; i++)
			if ((int)r->namespaces.list[i].kind == feature->ns && !r->namespaces.list[i].host)
				return 1;
	if (feature->type != FD_TYPES__UND)
		for (size_t i = 0; i < r->x->objects.nr; i++)
			if (r->x->objects.objects[i].type == feature->type)
				return 1;
	return feature->kind == IMG_KIND_UNKNOWN ? 0 : has_image(r, feature->kind, err);
}

static int add_features(struct requires *r, struct img_err *err)
{
	for (size_t i = 0; i < host_nr_features; i++) {
		const struct feature *feature = &host_features[i];
		int ret = asks_for(r, feature, err);

		if (ret < 0)
			return -1;
		if (ret)
			add(r, feature->word, feature->about, has_word(json_object_get(r->host, "features"), feature->word));
	}
	return 0;
}

/* ---- architecture, filesystems, the manifest ---- */

static int add_arch(struct requires *r, struct img_err *err)
{
	static const char *const names[] = { [CORE_ENTRY__MARCH__X86_64] = "x86_64", [CORE_ENTRY__MARCH__ARM] = "armv7l",
		[CORE_ENTRY__MARCH__AARCH64] = "aarch64", [CORE_ENTRY__MARCH__PPC64] = "ppc64le", [CORE_ENTRY__MARCH__S390] = "s390x",
		[CORE_ENTRY__MARCH__MIPS] = "mips64", [CORE_ENTRY__MARCH__LOONGARCH64] = "loongarch64", [CORE_ENTRY__MARCH__RISCV64] = "riscv64" };
	const char *host = json_string_value(json_object_get(r->host, "arch"));
	CoreEntry *core;
	int ret = r->x->tasks.nr ? x_read_core(r->x, r->x->tasks.entries[0]->pid, &core, err) : 0;
	size_t march;

	if (ret <= 0)
		return ret;
	march = core->mtype;
	img_message_free(&core->base);
	if (march < sizeof(names) / sizeof(names[0]) && names[march])
		add(r, names[march], "architecture", host && !strcmp(host, names[march]));
	return 0;
}

static int add_filesystems(struct requires *r, json_t *seen, struct img_err *err)
{
	json_t *mounts = x_mounts.rows(r->x, err), *row;
	size_t i;

	if (!mounts)
		return -1;
	json_array_foreach (mounts, i, row) {
		const char *type = json_string_value(json_object_get(row, "type"));
		char why[64];

		/* Of the root, and of what comes from outside, it is not known. */
		if (!type || *type == '?' || json_object_get(row, "external") || json_object_get(seen, type))
			continue;
		json_object_set_new(seen, type, json_true());
		snprintf(why, sizeof(why), "filesystem mounted on %.40s", json_string_value(json_object_get(row, "mountpoint")));
		add(r, type, why, has_word(json_object_get(r->host, "filesystems"), type));
	}
	json_decref(mounts);
	return 0;
}

/* Programs look once at what a processor can do, and registers are saved with all that it had: what is missing is told, what is there is not. */
static void add_processor(struct requires *r, const HostFacts *facts)
{
	const json_t *have = json_object_get(r->host, "cpu_features");
	json_int_t page = json_integer_value(json_object_get(r->host, "page_size"));
	char word[80];

	for (size_t i = 0; json_is_array(have) && i < facts->n_cpu_features; i++) {
		if (has_word(have, facts->cpu_features[i]))
			continue;
		snprintf(word, sizeof(word), "cpu:%s", facts->cpu_features[i]);
		add(r, word, "the processor of the dump had it", false);
	}
	if (facts->has_page_size && page && page != facts->page_size) {
		snprintf(word, sizeof(word), "pages of %u bytes", facts->page_size);
		add(r, word, "the manifest", false);
	}
}

/* Words that a writer put there: what is not known by name is told as missing. */
static int add_manifest(struct requires *r, struct img_err *err)
{
	ManifestEntry *manifest;
	int ret = img_manifest_read(r->x->set, &manifest, err);

	if (ret <= 0)
		return ret;
	for (size_t i = 0; i < manifest->n_requires; i++)
		add(r, manifest->requires[i], "the manifest", has_word(json_object_get(r->host, "requires"), manifest->requires[i]));
	if (manifest->host)
		add_processor(r, manifest->host);
	img_message_free(&manifest->base);
	return 0;
}

static const struct column columns[] = {
	{ "requires", "REQUIRES", false, '6' }, { "host", "HOST HAS IT", false, 0 }, { "why", "WHY", false, 0 }, { 0 },
};

static int look(struct requires *r, bool json, struct img_err *err)
{
	json_t *rows, *seen = json_object();
	int ret = -1;

	rows_init(&r->rows);
	if (x_uses_read(r->x, err) == 0 && namespaces_read(r->x, &r->namespaces, err) == 0 && add_arch(r, err) == 0 &&
		add_features(r, err) == 0 && add_filesystems(r, seen, err) == 0)
		ret = add_manifest(r, err);
	json_decref(seen);
	namespaces_free(&r->namespaces);
	if (ret < 0) {
		rows_drop(&r->rows);
		return -1;
	}
	rows = rows_done(&r->rows, err);
	if (!rows)
		return -1;
	ret = json ? rows_print_json(rows, err) : rows_print_table(rows, columns, err);
	json_decref(rows);
	if (ret == 0 && *r->missing)
		ret = img_fail(err, IMG_UNSUPPORTED, "the host cannot do: %s", r->missing);
	return ret;
}

static int run(const struct crit_args *args, struct img_err *err)
{
	json_t *host = host_read(args->option[HOST], err);
	struct x x;
	struct requires r = { .x = &x, .host = host };
	int ret;

	if (!host)
		return -1;
	if (args->option[DESCRIBE]) {
		ret = rows_print_json(host, err);
	} else {
		ret = x_open(&x, args->operand[IMAGES], err);
		if (ret == 0) {
			ret = look(&r, args->option[JSON], err);
			x_close(&x);
		}
	}
	json_decref(host);
	return ret;
}

const struct crit_verb crit_requires = {
	.name = "requires",
	.summary = "what a host must be able to do for a set, and whether it can",
	.options = options,
	.operands = operands,
	.alone = "describe",
	.examples = "  crit requires /var/lib/checkpoint\n"
		    "  ssh other crit requires --describe >other.json; crit requires --host other.json /var/lib/checkpoint\n",
	.run = run,
};
