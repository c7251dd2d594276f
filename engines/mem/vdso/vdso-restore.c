/* engines/mem/vdso/vdso-restore.c -- how criu-restore gives a task the kernel's own code and data: vdso and vvar. */

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-restore/task_ops.h"
#include "kernel/maps.h"

extern const struct task_restore_ops vdso_restore_ops;

/* Bits of vma_entry.status. */
enum {
	VMA_VDSO = 1 << 3,
	VMA_VVAR = 1 << 12,
};

enum {
	PARTS_MAX = 8,
};

/* The kernel's mappings as one span: first the vvar ones, in as many pieces as the kernel made, then the vdso. */
struct vdso_span {
	uint64_t start, vdso, end;
	size_t nr;
	struct {
		uint64_t start, end;
	} part[PARTS_MAX];
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

		if (v->status & (VMA_VDSO | VMA_VVAR) &&
			add_part(s, v->start, v->end, v->status & VMA_VDSO, err) < 0)
			return -1;
	}
	return 0;
}

static int vdso_plan(struct restore *r, struct restore_task *t, struct img_err *err)
{
	struct vdso_span host, image;

	if (host_span(&host, err) < 0 || image_span(t, &image, err) < 0)
		return -1;
	if (image.nr && (image.end - image.vdso != host.end - host.vdso || image.vdso - image.start != host.vdso - host.start))
		return img_fail(err, IMG_UNSUPPORTED, "the vdso is of another kernel");
	return 0;
}

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

static int vdso_tape(struct restore *r, struct restore_task *t, struct restore_tape *tape, struct img_err *err)
{
	struct vdso_span host, image;
	uint64_t park;

	if (host_span(&host, err) < 0 || image_span(t, &image, err) < 0)
		return -1;
	if (!image.nr)
		return 0;
	park = restore_scratch_take(r, host.end - host.start, err);
	if (!park)
		return -1;
	move(tape, TAPE_UNMAP, &host, host.start, park);
	move(tape, TAPE_MAPPED, &host, park, image.start);
	return 0;
}

const struct task_restore_ops vdso_restore_ops = {
	.name = "vdso",
	.plan = vdso_plan,
	.tape = vdso_tape,
};
