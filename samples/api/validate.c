/* samples/api/validate.c -- criuimg/validate.h: everything that is wrong with a set. */

#include <stdio.h>

#include "criuimg/validate.h"

static int report(void *arg, const struct img_finding *f)
{
	(void)arg;
	printf("%s: %s: %s%s%s\n", img_severity_name(f->severity), f->file, f->field, *f->field ? ": " : "", f->text);
	return 0;
}

int main(int argc, char **argv)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_set *set = img_set_open(argc > 1 ? argv[1] : ".", &err);
	struct img_validate_result result;
	int ret = set ? img_validate(set, NULL, report, NULL, &result, &err) : -1;

	if (ret < 0)
		fprintf(stderr, "%s\n", err.text);
	else
		printf("%llu errors\n", (unsigned long long)result.errors);
	img_set_close(set);
	return ret < 0 ? img_exit_status(&err) : result.errors ? 4 : 0;
}
