/* tests/kinds/creds/ids.c -- real, effective, saved and file system ids that all differ. */

#include <sys/fsuid.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	subject_begin(argc, argv);
	MUST(setresgid(2001, 2002, 2003) == 0);
	setfsgid(2004);
	MUST(setresuid(1001, 0, 1003) == 0);
	setfsuid(1004);
	/* Only now: with an effective uid of 0 setfsuid() may set anything, afterwards one of the others. */
	MUST(setresuid(-1, 1002, -1) == 0);
	setfsuid(1003);

	subject_wait();

	MUST(getresuid(&ruid, &euid, &suid) == 0 && getresgid(&rgid, &egid, &sgid) == 0);
	CHECK(ruid == 1001 && euid == 1002 && suid == 1003, "uids %d %d %d", ruid, euid, suid);
	CHECK(rgid == 2001 && egid == 2002 && sgid == 2003, "gids %d %d %d", rgid, egid, sgid);
	CHECK(setfsuid(-1) == 1003, "file system uid %d", setfsuid(-1));
	CHECK(setfsgid(-1) == 2004, "file system gid %d", setfsgid(-1));
	return subject_end();
}
