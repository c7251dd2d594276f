/* streamer/image/progress.c -- lines for whoever waits for us. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "streamer/image/image.h"

uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

void progress_line(int fd, const char *line)
{
	if (write(fd, line, strlen(line)) < 0)
		return;
}

/* One write, so that a reader gets the line as a whole. */
void progress_stats(int fd, const struct shard_stat *stats, size_t nr)
{
	cleanup_free char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return;
	fputs("{\"shards\":[", f);
	for (size_t i = 0; i < nr; i++)
		fprintf(f, "%s{\"size\":%" PRIu64 ",\"transfer_duration_millis\":%" PRIu64 "}", i ? "," : "",
			stats[i].size, stats[i].millis);
	fputs("]}\n", f);
	if (!fclose(f))
		progress_line(fd, text);
}
