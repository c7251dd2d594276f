/* parasite/host/limits.c -- memory for a task that has used up what RLIMIT_AS and RLIMIT_DATA let it map.
 *
 * The kernel looks at these limits when something is mapped, and at no other time: the soft ones are made as large as the hard
 * ones for one call, and then are what they were. The task does it itself, since nobody else may without
 * CAP_SYS_RESOURCE; the limits are handed over below its stack, in bytes that then are what they were.
 */

#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "criuimg/array.h"
#include "parasite/host/run.h"

enum { BELOW_STACK = 512 }; /* more than the red zone of any ABI */

static const int resources[] = { RLIMIT_AS, RLIMIT_DATA };

struct raised {
	bool done[ARRAY_SIZE(resources)];
	struct rlimit64 old[ARRAY_SIZE(resources)];
};

/* prlimit64(0, resource, new, old) in the task, whose structure is at `place`; one of the two is NULL. */
static int call_prlimit(struct run *r, uint64_t place, int resource, const struct rlimit64 *new, struct rlimit64 *old,
	struct img_err *err)
{
	uint64_t args[CALL_ARGS] = { 0, resource, new ? place : 0, old ? place : 0 };
	int64_t ret;

	if (new && kern_vm_write(r->th->tid, place, new, sizeof(*new), err) < 0)
		return -1;
	if (step_call(r, SYS_prlimit64, args, &ret, err) < 0)
		return -1;
	if (ret < 0) {
		errno = -ret;
		return img_fail_sys(err, "prlimit inside");
	}
	return old ? kern_vm_read(r->th->tid, place, old, sizeof(*old), err) : 0;
}

static int raise_limits(struct run *r, uint64_t place, struct raised *raised, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(resources); i++) {
		struct rlimit64 *old = &raised->old[i];
		struct rlimit64 new;

		if (call_prlimit(r, place, resources[i], NULL, old, err) < 0)
			return -1;
		if (old->rlim_cur == old->rlim_max)
			continue;
		new = (struct rlimit64){ old->rlim_max, old->rlim_max };
		if (call_prlimit(r, place, resources[i], &new, NULL, err) < 0)
			return -1;
		raised->done[i] = true;
	}
	return 0;
}

static int lower_limits(struct run *r, uint64_t place, const struct raised *raised, struct img_err *err)
{
	int status = 0;

	for (size_t i = 0; i < ARRAY_SIZE(resources); i++)
		if (raised->done[i] && call_prlimit(r, place, resources[i], &raised->old[i], NULL, status ? NULL : err) < 0)
			status = -1;
	return status;
}

/* With the limits out of the way, in a thread that is ready for calls. */
static int call_beyond(
	struct run *r, uint64_t place, int64_t nr, const uint64_t args[CALL_ARGS], int64_t *ret, struct img_err *err)
{
	struct raised raised = { 0 };
	struct rlimit64 content;
	int status;

	if (kern_vm_read(r->th->tid, place, &content, sizeof(content), NULL) < 0)
		return 0; /* it has no stack to speak of: *ret stays */
	status = raise_limits(r, place, &raised, err);
	if (status == 0)
		status = step_call(r, nr, args, ret, err);
	/* A failure before these is the one to tell. */
	if (lower_limits(r, place, &raised, status == 0 ? err : NULL) < 0)
		status = -1;
	if (kern_vm_write(r->th->tid, place, &content, sizeof(content), status == 0 ? err : NULL) < 0)
		status = -1;
	return status;
}

int limits_beyond(struct run *r, int64_t nr, const uint64_t args[CALL_ARGS], int64_t *ret, struct img_err *err)
{
	int status = step_begin(r, err);

	if (status == 0)
		status = call_beyond(r, r->back.at ? r->back.spare : (arch_regs_sp(r->th->regs) - BELOW_STACK) & ~15ull, nr,
			args, ret, err);
	if (step_end(r, status == 0 ? err : NULL) < 0)
		status = -1;
	return status;
}
