/* criu-dump/progress.h -- how far the bulk is. */
#ifndef CRIU_DUMP_PROGRESS_H
#define CRIU_DUMP_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct dump;

struct dump_progress {
	bool shown, told;
	uint64_t total, done; /* bytes of the tasks' memory */
	uint64_t next_us;
};

void dump_progress_start(struct dump *d);
/* So much more was looked at. By one thread at a time. */
void dump_progress_more(struct dump *d, uint64_t bytes);
void dump_progress_end(struct dump *d);

#endif
