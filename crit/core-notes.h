/* crit/core-notes.h -- the notes of an ELF core: what a debugger wants to know beside the memory. */
#ifndef CRIT_CORE_NOTES_H
#define CRIT_CORE_NOTES_H

#include "memory.h"

struct core_notes {
	uint8_t *data;
	size_t len, room;
	uint16_t machine; /* e_machine */
};

/* All notes of a task: of the process, then of each thread, the main one first. */
int core_notes_make(struct core_notes *notes, struct memory *memory, const PstreeEntry *task, struct img_err *err);
void core_notes_free(struct core_notes *notes);

#endif
