/* criu-restore/mem-packed.c -- pages that are compressed, into place, by as many processes as there are processors.
 *
 * Threads of a task that is being made may not use the libc (kernel/raw-thread.h), which the library needs: so it is copies of the task
 * that help, under numbers that no task of the image has. They put what they have decompressed into its memory
 * (process_vm_writev(2)), and end. Where one could not, the task does all of it itself, and says what is wrong.
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "criu-restore/mem.h"
#include "kernel/clone.h"

enum {
	SHARE = 8 << 20, /* bytes that one takes at a time: several frames */
	PART = 1 << 20,	 /* that a helper has in hand */
	HELPERS_MAX = 3,
	TRIES = 16, /* numbers tried for a helper */
};

struct packed {
	const struct restore_piece *pieces;
	size_t nr;
	uint64_t bytes; /* of those that are compressed */
	uint64_t *next; /* shared by all: the first byte that nobody has taken */
};

/* The pages of a piece from `from` on, in the memory of the task itself, or, from a helper, in that of its parent. */
static int read_part(const struct restore_piece *p, uint64_t from, uint64_t len, char *buf, struct img_err *err)
{
	char *to = (char *)p->to + from;

	if (!buf)
		return img_pages_read(p->pages, p->offset + from, len / IMG_PAGE, to, err);
	while (len) {
		struct iovec here = { buf, len < PART ? len : PART }, there = { to, here.iov_len };

		if (img_pages_read(p->pages, p->offset + from, here.iov_len / IMG_PAGE, buf, err) < 0)
			return -1;
		if (process_vm_writev(getppid(), &here, 1, &there, 1, 0) != (ssize_t)here.iov_len)
			return img_fail_sys(err, "writing to the task's memory");
		from += here.iov_len;
		to += here.iov_len;
		len -= here.iov_len;
	}
	return 0;
}

/* The bytes from `start` to `end` of all that is compressed. */
static int read_share(const struct packed *k, uint64_t start, uint64_t end, char *buf, struct img_err *err)
{
	uint64_t at = 0;

	for (size_t i = 0; i < k->nr && at < end; i++) {
		const struct restore_piece *p = &k->pieces[i];
		uint64_t from, upto;

		if (p->fd != RESTORE_PIECE_PACKED)
			continue;
		from = start > at ? start - at : 0;
		upto = end - at < p->len ? end - at : p->len;
		if (from < upto && read_part(p, from, upto - from, buf, err) < 0)
			return -1;
		at += p->len;
	}
	return 0;
}

static int read_shares(const struct packed *k, char *buf, struct img_err *err)
{
	for (;;) {
		uint64_t start = __atomic_fetch_add(k->next, SHARE, __ATOMIC_SEQ_CST);

		if (start >= k->bytes)
			return 0;
		if (read_share(k, start, start + SHARE < k->bytes ? start + SHARE : k->bytes, buf, err) < 0)
			return -1;
	}
}

__attribute__((noreturn)) static void help(const struct packed *k, pid_t parent)
{
	struct img_err why = IMG_ERR_INIT;
	char *buf = malloc(PART);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	_exit(!buf || getppid() != parent || read_shares(k, buf, &why) < 0);
}

/* 0: there is none. */
static pid_t start_helper(const struct restore *r, const struct packed *k, unsigned nr)
{
	const struct restore_mem *mem = r->mem;
	pid_t parent = getpid();

	for (size_t i = 0; mem && i < TRIES && i < mem->nr_worker_tids; i++) {
		unsigned seed = parent * (HELPERS_MAX + 1) + nr;
		pid_t pid = kern_clone(0, mem->worker_tids[(seed + i * (HELPERS_MAX + 2)) % mem->nr_worker_tids], 0);

		if (!pid)
			help(k, parent);
		if (pid > 0)
			return pid;
		if (errno != EEXIST)
			break;
	}
	return 0;
}

static bool helped(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, __WALL) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int restore_read_packed(struct restore *r, const struct restore_piece *pieces, size_t nr, struct img_err *err)
{
	struct packed k = { .pieces = pieces, .nr = nr };
	pid_t helpers[HELPERS_MAX];
	int nr_helpers = 0, ret;
	bool whole = true;

	for (size_t i = 0; i < nr; i++)
		if (pieces[i].fd == RESTORE_PIECE_PACKED)
			k.bytes += pieces[i].len;
	if (!k.bytes)
		return 0;
	k.next = mmap(NULL, IMG_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (k.next == MAP_FAILED)
		return img_fail_nomem(err);
	while (nr_helpers < HELPERS_MAX && nr_helpers < restore_threads_wanted(k.bytes) - 1 &&
		(helpers[nr_helpers] = start_helper(r, &k, nr_helpers)))
		nr_helpers++;
	ret = read_shares(&k, NULL, err);
	while (nr_helpers)
		whole &= helped(helpers[--nr_helpers]);
	munmap(k.next, IMG_PAGE);
	return ret == 0 && !whole ? read_share(&k, 0, k.bytes, NULL, err) : ret;
}
