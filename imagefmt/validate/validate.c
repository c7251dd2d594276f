/* validate/validate.c -- THE CHECKS, in the order in which they run. */

#include "validate/validate.h"

#include "criuimg/array.h"

static const struct check {
	const char *name;
	const char *about;
	bool alone; /* it makes sense for the directory of a pre-dump too */
	int (*run)(struct validate *v, struct img_err *err);
} checks[] = {
	{ "structure", "every image reads to its end", true, val_structure },
	{ "manifest", "what the manifest lists is there, with its size and digest", true, val_manifest },
	{ "inventory", "version and facts of the set", true, val_inventory },
	{ "tasks", "the tree, and the images of each task", false, val_tasks },
	{ "threads", "the cores of the threads", false, val_threads },
	{ "files", "open files, each with what belongs to its type", false, val_files },
	{ "descriptors", "tables of descriptors and the files in them", false, val_descriptors },
	{ "references", "numbers that lead to something in another image", false, val_references },
	{ "mappings", "mappings of each task", false, val_mappings },
	{ "namespaces", "namespaces and mounts", false, val_namespaces },
	{ "pages", "page maps against mappings and page data", true, val_pagemaps },
	{ "parents", "what a set relies on in its parent", true, val_parents },
	{ "host", "whether the host can take it", true, val_host },
};

const char *img_validate_check(size_t n, const char **about)
{
	if (n >= ARRAY_SIZE(checks))
		return NULL;
	if (about)
		*about = checks[n].about;
	return checks[n].name;
}

int img_validate(struct img_set *set, const struct img_validate_options *opt,
	int (*report)(void *arg, const struct img_finding *finding), void *arg,
	struct img_validate_result *result, struct img_err *err)
{
	static const struct img_validate_options defaults;
	struct validate v = {
		.set = set, .opt = opt ? opt : &defaults, .report = report, .arg = arg, .result = result
	};
	int ret = 0;

	*result = (struct img_validate_result){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(checks) && ret == 0 && !v.stop; i++) {
		if (v.pre_dump && !checks[i].alone)
			continue;
		v.check = checks[i].name;
		ret = checks[i].run(&v, err);
	}
	result->unsupported = result->errors && !v.corrupt;
	val_free(&v);
	return ret < 0 ? -1 : 0;
}
