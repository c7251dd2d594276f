/* parasite/host/way-back.c -- a frame below a thread's stack, for as long as it makes calls for us. */

#include <stdlib.h>

#include "criuimg/cleanup.h"
#include "parasite/host/run.h"

/* Without one, the calls are made all the same: what is lost is safety from our own death. */
void way_back_open(struct run *r)
{
	const struct inject_thread *th = r->th;
	struct way_back *back = &r->back;
	struct arch_frame frame = { 0 };
	cleanup_free uint8_t *old = NULL;

	if (!r->space->return_addr || !r->space->sigreturn_addr ||
		arch_frame_make(th->tid, th->regs, th->sigmask, r->space->sigreturn_addr, &frame, NULL) != 1)
		return;
	old = malloc(frame.size);
	if (old && kern_vm_read(th->tid, frame.at, old, frame.size, NULL) == 0 &&
		kern_vm_write(th->tid, frame.at, frame.bytes, frame.size, NULL) == 0) {
		*back = (struct way_back){ .at = frame.at, .spare = frame.spare, .size = frame.size, .old = steal_ptr(&old) };
	}
	free(frame.bytes);
}

int way_back_close(struct run *r, struct img_err *err)
{
	struct way_back *back = &r->back;
	int ret = 0;

	if (back->at)
		ret = kern_vm_write(r->th->tid, back->at, back->old, back->size, err);
	free(back->old);
	*back = (struct way_back){ 0 };
	return ret;
}
