/* tests/kinds/pipe/size.c -- pipes of other sizes (F_SETPIPE_SZ), with more in them than a usual one can hold. */

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	static char text[300000], back[300000];
	int small[2], large[2], most[2];
	ssize_t got;
	int limit = 0, done;
	FILE *f;

	subject_begin(argc, argv);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 7 + i / 4093);
	MUST(pipe(small) == 0 && fcntl(small[0], F_SETPIPE_SZ, 4096) == 4096);
	MUST(pipe(large) == 0 && fcntl(large[1], F_SETPIPE_SZ, 512 << 10) == 512 << 10);
	MUST(write(large[1], text, sizeof(text)) == sizeof(text));
	f = fopen("/proc/sys/fs/pipe-max-size", "r");
	MUST(f && fscanf(f, "%d", &limit) == 1 && fclose(f) == 0);
	MUST(pipe(most) == 0 && fcntl(most[1], F_SETPIPE_SZ, limit) == limit);
	/* One byte to a slot: all slots taken by little. */
	MUST(fcntl(small[1], F_SETFL, O_NONBLOCK) == 0);
	MUST(write(small[1], text, 4096) == 4096 && write(small[1], "x", 1) < 0);
	subject_wait();

	CHECK(fcntl(small[0], F_GETPIPE_SZ) == 4096, "the small one holds %d", fcntl(small[0], F_GETPIPE_SZ));
	CHECK(fcntl(large[0], F_GETPIPE_SZ) == 512 << 10, "the large one holds %d", fcntl(large[0], F_GETPIPE_SZ));
	CHECK(fcntl(most[0], F_GETPIPE_SZ) == limit, "the largest one holds %d", fcntl(most[0], F_GETPIPE_SZ));
	for (done = 0; done < (int)sizeof(back) && (got = read(large[0], back + done, sizeof(back) - (size_t)done)) > 0;)
		done += (int)got;
	CHECK(done == sizeof(text) && !memcmp(text, back, sizeof(text)), "other content (%d bytes)", done);
	CHECK(read(small[0], back, sizeof(back)) == 4096 && !memcmp(text, back, 4096), "other content in the small one");
	return subject_end();
}
