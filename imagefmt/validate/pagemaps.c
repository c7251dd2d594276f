/* validate/pagemaps.c -- page maps: their runs against the mappings of the task, and the page data against the runs. */

#include "validate/validate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "criuimg/manifest.h"
#include "criuimg/pages.h"
#include "criuimg/vma.h"
#include "ipc-shm.pb-c.h"
#include "memfd.pb-c.h"

#define LLU(x)	  ((unsigned long long)(x))
#define RUN_FLAGS (IMG_RUN_PARENT | IMG_RUN_LAZY | IMG_RUN_PRESENT)
#define FINDINGS_MAX                                                                                         \
	16 /* of one sort in one map: a map that is of another task altogether says so often enough */

/* The mappings of a task, in order, without guard regions. */
struct spans {
	const VmaEntry **list;
	size_t nr;
	bool whole; /* all of them are known to be here, and in order */
};

static int spans_add(struct validate *v, struct spans *s, const VmaEntry *vma)
{
	if (vma->status & IMG_VMA_GUARD)
		return 0;
	if (s->nr && s->list[s->nr - 1]->end > vma->start)
		s->whole = false;
	s->list[s->nr++] = vma;
	return 0;
}

static int spans_of(struct validate *v, uint64_t pid, struct spans *s, struct img_err *err)
{
	const struct val_record *r = val_single(v, IMG_MM, pid);
	const MmEntry *mm = r ? (const MmEntry *)r->msg : NULL;
	const struct val_records *old = &v->records[IMG_VMAS];
	const struct val_image *vmas = val_image(v, IMG_VMAS, pid);

	*s = (struct spans){ .whole = mm || (vmas && !vmas->broken) };
	s->list = calloc((mm ? mm->n_vmas : 0) + old->nr + 1, sizeof(*s->list));
	if (!s->list)
		return img_fail_nomem(err);
	for (size_t i = 0; mm && i < mm->n_vmas; i++)
		spans_add(v, s, mm->vmas[i]);
	for (size_t i = 0; i < old->nr; i++)
		if (old->list[i].image == vmas)
			spans_add(v, s, (const VmaEntry *)old->list[i].msg);
	return 0;
}

/* Each run lies in mappings that follow each other without a gap. */
static void inside_check(struct validate *v, const struct val_image *image, const struct spans *s)
{
	unsigned int found = 0;
	size_t at = 0;

	for (size_t i = 0; i < image->map.nr && found < FINDINGS_MAX; i++) {
		const struct img_run *run = &image->map.runs[i];
		uint64_t addr = run->addr, end = img_run_end(run);

		while (at < s->nr && s->list[at]->end <= addr)
			at++;
		for (size_t k = at; k < s->nr && addr < end && s->list[k]->start <= addr; k++)
			addr = s->list[k]->end;
		if (addr >= end)
			continue;
		val_error(v, (struct val_at){ image->name, (int64_t)i + 1, "vaddr" },
			"%llu pages at %#llx: no mapping at %#llx", LLU(run->nr_pages), LLU(run->addr),
			LLU(addr));
		found++;
	}
}

static void flags_check(struct validate *v, const struct val_image *image)
{
	unsigned int found = 0;

	for (size_t i = 0; i < image->map.nr && found < FINDINGS_MAX; i++) {
		const struct img_run *run = &image->map.runs[i];

		if (run->flags & ~RUN_FLAGS)
			val_unsupported(v, (struct val_at){ image->name, (int64_t)i + 1, "flags" },
				"bits %#x are not known to this program", run->flags & ~RUN_FLAGS);
		else if (!run->flags)
			val_error(v, (struct val_at){ image->name, (int64_t)i + 1, "flags" },
				"0: the pages at %#llx are nowhere", LLU(run->addr));
		else
			continue;
		found++;
	}
}

/* ---- shared segments ---- */

/* How large a segment is: the farthest that anyone maps of it, or what its owner says. 0: nobody has it. */
static uint64_t segment_size(const struct validate *v, uint64_t id)
{
	uint64_t size = 0;

	for (size_t i = 0; i < v->records[IMG_MM].nr; i++) {
		const MmEntry *mm = (const MmEntry *)v->records[IMG_MM].list[i].msg;

		for (size_t k = 0; k < mm->n_vmas; k++) {
			const VmaEntry *vma = mm->vmas[k];

			if (vma->status & (IMG_VMA_ANON_SHARED | IMG_VMA_SYSVIPC) && vma->shmid == id &&
				vma->pgoff + (vma->end - vma->start) > size)
				size = vma->pgoff + (vma->end - vma->start);
		}
	}
	for (size_t i = 0; i < v->records[IMG_VMAS].nr; i++) {
		const VmaEntry *vma = (const VmaEntry *)v->records[IMG_VMAS].list[i].msg;

		if (vma->status & (IMG_VMA_ANON_SHARED | IMG_VMA_SYSVIPC) && vma->shmid == id &&
			vma->pgoff + (vma->end - vma->start) > size)
			size = vma->pgoff + (vma->end - vma->start);
	}
	for (size_t i = 0; i < v->records[IMG_MEMFD_INODE].nr; i++) {
		const MemfdInodeEntry *memfd =
			(const MemfdInodeEntry *)v->records[IMG_MEMFD_INODE].list[i].msg;

		if (memfd->shmid == id && memfd->size > size)
			size = memfd->size;
	}
	for (size_t i = 0; i < v->records[IMG_IPCNS_SHM].nr; i++) {
		const IpcShmEntry *shm = (const IpcShmEntry *)v->records[IMG_IPCNS_SHM].list[i].msg;

		if (shm->desc->id == id && shm->size > size)
			size = shm->size;
	}
	return size;
}

static void segment_check(struct validate *v, const struct val_image *image)
{
	uint64_t size = segment_size(v, image->id);
	const struct img_run *last = image->map.nr ? &image->map.runs[image->map.nr - 1] : NULL;

	if (val_broken(v, IMG_MM) || val_broken(v, IMG_VMAS) || val_broken(v, IMG_MEMFD_INODE) ||
		val_broken(v, IMG_IPCNS_SHM))
		return;
	if (!size && last)
		val_warning(v, VAL_FILE_AT(image->name), "nobody has shared segment %llu", LLU(image->id));
	else if (last && img_run_end(last) > ((size + IMG_PAGE - 1) & ~(uint64_t)(IMG_PAGE - 1)))
		val_error(v, (struct val_at){ image->name, (int64_t)image->map.nr, "vaddr" },
			"%llu pages at %#llx reach beyond the segment, which has %llu bytes",
			LLU(last->nr_pages), LLU(last->addr), LLU(size));
}

/* A shared mapping has the map of its segment. */
static void segments_check(struct validate *v)
{
	for (size_t i = 0; i < v->records[IMG_MM].nr; i++) {
		const struct val_record *r = &v->records[IMG_MM].list[i];
		const MmEntry *mm = (const MmEntry *)r->msg;

		for (size_t k = 0; k < mm->n_vmas; k++)
			if (mm->vmas[k]->status & IMG_VMA_ANON_SHARED &&
				mm->vmas[k]->status & IMG_VMA_REGULAR &&
				!val_image(v, IMG_SHMEM_PAGEMAP, mm->vmas[k]->shmid) &&
				!val_image(v, IMG_SHM_PAGES_OLD, mm->vmas[k]->shmid))
				val_error(v, val_at(r, val_field(v, "vmas[%zu].shmid", k)),
					"pagemap-shmem-%" PRIu64 ".img is missing", mm->vmas[k]->shmid);
	}
	for (size_t i = 0; i < v->records[IMG_MEMFD_INODE].nr; i++) {
		const struct val_record *r = &v->records[IMG_MEMFD_INODE].list[i];
		const MemfdInodeEntry *memfd = (const MemfdInodeEntry *)r->msg;

		if (memfd->size && !val_image(v, IMG_SHMEM_PAGEMAP, memfd->shmid))
			val_error(v, val_at(r, "shmid"), "pagemap-shmem-%u.img is missing", memfd->shmid);
	}
}

/* ---- page data ---- */

static void data_check(struct validate *v, const struct val_image *image)
{
	const struct val_image *data = val_image(v, IMG_PAGES, image->map.pages_id);
	char name[IMG_NAME_MAX];

	img_kind_file_name(IMG_PAGES, image->map.pages_id, name);
	if (!data) {
		if (image->map.present)
			val_error(v, (struct val_at){ image->name, 0, "pages_id" }, "%s is missing", name);
		return;
	}
	if (data->size == UINT64_MAX || data->broken)
		return;
	if (data->size < image->map.present)
		val_error(v, VAL_FILE_AT(data->name), "%llu bytes, and %s has %llu bytes of pages in it",
			LLU(data->size), image->name, LLU(image->map.present));
	else if (data->size > image->map.present)
		val_warning(v, VAL_FILE_AT(data->name),
			"%llu bytes, and %s has only %llu bytes of pages in it", LLU(data->size), image->name,
			LLU(image->map.present));
}

/* Has the manifest said so? What is wrong with it is for another check. */
static bool is_announced(struct validate *v, const char *word)
{
	return img_set_requires(v->set, word, NULL) == 1;
}

/* Two maps with the same page data: each would read the other's pages. And page data that no map has. */
static void owners_check(struct validate *v)
{
	const bool forked = is_announced(v, "pages-forked");

	for (size_t i = 0; i < v->nr_images; i++) {
		const struct val_image *data = &v->images[i], *owner = NULL;
		bool unknown = false;

		if (data->kind != IMG_PAGES || data->old_pages)
			continue;
		for (size_t k = 0; k < v->nr_images; k++) {
			const struct val_image *map = &v->images[k];

			if (map->kind != IMG_PAGEMAP && map->kind != IMG_SHMEM_PAGEMAP)
				continue;
			unknown |= map->broken;
			if (!map->in_order || map->map.pages_id != data->id)
				continue;
			if (owner && map->map.present && owner->map.present && !forked)
				val_error(v, (struct val_at){ map->name, 0, "pages_id" },
					"%u: %s is the page data of %s", map->map.pages_id, data->name,
					owner->name);
			owner = map;
		}
		if (!owner && !unknown)
			val_warning(v, VAL_FILE_AT(data->name), "no page map has its pages here");
	}
}

int val_pagemaps(struct validate *v, struct img_err *err)
{
	/* Who does not know of data_page takes the data of other pages. */
	const bool announced = is_announced(v, "pages-shared");

	for (size_t i = 0; i < v->nr_images && !v->stop; i++) {
		const struct val_image *image = &v->images[i];
		struct spans spans = { 0 };

		if (!image->in_order)
			continue;
		flags_check(v, image);
		data_check(v, image);
		if (image->map.shared && !announced)
			val_error(v, VAL_FILE_AT(image->name),
				"data_page: the data of runs does not lie in their order, and the set does not require pages-shared");
		if (v->pre_dump)
			continue;
		if (image->kind == IMG_SHMEM_PAGEMAP) {
			segment_check(v, image);
			continue;
		}
		if (spans_of(v, image->id, &spans, err) < 0)
			return -1;
		if (spans.whole)
			inside_check(v, image, &spans);
		free(spans.list);
	}
	if (!v->pre_dump)
		segments_check(v);
	owners_check(v);
	return 0;
}
