/* write/pages.c -- a page map and its page data, written side by side. */

#include "criuimg/pages.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "store/set.h"

#include "pagemap.pb-c.h"

/* In the first of two passes there is no data, in the second one no map. */
struct img_pages_writer {
	struct img_set *set;
	enum img_kind kind;
	uint64_t id;
	uint32_t pages_id;

	/* The map: touched by img_pages_run() only, the data by the other calls, so that two threads can share the work. */
	struct img_writer *map;
	struct img_run run; /* not yet written: the next one may continue it */
	bool run_open;
	uint64_t floor;	  /* where the last run ended */
	uint64_t present; /* pages in runs that have data here */

	struct img_sink *data; /* NULL: the first pass */
	uint64_t announced;    /* the second pass: bytes of data that the first one had runs for */
	char map_name[IMG_NAME_MAX], data_name[IMG_NAME_MAX];
};

static int head_write(struct img_writer *map, uint32_t pages_id, struct img_err *err)
{
	PagemapHead head = PAGEMAP_HEAD__INIT;

	head.pages_id = pages_id;
	return img_write(map, &head.base, err);
}

/* ---- two passes ---- */

static int page_image_note(const struct img_pages_writer *w, struct img_err *err)
{
	struct img_set *set = w->set;
	struct img_page_image *image;
	int ret = 0;

	pthread_mutex_lock(&set->lock);
	image = img_array_more(&set->page_images, set->nr_page_images, &set->room_page_images);
	if (image) {
		*image = (struct img_page_image){ w->kind, w->id, w->pages_id, w->present * IMG_PAGE };
		set->nr_page_images++;
	} else {
		ret = img_fail_nomem(err);
	}
	pthread_mutex_unlock(&set->lock);
	return ret;
}

static int page_image_find(struct img_pages_writer *w, struct img_err *err)
{
	struct img_set *set = w->set;

	for (size_t i = 0; i < set->nr_page_images; i++) {
		const struct img_page_image *image = &set->page_images[i];

		if (image->kind != w->kind || image->id != w->id)
			continue;
		w->pages_id = image->pages_id;
		w->announced = image->bytes;
		return 0;
	}
	return img_fail(err, IMG_USAGE, "%s: was not written in the first pass", w->map_name);
}

bool img_pages_wants_data(const struct img_pages_writer *w)
{
	return w->data;
}

/* ---- opening ---- */

static int sinks_open(struct img_pages_writer *w, struct img_err *err)
{
	enum img_pages_pass pass = w->set->pass;

	if (pass != IMG_PAGES_DATA)
		w->pages_id = img_set_new_pages_id(w->set);
	else if (page_image_find(w, err))
		return -1;
	img_kind_file_name(IMG_PAGES, w->pages_id, w->data_name);
	if (pass != IMG_PAGES_MAPS) {
		w->data = pass == IMG_PAGES_BOTH
				  ? img_set_sink(w->set, w->data_name, err)
				  : img_set_sink_sized(w->set, w->data_name, w->announced, err);
		if (!w->data)
			return -1;
	}
	if (pass == IMG_PAGES_DATA)
		return 0;
	w->map = img_writer_create(w->set, w->kind, w->id, err);
	return w->map ? head_write(w->map, w->pages_id, err) : -1;
}

struct img_pages_writer *img_pages_create(
	struct img_set *set, enum img_kind kind, uint64_t id, struct img_err *err)
{
	struct img_pages_writer *w;

	if (kind != IMG_PAGEMAP && kind != IMG_SHMEM_PAGEMAP) {
		img_fail(err, IMG_USAGE, "%s is no page map", img_kind_info(kind)->name);
		return NULL;
	}
	w = calloc(1, sizeof(*w));
	if (!w) {
		img_fail_nomem(err);
		return NULL;
	}
	w->set = set;
	w->kind = kind;
	w->id = id;
	img_kind_file_name(kind, id, w->map_name);
	if (!sinks_open(w, err))
		return w;
	img_pages_abort(w);
	return NULL;
}

static int run_write(struct img_pages_writer *w, struct img_err *err)
{
	PagemapEntry entry = PAGEMAP_ENTRY__INIT;

	if (!w->run_open)
		return 0;
	w->run_open = false;
	entry.vaddr = w->run.addr;
	entry.has_nr_pages = true;
	entry.nr_pages = w->run.nr_pages;
	/* For readers that do not know nr_pages. */
	entry.compat_nr_pages = w->run.nr_pages <= UINT32_MAX ? w->run.nr_pages : 0;
	entry.has_flags = true;
	entry.flags = w->run.flags;
	return w->map ? img_write(w->map, &entry.base, err) : 0;
}

int img_pages_run(
	struct img_pages_writer *w, uint64_t addr, uint64_t nr_pages, uint32_t flags, struct img_err *err)
{
	if (!nr_pages)
		return 0;
	if (addr % IMG_PAGE || nr_pages > (UINT64_MAX - addr) / IMG_PAGE || addr < w->floor)
		return img_fail(err, IMG_USAGE, "%s: run of %llu pages at %#llx after one that ends at %#llx",
			w->map_name, (unsigned long long)nr_pages, (unsigned long long)addr,
			(unsigned long long)w->floor);
	if (!flags || (flags & ~(IMG_RUN_PARENT | IMG_RUN_LAZY | IMG_RUN_PRESENT)) ||
		((flags & IMG_RUN_PARENT) && (flags & IMG_RUN_PRESENT)))
		return img_fail(err, IMG_USAGE, "%s: run at %#llx with flags %#x", w->map_name,
			(unsigned long long)addr, flags);

	if (w->run_open && addr == w->floor && flags == w->run.flags) {
		w->run.nr_pages += nr_pages;
	} else {
		if (run_write(w, err))
			return -1;
		w->run = (struct img_run){ .addr = addr, .nr_pages = nr_pages, .flags = flags };
		w->run_open = true;
	}
	w->floor = addr + nr_pages * IMG_PAGE;
	if (flags & IMG_RUN_PRESENT)
		w->present += nr_pages;
	return 0;
}

int img_pages_data(struct img_pages_writer *w, const struct iovec *iov, int nr, struct img_err *err)
{
	return img_sink_writev(w->data, iov, nr, err);
}

int img_pages_data_fd(struct img_pages_writer *w, uint64_t *offset, struct img_err *err)
{
	struct stat st;
	int fd;

	if (img_sink_flush(w->data, err))
		return -1;
	fd = img_sink_fd(w->data);
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return img_fail(err, IMG_UNSUPPORTED, "%s: not a plain file", w->data_name);
	*offset = img_sink_position(w->data);
	return fd;
}

int img_pages_data_moved(struct img_pages_writer *w, uint64_t len, struct img_err *err)
{
	return img_sink_moved(w->data, len, err);
}

int img_pages_block_digest(struct img_pages_writer *w, uint64_t block,
	const unsigned char digest[IMG_DIGEST_SIZE], struct img_err *err)
{
	return img_sink_block_digest(w->data, block, digest, err);
}

uint64_t img_pages_written(const struct img_pages_writer *w)
{
	return w->present;
}

uint32_t img_pages_id(const struct img_pages_writer *w)
{
	return w->pages_id;
}

static int finish(struct img_pages_writer *w, struct img_err *err)
{
	uint64_t stored = w->data ? img_sink_position(w->data) : 0;

	if (run_write(w, err))
		return -1;
	if (w->data && stored != w->present * IMG_PAGE)
		return img_fail(err, IMG_USAGE, "%s: %llu bytes of data for %llu pages", w->data_name,
			(unsigned long long)stored, (unsigned long long)w->present);
	/* The data first: a map that is there has its data. */
	if (w->data && img_sink_finish(steal_ptr(&w->data), err))
		return -1;
	if (w->set->pass == IMG_PAGES_MAPS && page_image_note(w, err))
		return -1;
	return w->map ? img_writer_finish(steal_ptr(&w->map), err) : 0;
}

int img_pages_finish(struct img_pages_writer *w, struct img_err *err)
{
	int ret = finish(w, err);

	img_pages_abort(w);
	return ret;
}

void img_pages_abort(struct img_pages_writer *w)
{
	if (!w)
		return;
	img_writer_abort(w->map);
	img_sink_abort(w->data);
	free(w);
}
