/* engines/fd/unix/identity-restore.c -- who made a socket, for SO_PEERCRED.
 *
 * The kernel keeps the pid and the effective ids of whoever calls socketpair(2), listen(2) or connect(2). The ids can be taken on for
 * the moment, with all capabilities kept; the pid is that of the maker, who is chosen for it where that can be.
 */

#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-restore/unix-own.h"

/* The system calls are made raw: libc would change all threads. */
int unix_become(const UnixSkEntry *of, struct unix_identity *was, struct img_err *err)
{
	*was = (struct unix_identity){ .uid = geteuid(), .gid = getegid() };
	if (!of || !of->has_peer_uid || !of->has_peer_gid || (of->peer_uid == was->uid && of->peer_gid == was->gid))
		return 0;
	was->securebits = prctl(PR_GET_SECUREBITS);
	was->dumpable = prctl(PR_GET_DUMPABLE);
	was->changed = true;
	if (prctl(PR_SET_SECUREBITS, was->securebits | SECBIT_NO_SETUID_FIXUP) < 0 ||
		syscall(SYS_setresgid, (gid_t)-1, of->peer_gid, (gid_t)-1) < 0 || syscall(SYS_setresuid, (uid_t)-1, of->peer_uid, (uid_t)-1) < 0) {
		img_fail_sys(err, "become uid %u, gid %u", of->peer_uid, of->peer_gid);
		unix_become_again(was, NULL);
		return -1;
	}
	return 0;
}

int unix_become_again(const struct unix_identity *was, struct img_err *err)
{
	if (!was->changed)
		return 0;
	if (syscall(SYS_setresuid, (uid_t)-1, was->uid, (uid_t)-1) < 0 || syscall(SYS_setresgid, (gid_t)-1, was->gid, (gid_t)-1) < 0 ||
		prctl(PR_SET_SECUREBITS, was->securebits) < 0)
		return err ? img_fail_sys(err, "become uid %u again", was->uid) : -1;
	if (was->dumpable == 1)
		prctl(PR_SET_DUMPABLE, 1);
	return 0;
}
