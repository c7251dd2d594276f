/* engines/mem/vdso/vdso-restore.c -- how criu-restore gives a task the kernel's own code and data: vdso and vvar.
 *
 * The new process has those of this host. Where they are laid out as in the image they go where the task knows them to be. Else the task keeps
 * the code that it had, as plain memory, and every function in it begins with a jump to that of this host, which lies
 * elsewhere; a function that this host has not becomes a system call.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-restore/arch.h"
#include "criu-restore/mem.h"
#include "criu-restore/task_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/maps.h"
#include "kernel/vdso.h"

extern const struct task_restore_ops vdso_restore_ops;

enum {
	PARTS_MAX = 8,
	VDSO_MAX = 1 << 20,  /* bytes; real ones have some pages */
	FREE_BESIDE = 16,    /* pages left free beside a vdso that is put somewhere */
};

/* What a function does when the vdso of this host has not got it. */
static const struct {
	const char *name;
	int nr;
} as_calls[] = {
	{ "__vdso_clock_gettime", SYS_clock_gettime },
	{ "clock_gettime", SYS_clock_gettime },
	{ "__vdso_clock_getres", SYS_clock_getres },
	{ "clock_getres", SYS_clock_getres },
	{ "__vdso_gettimeofday", SYS_gettimeofday },
	{ "gettimeofday", SYS_gettimeofday },
	{ "__vdso_getcpu", SYS_getcpu },
	{ "getcpu", SYS_getcpu },
	{ "__vdso_getrandom", SYS_getrandom },
	{ "getrandom", SYS_getrandom },
#ifdef SYS_time
	{ "__vdso_time", SYS_time },
	{ "time", SYS_time },
#endif
};

/* The kernel's mappings as one span: first the vvar ones, in as many pieces as the kernel made, then the vdso. nr 0: there are none. */
struct vdso_span {
	uint64_t start, vdso, end;
	size_t nr;
	struct {
		uint64_t start, end;
	} part[PARTS_MAX];
};

/* Of this host: found once, before anything is moved. */
struct restore_vdso {
	struct vdso_span span;
	struct kern_vdso functions;
};

static int add_part(struct vdso_span *s, uint64_t start, uint64_t end, bool vdso, struct img_err *err)
{
	if (s->nr == PARTS_MAX || (s->nr && start != s->end))
		return img_fail(err, IMG_UNSUPPORTED, "vdso and vvar are not one after the other");
	if (!s->nr)
		s->start = start;
	if (vdso)
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

	for (size_t i = 0; ret == 0 && i < maps.nr; i++) {
		const struct kern_vma *v = &maps.vmas[i];
		bool vdso = !strcmp(v->name, "[vdso]");

		if (vdso || !strncmp(v->name, "[vvar", 5))
			ret = add_part(s, v->start, v->end, vdso, err);
	}
	kern_maps_free(&maps);
	return ret;
}

static int host_find(struct restore *r, struct img_err *err)
{
	struct restore_vdso *host;

	if (r->vdso)
		return 0;
	host = img_arena_alloc(&r->arena, sizeof(*host));
	if (!host)
		return img_fail_nomem(err);
	if (host_span(&host->span, err) < 0)
		return -1;
	if (host->span.vdso && kern_vdso_parse((const void *)host->span.vdso, host->span.end - host->span.vdso, &host->functions, err) < 0)
		return img_wrap(err, "this host");
	r->vdso = host;
	return 0;
}

static int image_span(const struct restore_task *t, struct vdso_span *s, struct img_err *err)
{
	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < t->mm->n_vmas; i++) {
		const VmaEntry *v = t->mm->vmas[i];

		if (v->status & (IMG_VMA_VDSO | IMG_VMA_VVAR) &&
			add_part(s, v->start, v->end, v->status & IMG_VMA_VDSO, err) < 0)
			return -1;
	}
	if (s->nr && (!s->vdso || s->end - s->vdso > VDSO_MAX))
		return img_fail(err, IMG_UNSUPPORTED, "vvar without a vdso, or a very large one");
	return 0;
}

/* ---- is it the same? ---- */

static bool same_functions(const struct kern_vdso *a, const struct kern_vdso *b)
{
	if (a->nr != b->nr)
		return false;
	for (size_t i = 0; i < a->nr; i++)
		if (strcmp(a->symbols[i].name, b->symbols[i].name) || a->symbols[i].offset != b->symbols[i].offset)
			return false;
	return true;
}

static bool fits(const struct restore_vdso *host, const struct vdso_span *image, const struct kern_vdso *functions)
{
	const struct vdso_span *h = &host->span;

	return image->end - image->vdso == h->end - h->vdso && image->vdso - image->start == h->vdso - h->start &&
	       same_functions(functions, &host->functions);
}

/* What a function of the image's vdso is to do: *to is where that of this host lies from the start of its vdso, or *call is the number of
 * a system call. */
static bool replacement(const struct restore_vdso *host, const char *name, uint64_t *to, int *call)
{
	const struct kern_vdso_symbol *s = kern_vdso_find(&host->functions, name);

	*call = -1;
	if (s) {
		*to = s->offset;
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(as_calls); i++)
		if (!strcmp(as_calls[i].name, name))
			*call = as_calls[i].nr;
	return *call >= 0;
}

/* ---- plan ---- */

static int read_image(struct restore *r, struct restore_task *t, const struct vdso_span *image, void *buf, struct img_err *err)
{
	struct img_pages_reader *pages;
	int ret = img_pages_open(r->set, IMG_PAGEMAP, t->pid, &pages, err);

	if (ret <= 0)
		return ret < 0 ? -1 : img_fail(err, IMG_CORRUPT, "no page map");
	ret = img_pages_read(pages, image->vdso, (image->end - image->vdso) / IMG_PAGE, buf, err);
	img_pages_close(pages);
	return ret;
}

/* A thread that is just in the code would go on in the middle of something else. */
static int check_threads(const struct restore_task *t, const struct vdso_span *image, struct img_err *err)
{
	for (size_t i = 0; i < t->nr_threads; i++) {
		uint64_t at = restore_arch_ip(t->threads[i].core);

		if (at >= image->vdso && at < image->end)
			return img_fail(err, IMG_UNSUPPORTED, "thread %d is inside a vdso that this host does not have",
				t->threads[i].tid);
	}
	return 0;
}

static int check_functions(const struct restore_vdso *host, const struct kern_vdso *functions, struct img_err *err)
{
	for (size_t i = 0; i < functions->nr; i++) {
		uint64_t to;
		int call;

		if (!replacement(host, functions->symbols[i].name, &to, &call))
			return img_fail(err, IMG_UNSUPPORTED, "the vdso of this host has no %s", functions->symbols[i].name);
	}
	return 0;
}

static int vdso_plan(struct restore *r, struct restore_task *t, struct img_err *err)
{
	cleanup_free struct kern_vdso *functions = malloc(sizeof(*functions));
	cleanup_free void *buf = NULL;
	struct vdso_span image;

	if (!functions)
		return img_fail_nomem(err);
	if (host_find(r, err) < 0 || image_span(t, &image, err) < 0)
		return -1;
	if (!image.nr)
		return 0;
	buf = malloc(image.end - image.vdso);
	if (!buf)
		return img_fail_nomem(err);
	if (read_image(r, t, &image, buf, err) < 0 || kern_vdso_parse(buf, image.end - image.vdso, functions, err) < 0)
		return -1;
	if (fits(r->vdso, &image, functions))
		return 0;
	log_info(r->log, "pid %d: its vdso is of another kernel: jumps to that of this one", t->pid);
	return check_threads(t, &image, err) < 0 ? -1 : check_functions(r->vdso, functions, err);
}

/* ---- moving ---- */

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

/* ---- jumps ---- */

/* The beginning of a function as code. Functions are not larger than the way to the next one, whatever their size says. */
static int patch(const struct restore_vdso *host, const struct kern_vdso *functions, size_t i, unsigned char *code, uint64_t at,
	uint64_t host_at, size_t len, struct img_err *err)
{
	const struct kern_vdso_symbol *s = &functions->symbols[i];
	unsigned char buf[ARCH_CODE_MAX];
	uint64_t to = 0, room = len - s->offset;
	size_t size;
	int call;

	for (size_t k = 0; k < functions->nr; k++) {
		uint64_t other = functions->symbols[k].offset;

		if (other > s->offset && other - s->offset < room)
			room = other - s->offset;
	}
	if (!replacement(host, s->name, &to, &call))
		return img_fail(err, IMG_UNSUPPORTED, "the vdso of this host has no %s", s->name);
	size = call >= 0 ? restore_arch_call_code(buf, call) :
			   restore_arch_jump_code(buf, at + s->offset, host_at + to);
	if (size > room)
		return img_fail(err, IMG_UNSUPPORTED, "%s is too short for a jump", s->name);
	memcpy(code + s->offset, buf, size);
	return 0;
}

/* Where it does not get in the way: below the task's own vdso, in the first gap that is large enough, near the mapping above it. */
static uint64_t find_place(const struct restore_task *t, uint64_t vdso, uint64_t size)
{
	const uint64_t beside = FREE_BESIDE * IMG_PAGE;
	const VmaEntry *above = NULL;

	for (size_t i = t->mm->n_vmas; i--;) {
		const VmaEntry *e = t->mm->vmas[i];

		if (e->status & IMG_VMA_GUARD || e->start > vdso)
			continue;
		if (above && above->start - e->end >= size + 2 * beside && !(above->flags & IMG_MAP_GROWSDOWN))
			return above->start - beside - size;
		above = e;
	}
	return 0;
}

static int vdso_tape(struct restore *r, struct restore_task *t, struct restore_tape *tape, struct img_err *err)
{
	const struct restore_vdso *host = r->vdso;
	const struct vdso_span *h = &host->span;
	cleanup_free struct kern_vdso *functions = malloc(sizeof(*functions));
	struct vdso_span image;
	unsigned char *code;
	uint64_t park = 0, to, len;

	if (!functions)
		return img_fail_nomem(err);
	if (image_span(t, &image, err) < 0)
		return -1;
	if (!image.nr)
		return 0;
	code = (unsigned char *)restore_premapped_at(r, image.vdso);
	if (!code)
		return img_fail(err, IMG_CORRUPT, "no page of the vdso is in the page map");
	len = image.end - image.vdso;
	if (kern_vdso_parse(code, len, functions, err) < 0)
		return -1;

	if (h->nr) {
		park = restore_scratch_take(r, h->end - h->start, err);
		if (!park)
			return -1;
		move(tape, TAPE_UNMAP, h, h->start, park);
	}
	if (fits(host, &image, functions)) {
		move(tape, TAPE_MAPPED, h, park, image.start);
		return 0;
	}
	to = find_place(t, image.vdso, h->end - h->start);
	if (!to)
		return img_fail(err, IMG_UNSUPPORTED, "no place for the vdso of this host");
	for (size_t i = 0; i < functions->nr; i++)
		if (patch(host, functions, i, code, image.vdso, to + (h->vdso - h->start), len, err) < 0)
			return -1;
	move(tape, TAPE_MAPPED, h, park, to);
	log_info(r->log, "pid %d: vdso at %#" PRIx64 ", jumped to from %#" PRIx64, t->pid, to + (h->vdso - h->start), image.vdso);
	return 0;
}

const struct task_restore_ops vdso_restore_ops = {
	.name = "vdso",
	.plan = vdso_plan,
	.tape = vdso_tape,
};
