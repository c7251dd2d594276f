/* tests/kinds/file/many.c -- as many descriptors as the limit allows (up to 100,000), most of them of few files. */
/* harness: timeout: 60 */

#include <sys/resource.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	struct rlimit limit;
	struct stat null, st;
	int nr, fd, odd = 0;

	subject_begin(argc, argv);
	MUST(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = limit.rlim_max;
	MUST(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	/* Room for those who restore: a few numbers stay free. */
	nr = limit.rlim_max > 100064 ? 100000 : (int)limit.rlim_max - 64;
	MUST(stat("/dev/null", &null) == 0);
	for (int i = 3; i < nr; i++) {
		fd = i == 3 || i % 3 ? open("/dev/null", i % 2 ? O_RDONLY : O_RDWR) : dup(i - 1);
		if (fd < 0)
			break;
		if (fd != i)
			subject_skip("descriptors are open that should not");
	}
	subject_wait();

	for (int i = 3; i < nr; i++)
		if (fstat(i, &st) < 0 || st.st_rdev != null.st_rdev)
			odd++;
	CHECK(odd == 0, "%d descriptors of %d are not what they were", odd, nr);
	return subject_end();
}
