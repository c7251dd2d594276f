/* criu-restore/mem-files.h -- page images opened once more, for mem-read.c. */
#ifndef CRIU_RESTORE_MEM_FILES_H
#define CRIU_RESTORE_MEM_FILES_H

#include "criu-restore/restore.h"

struct restore_page_file {
	int fd;	 /* of the set */
	int own; /* -1: it cannot be had */
};

struct restore_page_files {
	struct restore_page_file *items;
	size_t nr, room;
};

/* Was anything asked for that descriptors of the set are not good for? */
bool restore_page_files_wanted(const struct restore *r);
/* Is what was read given back to the file system? */
bool restore_page_files_empty(const struct restore *r);
/* Our own descriptor in place of one of the set; that one where there is no other. -1: no memory. */
int restore_page_files_own(struct restore *r, struct restore_page_files *files, int fd, struct img_err *err);
void restore_page_files_close(struct restore_page_files *files);

#endif
