/* crit/x-rss.c -- crit x DIR rss: the pages that were saved of each task, and the mappings they are in. */

#include <inttypes.h>
#include <stdio.h>

#include "criuimg/pages.h"
#include "pagemap.pb-c.h"
#include "rows.h"
#include "x.h"

#define IS_FILE (1u << 6 | 1u << 7) /* of a mapping's status: private or shared mapping of a file */

struct walk {
	const MmEntry *mm;
	size_t at;   /* the first mapping that ends behind the run */
	size_t last; /* the last one that was printed */
};

static void print_vma(const struct x *x, const VmaEntry *vma)
{
	char buf[X_NAME_MAX];

	printf(" %08" PRIx64 " / %-8" PRIu64, vma->start, (vma->end - vma->start) / IMG_PAGE);
	if (vma->status & IS_FILE)
		printf(" %s", x_file_name(x, FD_TYPES__REG, vma->shmid, buf));
}

/* A run, and each mapping that it touches on a line: "~" for the one that the run before ended in. */
static void print_run(const struct x *x, struct walk *w, uint64_t start, uint64_t nr_pages)
{
	uint64_t end = start + nr_pages * IMG_PAGE;
	char text[64];

	while (w->at < w->mm->n_vmas && w->mm->vmas[w->at]->end <= start)
		w->at++;
	snprintf(text, sizeof(text), "%" PRIx64 " / %" PRIu64, start, nr_pages);
	printf("\t%-23s", text);
	for (size_t i = w->at; i < w->mm->n_vmas && w->mm->vmas[i]->start < end; i++) {
		if (i == w->last)
			printf(" ~");
		else
			print_vma(x, w->mm->vmas[i]);
		printf("\n\t%-23s", "");
		w->last = i;
	}
	printf("\n");
}

static int print_pagemap(struct x *x, uint32_t pid, const MmEntry *mm, struct img_err *err)
{
	struct walk w = { .mm = mm, .last = SIZE_MAX };
	struct img_reader *r;
	ProtobufCMessage *msg;
	int ret = img_reader_open(x->set, IMG_PAGEMAP, pid, &r, err);

	if (ret <= 0)
		return ret;
	while ((ret = img_read(r, &msg, err)) > 0) {
		if (msg->descriptor == &pagemap_entry__descriptor) {
			const PagemapEntry *run = (const PagemapEntry *)msg;

			print_run(x, &w, run->vaddr, run->has_nr_pages ? run->nr_pages : run->compat_nr_pages);
		}
		img_message_free(msg);
	}
	img_reader_close(r);
	return ret;
}

static int print(struct x *x, struct img_err *err)
{
	for (size_t i = 0; i < x->tasks.nr; i++) {
		uint32_t pid = x->tasks.entries[i]->pid;
		MmEntry *mm;
		int ret = x_read_mm(x, pid, &mm, err);

		if (ret < 0)
			return -1;
		printf("%" PRIu32 "\n", pid);
		if (ret == 0)
			continue;
		ret = print_pagemap(x, pid, mm, err);
		img_message_free(&mm->base);
		if (ret < 0)
			return -1;
	}
	return 0;
}

/* ---- as rows ---- */

static int add_task(struct x *x, struct rows *rows, const PstreeEntry *task, struct img_err *err)
{
	struct img_pages_reader *pages;
	const struct img_run *runs;
	size_t nr;
	int ret = img_pages_open(x->set, IMG_PAGEMAP, task->pid, &pages, err);

	if (ret <= 0)
		return ret;
	runs = img_pages_runs(pages, &nr);
	for (size_t i = 0; i < nr; i++) {
		rows_next(rows);
		rows_int(rows, "pid", task->pid);
		rows_hex(rows, "addr", runs[i].addr);
		rows_int(rows, "pages", runs[i].nr_pages);
		rows_bool(rows, "present", runs[i].flags & IMG_RUN_PRESENT);
		rows_bool(rows, "in_parent", runs[i].flags & IMG_RUN_PARENT);
		rows_bool(rows, "lazy", runs[i].flags & IMG_RUN_LAZY);
	}
	img_pages_close(pages);
	return 0;
}

const struct x_view x_rss = {
	.name = "rss",
	.summary = "the pages that were saved, with the mappings that they are in",
	.files = true,
	.print = print,
	.task = add_task,
};
