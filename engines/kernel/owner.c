/* kernel/owner.c -- whose files we make. */

#include "kernel/owner.h"

#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

int kern_files_as(uint32_t uid, uint32_t gid, struct img_err *err)
{
	int bits = prctl(PR_GET_SECUREBITS);

	if (bits < 0 || prctl(PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP) < 0)
		return img_fail_sys(err, "PR_SET_SECUREBITS");
	setfsgid(gid);
	setfsuid(uid);
	if (prctl(PR_SET_SECUREBITS, bits) < 0)
		return img_fail_sys(err, "PR_SET_SECUREBITS");
	return 0;
}
