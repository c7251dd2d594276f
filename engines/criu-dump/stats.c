/* criu-dump/stats.c -- how long it took, and how much it was: stats-dump, --display-stats. */

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "criu-dump/spine.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"

uint64_t dump_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000ull + ts.tv_nsec / 1000;
}

static void display(const DumpStatsEntry *s)
{
	const struct {
		const char *what;
		uint64_t count;
	} pages[] = {
		{ "Memory pages scanned", s->pages_scanned },
		{ "Memory pages skipped from parent", s->pages_skipped_parent },
		{ "Memory pages written", s->pages_written },
		{ "Lazy memory pages", s->pages_lazy },
	};

	/* Standard output may be the images'. */
	printf("Displaying dump stats:\n"
	       "Freezing time: %u us\n"
	       "Frozen time: %u us\n"
	       "Memory dump time: %u us\n"
	       "Memory write time: %u us\n"
	       "IRMAP resolve time: %u us\n",
		s->freezing_time, s->frozen_time, s->memdump_time, s->memwrite_time, s->irmap_resolve);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		printf("%s: %" PRIu64 " (0x%" PRIx64 ")\n", pages[i].what, pages[i].count, pages[i].count);
	fflush(stdout);
}

static void present(DumpStatsEntry *s)
{
	s->has_irmap_resolve = s->has_page_pipes = s->has_page_pipe_bufs = 1;
	s->has_shpages_scanned = s->has_shpages_skipped_parent = s->has_shpages_written = 1;
}

static int write_to(struct img_sink *sink, DumpStatsEntry *dump, struct img_err *err)
{
	StatsEntry stats = STATS_ENTRY__INIT;
	struct img_writer *w = img_writer_to_sink(sink, IMG_STATS, err);

	if (!w) {
		img_sink_abort(sink);
		return -1;
	}
	present(dump);
	stats.dump = dump;
	if (img_write(w, &stats.base, err) < 0) {
		img_writer_abort(w);
		return -1;
	}
	return img_writer_finish(w, err);
}

/* Beside the set, not in it: it is written when the tasks are gone, and says how long they were held. */
static int write_file(struct dump *d, struct img_err *err)
{
	cleanup_fd int fd =
		openat(d->workdir, "stats-dump", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct img_sink *sink;

	if (fd < 0)
		return img_fail_sys(err, "%s/stats-dump", d->opt->work_dir ? d->opt->work_dir : d->opt->images_dir);
	sink = img_sink_fd_new(fd, err);
	if (!sink)
		return -1;
	steal_fd(&fd);
	return write_to(sink, &d->stats, err);
}

/* There is nothing beside an archive: what is known before it is complete goes into it. */
int dump_stats_member(struct dump *d, struct img_err *err)
{
	struct img_sink *sink;

	if (!img_set_maps_first(d->set))
		return 0;
	if (!d->running)
		d->stats.frozen_time = dump_now_us() - d->frozen_at_us;
	sink = img_set_sink(d->set, "stats-dump", err);
	return sink ? write_to(sink, &d->stats, err) : -1;
}

int dump_stats_write(struct dump *d, struct img_err *err)
{
	present(&d->stats);
	if (d->opt->display_stats)
		display(&d->stats);
	return !img_set_maps_first(d->set) || d->opt->work_dir ? write_file(d, err) : 0;
}
