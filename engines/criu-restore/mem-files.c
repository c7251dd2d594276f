/* engines/criu-restore/mem-files.c -- page images opened once more: to be read past the cache (--image-io-mode direct), and to be
 * emptied while they are read (--auto-dedup). */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "criu-restore/mem-files.h"
#include "criuimg/array.h"

static bool direct(const struct restore *r)
{
	return r->opt->image_io_mode && !strcmp(r->opt->image_io_mode, "direct");
}

bool restore_page_files_wanted(const struct restore *r)
{
	return restore_page_files_empty(r) || direct(r);
}

/* Not of pages that several tasks read. */
bool restore_page_files_empty(const struct restore *r)
{
	return r->opt->auto_dedup && !r->forked;
}

/* As well as can be: a file that cannot be written is not emptied, one that cannot be read past the cache is read through it. */
static int reopen(const struct restore *r, int fd)
{
	int flags[] = { O_RDWR | (direct(r) ? O_DIRECT : 0), O_RDWR, direct(r) ? O_DIRECT : 0 };
	char path[32];
	int own = -1;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (size_t i = restore_page_files_empty(r) ? 0 : 2; i < ARRAY_SIZE(flags) && own < 0; i++)
		own = open(path, flags[i] | O_CLOEXEC);
	return own;
}

int restore_page_files_own(struct restore *r, struct restore_page_files *files, int fd, struct img_err *err)
{
	struct restore_page_file *f;

	/* Pieces of one file follow each other. */
	for (size_t i = files->nr; i--;)
		if (files->items[i].fd == fd)
			return files->items[i].own >= 0 ? files->items[i].own : fd;
	f = img_array_more(&files->items, files->nr, &files->room);
	if (!f)
		return img_fail_nomem(err);
	*f = (struct restore_page_file){ fd, reopen(r, fd) };
	files->nr++;
	if (f->own < 0)
		log_warn(r->log, "a page image cannot be opened once more: --auto-dedup, --image-io-mode have no effect on it");
	return f->own >= 0 ? f->own : fd;
}

void restore_page_files_close(struct restore_page_files *files)
{
	for (size_t i = 0; i < files->nr; i++)
		if (files->items[i].own >= 0)
			close(files->items[i].own);
	free(files->items);
}
