/* tests/fuzz/validate.c -- a set in a container (container.h), validated. What validates loads: every record can be read, and
 * every page. */

#include "criuimg/pages.h"
#include "criuimg/validate.h"
#include "tests/fuzz/container.h"
#include "tests/fuzz/fuzz.h"

struct counts {
	uint64_t of[3];
};

static int finding(void *arg, const struct img_finding *f)
{
	struct counts *counts = arg;

	MUST(f->severity >= IMG_NOTE && f->severity <= IMG_ERROR);
	MUST(f->check && f->file && f->field && *f->text && f->entry >= -1);
	MUST((f->severity == IMG_ERROR) == (f->code != IMG_OK));
	counts->of[f->severity]++;
	return 0;
}

/* Pages that are only lazy are with whoever serves them. */
static void load_pages(struct img_set *set, enum img_kind kind, uint64_t id)
{
	unsigned char page[IMG_PAGE];
	struct img_err err = IMG_ERR_INIT;
	struct img_pages_reader *r;
	const struct img_run *runs;
	size_t nr;

	MUST_WORK(img_pages_open(set, kind, id, &r, &err), &err);
	runs = img_pages_runs(r, &nr);
	for (size_t i = 0; i < nr && i < 32; i++)
		for (uint64_t k = 0; k < runs[i].nr_pages && k < 32; k++)
			if (runs[i].flags & (IMG_RUN_PRESENT | IMG_RUN_PARENT))
				MUST_WORK(img_pages_read(r, runs[i].addr + k * IMG_PAGE, 1, page, &err), &err);
	img_pages_close(r);
}

static int load(void *arg, const char *name, struct img_err *e)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_set *set = arg;
	struct img_reader *r;
	ProtobufCMessage *msg;
	uint64_t id;
	enum img_kind kind = img_kind_by_file(name, &id);
	int ret;

	if (kind == IMG_KIND_UNKNOWN || !img_kind_info(kind)->entry)
		return 0;
	MUST_WORK(img_reader_open(set, kind, id, &r, &err), &err);
	while ((ret = img_read(r, &msg, &err)) > 0)
		img_message_free(msg);
	MUST_WORK(ret, &err);
	img_reader_close(r);
	if (kind == IMG_PAGEMAP || kind == IMG_SHMEM_PAGEMAP)
		load_pages(set, kind, id);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const words[] = { "fpu", "timens" };
	static const struct img_host host = { .arch = "x86_64",
		.page_size = 4096,
		.cpu_features = words,
		.nr_cpu_features = 2,
		.features = words,
		.nr_features = 2 };
	static const struct img_validate_options quick = { .host = &host, .no_digests = true };
	struct img_set *set = container_open(data, size);
	struct img_validate_result result, with_host;
	struct counts counts = { 0 };
	struct img_err err = IMG_ERR_INIT;

	MUST_WORK(img_validate(set, NULL, finding, &counts, &result, &err), &err);
	MUST(counts.of[IMG_ERROR] == result.errors && counts.of[IMG_WARNING] == result.warnings &&
		counts.of[IMG_NOTE] == result.notes);
	MUST_WORK(img_validate(set, &quick, NULL, NULL, &with_host, &err), &err);
	if (!result.errors)
		img_set_each(set, load, set, &err);
	img_set_close(set);
	return 0;
}
