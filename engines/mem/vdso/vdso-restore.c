/* engines/mem/vdso/vdso-restore.c -- how criu-restore gives a task the kernel's own code and data: vdso and vvar.
 *
 * A new process has those of this kernel. Where the task's were the same they are moved to where its were, and that is all.
 * Where the vdso of the image has its functions elsewhere (another kernel), the program holds addresses of the old one: then the
 * old image stays as ordinary memory, each of its functions a jump to the one of the same name in this kernel's vdso,
 * which is put at an address that the task does not use. The data that the old functions read is gone: none of them runs.
 */

#include <elf.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "criu-restore/mem.h"
#include "criu-restore/task_ops.h"
#include "criuimg/array.h"
#include "criuimg/pages.h"
#include "criuimg/vma.h"
#include "kernel/maps.h"
#include "kernel/vdso.h"
#include "parasite/arch/jump.h"

extern const struct task_restore_ops vdso_restore_ops;

enum {
	PARTS_MAX = 8,
	VDSO_MAX = 1 << 20, /* bytes; there are two pages of it today */
};

/* The kernel's mappings as one span: first the vvar ones, in as many pieces as the kernel made, then the vdso. */
struct vdso_span {
	uint64_t start, vdso, end;
	size_t nr;
	struct {
		uint64_t start, end;
	} part[PARTS_MAX];
};

enum vdso_way {
	VDSO_NONE, /* the task has none */
	VDSO_MOVE,
	VDSO_JUMPS,
	VDSO_COMPAT, /* that of 32-bit code: the kernel makes it where it belongs */
	VDSO_LATER, /* not known yet */
};

/* What can be asked of the kernel instead, when its vdso has no such function. */
static const struct {
	const char *name;
	uint32_t nr;
} as_calls[] = {
	{ "__vdso_clock_gettime", SYS_clock_gettime },
	{ "__vdso_clock_getres", SYS_clock_getres },
	{ "__vdso_gettimeofday", SYS_gettimeofday },
	{ "__vdso_getcpu", SYS_getcpu },
	{ "__vdso_getrandom", SYS_getrandom },
#ifdef SYS_time
	{ "__vdso_time", SYS_time },
#endif
};

/* ---- where they are ---- */

static int add_part(struct vdso_span *s, uint64_t start, uint64_t end, bool vdso, struct img_err *err)
{
	if (s->nr == PARTS_MAX || (s->nr && start != s->end) || (s->vdso && !vdso))
		return img_fail(err, IMG_UNSUPPORTED, "vvar and vdso are not one after the other");
	if (!s->nr)
		s->start = start;
	if (vdso && !s->vdso)
		s->vdso = start;
	s->part[s->nr].start = start;
	s->part[s->nr++].end = end;
	s->end = end;
	return 0;
}

static int host_span(struct vdso_span *s, struct img_err *err)
{
	struct kern_maps maps = KERN_MAPS_INIT;
	int ret = kern_maps_read(getpid(), false, &maps, err);

	memset(s, 0, sizeof(*s));
	for (size_t i = 0; ret == 0 && i < maps.nr; i++) {
		const struct kern_vma *v = &maps.vmas[i];
		bool vdso = !strcmp(v->name, "[vdso]");

		if (vdso || !strncmp(v->name, "[vvar", 5))
			ret = add_part(s, v->start, v->end, vdso, err);
	}
	kern_maps_free(&maps);
	return ret;
}

static int image_span(const struct restore_task *t, struct vdso_span *s, struct img_err *err)
{
	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < t->mm->n_vmas; i++) {
		const VmaEntry *v = t->mm->vmas[i];

		if (v->status & (IMG_VMA_VDSO | IMG_VMA_VVAR) && !(v->status & IMG_VMA_GUARD) &&
			add_part(s, v->start, v->end, v->status & IMG_VMA_VDSO, err) < 0)
			return -1;
	}
	if (s->nr && (!s->vdso || s->end - s->vdso > VDSO_MAX))
		return img_fail(err, IMG_CORRUPT, "vdso of %" PRIu64 " bytes", s->vdso ? s->end - s->vdso : 0);
	return 0;
}

/* ---- which way ---- */

/* The image's code: 1, 0 when its pages are not in the set, -1. */
static int image_code(struct restore *r, const struct restore_task *t, const struct vdso_span *s, void *buf, struct img_err *err)
{
	uint64_t nr_pages = (s->end - s->vdso) / IMG_PAGE;
	struct img_pages_reader *pages;
	const struct img_run *runs;
	size_t nr, k;
	int ret = img_pages_open(r->set, IMG_PAGEMAP, t->pid, &pages, err);

	if (ret <= 0)
		return ret;
	runs = img_pages_runs(pages, &nr);
	k = img_pages_find(pages, s->vdso);
	if (k == nr || runs[k].addr > s->vdso)
		ret = 0;
	else
		ret = restore_get_pages(r, pages, s->vdso, nr_pages, buf, err) < 0 ? -1 : 1;
	img_pages_close(pages);
	return ret;
}

static const struct restore_thread *thread_inside(const struct restore_task *t, const struct vdso_span *s)
{
	for (size_t i = 0; i < t->nr_threads; i++) {
		uint64_t ip = t->threads[i].core->thread_info->gpregs->ip;

		if (ip >= s->vdso && ip < s->end)
			return &t->threads[i];
	}
	return NULL;
}

/* code: the image's, at least as large as its span; has_code: whether the set had it. */
static int choose(const struct restore_task *t, const struct vdso_span *host, const struct vdso_span *image, const void *code,
	bool has_code, enum vdso_way *way, struct img_err *err)
{
	bool same_size = image->end - image->vdso == host->end - host->vdso &&
			 image->vdso - image->start == host->vdso - host->start;
	const struct restore_thread *inside = thread_inside(t, image);
	struct kern_vdso ours, theirs;

	*way = VDSO_MOVE;
	if (!host->nr)
		return img_fail(err, IMG_UNSUPPORTED, "this kernel has no vdso");
	if (same_size && (!has_code || !memcmp(code, (void *)host->vdso, host->end - host->vdso)))
		return 0;
	if (!has_code)
		return img_fail(err, IMG_UNSUPPORTED, "the vdso is of another kernel, and not in the images");
	if (inside)
		return img_fail(err, IMG_UNSUPPORTED, "thread %d is inside of the vdso, which is of another kernel", inside->tid);
	if (kern_vdso_parse((void *)host->vdso, host->end - host->vdso, &ours, err) < 0 ||
		kern_vdso_parse(code, image->end - image->vdso, &theirs, err) < 0)
		return -1;
	if (!same_size || !kern_vdso_same(&ours, &theirs))
		*way = VDSO_JUMPS;
	return 0;
}

/* ---- 32-bit code ---- */

enum {
	MAP_VDSO_32 = 0x2002, /* ARCH_MAP_VDSO_32 */
	SOME_PLACE = 0x10000000,
};

struct compat_vdso {
	uint64_t data, size; /* bytes of what lies before it, and of itself */
	uint8_t code[VDSO_MAX];
};

/* In a process that has its own one no more, which the kernel asks for. */
static void look_at_compat(const struct vdso_span *host, struct compat_vdso *c)
{
	struct vdso_span span;

	munmap((void *)host->start, host->end - host->start);
	if (syscall(SYS_arch_prctl, MAP_VDSO_32, SOME_PLACE) < 0 || host_span(&span, NULL) < 0 || !span.vdso ||
		span.end - span.vdso > VDSO_MAX)
		return;
	memcpy(c->code, (void *)span.vdso, span.end - span.vdso);
	c->data = span.vdso - span.start;
	c->size = span.end - span.vdso;
}

/* Addresses in it are all over the program, and this kernel's goes to the same place: it has to be the same. */
static int check_compat(const struct vdso_span *host, const struct vdso_span *image, const void *code, struct img_err *err)
{
	struct compat_vdso *c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool same;
	pid_t pid;

	if (c == MAP_FAILED)
		return img_fail_nomem(err);
	pid = fork();
	if (pid == 0) {
		look_at_compat(host, c);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
	same = c->size == image->end - image->vdso && c->data == image->vdso - image->start && !memcmp(c->code, code, c->size);
	if (!c->size)
		img_fail(err, IMG_UNSUPPORTED, "runs 32-bit code, and this kernel does not");
	else if (!same)
		img_fail(err, IMG_UNSUPPORTED, "the vdso of its 32-bit code is of another kernel");
	munmap(c, sizeof(*c));
	return same ? 0 : -1;
}

/* The code of a function of that name, to stand at `at`: a jump into this kernel's vdso (host is at `vdso`) or a system call. 0: there is
 * nothing for it. */
static size_t new_code(const struct kern_vdso *host, uint64_t vdso, const char *name, uint64_t at, uint8_t *buf)
{
	const struct kern_vdso_symbol *to = kern_vdso_find(host, name);

	if (to)
		return arch_jump(buf, at, vdso + to->offset);
	for (size_t i = 0; i < ARRAY_SIZE(as_calls); i++)
		/* Each goes by the short name too: "time". */
		if (!strcmp(as_calls[i].name, name) || !strcmp(as_calls[i].name + strlen("__vdso_"), name))
			return arch_call(buf, as_calls[i].nr);
	return 0;
}

/* Turn the image's functions into jumps to those of this kernel's vdso, which will be at `place`. */
static int write_jumps(const struct vdso_span *host, const struct vdso_span *image, uint8_t *code, uint64_t place,
	struct img_err *err)
{
	uint64_t size = image->end - image->vdso;
	struct kern_vdso ours, theirs;

	if (kern_vdso_parse((void *)host->vdso, host->end - host->vdso, &ours, err) < 0 ||
		kern_vdso_parse(code, size, &theirs, err) < 0)
		return -1;
	for (size_t i = 0; i < theirs.nr; i++) {
		const struct kern_vdso_symbol *s = &theirs.symbols[i];
		uint8_t jump[ARCH_JUMP_MAX];
		size_t len = new_code(&ours, place + (host->vdso - host->start), s->name, image->vdso + s->offset, jump);

		/* Enters an enclave, with no data of the kernel's: the old one does as well. */
		if (!len && !strcmp(s->name, "__vdso_sgx_enter_enclave"))
			continue;
		if (!len)
			return img_fail(err, IMG_UNSUPPORTED, "the vdso is of another kernel, and this one has no %s", s->name);
		if (len > size - s->offset || (s->size && len > s->size))
			return img_fail(err, IMG_UNSUPPORTED, "the vdso is of another kernel, and its %s is too short", s->name);
		memcpy(code + s->offset, jump, len);
	}
	return 0;
}

/* ---- plan ---- */

/* What was found out, for the tasks, who are copies of the front. */
struct restore_vdso {
	struct vdso_span host;
	struct {
		struct vdso_span image;
		enum vdso_way way;
		uint8_t *code; /* VDSO_JUMPS: the image's */
	} of[];		       /* by index of the task */
};

static int vdso_begin(struct restore *r, struct img_err *err)
{
	if (r->vdso)
		return 0;
	r->vdso = img_arena_alloc(&r->arena, sizeof(*r->vdso) + r->nr_tasks * sizeof(r->vdso->of[0]));
	return r->vdso ? host_span(&r->vdso->host, err) : img_fail_nomem(err);
}

static int decide(struct restore *r, struct restore_task *t, const struct vdso_span *image, struct img_err *err)
{
	uint8_t *code = img_arena_alloc(&r->arena, image->end - image->vdso);
	enum vdso_way way;
	int has_code;

	if (!code)
		return img_fail_nomem(err);
	has_code = image_code(r, t, image, code, err);
	if (has_code < 0)
		return -1;
	if (has_code ? code[EI_CLASS] == ELFCLASS32 : restore_compat(t)) {
		if (!has_code)
			return img_fail(err, IMG_UNSUPPORTED, "the vdso of its 32-bit code is not in the images");
		r->vdso->of[t->index].way = VDSO_COMPAT;
		return check_compat(&r->vdso->host, image, code, err);
	}
	if (choose(t, &r->vdso->host, image, code, has_code, &way, err) < 0)
		return -1;
	r->vdso->of[t->index].way = way;
	if (way != VDSO_JUMPS)
		return 0;
	log_info(r->log, "pid %d: the vdso is of another kernel: its functions become jumps", t->pid);
	r->vdso->of[t->index].code = img_arena_memdup(&r->arena, code, image->end - image->vdso);
	if (!r->vdso->of[t->index].code)
		return img_fail_nomem(err);
	return write_jumps(&r->vdso->host, image, code, image->start, err); /* to see that it can be done */
}

static int vdso_plan(struct restore *r, struct restore_task *t, struct img_err *err)
{
	struct vdso_span image;

	if (vdso_begin(r, err) < 0 || image_span(t, &image, err) < 0)
		return -1;
	if (!image.nr)
		return 0;
	r->vdso->of[t->index].image = image;
	/* Of a stream no page has come yet. */
	if (!r->stream)
		return decide(r, t, &image, err);
	r->vdso->of[t->index].way = VDSO_LATER;
	return 0;
}

/* ---- tape ---- */

static void move(struct restore_tape *tape, enum tape_phase phase, const struct vdso_span *s, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < s->nr; i++) {
		uint64_t off = s->part[i].start - s->start, size = s->part[i].end - s->part[i].start;
		struct blob_step *step = tape_step(
			tape, phase, "move the vdso", SYS_mremap, from + off, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to + off);

		step->flags = BLOB_EXPECT;
		step->expect = to + off;
	}
}

static int tape_jumps(struct restore *r, struct restore_task *t, struct restore_tape *tape, const struct vdso_span *host,
	const struct vdso_span *image, uint8_t *code, uint64_t park, struct img_err *err)
{
	uint64_t size = image->end - image->vdso, place = restore_gap(r, t, host->end - host->start, image->start);
	struct blob_step *step;

	if (!place)
		return img_fail(err, IMG_UNSUPPORTED, "no room for the vdso of this kernel");
	if (write_jumps(host, image, code, place, err) < 0)
		return -1;
	move(tape, TAPE_MAPPED, host, park, place);
	step = tape_step(tape, TAPE_MAPPED, "map the vdso of the image", SYS_mmap, image->vdso, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	step->flags = BLOB_EXPECT;
	step->expect = image->vdso;
	tape_step(tape, TAPE_MAPPED, "copy the vdso of the image", BLOB_COPY, image->vdso, tape_data(tape, code, size), size);
	tape_step(tape, TAPE_PROTECT, "protect the vdso of the image", SYS_mprotect, image->vdso, size, PROT_READ | PROT_EXEC);
	return 0;
}

static int vdso_tape(struct restore *r, struct restore_task *t, struct restore_tape *tape, struct img_err *err)
{
	const struct vdso_span *host = &r->vdso->host, *image = &r->vdso->of[t->index].image;
	enum vdso_way way;
	uint64_t park;

	if (r->vdso->of[t->index].way == VDSO_LATER && decide(r, t, image, err) < 0)
		return -1;
	way = r->vdso->of[t->index].way;
	if (way == VDSO_NONE)
		return 0;
	if (way == VDSO_COMPAT) {
		struct blob_step *step =
			tape_step(tape, TAPE_MAPPED, "map the vdso of 32-bit code", SYS_arch_prctl, MAP_VDSO_32, image->start);

		step->flags = BLOB_EXPECT;
		step->expect = image->end - image->vdso;
		return 0;
	}
	park = restore_scratch_take(r, host->end - host->start, err);
	if (!park)
		return -1;
	move(tape, TAPE_UNMAP, host, host->start, park);
	if (way == VDSO_JUMPS)
		return tape_jumps(r, t, tape, host, image, r->vdso->of[t->index].code, park, err);
	move(tape, TAPE_MAPPED, host, park, image->start);
	return 0;
}

const struct task_restore_ops vdso_restore_ops = {
	.name = "vdso",
	.plan = vdso_plan,
	.tape = vdso_tape,
};
