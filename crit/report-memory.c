/* crit/report-memory.c -- the memory of each task, drawn: a block for each mapping, in the order of addresses.
 *
 * Address spaces are all holes and their mappings differ by six orders of magnitude, so blocks stand side by side, as wide as the root of
 * their size; the lower part of a block shows how much of it is stored.
 */

#include <inttypes.h>
#include <string.h>

#include "criuimg/vma.h"
#include "memory.h"
#include "report.h"

#define WIDTH	 1080 /* of a drawing */
#define LINE	 34   /* height of a line of blocks, and of a block: */
#define BLOCK	 26
#define TASKS_MAX 100

/* By what a mapping is; the first row that fits. */
static const struct look {
	const char *name, *colour;
} looks[] = {
	{ "code", "#2563eb" },	 { "file", "#60a5fa" },	  { "heap", "#16a34a" },   { "stack", "#d97706" },
	{ "anonymous", "#22c55e" }, { "shared", "#a855f7" }, { "kernel", "#94a3b8" }, { "no access", "#cbd5e1" },
};
enum { CODE, FILE_DATA, HEAP, STACK, ANONYMOUS, SHARED, KERNEL, NO_ACCESS };

static const struct look *look_of(const VmaEntry *vma)
{
	if (vma->status & (IMG_VMA_VDSO | IMG_VMA_VVAR | IMG_VMA_VSYSCALL))
		return &looks[KERNEL];
	if (memory_is_file(vma))
		return &looks[vma->prot & 4 ? CODE : FILE_DATA];
	if (!vma->prot)
		return &looks[NO_ACCESS];
	if (vma->status & IMG_VMA_HEAP)
		return &looks[HEAP];
	if (vma->flags & IMG_MAP_GROWSDOWN || vma->status & IMG_VMA_STACK)
		return &looks[STACK];
	return &looks[vma->flags & IMG_MAP_SHARED ? SHARED : ANONYMOUS];
}

/* The bytes of a mapping that are in the images. */
static uint64_t stored_of(const struct memory *memory, const VmaEntry *vma)
{
	uint64_t bytes = 0;

	for (uint64_t addr = vma->start; addr < vma->end && memory_is_real(vma);) {
		struct memory_extent extent = memory_extent(memory, addr);

		if (extent.where == MEMORY_PAGES || extent.where == MEMORY_SHARED)
			bytes += extent.end - addr;
		addr = extent.end;
	}
	return bytes;
}

#define WIDTH_MAX 320

static double width_of(const VmaEntry *vma)
{
	uint64_t pages = (vma->end - vma->start) / IMG_PAGE, root = 0;

	while (root < WIDTH_MAX && (root + 1) * (root + 1) <= pages)
		root++;
	return root * 1.6 + 4 < WIDTH_MAX ? root * 1.6 + 4 : WIDTH_MAX;
}

static void put_block(FILE *out, const struct memory *memory, const VmaEntry *vma, double x, int y, double width)
{
	const struct look *look = look_of(vma);
	uint64_t size = vma->end - vma->start, stored = stored_of(memory, vma);
	double full = BLOCK * ((double)stored / size);
	char prot[5], buf[X_NAME_MAX];
	json_t *name = rows_string(memory_name(memory->x, vma, buf), strlen(memory_name(memory->x, vma, buf)));

	memory_prot(vma, prot);
	fprintf(out, "<g><title>%" PRIx64 "-%" PRIx64 " %s ", vma->start, vma->end, prot);
	report_value(out, name);
	fprintf(out, ", %" PRIu64 " KiB, %" PRIu64 " KiB stored</title>", size / 1024, stored / 1024);
	fprintf(out, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"2\" fill=\"%s\" opacity=\"0.3\"/>", x, y, width, BLOCK, look->colour);
	if (stored)
		fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"2\" fill=\"%s\"/>", x, y + BLOCK - full, width, full,
			look->colour);
	fputs("</g>\n", out);
	json_decref(name);
}

/* A line between what is not side by side in the address space. */
static void put_gap(FILE *out, double x, int y)
{
	fprintf(out, "<path d=\"M%.1f %dv%d\" stroke=\"currentColor\" opacity=\"0.35\" stroke-dasharray=\"2 2\"/>\n", x + 2.5, y, BLOCK);
}

/* Where the next block goes. */
struct pen {
	double x;
	int y;
};

static void advance(struct pen *pen, double width)
{
	if (pen->x > 0 && pen->x + width > WIDTH) {
		pen->x = 0;
		pen->y += LINE;
	}
}

/* What fits on one line fills it, within reason. */
static double scale_of(const MmEntry *mm)
{
	double total = 0, gaps = 0, scale;
	uint64_t end = 0;

	for (size_t i = 0; i < mm->n_vmas; i++) {
		total += width_of(mm->vmas[i]);
		gaps += 1 + (end && mm->vmas[i]->start != end ? 5 : 0);
		end = mm->vmas[i]->end;
	}
	scale = total > 0 ? (WIDTH - gaps) / total : 1;
	return scale < 1 ? 1 : scale > 5 ? 5 : scale;
}

static int height_of(const MmEntry *mm, double scale)
{
	struct pen pen = { 0, 0 };
	uint64_t end = 0;

	for (size_t i = 0; i < mm->n_vmas; i++) {
		double width = width_of(mm->vmas[i]) * scale;

		if (end && mm->vmas[i]->start != end)
			pen.x += 5;
		advance(&pen, width);
		pen.x += width + 1;
		end = mm->vmas[i]->end;
	}
	return pen.y + LINE;
}

static int draw(FILE *out, struct memory *memory, struct img_err *err)
{
	const MmEntry *mm = memory->mm;
	struct pen pen = { 0, 0 };
	uint64_t end = 0;
	double scale = scale_of(mm);
	int height = height_of(mm, scale);

	fprintf(out, "<svg viewBox=\"0 0 %d %d\" width=\"100%%\" role=\"img\" aria-label=\"memory map\">\n", WIDTH, height);
	for (size_t i = 0; i < mm->n_vmas; i++) {
		double width = width_of(mm->vmas[i]) * scale;

		if (end && mm->vmas[i]->start != end) {
			if (pen.x > 0)
				put_gap(out, pen.x, pen.y);
			pen.x += 5;
		}
		advance(&pen, width);
		if (memory_look(memory, mm->vmas[i], err) < 0)
			return -1;
		put_block(out, memory, mm->vmas[i], pen.x, pen.y, width);
		pen.x += width + 1;
		end = mm->vmas[i]->end;
	}
	fputs("</svg>\n", out);
	return 0;
}

static int draw_task(FILE *out, struct x *x, uint32_t pid, bool open, struct img_err *err)
{
	struct memory memory;
	char comm[64];
	json_t *name;
	int ret = memory_open(x, pid, &memory, err);

	if (ret <= 0)
		return ret;
	ret = x_read_comm(x, pid, comm, err);
	name = rows_string(comm, strlen(comm));
	fprintf(out, "<details class=\"box\"%s><summary>&nbsp;<code>%" PRIu32 "</code> ", open ? " open" : "", pid);
	report_value(out, name);
	fprintf(out, " <span class=\"soft\">%zu mappings</span></summary>\n", memory.mm->n_vmas);
	json_decref(name);
	if (ret == 0)
		ret = draw(out, &memory, err);
	fputs("</details>\n", out);
	memory_close(&memory);
	return ret;
}

/* ---- totals ---- */

static int count_task(struct x *x, const PstreeEntry *task, struct report_totals *totals, struct img_err *err)
{
	struct img_pages_reader *pages;
	const struct img_run *runs;
	size_t nr;
	MmEntry *mm;
	int ret = x_read_mm(x, task->pid, &mm, err);

	totals->threads += x_thread_count(task);
	if (ret <= 0)
		return ret;
	totals->mappings += mm->n_vmas;
	for (size_t i = 0; i < mm->n_vmas; i++)
		totals->mapped += mm->vmas[i]->end - mm->vmas[i]->start;
	img_message_free(&mm->base);
	ret = img_pages_open(x->set, IMG_PAGEMAP, task->pid, &pages, err);
	if (ret <= 0)
		return ret;
	runs = img_pages_runs(pages, &nr);
	for (size_t i = 0; i < nr; i++) {
		totals->stored += runs[i].flags & IMG_RUN_PRESENT ? runs[i].nr_pages * IMG_PAGE : 0;
		totals->in_parent += runs[i].flags & IMG_RUN_PARENT ? runs[i].nr_pages * IMG_PAGE : 0;
	}
	img_pages_close(pages);
	return 0;
}

static int list_task(FILE *out, struct x *x, const PstreeEntry *task, uint64_t most, struct img_err *err)
{
	struct report_totals of = { 0 };
	char comm[64] = "";
	json_t *name;

	if (count_task(x, task, &of, err) < 0 || x_read_comm(x, task->pid, comm, err) < 0)
		return -1;
	name = rows_string(comm, strlen(comm));
	fprintf(out, "<tr><td class=\"n\">%" PRIu32 "</td><td>", task->pid);
	report_value(out, name);
	json_decref(name);
	fprintf(out, "</td><td class=\"n\">%" PRIu64 "</td><td class=\"n\">%" PRIu64 "</td><td class=\"n\">%" PRIu64 "</td>"
		"<td><div class=\"bar\" style=\"width:%.1f%%\"></div></td></tr>\n",
		of.mappings, of.mapped / 1024, of.stored / 1024, most ? 100.0 * of.stored / most : 0);
	return 0;
}

/* Of the tasks that are not drawn, how much each has. */
static int list_rest(FILE *out, struct x *x, size_t from, struct img_err *err)
{
	uint64_t most = 0;

	for (size_t i = from; i < x->tasks.nr; i++) {
		struct report_totals of = { 0 };

		if (count_task(x, x->tasks.entries[i], &of, err) < 0)
			return -1;
		most = of.stored > most ? of.stored : most;
	}
	fprintf(out, "<details><summary>and of %zu tasks more, how much is stored</summary><div class=\"box\"><table>"
		"<tr><th class=\"n\">PID</th><th>COMM</th><th class=\"n\">MAPPINGS</th><th class=\"n\">KIB MAPPED</th>"
		"<th class=\"n\">KIB STORED</th><th></th></tr>\n", x->tasks.nr - from);
	for (size_t i = from; i < x->tasks.nr; i++)
		if (list_task(out, x, x->tasks.entries[i], most, err) < 0)
			return -1;
	fputs("</table></div></details>\n", out);
	return 0;
}

int report_memory(FILE *out, struct x *x, struct img_err *err)
{
	size_t shown = x->tasks.nr < TASKS_MAX ? x->tasks.nr : TASKS_MAX;

	fputs("<h2 id=\"memory\">Memory</h2>\n<div class=\"legend soft\">A block for each mapping, by address; filled as far as its pages are stored.", out);
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
		fprintf(out, " <span style=\"background:%s\"></span>%s", looks[i].colour, looks[i].name);
	fputs("</div>\n", out);
	for (size_t i = 0; i < shown; i++)
		if (draw_task(out, x, x->tasks.entries[i]->pid, shown <= 12, err) < 0)
			return -1;
	return shown < x->tasks.nr ? list_rest(out, x, shown, err) : 0;
}

int report_count(struct x *x, struct report_totals *totals, struct img_err *err)
{
	int ret = img_set_has(x->set, img_kind_info(IMG_MANIFEST)->file, err);

	if (ret < 0)
		return -1;
	totals->manifest = ret;
	for (size_t i = 0; i < x->tasks.nr; i++)
		if (count_task(x, x->tasks.entries[i], totals, err) < 0)
			return -1;
	return 0;
}
