/* tests/bench/load.c -- what is carried by the benchmark: load DIR MEGABYTES CHILDREN [THREADS [KIND DESCRIPTORS]]; makes the file
 * `ready` and sleeps. KIND: file, pipe, eventfd, unix. */

#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "tests/harness/family.h"

/* No page is like another, none is zero. */
static void fill(uint64_t *mem, size_t size)
{
	uint64_t x = 88172645463325252ULL;

	for (size_t i = 0; i < size / sizeof(*mem); i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		mem[i] = x;
	}
}

static void child(void *arg)
{
	child_up();
	for (;;)
		pause();
}

static void *thread(void *arg)
{
	for (;;)
		pause();
	return NULL;
}

static void make_threads(int nr)
{
	pthread_attr_t attr;
	pthread_t th;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	while (nr-- > 0)
		MUST(pthread_create(&th, &attr, thread, NULL) == 0);
}

static void make_descriptors(const char *kind, int nr)
{
	struct rlimit limit;
	int pair[2];

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	for (int i = 0; i < nr; i++) {
		if (!strcmp(kind, "eventfd"))
			MUST(eventfd(i, 0) >= 0);
		else if (!strcmp(kind, "file"))
			MUST(open("/etc/passwd", O_RDONLY) >= 0);
		else if (!strcmp(kind, "pipe"))
			MUST(pipe(pair) == 0 && ++i);
		else if (!strcmp(kind, "unix"))
			MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && ++i);
	}
}

int main(int argc, char **argv)
{
	size_t size;
	void *mem;

	subject_begin(argc, argv);
	if (argc < 4)
		return 2;
	size = strtoul(argv[2], NULL, 10) << 20;
	if (size) {
		mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		MUST(mem != MAP_FAILED);
		fill(mem, size);
	}
	for (int i = 0; i < atoi(argv[3]); i++)
		child_start(child, NULL);
	if (argc > 4)
		make_threads(atoi(argv[4]));
	if (argc > 6)
		make_descriptors(argv[5], atoi(argv[6]));
	subject_leave("ready", "");
	for (;;)
		pause();
}
