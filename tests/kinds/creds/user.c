/* tests/kinds/creds/user.c -- a task of another user, without a capability, that can never gain any.
 *
 * harness: user: 1000
 */

#include <sys/prctl.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	uid_t ruid, euid, suid;

	subject_begin(argc, argv);
	MUST(getuid() == 1000);
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);

	subject_wait();

	MUST(getresuid(&ruid, &euid, &suid) == 0);
	CHECK(ruid == 1000 && euid == 1000 && suid == 1000, "uids %d %d %d", ruid, euid, suid);
	CHECK(getgroups(0, NULL) == 0, "%d groups", getgroups(0, NULL));
	CHECK(setuid(0) < 0 && errno == EPERM, "it can become root");
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, "it can gain privileges");
	return subject_end();
}
