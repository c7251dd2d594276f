/* samples/demo/counter.c -- counts, and appends the count to a file: the process of the demo. */

#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	FILE *out = argc > 1 ? fopen(argv[1], "a") : stdout;
	struct timespec pause = { 0, 100 * 1000 * 1000 };

	if (!out)
		return 1;
	for (unsigned long n = 1;; n++) {
		fprintf(out, "pid %d counts %lu\n", (int)getpid(), n);
		fflush(out);
		nanosleep(&pause, NULL);
	}
}
