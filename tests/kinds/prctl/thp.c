/* tests/kinds/prctl/thp.c -- no transparent huge pages for this task. */

#include <sys/prctl.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	subject_begin(argc, argv);
	MUST(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0);

	subject_wait();

	CHECK(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1, "huge pages are back");
	return subject_end();
}
