/* lazy-pages/lazy.h -- memory on demand: a restored tree runs before its pages are there.
 *
 * Each task's missing pages are announced to us by its userfaultfd(2): a fault is answered with the page from the images, or
 * from a page server, or with zeros. What nobody asks for is filled in meanwhile, in order of likely use. The task may
 * change its mappings, fork and exec as it likes: the kernel tells, and the list of what is missing follows.
 */
#ifndef STREAMER_LAZY_PAGES_H
#define STREAMER_LAZY_PAGES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "criuimg/pages.h"
#include "criuimg/set.h"
#include "log/log.h"
#include "options/options.h"
#include "remote/conn.h"

/* ---- source.c: where pages come from ---- */

/* The memory of a task as its images have it; tasks that forked from it later have the same. */
struct lazy_image {
	uint64_t pid;
	struct img_pages_reader *pages;
	unsigned users;
};

struct lazy_source {
	struct img_set *set;
	struct remote_conn server; /* --page-server; fd -1: none */
};

int lazy_source_open(struct lazy_source *src, const struct options *opt, struct img_err *err);
/* Tell the server that no more is wanted. */
int lazy_source_finish(struct lazy_source *src, struct img_err *err);
void lazy_source_close(struct lazy_source *src);
/* nr_pages pages that the images have at addr, or (remote) that only the server has. */
int lazy_source_read(struct lazy_source *src, const struct lazy_image *image, bool remote, uint64_t addr,
	uint64_t nr_pages, void *buf, struct img_err *err);

/* ---- ranges.c: what is missing ---- */

struct lazy_range {
	uint64_t at, end; /* in the task, now */
	uint64_t image;	  /* address of `at` in the image */
	bool remote;
};

/* Ascending, not overlapping. */
struct lazy_ranges {
	struct lazy_range *items;
	size_t nr, room;
};

/* The first one that ends after addr: its index, nr when there is none. */
size_t lazy_ranges_find(const struct lazy_ranges *ranges, uint64_t addr);
int lazy_ranges_add(struct lazy_ranges *ranges, const struct lazy_range *range, struct img_err *err);
/* [start, end) is not missing any more: it is there, or nobody wants it. */
int lazy_ranges_drop(struct lazy_ranges *ranges, uint64_t start, uint64_t end, struct img_err *err);
/* mremap(2). */
int lazy_ranges_move(
	struct lazy_ranges *ranges, uint64_t from, uint64_t to, uint64_t len, struct img_err *err);
int lazy_ranges_copy(struct lazy_ranges *to, const struct lazy_ranges *from, struct img_err *err);
uint64_t lazy_ranges_pages(const struct lazy_ranges *ranges);

/* ---- task.c: one address space ---- */

struct lazy;

struct lazy_task {
	int pid;    /* of the image; of one that forked later: that of its ancestor */
	bool child; /* forked later */
	int uffd;   /* -1: done with it */
	struct lazy_image *image;
	struct lazy_ranges missing;
	uint64_t hot; /* where the last fault was answered up to: what follows is likely to be next */
	uint64_t served, filled; /* pages, on demand and in the background */
	struct lazy_task *next;
};

/* A task of the images. Takes uffd. */
int lazy_task_new(struct lazy *l, int pid, int uffd, struct img_err *err);
/* All that its userfaultfd has to say. */
int lazy_task_events(struct lazy *l, struct lazy_task *t, struct img_err *err);
/* The next pages that it is likely to need. */
int lazy_task_fill(struct lazy *l, struct lazy_task *t, struct img_err *err);
/* All that is missing is there, or it has ended: the kernel need not ask us any more. */
void lazy_task_done(struct lazy *l, struct lazy_task *t);
void lazy_task_free(struct lazy_task *t);
/* Nobody will bring what is missing: whoever touches it gets SIGBUS. Without this the kernel would show zeros. */
void lazy_task_poison(const struct lazy_task *t);

/* ---- guard.c ---- */

struct lazy_guard;

/* Should we be killed, poison what is missing: another process, with our memory and descriptors, waits for that. */
struct lazy_guard *lazy_guard_start(struct lazy *l, struct img_err *err);
/* It is not needed any more. */
void lazy_guard_stop(struct lazy_guard *g);

/* ---- loop.c ---- */

struct lazy {
	const struct options *opt;
	struct log *log;
	struct lazy_source source;
	struct lazy_task *tasks;
	int epoll;
	char *buf; /* LAZY_BUFFER bytes */
	bool restored;
};

enum { LAZY_BUFFER = 1 << 20 };

/* Serve the restore that connects to listener, until nothing is missing. */
int lazy_run(struct lazy *l, int listener, struct img_err *err);
/* Watch this task's descriptor. */
int lazy_watch(struct lazy *l, struct lazy_task *t, struct img_err *err);

#endif
