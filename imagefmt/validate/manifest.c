/* validate/manifest.c -- the set against its manifest, and its parents against theirs. */

#include "validate/validate.h"

#include <string.h>

#include "criuimg/image.h"
#include "criuimg/manifest.h"
#include "manifest.pb-c.h"

#define MANIFEST "manifest.img"
#define LLU(x)	 ((unsigned long long)(x))

struct level {
	struct validate *v;
	const char *prefix; /* "", "parent/", "parent/parent/" */
};

static int found(void *arg, const char *name, const struct img_err *finding)
{
	struct level *level = arg;
	struct validate *v = level->v;
	struct val_at at = VAL_FILE_AT(val_field(v, "%s%s", level->prefix, name));
	const char *text = val_failure(finding, name, &at.entry);

	if (finding->code == IMG_UNSUPPORTED)
		val_unsupported(v, at, "%s", text);
	else
		val_error(v, at, "%s", text);
	return v->stop;
}

/* Sizes alone. */
static int sizes_check(
	struct level *level, struct img_set *set, const ManifestEntry *manifest, struct img_err *err)
{
	for (size_t i = 0; i < manifest->n_members; i++) {
		const ManifestMember *m = manifest->members[i];
		struct img_err finding = IMG_ERR_INIT;
		struct img_source *src;
		int ret = img_set_source(set, m->name, &src, &finding);
		int64_t size = ret == 1 ? img_source_size(src) : -1;

		if (ret == 0)
			img_fail(&finding, IMG_CORRUPT, "is missing");
		else if (size >= 0 && (uint64_t)size != m->size)
			img_fail(&finding, IMG_CORRUPT, "has %llu bytes, the manifest says %llu", LLU(size),
				LLU(m->size));
		if (ret == 1)
			img_source_close(src);
		if (finding.code != IMG_OK && found(level, m->name, &finding))
			break;
	}
	return 0;
}

static void members_check(struct level *level, const ManifestEntry *manifest)
{
	struct validate *v = level->v;
	const char *file = val_field(v, "%s" MANIFEST, level->prefix);

	for (size_t i = 0; i < manifest->n_members; i++) {
		const ManifestMember *m = manifest->members[i];
		enum img_kind kind = img_kind_by_file(m->name, NULL);
		const struct img_kind_info *info = kind == IMG_KIND_UNKNOWN ? NULL : img_kind_info(kind);
		struct val_at at = { file, 0, val_field(v, "members[%zu]", i) };

		if (strcmp(m->kind, info ? info->name : ""))
			val_warning(v, at, "%s: kind '%s', by its name it is '%s'", m->name, m->kind,
				info ? info->name : "");
		else if (info && m->kind_revision > info->revision)
			val_warning(v, at, "%s: revision %u of its kind, this program knows %u", m->name,
				m->kind_revision, info->revision);
		if (!m->digest.len)
			val_warning(v, at, "%s: no digest: only its size can be held against the manifest",
				m->name);
	}
}

static int read_failure(struct level *level, const struct img_err *failure, struct img_err *err)
{
	if (failure->code == IMG_NOMEM || failure->code == IMG_SYS) {
		*err = *failure;
		return -1;
	}
	found(level, MANIFEST, failure);
	return 0;
}

/* 1 when the set has a manifest, 0, -1. */
static int set_check(struct level *level, struct img_set *set, struct img_err *err)
{
	struct img_err failure = IMG_ERR_INIT;
	ManifestEntry *manifest;
	int ret = img_manifest_read(set, &manifest, &failure);

	if (ret <= 0)
		return ret < 0 ? read_failure(level, &failure, err) : 0;
	members_check(level, manifest);
	if (level->v->opt->no_digests)
		ret = sizes_check(level, set, manifest, err);
	else
		ret = img_set_verify(set, found, level, err);
	img_message_free(&manifest->base);
	return ret < 0 ? -1 : 1;
}

int val_manifest(struct validate *v, struct img_err *err)
{
	struct level level = { .v = v, .prefix = "" };
	struct img_err failure = IMG_ERR_INIT;
	struct img_set *set = v->set;
	int ret, has = img_set_has(set, MANIFEST, err);

	if (has < 0)
		return -1;
	if (!has)
		val_note(v, VAL_SET, "no manifest: a set of version 1, or one that was cut short");
	for (;;) {
		if (set_check(&level, set, err) < 0)
			return -1;
		/* What is wrong with a link is for another check. */
		ret = img_set_parent(set, &set, &failure);
		if (ret <= 0 || v->stop)
			return 0;
		level.prefix = val_field(v, "parent/%s", level.prefix);
	}
}
