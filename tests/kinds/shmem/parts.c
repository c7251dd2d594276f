/* tests/kinds/shmem/parts.c -- parts of System V segments: protected in different ways, unmapped in between, with something else in the
 * gap, moved, and one of which only the end is left.
 *
 * harness: places: host
 */

#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "tests/harness/subject.h"

enum { PAGE = 4096, PAGES = 8 };

static char *attach(int id)
{
	char *at = shmat(id, NULL, 0);

	MUST(at != (void *)-1);
	return at;
}

static unsigned long attached(int id)
{
	struct shmid_ds ds;

	CHECK(shmctl(id, IPC_STAT, &ds) == 0, "shmctl: %s", strerror(errno));
	return ds.shm_nattch;
}

int main(int argc, char **argv)
{
	char *mixed, *gap, *tail, *moved, *other, *target;
	unsigned long before;
	int id;

	subject_begin(argc, argv);
	if (unshare(CLONE_NEWIPC) < 0)
		subject_skip("no ipc namespaces here");
	/* The number 0 is the first one. */
	id = shmget(IPC_PRIVATE, PAGES * PAGE, 0600);
	MUST(id >= 0);
	mixed = attach(id);
	gap = attach(id);
	tail = attach(id);
	moved = attach(id);
	for (int i = 0; i < PAGES; i++)
		mixed[i * PAGE] = (char)('a' + i);
	MUST(mprotect(mixed + PAGE, PAGE, PROT_READ) == 0 && mprotect(mixed + 3 * PAGE, 2 * PAGE, PROT_NONE) == 0);
	MUST(munmap(gap + 2 * PAGE, 3 * PAGE) == 0);
	other = mmap(gap + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	MUST(other == gap + 3 * PAGE);
	strcpy(other, "between");
	MUST(munmap(tail, (PAGES - 1) * PAGE) == 0);
	target = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(target != MAP_FAILED && mremap(moved + 6 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target + 2 * PAGE) == target + 2 * PAGE);
	MUST(shmdt(moved) == 0);
	before = attached(id);

	subject_wait();

	CHECK(attached(id) == before, "%lu attachments, there were %lu", attached(id), before);
	CHECK(mixed[0] == 'a' && mixed[PAGE] == 'b' && mixed[2 * PAGE] == 'c', "the protected one");
	CHECK(mprotect(mixed + PAGE, PAGE, PROT_READ | PROT_WRITE) == 0 && mprotect(mixed + 3 * PAGE, 2 * PAGE, PROT_READ) == 0,
		"what was protected stays so: %s", strerror(errno));
	mixed[PAGE] = 'B';
	CHECK(gap[PAGE] == 'B' && mixed[3 * PAGE] == 'd' && gap[5 * PAGE] == 'f' && gap[7 * PAGE] == 'h', "the one with a gap");
	CHECK(!strcmp(other, "between"), "what is in the gap: '%s'", other);
	CHECK(tail[(PAGES - 1) * PAGE] == 'h', "the end that is left");
	target[2 * PAGE] = 'G';
	CHECK(mixed[6 * PAGE] == 'G', "the part that was moved");
	return subject_end();
}
