/* criu-dump/dedup.c -- --auto-dedup: the sets before this one give back the pages that it has anew. */

#include <fcntl.h>
#include <inttypes.h>

#include "criu-dump/spine.h"
#include "criu-dump/track.h"
#include "criuimg/convert.h"

/* The last thing of all: a dump that fails leaves the chain before it as it was. By now the set is complete and the tasks are what
 * they are to be: a failure here takes nothing away, and is only told. */
int dump_dedup(struct dump *d, struct img_err *err)
{
	struct img_dedup_result result = { 0 };
	struct img_err why = IMG_ERR_INIT;
	struct img_set *set;
	int ret = -1;

	if (!d->opt->auto_dedup || !d->track->parent)
		return 0;
	set = img_set_open_dir(AT_FDCWD, d->opt->images_dir, &why);
	if (set)
		ret = img_set_dedup(set, NULL, &result, &why);
	img_set_close(set);
	if (ret < 0)
		log_warn(d->log, "--auto-dedup: %s", why.text);
	else
		log_info(d->log, "--auto-dedup: %" PRIu64 " pages of sets before this one, %" PRIu64 " KiB given back", result.pages,
			result.bytes >> 10);
	return 0;
}
