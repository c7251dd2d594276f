/* store/tar.h -- the blocks of a POSIX tar (pax) archive: headers, made and read. */
#ifndef IMAGEFMT_STORE_TAR_H
#define IMAGEFMT_STORE_TAR_H

#include "criuimg/io.h"

#define TAR_BLOCK	 512
#define TAR_HEADERS_MAX	 (8 * TAR_BLOCK) /* what img_tar_write_header() makes at most */
#define TAR_EXTENDED_MAX (1u << 20)	 /* the largest extended header that is read */

enum tar_type { TAR_FILE, TAR_LINK, TAR_OTHER };

struct tar_entry {
	enum tar_type type;
	char *path;    /* as the archive has it; allocated */
	char *link;    /* TAR_LINK: where it leads; allocated */
	uint64_t size; /* TAR_FILE */
	uint64_t at;   /* where in the archive the content starts */
	uint64_t next; /* where the next header is */
};

/* Is this meant to be the header of a POSIX or GNU archive, sound or not? */
bool img_tar_is_meant(const unsigned char block[TAR_BLOCK]);
/* Is this the first block of a tar archive? */
bool img_tar_is_header(const unsigned char block[TAR_BLOCK]);
/* Append the header of a file of mode 0600, or, with link, of a symbolic link. */
int img_tar_write_header(struct img_sink *sink, const char *name, uint64_t size, const char *link,
	uint64_t mtime, struct img_err *err);
/* Zeros up to the next block after size bytes of content. */
int img_tar_write_padding(struct img_sink *sink, uint64_t size, struct img_err *err);
int img_tar_write_end(struct img_sink *sink, struct img_err *err);

/* The entry whose header is at `at`: 1 (free it); 0 at the end of the archive; 2 for an archive that is sound as far as can be
 * told, with something in it that this reader does not know (sparse files, for one); -1. */
int img_tar_read(struct img_source *src, uint64_t at, struct tar_entry *entry, struct img_err *err);
void img_tar_entry_free(struct tar_entry *entry);

#endif
