/* engines/criu/dedup.c -- `criu dedup`: the sets before one give back the pages that newer ones hold. */

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <unistd.h>

#include "criu/front.h"
#include "criuimg/cleanup.h"
#include "criuimg/convert.h"
#include "log/log.h"

static int dedup(const struct options *opt, struct log *log, struct img_err *err)
{
	struct img_dedup_result result = { 0 };
	struct img_set *set = img_set_open(opt->images_dir, err);
	int ret = set ? img_set_dedup(set, NULL, &result, err) : -1;

	img_set_close(set);
	if (ret < 0)
		return img_wrap(err, "%s", opt->images_dir);
	log_info(log, "%" PRIu64 " pages of sets before %s, %" PRIu64 " KiB given back", result.pages, opt->images_dir,
		result.bytes >> 10);
	return 0;
}

int front_dedup(const struct options *opt, struct img_err *err)
{
	char buf[PATH_MAX];
	const char *workdir = options_work_dir(opt, buf);
	cleanup_fd int dirfd = open(workdir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct log log = { .fd = -1 };
	int ret;

	if (dirfd < 0)
		return img_fail_sys(err, "work directory %s", workdir);
	if (log_open(&log, dirfd, opt->log_file, opt->verbosity, err) < 0)
		return -1;
	ret = dedup(opt, &log, err);
	if (ret < 0 && opt->log_file)
		log_error(&log, "%s", err->text);
	log_close(&log);
	return ret;
}
