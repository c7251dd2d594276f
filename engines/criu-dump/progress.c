/* criu-dump/progress.c -- how far the bulk is, for who waits at a terminal.
 *
 * One line on standard error, written anew a few times a second and wiped at the end; only when it takes a while, standard error
 * is a terminal, and the log does not go there.
 */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "criu-dump/mem.h"
#include "criu-dump/progress.h"
#include "criu-dump/spine.h"

enum {
	FIRST_US = 700000,
	AGAIN_US = 200000,
};

void dump_progress_start(struct dump *d)
{
	struct dump_progress *p = &d->progress;

	*p = (struct dump_progress){ .shown = d->opt->log_file && isatty(STDERR_FILENO) };
	if (!p->shown)
		return;
	for_each_live_task(d, t)
		for (size_t i = 0; t->mem && i < t->mem->nr_runs; i++)
			if (t->mem->runs[i].flags & IMG_RUN_PRESENT)
				p->total += t->mem->runs[i].nr_pages * IMG_PAGE;
	p->next_us = dump_now_us() + FIRST_US;
}

static void tell(const char *text)
{
	/* What cannot be shown is not worth a word. */
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return;
}

void dump_progress_more(struct dump *d, uint64_t bytes)
{
	struct dump_progress *p = &d->progress;
	uint64_t now;
	char line[96];

	p->done += bytes;
	if (!p->shown || !p->total)
		return;
	now = dump_now_us();
	if (now < p->next_us)
		return;
	p->next_us = now + AGAIN_US;
	p->told = true;
	snprintf(line, sizeof(line), "\r%s: %3u%% of %.1f GiB of memory\033[K", d->opt->program,
		(unsigned)(p->done < p->total ? p->done * 100 / p->total : 100), p->total / 1073741824.0);
	tell(line);
}

void dump_progress_end(struct dump *d)
{
	if (d->progress.told)
		tell("\r\033[K");
	d->progress = (struct dump_progress){ 0 };
}
