/* tests/kinds/mempolicy/mappings.c -- mappings of every kind with a policy of their own (mbind(2)), beside one of their thread.
 *
 * harness: to-peer: it does not know them
 * harness: from-peer: it does not know them
 */

#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

enum { PAGE = 4096, PAGES = 24, HUGE = 2 << 20 };

struct piece {
	const char *name;
	char *at;
	size_t size;
	int mode;
	unsigned long node;
};

static void set_policy(struct piece *p, int mode, unsigned long node)
{
	MUST(syscall(SYS_mbind, p->at, p->size, mode, node ? &node : NULL, node ? 64 : 0, 0) == 0);
	p->mode = mode;
	p->node = node;
}

static void start(struct piece *p, const char *name, char *at, size_t size)
{
	p->name = name;
	p->at = at;
	p->size = size;
}

static void check(const struct piece *p)
{
	for (size_t at = 0; at < p->size; at += p->size - PAGE) {
		unsigned long node = 0;
		int mode = -1;

		CHECK(syscall(SYS_get_mempolicy, &mode, &node, 64, p->at + at, MPOL_F_ADDR) == 0, "%s: %s", p->name, strerror(errno));
		CHECK(mode == p->mode && node == p->node, "%s at %zu: policy %#x of nodes %#lx, not %#x of %#lx", p->name, at, mode, node,
		      p->mode, p->node);
		if (p->size == PAGE)
			break;
	}
}

static char *map(size_t size, int flags, int fd)
{
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	MUST(at != MAP_FAILED);
	return at;
}

int main(int argc, char **argv)
{
	struct piece pieces[16] = { 0 }, *p = pieces;
	unsigned long node = 1;
	char *anon, *huge;
	int fd, memfd;

	subject_begin(argc, argv);
	if (syscall(SYS_set_mempolicy, MPOL_INTERLEAVE, &node, 64) < 0)
		subject_skip("no memory policies here");

	/* Neighbours, told apart by their policies alone; one with guard pages, one locked. */
	anon = map(PAGES * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	memset(anon, 7, PAGES * PAGE);
	start(p, "bound", anon, 4 * PAGE);
	set_policy(p++, MPOL_BIND, 1);
	start(p, "preferred, static", anon + 4 * PAGE, 4 * PAGE);
	set_policy(p++, MPOL_PREFERRED | MPOL_F_STATIC_NODES, 1);
	start(p, "none", anon + 8 * PAGE, 4 * PAGE);
	p++;
	start(p, "interleaved, relative", anon + 12 * PAGE, 4 * PAGE);
	set_policy(p++, MPOL_INTERLEAVE | MPOL_F_RELATIVE_NODES, 1);
	start(p, "local", anon + 16 * PAGE, 4 * PAGE);
	set_policy(p++, MPOL_LOCAL, 0);
	/* as its thread */
	start(p, "interleaved", anon + 20 * PAGE, PAGE);
	set_policy(p++, MPOL_INTERLEAVE, 1);
	madvise(anon + 13 * PAGE, PAGE, 102 /* MADV_GUARD_INSTALL */);
	MUST(mlock(anon + 16 * PAGE, 2 * PAGE) == 0);

	start(p, "shared", map(8 * PAGE, MAP_SHARED | MAP_ANONYMOUS, -1), 8 * PAGE);
	set_policy(p++, MPOL_BIND, 1);
	memfd = syscall(SYS_memfd_create, "policy", 0);
	MUST(memfd >= 0 && ftruncate(memfd, 8 * PAGE) == 0);
	start(p, "memfd", map(8 * PAGE, MAP_SHARED, memfd) + PAGE, 2 * PAGE);
	set_policy(p++, MPOL_INTERLEAVE, 1);
	fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	MUST(fd >= 0 && ftruncate(fd, 4 * PAGE) == 0);
	start(p, "file", map(4 * PAGE, MAP_PRIVATE, fd), 4 * PAGE);
	p->at[0] = 9;
	set_policy(p++, MPOL_BIND, 1);
	huge = mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (huge != MAP_FAILED) {
		start(p, "huge", huge, HUGE);
		set_policy(p++, MPOL_BIND, 1);
	}

	subject_wait();

	for (const struct piece *q = pieces; q < p; q++)
		check(q);
	CHECK(anon[0] == 7 && anon[PAGES * PAGE - 1] == 7, "contents");
	return subject_end();
}
