/* store/archive-write.h -- the order of the members of an archive. */
#ifndef IMAGEFMT_STORE_ARCHIVE_WRITE_H
#define IMAGEFMT_STORE_ARCHIVE_WRITE_H

/* As strcmp(): which of two members comes first. */
int img_archive_order(const char *a, const char *b);

#endif
