/* tests/cli/criu-dump/restless.c -- memory that never stays as it is: restless FILE SEED
 *
 * Regions of private memory (anonymous, of a file, shared) are written, moved, dropped, mapped anew at the same place, grown and
 * forked, all the time, by chance; what each page must hold is known from a table. Pages are checked all the time, and all of them
 * on SIGTERM, which ends it: then FILE says "ok" or what was wrong.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { REGIONS = 24, PAGES = 64, SIZE = 4096, BREAK_PAGES = 64 };

enum kind { ANON, PRIVATE_FILE, SHARED };

/* A page of version 0 holds what it was mapped with. */
struct region {
	enum kind kind;
	char *at;
	uint64_t id;
	uint64_t version[PAGES];
};

static struct region regions[REGIONS];
static uint64_t break_version[BREAK_PAGES];
static char *break_at;
static uint64_t seed, next_id = 1, turns;
static const char *verdict;
static int file;
static volatile sig_atomic_t over;

static void on_term(int sig)
{
	over = 1;
}

static void say(const char *fmt, ...)
{
	char tmp[4096], text[512];
	va_list ap;
	int fd, len;

	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(tmp, sizeof(tmp), "%s.tmp", verdict);
	fd = open(tmp, O_CREAT | O_TRUNC | O_WRONLY, 0666);
	if (fd < 0 || write(fd, text, len) != len || rename(tmp, verdict) < 0)
		_exit(3);
	close(fd);
}

static uint64_t chance(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static uint64_t word(uint64_t id, int page, uint64_t version)
{
	return id * 0x9e3779b97f4a7c15u + page * 0x100000001b3u + version;
}

/* What is in the file, and so in pages of it that were not written. */
static uint64_t file_word(int page)
{
	return 0xf11e0000 + page;
}

static void write_page(struct region *r, int page)
{
	uint64_t *p = (uint64_t *)(r->at + page * SIZE), w = word(r->id, page, ++r->version[page]);

	/* Some pages have all of their words, some two. */
	if (page % 3)
		for (int i = 0; i < SIZE / 8; i++)
			p[i] = w;
	else
		p[0] = p[SIZE / 8 - 1] = w;
	/* A page of zeros that is there. */
	if (page % 16 == 5)
		memset(p, 0, SIZE);
}

static void check_page(const struct region *r, int page)
{
	const uint64_t *p = (uint64_t *)(r->at + page * SIZE);
	uint64_t want = word(r->id, page, r->version[page]);

	if (!r->version[page])
		want = r->kind == PRIVATE_FILE ? file_word(page) : 0;
	else if (page % 16 == 5)
		want = 0;
	if (p[0] != want || p[SIZE / 8 - 1] != want || (page % 3 && p[77] != want)) {
		say("turn %llu: kind %d, region %llu at %p, page %d, version %llu: %llx %llx %llx, not %llx",
			(unsigned long long)turns, r->kind, (unsigned long long)r->id, (void *)r->at, page,
			(unsigned long long)r->version[page], (unsigned long long)p[0], (unsigned long long)p[77],
			(unsigned long long)p[SIZE / 8 - 1], (unsigned long long)want);
		_exit(1);
	}
}

static void map_region(struct region *r, char *where)
{
	int flags = (r->kind == SHARED ? MAP_SHARED : MAP_PRIVATE) | (r->kind == PRIVATE_FILE ? 0 : MAP_ANONYMOUS);

	r->at = mmap(where, PAGES * SIZE, PROT_READ | PROT_WRITE, flags | (where ? MAP_FIXED : 0),
		r->kind == PRIVATE_FILE ? file : -1, 0);
	if (r->at == MAP_FAILED)
		_exit(4);
	r->id = next_id++;
	memset(r->version, 0, sizeof(r->version));
}

static void move(struct region *r)
{
	char *to = mmap(NULL, PAGES * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	r->at = mremap(r->at, PAGES * SIZE, PAGES * SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	if (r->at == MAP_FAILED)
		_exit(5);
}

/* Two change places: what one tracks of an address is now about other pages. */
static void swap(struct region *a, struct region *b)
{
	char *at_a = a->at, *at_b = b->at, *aside = mmap(NULL, PAGES * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (a == b)
		return;
	if (mremap(at_a, PAGES * SIZE, PAGES * SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, aside) != aside ||
		mremap(at_b, PAGES * SIZE, PAGES * SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, at_a) != at_a ||
		mremap(aside, PAGES * SIZE, PAGES * SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, at_b) != at_b)
		_exit(6);
	a->at = at_b;
	b->at = at_a;
}

static void drop(struct region *r, int page, int nr)
{
	if (r->kind == SHARED)
		return;
	if (nr > PAGES - page)
		nr = PAGES - page;
	if (madvise(r->at + page * SIZE, nr * SIZE, MADV_DONTNEED) < 0)
		_exit(7);
	memset(r->version + page, 0, nr * sizeof(r->version[0]));
}

static void by_break(void)
{
	int page = chance(BREAK_PAGES);
	uint64_t *p;

	if (chance(50) == 0) {
		/* Away and back: empty. */
		if (brk(break_at) < 0 || brk(break_at + BREAK_PAGES * SIZE) < 0)
			_exit(8);
		memset(break_version, 0, sizeof(break_version));
	}
	p = (uint64_t *)(break_at + page * SIZE);
	if (*p != (break_version[page] ? word(99, page, break_version[page]) : 0)) {
		say("turn %llu: brk page %d: %llx", (unsigned long long)turns, page, (unsigned long long)*p);
		_exit(1);
	}
	*p = word(99, page, ++break_version[page]);
}

static void check_all(void)
{
	for (int i = 0; i < REGIONS; i++)
		for (int page = 0; page < PAGES; page++)
			check_page(&regions[i], page);
}

/* A child that has all of it, changes some of its own, and sees that all is right. */
static void fork_once(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		for (int i = 0; i < 100; i++) {
			struct region *r = &regions[chance(REGIONS)];

			if (r->kind != SHARED)
				write_page(r, chance(PAGES));
		}
		usleep(chance(20000));
		check_all();
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status) {
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 1)
			say("a child ended with %#x", status);
		_exit(1);
	}
}

static void turn(void)
{
	struct region *r = &regions[chance(REGIONS)];
	int page = chance(PAGES);

	turns++;
	switch (chance(1000)) {
	case 0:
		move(r);
		break;
	case 1:
		munmap(r->at, PAGES * SIZE);
		map_region(r, chance(2) ? r->at : NULL);
		break;
	case 2:
		swap(r, &regions[chance(REGIONS)]);
		break;
	case 3:
	case 4:
		drop(r, page, chance(8) + 1);
		break;
	case 5:
		if (chance(20) == 0)
			fork_once();
		break;
	case 6:
	case 7:
		by_break();
		break;
	default:
		check_page(r, page);
		if (chance(4) == 0)
			write_page(r, page);
		check_page(&regions[chance(REGIONS)], chance(PAGES));
	}
}

int main(int argc, char **argv)
{
	char name[] = "restless.XXXXXX";
	struct sigaction sa = { .sa_handler = on_term };

	if (argc < 3)
		return 2;
	verdict = argv[1];
	seed = strtoull(argv[2], NULL, 10) * 2654435761u + 1;
	file = mkstemp(name);
	for (int page = 0; page < PAGES; page++) {
		uint64_t words[SIZE / 8];

		for (int i = 0; i < SIZE / 8; i++)
			words[i] = file_word(page);
		if (write(file, words, SIZE) != SIZE)
			return 2;
	}
	sigaction(SIGTERM, &sa, NULL);
	break_at = (char *)(((uintptr_t)sbrk(0) + 4095) & ~4095ul);
	if (brk(break_at + BREAK_PAGES * SIZE) < 0)
		return 2;
	for (int i = 0; i < REGIONS; i++) {
		regions[i].kind = i % 8 == 1 ? PRIVATE_FILE : i % 8 == 2 ? SHARED : ANON;
		map_region(&regions[i], NULL);
		for (int page = 0; page < PAGES; page += 2)
			write_page(&regions[i], page);
	}
	say("ready");
	while (!over) {
		for (int i = 0; i < 20; i++)
			turn();
		usleep(500);
	}
	check_all();
	say("ok");
	unlink(name);
	return 0;
}
