/* engines/criu/cpuinfo.c -- `criu cpuinfo dump` and `criu cpuinfo check`. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cpuinfo/cpuinfo.h"
#include "criu/front.h"

int front_cpuinfo(const struct options *opt, struct img_err *err)
{
	const char *verb = opt->nr_args ? opt->args[0] : "";
	struct img_set *set;
	int ret;

	if (!strcmp(verb, "dump")) {
		set = img_set_create_dir(AT_FDCWD, opt->images_dir, err);
		ret = set ? cpuinfo_write(set, err) : -1;
	} else if (!strcmp(verb, "check")) {
		set = img_set_open_dir(AT_FDCWD, opt->images_dir, err);
		ret = set ? cpuinfo_check(set, opt->cpu_cap_given ? opt->cpu_cap : CPU_CAP_FPU | CPU_CAP_INS, true, err) : -1;
		if (ret == 0 && opt->verbosity > 0)
			puts("This processor can run it.");
	} else {
		return img_fail(err, IMG_USAGE, "cpuinfo: dump or check?");
	}
	img_set_close(set);
	return ret;
}
