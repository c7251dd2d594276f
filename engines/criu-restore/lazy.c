/* engines/criu-restore/lazy.c -- which memory comes later, and telling the kernel and criu-lazy-pages so. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/userfaultfd.h>

#include "criu-restore/lazy.h"
#include "criu-restore/mem.h"
#include "criu-restore/tape.h"
#include "criuimg/cleanup.h"
#include "criuimg/vma.h"
#include "remote/conn.h"
#include "remote/lazy-wire.h"

/* What the server must hear of: whatever changes which memory is where. */
#define EVENTS                                                                                               \
	(UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_REMOVE |                    \
		UFFD_FEATURE_EVENT_UNMAP)

struct restore_lazy {
	int fd; /* connected; in the front, and so in all tasks */
	int dev; /* /dev/userfaultfd: a way for tasks of another user namespace, where it is no use to be root; -1: none */
	bool ours;	/* LAZY_HELLO was said: pages that tasks share may be read now */
	uint32_t *turn; /* shared: the task, by its index, that may send */
};

enum {
	HELLO_MS = 500,
	ENABLE_MS = 10000,
};

/* Is it ours: 1, 0, -1 when it is there no more. */
static int says_hello(int fd, struct img_err *err)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint32_t word = 0;
	ssize_t n;

	if (poll(&p, 1, HELLO_MS) != 1)
		return 0;
	n = recv(fd, &word, sizeof(word), MSG_WAITALL);
	if (n <= 0)
		return img_fail(err, IMG_SYS, "criu-lazy-pages has ended");
	return n == sizeof(word) && word == LAZY_HELLO;
}

int restore_lazy_plan(struct restore *r, struct img_err *err)
{
	struct restore_lazy *lazy;
	char path[64];
	int ours;

	if (!r->opt->lazy_pages || r->opt->plan)
		return 0;
	lazy = img_arena_alloc(&r->arena, sizeof(*lazy));
	if (!lazy)
		return img_fail_nomem(err);
	lazy->turn = restore_shared_alloc(r, sizeof(*lazy->turn), err);
	if (!lazy->turn)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/" LAZY_SOCKET, r->work_dirfd);
	if (remote_connect(path, 0, &lazy->fd, err) < 0)
		return img_fail_sys(err, "criu-lazy-pages is to listen at %s/" LAZY_SOCKET,
			r->opt->work_dir ? r->opt->work_dir : r->opt->images_dir);
	lazy->dev = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
	ours = says_hello(lazy->fd, err);
	if (ours < 0)
		return -1;
	lazy->ours = ours;
	if (!lazy->ours)
		log_warn(r->log, "pages are served by another criu: what tasks share of their memory becomes "
				 "their own");
	r->lazy = lazy;
	return 0;
}

/* ---- which ---- */

static bool may_be(const struct restore *r, const VmaEntry *e)
{
	return r->lazy && e->status & IMG_VMA_ANON_PRIVATE &&
	       !(e->status &
		       (IMG_VMA_VDSO | IMG_VMA_VVAR | IMG_VMA_VSYSCALL | IMG_VMA_GUARD | IMG_VMA_AIORING)) &&
	       !(e->flags & (IMG_MAP_LOCKED | IMG_MAP_HUGETLB | IMG_MAP_DROPPABLE));
}

/* A mapping of t that reaches over all of this one, and is of its kind. */
static bool around(const struct restore_task *t, const VmaEntry *e)
{
	size_t low = 0, high = t->mm ? t->mm->n_vmas : 0;

	while (high && t->mm->vmas[high - 1]->status & IMG_VMA_GUARD)
		high--;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (t->mm->vmas[mid]->start <= e->start)
			low = mid + 1;
		else
			high = mid;
	}
	return low && t->mm->vmas[low - 1]->end >= e->end && restore_same_kind(t->mm->vmas[low - 1], e);
}

/* Has a task that this one was made from, or that was made from it, pages in the same place? */
static bool shared(const struct restore_task *t, const VmaEntry *e)
{
	if (t->creator && around(t->creator, e))
		return true;
	for (const struct restore_task *child = t->made_first; child; child = child->made_next) {
		for (size_t i = 0; child->mm && i < child->mm->n_vmas; i++) {
			const VmaEntry *theirs = child->mm->vmas[i];

			if (theirs->start >= e->end)
				break;
			if (theirs->start >= e->start && theirs->end <= e->end &&
				restore_same_kind(e, theirs))
				return true;
		}
	}
	return false;
}

bool restore_lazy_run(
	struct restore *r, const struct restore_task *t, const VmaEntry *e, const struct img_run *run)
{
	if (!(run->flags & IMG_RUN_LAZY) || !may_be(r, e))
		return false;
	if (!r->lazy->ours || !shared(t, e))
		return true;
	if (run->flags & (IMG_RUN_PRESENT | IMG_RUN_PARENT)) {
		log_debug(r->log, "pid %d: mapping %#" PRIx64 ": read now: other tasks may share it", t->pid,
			e->start);
		return false;
	}
	log_warn(r->log,
		"pid %d: mapping %#" PRIx64
		": its pages come later: what it shares with other tasks becomes its own",
		t->pid, e->start);
	return true;
}

/* ---- the descriptor ---- */

#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW _IO(0xAA, 0x00)
#endif

/* Events are for root of the first user namespace alone, whoever's memory it is about: where that is not us, it is the server, who
 * asks for them once it has the descriptor (*enabled: false). */
static int make_uffd(const struct restore_lazy *lazy, bool *enabled, struct img_err *err)
{
	cleanup_fd int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	struct uffdio_api api = { .api = UFFD_API, .features = EVENTS };

	if (fd < 0 && errno == EPERM && lazy->dev >= 0)
		fd = ioctl(lazy->dev, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return img_fail_sys(err, "userfaultfd");
	*enabled = ioctl(fd, UFFDIO_API, &api) == 0;
	if (!*enabled && (errno != EPERM || !lazy->ours))
		return img_fail_sys(err, "userfaultfd: events");
	return steal_fd(&fd);
}

/* Until the server has done so: before that every request fails with EINVAL. */
static int wait_enabled(struct restore *r, int fd, struct img_err *err)
{
	const struct timespec ms = { 0, 1000000 };
	struct uffdio_range range = { r->scratch.start, IMG_PAGE };

	for (int i = 0; i < ENABLE_MS; i++) {
		if (ioctl(fd, UFFDIO_WAKE, &range) == 0 || errno != EINVAL)
			return 0;
		nanosleep(&ms, NULL);
	}
	return img_fail(err, IMG_SYS, "criu-lazy-pages does not enable the events of userfaultfd");
}

static int send_uffd(int sock, int fd, struct img_err *err)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { "", 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	return sendmsg(sock, &msg, MSG_NOSIGNAL) != 1
		       ? img_fail_sys(err, "criu-lazy-pages: sending a userfaultfd")
		       : 0;
}

/* One connection for all: each has its turn, in the order of the tasks. */
static int hand_over(struct restore *r, struct restore_task *t, int fd, struct img_err *err)
{
	struct remote_conn conn = { .fd = r->lazy->fd };
	uint32_t next = t->index + 1;
	int32_t pid = t->pid;

	while (next < r->nr_tasks && !restore_task_lives(&r->tasks[next]))
		next++;
	if (restore_wait(r, r->lazy->turn, t->index, err) < 0)
		return -1;
	if (remote_send(&conn, &pid, sizeof(pid), err) < 0)
		return img_wrap(err, "criu-lazy-pages");
	if (send_uffd(r->lazy->fd, fd, err) < 0)
		return -1;
	restore_post(r->lazy->turn, next);
	return 0;
}

static bool any_later(struct restore *r, const struct restore_task *t, const VmaEntry *e,
	const struct img_pages_reader *pages)
{
	size_t nr, i = img_pages_find(pages, e->start);
	const struct img_run *runs = img_pages_runs(pages, &nr);

	for (; i < nr && runs[i].addr < e->end; i++)
		if (restore_lazy_run(r, t, e, &runs[i]))
			return true;
	return false;
}

/* Those of which all is there already are not announced. */
static void announce(struct restore *r, const struct restore_task *t, const struct img_pages_reader *pages,
	int fd, struct restore_tape *tape)
{
	size_t nr = 0;

	for (size_t i = 0; i < t->mm->n_vmas; i++) {
		const VmaEntry *e = t->mm->vmas[i];
		struct uffdio_register reg = {
			.range = { e->start, e->end - e->start },
			.mode = UFFDIO_REGISTER_MODE_MISSING,
		};
		char what[96];

		if (!may_be(r, e) || !any_later(r, t, e, pages))
			continue;
		snprintf(what, sizeof(what), "announce %" PRIx64 "-%" PRIx64 " to userfaultfd", e->start,
			e->end);
		tape_step(tape, TAPE_PROTECT, what, SYS_ioctl, fd, UFFDIO_REGISTER,
			tape_data(tape, &reg, sizeof(reg)));
		nr++;
	}
	log_info(r->log, "pid %d: pages of %zu mappings come later", t->pid, nr);
}

int restore_lazy_tape(
	struct restore *r, struct restore_task *t, struct restore_tape *tape, struct img_err *err)
{
	struct img_pages_reader *pages;
	bool enabled;
	int fd, ret;

	if (!r->lazy)
		return 0;
	ret = img_pages_open(r->set, IMG_PAGEMAP, t->pid, &pages, err);
	if (ret <= 0)
		return ret < 0 ? -1 : img_fail(err, IMG_CORRUPT, "no page map");
	/* criu-lazy-pages alone holds it in the end: our own goes with what is not of the image. */
	fd = make_uffd(r->lazy, &enabled, err);
	if (fd < 0 || hand_over(r, t, fd, err) < 0 || (!enabled && wait_enabled(r, fd, err) < 0))
		ret = -1;
	else
		announce(r, t, pages, fd, tape);
	img_pages_close(pages);
	return ret < 0 ? -1 : 0;
}

int restore_lazy_release(struct restore *r, struct img_err *err)
{
	const uint32_t word = LAZY_RESTORED;
	struct remote_conn conn = { .fd = r->lazy ? r->lazy->fd : -1 };

	if (!r->lazy)
		return 0;
	if (remote_send(&conn, &word, sizeof(word), err) < 0)
		return img_wrap(err, "criu-lazy-pages");
	close(r->lazy->fd);
	r->lazy->fd = -1;
	return 0;
}
