/* tests/kinds/vma/random.c -- mappings made, changed and taken away at random, in a parent and in its child.
 *
 * Each page of an arena has a model: is it mapped, what byte is it full of, is it a guard. A second argument is the seed.
 * harness: peer: it loses MAP_NORESERVE of what a child inherited
 */

#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/harness/subject.h"

enum { GUARD_INSTALL = 102, PAGE = 4096, PAGES = 2048, STEPS = 1500, CHILD_STEPS = 400 };

struct page {
	unsigned char mapped, prot, byte, guard;
};

static struct page model[PAGES];
static char *arena;
static unsigned seed;
static int fd;

static unsigned any(unsigned n)
{
	return (unsigned)rand_r(&seed) % n;
}

static char *at(int page)
{
	return arena + (size_t)page * PAGE;
}

static int all_mapped(int first, int nr)
{
	for (int i = first; i < first + nr; i++)
		if (!model[i].mapped)
			return 0;
	return 1;
}

static void forget(int first, int nr)
{
	memset(model + first, 0, nr * sizeof(model[0]));
}

static void do_map(int first, int nr)
{
	static const int prots[] = { PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_NONE, PROT_READ };
	int prot = prots[any(4)], file = !any(4);
	int flags = MAP_FIXED | MAP_PRIVATE | (file ? 0 : MAP_ANONYMOUS) | (any(5) ? 0 : MAP_NORESERVE);

	MUST(mmap(at(first), (size_t)nr * PAGE, prot, flags, file ? fd : -1,
		     file ? (off_t)first * PAGE : 0) != MAP_FAILED);
	forget(first, nr);
	for (int i = first; i < first + nr; i++)
		model[i] = (struct page){ .mapped = 1, .prot = prot, .byte = file ? i % 251 : 0 };
}

static void do_unmap(int first, int nr)
{
	MUST(munmap(at(first), (size_t)nr * PAGE) == 0);
	forget(first, nr);
}

static void do_protect(int first, int nr)
{
	static const int prots[] = { PROT_READ | PROT_WRITE, PROT_NONE, PROT_READ, PROT_READ | PROT_EXEC };
	int prot = prots[any(4)];

	if (!all_mapped(first, nr))
		return;
	MUST(mprotect(at(first), (size_t)nr * PAGE, prot) == 0);
	for (int i = first; i < first + nr; i++)
		model[i].prot = prot;
}

static void do_write(int first, int nr)
{
	int byte = 1 + any(255);

	for (int i = first; i < first + nr; i++) {
		if (!model[i].mapped || !(model[i].prot & PROT_WRITE) || model[i].guard)
			continue;
		memset(at(i), byte, PAGE);
		model[i].byte = byte;
	}
}

static void do_advise(int first, int nr)
{
	static const int advices[] = { MADV_DONTDUMP, MADV_DODUMP, MADV_RANDOM, MADV_NORMAL, MADV_SEQUENTIAL,
		MADV_NOHUGEPAGE, MADV_HUGEPAGE };

	if (all_mapped(first, nr))
		madvise(at(first), (size_t)nr * PAGE, advices[any(7)]);
}

static void do_guard(int first, int nr)
{
	if (!all_mapped(first, nr))
		return;
	for (int i = first; i < first + nr; i++) {
		if (madvise(at(i), PAGE, GUARD_INSTALL) < 0)
			continue;
		model[i].guard = 1;
		model[i].byte = 0;
	}
}

static void do_move(int first, int nr)
{
	int to = any(PAGES - nr);

	if (!all_mapped(first, nr) || (to < first + nr && first < to + nr))
		return;
	if (mremap(at(first), (size_t)nr * PAGE, (size_t)nr * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at(to)) ==
		MAP_FAILED) {
		/* Over several mappings it may be refused, after it unmapped what was at the new place. */
		do_unmap(to, nr);
		return;
	}
	memcpy(model + to, model + first, nr * sizeof(model[0]));
	forget(first, nr);
}

static void (*const steps[])(int, int) = {
	do_map,
	do_map,
	do_map,
	do_unmap,
	do_protect,
	do_protect,
	do_write,
	do_write,
	do_write,
	do_advise,
	do_guard,
	do_move,
};

static void play(int nr)
{
	for (int i = 0; i < nr; i++) {
		int pages = 1 + any(any(8) ? 16 : 300);

		steps[any(sizeof(steps) / sizeof(steps[0]))](any(PAGES - pages), pages);
	}
}

static void check(const char *who)
{
	int mem = open("/proc/self/mem", O_RDONLY), bad = 0;
	char buf[PAGE];

	for (int i = 0; i < PAGES && bad < 3; i++) {
		/* Through the file: whatever the protection. */
		ssize_t got = pread(mem, buf, PAGE, (off_t)(uintptr_t)at(i));
		int want = model[i].mapped && !model[i].guard;

		if ((got == PAGE) != want) {
			CHECK((got == PAGE) == want, "%s: page %d: mapped %d, guard %d, but %zd bytes", who,
				i, model[i].mapped, model[i].guard, got);
			bad++;
			continue;
		}
		for (int k = 0; want && k < PAGE; k++)
			if ((unsigned char)buf[k] != model[i].byte) {
				CHECK(0, "%s: page %d of %p: byte %d is %#x, not %#x", who, i, (void *)arena,
					k, (unsigned char)buf[k], model[i].byte);
				bad++;
				break;
			}
	}
	close(mem);
}

int main(int argc, char **argv)
{
	int to_child[2], status;
	char page[PAGE], byte;
	pid_t pid;

	subject_begin(argc, argv);
	seed = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
	fprintf(stderr, "seed %u\n", seed);
	fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
	MUST(fd >= 0 && pipe(to_child) == 0);
	for (int i = 0; i < PAGES; i++) {
		memset(page, i % 251, PAGE);
		MUST(write(fd, page, PAGE) == PAGE);
	}
	arena = mmap(NULL, (size_t)(PAGES + 2) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		-1, 0);
	MUST(arena != MAP_FAILED);
	arena += PAGE;
	do_unmap(0, PAGES);
	play(STEPS);

	pid = fork();
	if (!pid) {
		play(CHILD_STEPS);
		check("child, before");
		subject_leave("child", "");
		while (read(to_child[0], &byte, 1) != 1)
			;
		check("child");
		_exit(0);
	}
	subject_wait_for("child");
	seed += 77;
	play(CHILD_STEPS);
	check("parent, before");

	subject_wait();

	check("parent");
	CHECK(write(to_child[1], "x", 1) == 1 && waitpid(pid, &status, 0) == pid && status == 0, "the child");
	return subject_end();
}
