/* engines/criu-restore/tape.c -- writing down what the blob of a task is to do. */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "criu-restore/restore.h"
#include "criu-restore/tape.h"
#include "criuimg/array.h"

enum {
	AREA_FIRST = 256 << 10,
	ALIGN_SMALL = 16,
	ALIGN_LARGE = 64,
	LARGE = 512,
};

/* Addresses set aside for the tapes of a task; only what is used is mapped. A step is 80 bytes, a mapping up
 * to four steps. */
#define AREA_ADDRESSES (8ull << 30)

struct tape_phase_steps {
	struct blob_step *steps;
	size_t nr, room;
};

struct restore_tape {
	struct tape_area *area;
	bool leader;
	bool failed;
	struct img_err err;
	struct blob_step nowhere; /* what a failed tape_add() returns */
	struct tape_phase_steps phases[TAPE_NR_PHASES];
};

int tape_area_init(struct tape_area *area, struct restore *r, struct img_err *err)
{
	area->start = restore_scratch_take(r, AREA_ADDRESSES, err);
	area->next = area->mapped = area->start;
	area->end = area->start + AREA_ADDRESSES;
	return area->start ? 0 : -1;
}

static int area_more(struct tape_area *area, uint64_t upto, struct img_err *err)
{
	uint64_t size = area->mapped - area->start;

	if (size < AREA_FIRST)
		size = AREA_FIRST;
	while (area->mapped + size < upto)
		size *= 2;
	if (size > area->end - area->mapped)
		return img_fail(
			err, IMG_UNSUPPORTED, "more is to be done than %llu bytes can hold", AREA_ADDRESSES);
	if (mmap((void *)area->mapped, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)area->mapped)
		return img_fail_sys(
			err, "map memory for the blob at %#llx", (unsigned long long)area->mapped);
	area->mapped += size;
	return 0;
}

static uint64_t area_take(struct tape_area *area, size_t size, struct img_err *err)
{
	uint64_t align = size >= LARGE ? ALIGN_LARGE : ALIGN_SMALL;
	uint64_t at = (area->next + align - 1) & ~(align - 1);

	if (size > area->end - at) {
		img_fail(err, IMG_UNSUPPORTED, "more is to be done than %llu bytes can hold", AREA_ADDRESSES);
		return 0;
	}
	if (at + size > area->mapped && area_more(area, at + size, err) < 0)
		return 0;
	area->next = at + size;
	return at;
}

struct restore_tape *tape_new(struct tape_area *area, bool leader)
{
	struct restore_tape *tape = calloc(1, sizeof(*tape));

	if (tape) {
		tape->area = area;
		tape->leader = leader;
	}
	return tape;
}

uint64_t tape_zero(struct restore_tape *tape, size_t size)
{
	uint64_t at = tape->failed ? 0 : area_take(tape->area, size, &tape->err);

	tape->failed |= !at;
	return at;
}

uint64_t tape_data(struct restore_tape *tape, const void *data, size_t size)
{
	uint64_t at = tape_zero(tape, size);

	if (at)
		memcpy((void *)at, data, size);
	return at;
}

void *tape_memory(struct restore_tape *tape, uint64_t address)
{
	return (void *)address;
}

struct blob_step *tape_add(struct restore_tape *tape, enum tape_phase phase, const char *what, uint64_t nr,
	const uint64_t args[6])
{
	struct tape_phase_steps *p = &tape->phases[phase];
	struct blob_step *step = NULL;

	if (tape->failed)
		return &tape->nowhere;
	if (!tape->leader && !tape_phase_of_thread(phase))
		img_fail(&tape->err, IMG_USAGE, "%s: not for a thread's tape", what);
	else if (!(step = img_array_more(&p->steps, p->nr, &p->room)))
		img_fail_nomem(&tape->err);
	if (!step) {
		tape->failed = true;
		return &tape->nowhere;
	}

	p->nr++;
	step->nr = nr;
	memcpy(step->args, args, sizeof(step->args));
	step->what = (const char *)tape_data(tape, what, strlen(what) + 1);
	return step;
}

static void tape_free(struct restore_tape *tape)
{
	for (size_t i = 0; i < TAPE_NR_PHASES; i++)
		free(tape->phases[i].steps);
	free(tape);
}

int tape_finish(struct restore_tape *tape, struct blob_tape *out, struct img_err *err)
{
	struct blob_step *at;
	size_t nr = 0;
	int ret = -1;

	for (size_t i = 0; i < TAPE_NR_PHASES; i++)
		nr += tape->phases[i].nr;
	at = (struct blob_step *)tape_zero(tape, (nr ? nr : 1) * sizeof(*at));
	if (tape->failed) {
		if (err)
			*err = tape->err;
	} else {
		*out = (struct blob_tape){ .steps = at, .nr = nr };
		for (size_t i = 0; i < TAPE_NR_PHASES; i++) {
			if (tape->phases[i].nr)
				memcpy(at, tape->phases[i].steps, tape->phases[i].nr * sizeof(*at));
			at += tape->phases[i].nr;
		}
		ret = 0;
	}
	tape_free(tape);
	return ret;
}
