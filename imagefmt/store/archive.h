/* store/archive.h -- a set in an archive that is being read: what the two ways of reading one share.
 *
 * In place (archive-index.c): a tar archive in a file, plain or in seekable zstd: the members stay where they are. As a
 * stream (archive-stream.c): from a pipe, or packed by others with gzip, xz, ...: members are read on demand in their order,
 * and what passes is spooled.
 */
#ifndef IMAGEFMT_STORE_ARCHIVE_H
#define IMAGEFMT_STORE_ARCHIVE_H

#include "store/set.h"
#include "store/spool.h"
#include "store/tar.h"

struct member {
	char *path;		     /* in the archive, cleaned of "./" */
	char *link;		     /* a symbolic link: where it leads; else NULL */
	uint64_t at, size;	     /* in place */
	struct img_spooled *spooled; /* from a stream */
};

/* What unpacks a stream. */
struct img_archive_stream;

struct img_archive {
	struct img_set set;
	struct img_source *bytes; /* in place: the tar archive; else NULL */
	struct img_archive_stream *stream;
	struct img_spool *spool;
	int dirfd; /* of the directory that the archive is in, for its parent; -1: a pipe */

	pthread_mutex_t lock; /* of all below */
	bool complete;	      /* all members are known */
	bool prefix_known;
	size_t prefix; /* how much of a path is the directory of the images, with its last slash */
	char *prefix_text;
	struct member *members;
	size_t nr, room;
	size_t *sorted; /* by path; of the first nr_sorted */
};

/* Takes ownership of bytes on success. NULL on failure; with *foreign set when the archive is one for img_archive_stream_open(). */
struct img_archive *img_archive_index_open(struct img_source *bytes, bool *foreign, struct img_err *err);
/* tar: the bytes are those of a tar archive, and not of what it is packed in. Takes ownership of src on success. */
struct img_archive *img_archive_stream_open(struct img_source *src, bool tar, struct img_err *err);

/* A new archive without members. */
struct img_archive *img_archive_new(struct img_err *err);
/* Add a member. Takes over all that is in *m, on failure too. */
int img_archive_add(struct img_archive *a, struct member *m, struct img_err *err);
/* All are there: find the directory of the images. */
int img_archive_complete(struct img_archive *a, struct img_err *err);

/* The next member of a stream, spooled and added: 1, 0 at the end, -1. The lock is held. */
int img_archive_stream_next(struct img_archive *a, struct img_err *err);
void img_archive_stream_free(struct img_archive_stream *stream);

#endif
