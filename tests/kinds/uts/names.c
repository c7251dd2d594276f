/* tests/kinds/uts/names.c -- a UTS namespace of its own: the names of the host and of the domain.
 *
 * harness: places: host
 */

#include <sched.h>
#include <sys/utsname.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	struct utsname uts;

	MUST(unshare(CLONE_NEWUTS) == 0);
	MUST(sethostname("a-host", 6) == 0 && setdomainname("a.domain", 8) == 0);
	subject_begin(argc, argv);

	subject_wait();

	MUST(uname(&uts) == 0);
	CHECK(!strcmp(uts.nodename, "a-host"), "the host is called %s", uts.nodename);
	CHECK(!strcmp(uts.domainname, "a.domain"), "the domain is called %s", uts.domainname);
	return subject_end();
}
