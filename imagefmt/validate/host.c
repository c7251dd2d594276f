/* validate/host.c -- can the host take the set: architecture, page size, features. */

#include "validate/validate.h"

#include <string.h>

#include "criuimg/array.h"
#include "criuimg/image.h"
#include "criuimg/manifest.h"
#include "manifest.pb-c.h"

#define MANIFEST "manifest.img"

static const struct {
	CoreEntry__March march;
	const char *arch;
} arches[] = {
	{ CORE_ENTRY__MARCH__X86_64, "x86_64" },
	{ CORE_ENTRY__MARCH__ARM, "arm" },
	{ CORE_ENTRY__MARCH__AARCH64, "aarch64" },
	{ CORE_ENTRY__MARCH__PPC64, "ppc64" },
	{ CORE_ENTRY__MARCH__S390, "s390x" },
	{ CORE_ENTRY__MARCH__MIPS, "mips64" },
	{ CORE_ENTRY__MARCH__LOONGARCH64, "loongarch64" },
	{ CORE_ENTRY__MARCH__RISCV64, "riscv64" },
};

static void arch_check(struct validate *v, const struct img_host *host)
{
	const struct val_records *cores = &v->records[IMG_CORE];

	for (size_t i = 0; host->arch && cores->nr && i < ARRAY_SIZE(arches); i++) {
		if (arches[i].march != ((const CoreEntry *)cores->list[0].msg)->mtype)
			continue;
		/* "armv7l", "ppc64le" */
		if (strncmp(host->arch, arches[i].arch, strlen(arches[i].arch)))
			val_unsupported(v, val_at(&cores->list[0], "mtype"),
				"the tasks are of %s, the host is %s", arches[i].arch, host->arch);
	}
}

static bool has_word(const char *const *words, size_t nr, const char *word)
{
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(words[i], word))
			return true;
	return false;
}

static void facts_check(struct validate *v, const struct img_host *host, const HostFacts *facts)
{
	if (host->arch && facts->arch && strcmp(host->arch, facts->arch))
		val_unsupported(v, (struct val_at){ MANIFEST, 0, "host.arch" }, "%s, the host is %s",
			facts->arch, host->arch);
	if (host->page_size && facts->has_page_size && host->page_size != facts->page_size)
		val_unsupported(v, (struct val_at){ MANIFEST, 0, "host.page_size" },
			"%u, the host has pages of %u", facts->page_size, host->page_size);
	/* Whether a program uses what the processor could do is not known. */
	for (size_t i = 0; host->nr_cpu_features && i < facts->n_cpu_features; i++)
		if (!has_word(host->cpu_features, host->nr_cpu_features, facts->cpu_features[i]))
			val_warning(v,
				(struct val_at){ MANIFEST, 0, val_field(v, "host.cpu_features[%zu]", i) },
				"%s: the host's processor does not have it", facts->cpu_features[i]);
}

static void requires_check(struct validate *v, const struct img_host *host, const ManifestEntry *manifest)
{
	for (size_t i = 0; i < manifest->n_requires; i++) {
		struct val_at at = { MANIFEST, 0, val_field(v, "requires[%zu]", i) };

		if (!host->features)
			val_note(v, at, "%s: a restorer must be able to do it", manifest->requires[i]);
		else if (!has_word(host->features, host->nr_features, manifest->requires[i]))
			val_unsupported(v, at, "%s: the host cannot do it", manifest->requires[i]);
	}
}

int val_host(struct validate *v, struct img_err *err)
{
	static const struct img_host nothing;
	const struct img_host *host = v->opt->host ? v->opt->host : &nothing;
	ManifestEntry *manifest;
	int ret;

	arch_check(v, host);
	/* What is wrong with the manifest has been said. */
	ret = img_manifest_read(v->set, &manifest, NULL);
	if (ret != 1)
		return 0;
	if (manifest->host)
		facts_check(v, host, manifest->host);
	requires_check(v, host, manifest);
	img_message_free(&manifest->base);
	return 0;
}
