/* crit/x-mems.c -- crit x DIR mems: the mappings of each task. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "criuimg/array.h"
#include "memory.h"
#include "rows.h"
#include "x.h"

/* Shared objects without a name are shown by small numbers, in the order in which they are met. */
struct numbers {
	uint64_t *objects;
	size_t nr, room;
};

/* From 1 on; 0 without memory. */
static size_t number_of(struct numbers *numbers, uint64_t object)
{
	uint64_t *at;

	for (size_t i = 0; i < numbers->nr; i++)
		if (numbers->objects[i] == object)
			return i + 1;
	at = img_array_more(&numbers->objects, numbers->nr, &numbers->room);
	if (!at)
		return 0;
	*at = object;
	return ++numbers->nr;
}

/* What a mapping is, by the bits of its status (see proto/vma.proto): the first row that fits. */
#define REGULAR	 (1u << 0)
#define SHARED_F (1u << 7)
#define GROWS	 0x100 /* MAP_GROWSDOWN, of its flags */

static const struct what {
	uint32_t status;  /* any of these bits */
	uint32_t flags;	  /* of these too; one of the two is 0 */
	const char *word; /* shown as it is, or with a number; NULL: the name of its file */
	bool numbered;
} whats[] = {
	{ .status = 1u << 10, .word = "ips", .numbered = true },
	{ .status = 1u << 8, .word = "shmem", .numbered = true },
	{ .status = 1u << 11, .word = "packet", .numbered = true },
	{ .status = 1u << 6 | SHARED_F },
	{ .status = 1u << 1, .word = "[stack]" },
	{ .status = 1u << 2, .word = "[vsyscall]" },
	{ .status = 1u << 3, .word = "[vdso]" },
	{ .flags = GROWS, .word = "[stack?]" },
};

static void print_file(const struct x *x, const VmaEntry *vma)
{
	char buf[X_NAME_MAX];

	printf(" %s", x_file_name(x, FD_TYPES__REG, vma->shmid, buf));
	if (vma->pgoff)
		printf(" + 0x%" PRIx64, vma->pgoff);
	if (vma->status & SHARED_F)
		printf(" (s)");
}

static int print_what(const struct x *x, const VmaEntry *vma, struct numbers *numbers, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(whats); i++) {
		const struct what *what = &whats[i];
		size_t number;

		if (!(vma->status & what->status) && !(vma->flags & what->flags))
			continue;
		if (!what->word) {
			print_file(x, vma);
		} else if (what->numbered) {
			number = number_of(numbers, vma->shmid);
			if (!number)
				return img_fail_nomem(err);
			printf(" %s[%zx]", what->word, number);
		} else {
			printf(" %s", what->word);
		}
		break;
	}
	if (!(vma->status & REGULAR))
		printf(" *");
	return 0;
}

static int print_vma(const struct x *x, const VmaEntry *vma, struct numbers *numbers, struct img_err *err)
{
	char range[64];

	snprintf(range, sizeof(range), "%08" PRIx64 "-%08" PRIx64, vma->start, vma->end);
	printf("\t%-36s%c%c%c", range, vma->prot & 1 ? 'r' : '-', vma->prot & 2 ? 'w' : '-', vma->prot & 4 ? 'x' : '-');
	if (print_what(x, vma, numbers, err) < 0)
		return -1;
	printf("\n");
	return 0;
}

static int print_task(struct x *x, uint32_t pid, struct numbers *numbers, struct img_err *err)
{
	char buf[X_NAME_MAX];
	MmEntry *mm;
	int ret = x_read_mm(x, pid, &mm, err);

	if (ret < 0)
		return -1;
	printf("%" PRIu32 "\n", pid);
	if (ret == 0)
		return 0;
	printf("\t%-36s    %s\n", "exe", x_file_name(x, FD_TYPES__REG, mm->exe_file_id, buf));
	for (size_t i = 0; i < mm->n_vmas && ret >= 0; i++)
		ret = print_vma(x, mm->vmas[i], numbers, err);
	img_message_free(&mm->base);
	return ret < 0 ? -1 : 0;
}

static int print(struct x *x, struct img_err *err)
{
	struct numbers numbers = { 0 };
	int ret = 0;

	for (size_t i = 0; i < x->tasks.nr && ret == 0; i++)
		ret = print_task(x, x->tasks.entries[i]->pid, &numbers, err);
	free(numbers.objects);
	return ret;
}

/* ---- as rows ---- */

static void add_row(struct x *x, struct rows *rows, uint32_t pid, const VmaEntry *vma)
{
	char prot[5], buf[X_NAME_MAX];

	memory_prot(vma, prot);
	rows_next(rows);
	rows_int(rows, "pid", pid);
	rows_hex(rows, "start", vma->start);
	rows_hex(rows, "end", vma->end);
	rows_int(rows, "size", vma->end - vma->start);
	rows_text(rows, "prot", prot);
	rows_hex(rows, "offset", vma->pgoff);
	rows_int(rows, "id", vma->shmid);
	rows_hex(rows, "flags", vma->flags);
	rows_hex(rows, "status", vma->status);
	rows_text(rows, "name", memory_name(x, vma, buf));
}

static int add_task(struct x *x, struct rows *rows, const PstreeEntry *task, struct img_err *err)
{
	MmEntry *mm;
	int ret = objects_read(&x->objects, x->set, err);

	if (ret == 0)
		ret = x_read_mm(x, task->pid, &mm, err);
	if (ret <= 0)
		return ret;
	for (size_t i = 0; i < mm->n_vmas; i++)
		add_row(x, rows, task->pid, mm->vmas[i]);
	img_message_free(&mm->base);
	return 0;
}

const struct x_view x_mems = {
	.name = "mems",
	.summary = "the mappings of each task",
	.files = true,
	.print = print,
	.task = add_task,
};
