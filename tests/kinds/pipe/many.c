/* tests/kinds/pipe/many.c -- more pipes than the soft limit of descriptors allows anybody who looks at them, each with a word. */
/* harness: peer: needs a raised limit of descriptors */
/* harness: timeout: 60 */

#include <sys/resource.h>

#include "tests/harness/subject.h"

enum { NR = 3000 };

int main(int argc, char **argv)
{
	static int pipes[NR][2];
	struct rlimit limit;
	int odd = 0;

	subject_begin(argc, argv);
	MUST(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	if (limit.rlim_max < 2 * NR + 100)
		subject_skip("the limit of descriptors is too low");
	limit.rlim_cur = limit.rlim_max;
	MUST(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	for (int i = 0; i < NR; i++)
		MUST(pipe(pipes[i]) == 0 && write(pipes[i][1], &i, sizeof(i)) == sizeof(i));
	subject_wait();

	for (int i = 0; i < NR; i++) {
		int got = -1;

		if (read(pipes[i][0], &got, sizeof(got)) != sizeof(got) || got != i)
			odd++;
	}
	CHECK(odd == 0, "%d pipes of %d have something else in them", odd, NR);
	return subject_end();
}
