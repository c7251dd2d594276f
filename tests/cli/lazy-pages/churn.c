/* tests/cli/lazy-pages/churn.c -- a program whose memory is known, and that does all sorts of things to it when it is told to go.
 *
 *	churn FOLDER MIB
 *
 * FOLDER/ready: the memory is filled. FOLDER/go: begin. FOLDER/alive: the time (CLOCK_MONOTONIC, ns) when it was seen to. FOLDER/result:
 * "ok", or what was wrong. FOLDER/mode, read at "go": "churn", "read", "child" (fork and let the child read).
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096ul

static const char *folder;
static uint64_t *area;
static size_t pages;

static const char *path(const char *name)
{
	static __thread char buf[4096];

	snprintf(buf, sizeof(buf), "%s/%s", folder, name);
	return buf;
}

static void put(const char *name, const char *text)
{
	char tmp[4096];
	int fd;

	snprintf(tmp, sizeof(tmp), "%s/%s.tmp", folder, name);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		_exit(9);
	close(fd);
	rename(tmp, path(name));
}

static void result(const char *fmt, size_t page, uint64_t has)
{
	char text[256];

	snprintf(text, sizeof(text), fmt, page, (unsigned long long)has);
	put("result", text);
	_exit(1);
}

static void on_sigbus(int sig)
{
	put("result", "sigbus");
	_exit(2);
}

/* What belongs into a word of page n. */
static uint64_t word(size_t n)
{
	return n * 0x9e3779b97f4a7c15ull | 1;
}

/* Pages [from, to) of the area, which lie at p. */
static void verify(const uint64_t *p, size_t from, size_t to, const char *who)
{
	for (size_t n = from; n < to; n++) {
		const volatile uint64_t *at = (const uint64_t *)((const char *)p + (n - from) * PAGE);
		char fmt[160];

		snprintf(fmt, sizeof(fmt), "%s: page %%zu has %%#llx", who);
		if (at[0] != word(n))
			result(fmt, n, at[0]);
		if (at[511] != ~word(n))
			result(fmt, n, at[511]);
	}
}

static void zeros(const void *p, size_t nr, const char *who)
{
	const volatile uint64_t *at = p;
	char fmt[160];

	snprintf(fmt, sizeof(fmt), "%s: page %%zu has %%#llx, not zeros", who);
	for (size_t n = 0; n < nr; n++)
		if (at[n * 512] || at[n * 512 + 511])
			result(fmt, n, at[n * 512]);
}

static void *page_at(size_t n)
{
	return (char *)area + n * PAGE;
}

static pid_t in_child(size_t from, size_t to, const char *who)
{
	pid_t pid = fork();

	if (pid == 0) {
		verify(page_at(from), from, to, who);
		_exit(0);
	}
	return pid;
}

static void must_end(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		_exit(3); /* it has said what was wrong */
}

static void *reader(void *arg)
{
	size_t part = (size_t)arg, eighth = pages / 8;

	verify(page_at(part * eighth), part * eighth, (part + 1) * eighth, "a thread");
	return NULL;
}

static void must(int good, const char *what)
{
	char text[200];

	if (good)
		return;
	snprintf(text, sizeof(text), "%s: %s", what, strerror(errno));
	put("result", text);
	_exit(4);
}

/* The area in eighths: each has another fate. */
static void churn(void)
{
	size_t eighth = pages / 8, quarter = eighth / 4;
	char *other = mmap(NULL, eighth * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *moved, *kept;
	pid_t child, grandchild;
	pthread_t threads[3];

	must(other != MAP_FAILED, "mmap");
	/* 0: a child has it as it was, and changes nothing here */
	child = in_child(0, eighth, "a child");
	/* 1: given back: zeros from now on; the child of before still has it */
	grandchild = in_child(eighth, 2 * eighth, "a child of before");
	must(!madvise(page_at(eighth), 2 * quarter * PAGE, MADV_DONTNEED), "madvise");
	zeros(page_at(eighth), 2 * quarter, "given back");
	verify(page_at(eighth + 2 * quarter), eighth + 2 * quarter, 2 * eighth, "not given back");
	/* 2: moved elsewhere, to where nothing may stay */
	moved = mremap(page_at(2 * eighth), eighth * PAGE, eighth * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, other);
	must(moved == other, "mremap");
	verify((uint64_t *)moved, 2 * eighth, 3 * eighth, "moved");
	/* 3: moved, and the old place stays, empty */
	kept = mremap(page_at(3 * eighth), eighth * PAGE, eighth * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	must(kept != MAP_FAILED, "mremap that does not unmap");
	zeros(page_at(3 * eighth), eighth, "what was moved away");
	verify((uint64_t *)kept, 3 * eighth, 4 * eighth, "moved without unmapping");
	/* 4: a hole in it, and something else over a part of it */
	must(!munmap(page_at(4 * eighth), quarter * PAGE), "munmap");
	must(mmap(page_at(4 * eighth + quarter), quarter * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED, "mmap over it");
	zeros(page_at(4 * eighth + quarter), quarter, "mapped anew");
	verify(page_at(4 * eighth + 2 * quarter), 4 * eighth + 2 * quarter, 5 * eighth, "beside a hole");
	/* 5, 6, 7: threads, while protections change and children come and go */
	for (size_t i = 0; i < 3; i++)
		must(!(errno = pthread_create(&threads[i], NULL, reader, (void *)(5 + i))), "pthread_create");
	for (size_t n = 5 * eighth; n < 8 * eighth; n += eighth / 4) {
		must(!mprotect(page_at(n), PAGE, PROT_READ), "mprotect");
		must_end(in_child(n, n + 4, "a child of a child"));
		must(!mprotect(page_at(n), PAGE, PROT_READ | PROT_WRITE), "mprotect");
	}
	for (size_t i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	must_end(child);
	must_end(grandchild);
	/* another program in place of a child that has much missing yet */
	child = fork();
	if (child == 0) {
		execl("/bin/true", "true", NULL);
		_exit(5);
	}
	must_end(child);
	verify(area, 0, eighth, "in the end");
}

static void tell_alive(void)
{
	struct timespec now;
	char text[64];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "%lld", now.tv_sec * 1000000000ll + now.tv_nsec);
	put("alive", text);
}

int main(int argc, char **argv)
{
	const struct timespec ms = { 0, 1000000 };
	char mode[16] = "";
	int fd;

	folder = argv[1];
	pages = atol(argv[2]) * ((1ul << 20) / PAGE);
	area = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		return 1;
	madvise(area, pages * PAGE, MADV_NOHUGEPAGE);
	for (size_t n = 0; n < pages; n++) {
		((uint64_t *)page_at(n))[0] = word(n);
		((uint64_t *)page_at(n))[511] = ~word(n);
	}
	signal(SIGBUS, on_sigbus);
	put("ready", "");
	while (access(path("go"), F_OK) < 0)
		nanosleep(&ms, NULL);
	tell_alive();
	fd = open(path("mode"), O_RDONLY);
	if (fd < 0 || read(fd, mode, sizeof(mode) - 1) < 0)
		return 1;
	if (!strcmp(mode, "churn"))
		churn();
	else if (!strcmp(mode, "child"))
		must_end(in_child(0, pages, "a child"));
	else
		verify(area, 0, pages, "the reader");
	put("result", "ok");
	return 0;
}
