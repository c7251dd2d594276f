/* streamer/lazy-pages/task.c -- one address space: its faults, what else happens to it, and filling it.
 *
 * userfaultfd(2), UFFDIO_COPY(2const). Who changes the address space waits until we have read the event of it: so the list of what is
 * missing is right whenever all events are read, and a copy that comes in between is refused with EAGAIN.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/userfaultfd.h>

#include "criuimg/array.h"
#include "criuimg/image.h"
#include "criuimg/vma.h"
#include "mm.pb-c.h"
#include "streamer/lazy-pages/lazy.h"

enum {
	AROUND = 16 * IMG_PAGE, /* that a fault brings along */
	CHUNK = 64 * IMG_PAGE,	/* that is filled in at a time: a fault waits no longer than that takes */
	SMALL = 256 * IMG_PAGE, /* ranges up to this size come first: stacks, data, the small things */
	EVENTS = 16,
};

#define EVENTS_WANTED                                                                                        \
	(UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_REMOVE |                    \
		UFFD_FEATURE_EVENT_UNMAP)

static const char *name_of(const struct lazy_task *t, char *buf, size_t size)
{
	snprintf(buf, size, t->child ? "a child of pid %d" : "pid %d", t->pid);
	return buf;
}

/* ---- one of the images ---- */

/* The parts of [start, end) that are in one mapping each. */
static int add_missing(struct lazy_task *t, const MmEntry *mm, const struct img_run *run, struct img_err *err)
{
	uint64_t start = run->addr, end = run->addr + run->nr_pages * IMG_PAGE;

	for (size_t i = 0; i < mm->n_vmas && start < end; i++) {
		const VmaEntry *e = mm->vmas[i];
		struct lazy_range range = { .remote = !(run->flags & (IMG_RUN_PRESENT | IMG_RUN_PARENT)) };

		if (e->status & IMG_VMA_GUARD || e->end <= start || e->start >= end)
			continue;
		range.at = range.image = e->start > start ? e->start : start;
		range.end = e->end < end ? e->end : end;
		if (lazy_ranges_add(&t->missing, &range, err) < 0)
			return -1;
		start = range.end;
	}
	return 0;
}

static int load(struct lazy *l, struct lazy_task *t, struct img_err *err)
{
	ProtobufCMessage *msg;
	const struct img_run *runs;
	int ret = img_read_single(l->source.set, IMG_MM, t->pid, &msg, err);
	size_t nr;

	if (ret == 0)
		img_fail(err, IMG_CORRUPT, "the images have no such task");
	if (ret <= 0)
		return -1;
	ret = img_pages_open(l->source.set, IMG_PAGEMAP, t->pid, &t->image->pages, err);
	if (ret == 0)
		img_fail(err, IMG_CORRUPT, "it has no page map");
	runs = ret > 0 ? img_pages_runs(t->image->pages, &nr) : NULL;
	for (size_t i = 0; ret > 0 && i < nr; i++)
		if (runs[i].flags & IMG_RUN_LAZY && add_missing(t, (MmEntry *)msg, &runs[i], err) < 0)
			ret = -1;
	img_message_free(msg);
	return ret > 0 ? 0 : -1;
}

int lazy_task_new(struct lazy *l, int pid, int uffd, struct img_err *err)
{
	struct uffdio_api api = { .api = UFFD_API, .features = EVENTS_WANTED };
	struct lazy_task *t = calloc(1, sizeof(*t));

	if (t)
		t->image = calloc(1, sizeof(*t->image));
	if (!t || !t->image) {
		free(t);
		close(uffd);
		return img_fail_nomem(err);
	}
	/* Mostly it was done: then it fails. */
	ioctl(uffd, UFFDIO_API, &api);
	t->pid = t->image->pid = pid;
	t->image->users = 1;
	t->uffd = uffd;
	t->next = l->tasks;
	l->tasks = t;
	if (load(l, t, err) < 0)
		return img_wrap(err, "pid %d", pid);
	log_info(l->log, "pid %d: %" PRIu64 " pages in %zu ranges are missing", pid,
		lazy_ranges_pages(&t->missing), t->missing.nr);
	return lazy_watch(l, t, err);
}

void lazy_task_done(struct lazy *l, struct lazy_task *t)
{
	char name[48];

	if (t->uffd < 0)
		return;
	log_info(l->log, "%s: done: %" PRIu64 " pages on demand, %" PRIu64 " before they were asked for",
		name_of(t, name, sizeof(name)), t->served, t->filled);
	close(t->uffd); /* the kernel's own ways from here on */
	t->uffd = -1;
	t->missing.nr = 0;
}

void lazy_task_free(struct lazy_task *t)
{
	if (t->uffd >= 0)
		close(t->uffd);
	if (t->image && !--t->image->users) {
		img_pages_close(t->image->pages);
		free(t->image);
	}
	free(t->missing.items);
	free(t);
}

/* ---- putting pages into it ---- */

enum put {
	PUT_DONE,
	PUT_LATER, /* something happens to the address space: its events first */
	PUT_GONE,  /* the address space is */
	PUT_KNOWN, /* the mapping was not announced: its pages were there from the start */
	PUT_FAIL,
};

static int wake(const struct lazy_task *t, uint64_t at, uint64_t len)
{
	struct uffdio_range range = { at, len };

	return ioctl(t->uffd, UFFDIO_WAKE, &range);
}

/* buf, or zeros, to [at, at + len); *done: how many bytes of that are settled. */
static enum put put(
	struct lazy_task *t, uint64_t at, const char *buf, uint64_t len, uint64_t *done, struct img_err *err)
{
	*done = 0;
	while (*done < len) {
		struct uffdio_copy copy = {
			.dst = at + *done, .src = (uintptr_t)buf + *done, .len = len - *done
		};
		struct uffdio_zeropage zero = { .range = { at + *done, len - *done } };
		int64_t moved;
		int ret, error;

		ret = buf ? ioctl(t->uffd, UFFDIO_COPY, &copy) : ioctl(t->uffd, UFFDIO_ZEROPAGE, &zero);
		error = ret < 0 ? errno : 0;
		moved = buf ? copy.copy : zero.zeropage;
		if (moved > 0)
			*done += moved;
		if (!error || (error == EAGAIN && moved > 0))
			continue;
		switch (error) {
		case EAGAIN:
			return PUT_LATER;
		case EEXIST: /* it is there */
			wake(t, at + *done, IMG_PAGE);
			*done += IMG_PAGE;
			break;
		case ENOENT: /* of several mappings now, or none that was announced: whatever changes comes as an event */
			if (len - *done == IMG_PAGE)
				return PUT_KNOWN;
			len = *done + IMG_PAGE;
			break;
		case ESRCH:
		case ENOSPC:
			return PUT_GONE;
		default:
			errno = error;
			img_fail_sys(err, "a page at %#" PRIx64, at + *done);
			return PUT_FAIL;
		}
	}
	return PUT_DONE;
}

/* [at, at + len) of a range, from the images into the task. Returns how many bytes are settled; 0 when that has to wait; -1. */
static int64_t bring(
	struct lazy *l, struct lazy_task *t, size_t i, uint64_t at, uint64_t len, struct img_err *err)
{
	const struct lazy_range *range = &t->missing.items[i];
	uint64_t done;
	enum put how;

	if (lazy_source_read(&l->source, t->image, range->remote, range->image + (at - range->at),
		    len / IMG_PAGE, l->buf, err) < 0)
		return -1;
	how = put(t, at, l->buf, len, &done, err);
	if (how == PUT_FAIL)
		return -1;
	if (how == PUT_GONE) {
		lazy_task_done(l, t);
		return 0;
	}
	/* Pages of one range are all of mappings that were announced, or none of them is. */
	if (lazy_ranges_drop(&t->missing, at, how == PUT_KNOWN ? range->end : at + done, err) < 0)
		return -1;
	return done;
}

/* ---- events ---- */

static int fault(struct lazy *l, struct lazy_task *t, const struct uffd_msg *msg, struct img_err *err)
{
	uint64_t addr = msg->arg.pagefault.address & ~(uint64_t)(IMG_PAGE - 1), done;
	size_t i = lazy_ranges_find(&t->missing, addr);
	int64_t got;

	if (i < t->missing.nr && t->missing.items[i].at <= addr) {
		uint64_t left = t->missing.items[i].end - addr;

		got = bring(l, t, i, addr, left < AROUND ? left : AROUND, err);
		if (got < 0)
			return -1;
		if (got == 0) {
			if (t->uffd >= 0)
				wake(t, addr, IMG_PAGE); /* it will ask again */
			return 0;
		}
		t->served += got / IMG_PAGE;
		t->hot = addr + got;
		return 0;
	}
	/* Nobody ever wrote there, or it came while the fault was on its way to us. */
	switch (put(t, addr, NULL, IMG_PAGE, &done, err)) {
	case PUT_FAIL:
		return -1;
	case PUT_GONE:
		lazy_task_done(l, t);
		return 0;
	case PUT_LATER:
		wake(t, addr, IMG_PAGE);
		return 0;
	case PUT_KNOWN:
	case PUT_DONE:
		return 0;
	}
	return 0;
}

/* What is missing in a task is missing in its child. */
static int forked(struct lazy *l, struct lazy_task *t, const struct uffd_msg *msg, struct img_err *err)
{
	struct lazy_task *child = calloc(1, sizeof(*child));

	if (!child) {
		close(msg->arg.fork.ufd);
		return img_fail_nomem(err);
	}
	child->pid = t->pid;
	child->child = true;
	child->uffd = msg->arg.fork.ufd;
	child->image = t->image;
	child->image->users++;
	child->next = l->tasks;
	l->tasks = child;
	if (lazy_ranges_copy(&child->missing, &t->missing, err) < 0)
		return -1;
	log_debug(l->log, "pid %d: has forked", t->pid);
	return lazy_watch(l, child, err);
}

static int event(struct lazy *l, struct lazy_task *t, const struct uffd_msg *msg, struct img_err *err)
{
	switch (msg->event) {
	case UFFD_EVENT_PAGEFAULT:
		return fault(l, t, msg, err);
	case UFFD_EVENT_FORK:
		return forked(l, t, msg, err);
	case UFFD_EVENT_REMAP:
		return lazy_ranges_move(
			&t->missing, msg->arg.remap.from, msg->arg.remap.to, msg->arg.remap.len, err);
	case UFFD_EVENT_REMOVE:
	case UFFD_EVENT_UNMAP:
		return lazy_ranges_drop(&t->missing, msg->arg.remove.start, msg->arg.remove.end, err);
	default:
		return img_fail(err, IMG_UNSUPPORTED, "userfaultfd says %#x, which is not known", msg->event);
	}
}

int lazy_task_events(struct lazy *l, struct lazy_task *t, struct img_err *err)
{
	struct uffd_msg msgs[EVENTS];
	char name[48];

	while (t->uffd >= 0) {
		/* One at a time: a page that a fault brings may have to wait for the event behind it. */
		ssize_t got = read(t->uffd, msgs, sizeof(msgs[0]));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return 0;
		if (got < 0)
			return img_fail_sys(err, "%s: userfaultfd", name_of(t, name, sizeof(name)));
		if (got != sizeof(msgs[0]))
			return img_fail(err, IMG_SYS, "%s: userfaultfd: %zd bytes",
				name_of(t, name, sizeof(name)), got);
		if (event(l, t, msgs, err) < 0)
			return img_wrap(err, "%s", name_of(t, name, sizeof(name)));
	}
	return 0;
}

/* ---- the worst ---- */

#ifndef UFFDIO_POISON
struct uffdio_poison {
	struct uffdio_range range;
	__u64 mode;
	__s64 updated;
};
#define UFFDIO_POISON _IOWR(UFFDIO, 0x08, struct uffdio_poison)
#endif

/* Called when somebody was killed in the middle of anything: nothing is believed, nothing is allocated. */
void lazy_task_poison(const struct lazy_task *t)
{
	for (size_t i = 0; i < t->missing.nr; i++) {
		uint64_t at = t->missing.items[i].at, end = t->missing.items[i].end;

		while (at < end) {
			struct uffdio_poison poison = { .range = { at, end - at } };

			if (ioctl(t->uffd, UFFDIO_POISON, &poison) == 0)
				break;
			if (errno != EAGAIN && errno != EEXIST && errno != ENOENT)
				return;
			at += poison.updated > 0 ? (uint64_t)poison.updated : errno == EAGAIN ? 0 : IMG_PAGE;
			if (errno == EAGAIN && poison.updated <= 0) {
				struct uffd_msg msg;

				/* What it is, nobody needs to know any more; but the kernel waits for us to read it. */
				if (read(t->uffd, &msg, sizeof(msg)) != sizeof(msg))
					return;
			}
		}
	}
}

/* ---- the rest ---- */

/* Behind the last fault; then small ranges, then the others, from the top of the address space down: stacks come first. */
static size_t likely(const struct lazy_task *t, uint64_t *at)
{
	const struct lazy_ranges *r = &t->missing;
	size_t i = lazy_ranges_find(r, t->hot);

	if (t->hot && i < r->nr && r->items[i].at <= t->hot) {
		*at = t->hot;
		return i;
	}
	for (i = r->nr; i > 0; i--)
		if (r->items[i - 1].end - r->items[i - 1].at <= SMALL)
			break;
	if (i == 0)
		i = r->nr;
	*at = r->items[i - 1].at;
	return i - 1;
}

int lazy_task_fill(struct lazy *l, struct lazy_task *t, struct img_err *err)
{
	uint64_t at, left;
	char name[48];
	int64_t got;
	size_t i;

	if (!t->missing.nr) {
		lazy_task_done(l, t);
		return 0;
	}
	i = likely(t, &at);
	left = t->missing.items[i].end - at;
	got = bring(l, t, i, at, left < CHUNK ? left : CHUNK, err);
	if (got < 0)
		return img_wrap(err, "%s", name_of(t, name, sizeof(name)));
	t->filled += got / IMG_PAGE;
	if (at == t->hot)
		t->hot += got;
	return 0;
}
