/* crit/cmd-core.c -- crit core: an ELF core of a task, for debuggers.
 *
 * What is stored of the memory is in the core, and clean pages of mapped files from the files where these are here and unchanged.
 * In a file, memory that is all zero takes no room.
 */

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core-notes.h"
#include "crit.h"
#include "criuimg/cleanup.h"
#include "criuimg/vma.h"
#include "memory-walk.h"

enum { OUT };
enum { IMAGES, PID };

static const struct crit_option options[] = {
	[OUT] = { "out", 'o', "FILE", "where the core goes (core.PID); - is standard output" },
	{ 0 },
};

static const struct crit_operand operands[] = {
	[IMAGES] = { "DIR", "the images" },
	[PID] = { "PID", "the task" },
	{ 0 },
};

struct core {
	struct memory *memory;
	struct core_notes notes;
	Elf64_Phdr *segments; /* the notes, then one per mapping */
	size_t nr;
	struct img_sink *out;
	uint64_t at; /* bytes written so far */
	size_t next; /* the segment that is being written */
	int fd;	     /* that of out, where holes can be left in it, or -1 */
};

/* ---- what is in it ---- */

/* Is there anything that a debugger could not know otherwise? */
static bool has_content(const struct memory *memory, const VmaEntry *vma)
{
	for (uint64_t addr = vma->start; addr < vma->end;) {
		struct memory_extent extent = memory_extent(memory, addr);

		if (extent.where == MEMORY_PAGES || extent.where == MEMORY_SHARED || (extent.where == MEMORY_FILE && memory->file >= 0))
			return true;
		addr = extent.end;
	}
	/* Memory that was never written is zeros, where it can be read. */
	return !memory_is_file(vma) && vma->prot && !(vma->flags & IMG_MAP_NORESERVE);
}

static int lay_out(struct core *core, struct img_err *err)
{
	struct memory *memory = core->memory;
	uint64_t offset;

	core->segments = calloc(memory->mm->n_vmas + 1, sizeof(*core->segments));
	if (!core->segments)
		return img_fail_nomem(err);
	core->segments[0] = (Elf64_Phdr){ .p_type = PT_NOTE, .p_filesz = core->notes.len, .p_align = 4 };
	core->nr = 1;
	for (size_t i = 0; i < memory->mm->n_vmas; i++) {
		const VmaEntry *vma = memory->mm->vmas[i];
		uint64_t size = vma->end - vma->start;

		if (!memory_is_real(vma))
			continue;
		if (memory_look(memory, vma, err) < 0)
			return -1;
		core->segments[core->nr++] = (Elf64_Phdr){
			.p_type = PT_LOAD,
			.p_vaddr = vma->start,
			.p_memsz = size,
			.p_filesz = has_content(memory, vma) ? size : 0,
			.p_flags = (vma->prot & 1 ? PF_R : 0) | (vma->prot & 2 ? PF_W : 0) | (vma->prot & 4 ? PF_X : 0),
			.p_align = IMG_PAGE,
		};
	}
	if (core->nr >= PN_XNUM)
		return img_fail(err, IMG_UNSUPPORTED, "%zu mappings: more than an ELF file has room for", core->nr);
	offset = sizeof(Elf64_Ehdr) + core->nr * sizeof(Elf64_Phdr);
	core->segments[0].p_offset = offset;
	offset = (offset + core->notes.len + IMG_PAGE - 1) / IMG_PAGE * IMG_PAGE;
	for (size_t i = 1; i < core->nr; i++) {
		core->segments[i].p_offset = offset;
		offset += core->segments[i].p_filesz;
	}
	return 0;
}

/* ---- writing ---- */

static int put(struct core *core, const void *data, size_t len, struct img_err *err)
{
	core->at += len;
	return img_sink_write(core->out, data, len, err);
}

/* Zeros up to an offset: holes, where that can be. */
static int fill_up(struct core *core, uint64_t offset, struct img_err *err)
{
	static const char zeros[16384];

	if (core->fd >= 0 && offset - core->at >= sizeof(zeros)) {
		if (img_sink_flush(core->out, err) < 0)
			return -1;
		if (ftruncate(core->fd, offset) || lseek(core->fd, offset, SEEK_SET) < 0)
			return img_fail_sys(err, "leave a hole");
		if (img_sink_moved(core->out, offset - core->at, err) < 0)
			return -1;
		core->at = offset;
	}
	while (core->at < offset) {
		size_t len = offset - core->at < sizeof(zeros) ? offset - core->at : sizeof(zeros);

		if (put(core, zeros, len, err) < 0)
			return -1;
	}
	return 0;
}

static int put_head(struct core *core, struct img_err *err)
{
	Elf64_Ehdr head = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT, ELFOSABI_NONE },
		.e_type = ET_CORE,
		.e_machine = core->notes.machine,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(head),
		.e_ehsize = sizeof(head),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = core->nr,
	};

	if (put(core, &head, sizeof(head), err) < 0 || put(core, core->segments, core->nr * sizeof(*core->segments), err) < 0)
		return -1;
	return put(core, core->notes.data, core->notes.len, err);
}

static int put_piece(void *arg, const VmaEntry *vma, uint64_t addr, const void *data, size_t len, struct img_err *err)
{
	struct core *core = arg;

	while (core->next < core->nr && core->segments[core->next].p_vaddr + core->segments[core->next].p_memsz <= addr)
		core->next++;
	if (core->next == core->nr || !core->segments[core->next].p_filesz)
		return 0;
	if (fill_up(core, core->segments[core->next].p_offset + (addr - core->segments[core->next].p_vaddr), err) < 0)
		return -1;
	return put(core, data, len, err);
}

static int put_core(struct core *core, struct img_err *err)
{
	struct memory_walk walk = { .end = UINT64_MAX, .files = true, .piece = put_piece, .arg = core };
	const Elf64_Phdr *last = &core->segments[core->nr - 1];

	core->next = 1;
	if (put_head(core, err) < 0 || memory_walk(core->memory, &walk, err) < 0)
		return -1;
	return fill_up(core, last->p_offset + last->p_filesz, err);
}

static int write_core(struct core *core, const char *path, struct img_err *err)
{
	struct crit_output out;
	struct stat st;
	int ret;

	if (crit_output_open(&out, strcmp(path, "-") ? path : NULL, err) < 0)
		return -1;
	core->out = out.sink;
	core->fd = out.temporary ? img_sink_fd(out.sink) : -1;
	if (core->fd >= 0 && (fstat(core->fd, &st) || !S_ISREG(st.st_mode)))
		core->fd = -1;
	ret = put_core(core, err);
	if (ret == 0)
		return crit_output_finish(&out, err);
	crit_output_abort(&out);
	return -1;
}

static int make_core(struct x *x, const PstreeEntry *task, const char *path, struct img_err *err)
{
	struct memory memory;
	struct core core = { .memory = &memory, .fd = -1 };
	int ret = memory_open_task(x, task, &memory, err);

	if (ret < 0)
		return -1;
	if (core_notes_make(&core.notes, &memory, task, err) < 0 || lay_out(&core, err) < 0 || write_core(&core, path, err) < 0)
		ret = -1;
	core_notes_free(&core.notes);
	free(core.segments);
	memory_close(&memory);
	return ret;
}

static int run(const struct crit_args *args, struct img_err *err)
{
	cleanup_free char *name = NULL;
	const PstreeEntry *task;
	struct x x;
	int ret = x_open(&x, args->operand[IMAGES], err);

	if (ret < 0)
		return -1;
	ret = x_task_named(&x, args->operand[PID], &task, err);
	if (ret == 0 && asprintf(&name, "core.%" PRIu32, task->pid) < 0) {
		name = NULL;
		ret = img_fail_nomem(err);
	}
	if (ret == 0)
		ret = make_core(&x, task, args->option[OUT] ? args->option[OUT] : name, err);
	x_close(&x);
	return ret;
}

const struct crit_verb crit_core = {
	.name = "core",
	.summary = "make an ELF core of a task, for gdb and other debuggers",
	.options = options,
	.operands = operands,
	.examples = "  crit core /var/lib/checkpoint 1234\n"
		    "  crit core /var/lib/checkpoint 1234 -o /tmp/core && gdb -ex 'thread apply all bt' /usr/bin/program /tmp/core\n",
	.run = run,
};
