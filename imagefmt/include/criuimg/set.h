/* criuimg/set.h -- a set of images: what one dump wrote, wherever it lives.
 *
 * A set opened for reading or being written. Nothing above this header knows whether it is a directory, an archive or
 * memory. A set that is being written is complete only after img_set_seal(): that is when manifest.img appears.
 */
#ifndef CRIUIMG_SET_H
#define CRIUIMG_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "criuimg/compress.h"
#include "criuimg/digest.h"
#include "criuimg/err.h"
#include "criuimg/io.h"
#include "criuimg/kind.h"

#ifdef __cplusplus
extern "C" {
#endif

struct img_set;

/* Open the images in directory path, relative to dirfd (AT_FDCWD is fine). With dirfd >= 0 and path NULL, dirfd itself is
 * the directory (it stays the caller's). NULL on failure. */
struct img_set *img_set_open_dir(int dirfd, const char *path, struct img_err *err);
/* Open what is at path: a directory, or an archive: a tar archive in a file or a pipe ("-": standard input), plain, in
 * zstd or packed as others do (gzip, bzip2, xz, lz4). The images may be in a directory of the archive. Of a tar archive in a file, plain or
 * in zstd with a seek table, only what is asked for is read. Else the members are read in their order, as far as needed,
 * and what passes is kept in memory, or in a file without a name below $TMPDIR. NULL on failure. */
struct img_set *img_set_open(const char *path, struct img_err *err);
/* The same for an archive that is open; fd stays the caller's and can be closed. */
struct img_set *img_set_open_archive(int fd, struct img_err *err);
/* The same for an archive whose bytes are got in another way: make() makes a source of all of them. What can be read by position is read
 * in place; make() may be called twice. It has no parent. */
struct img_source;
struct img_set *img_set_open_from(
	struct img_source *(*make)(void *arg, struct img_err *err), void *arg, struct img_err *err);
/* Write images into an existing directory; path and dirfd as above. Files of the same names are replaced (new files of mode
 * 0600, never written through a link), and with the first image that is written the manifest of an earlier set goes. What is
 * there can be read, too. */
struct img_set *img_set_create_dir(int dirfd, const char *path, struct img_err *err);
/* Write an archive: a tar archive, in zstd unless opt is NULL. path "-" is standard output; else a file of mode 0600 that has its name
 * only when the set is sealed or finished (a pipe or device is written as it is). Members go out in the order of their use,
 * small ones first, page images last, the manifest at the end; until then they are kept in memory or in a file without a name
 * (beside the archive, or below $TMPDIR), unless their size is told, see img_set_sink_sized(). */
struct img_set *img_set_create_archive(
	const char *path, const struct img_zstd_options *opt, struct img_err *err);
/* The same into a sink. Takes ownership of it on success. */
struct img_set *img_set_create_archive_to(
	struct img_sink *sink, const struct img_zstd_options *opt, struct img_err *err);
/* Give images to an image streamer (proto/img-streamer.proto) at sock, connected: each through a pipe, as it is written.
 * go_on, if there is one, is called now and then while it stands still; a failure of it is one of the write. Takes over sock on
 * success. */
struct img_set *img_set_create_streamer(
	int sock, int (*go_on)(void *arg, struct img_err *err), void *arg, struct img_err *err);
/* What a streamer that captures says on that socket, where no answer is waited for: at the start that it will tell the end, and, when the
 * engine has closed its side and all is with the shards, the end. One that says neither has to be trusted. */
enum { IMG_STREAMER_PROMISE = 'p', IMG_STREAMER_DONE = 'd' };
/* A set in memory, for both. */
struct img_set *img_set_create_memory(struct img_err *err);

/* The parent of an incremental set (the link `parent`): 1 with *parent_out (owned by set, closed with it), 0 when there is
 * none, -1. */
int img_set_parent(struct img_set *set, struct img_set **parent_out, struct img_err *err);

/* Say which set is the parent, where no link does: of a stream, which has it by its identity in the manifest alone. Takes
 * over parent, on success. */
int img_set_use_parent(struct img_set *set, struct img_set *parent, struct img_err *err);

/* Make the link `parent` of a directory that is being written point to path (relative to the directory), in place of one that
 * may be there; NULL: only take that away. */
int img_set_link_parent(struct img_set *set, const char *path, struct img_err *err);

/* The directory's descriptor for a set that is one (borrowed), else -1. */
int img_set_dirfd(const struct img_set *set);

/* Is there a file of this name: 1, 0, -1. */
int img_set_has(struct img_set *set, const char *name, struct img_err *err);
/* Call fn for every member, in the order of names (directory) or of the archive; a nonzero return ends the walk and is
 * returned. */
int img_set_each(struct img_set *set, int (*fn)(void *arg, const char *name, struct img_err *err), void *arg,
	struct img_err *err);
/* The bytes of one member: 1 with *src_out (the caller closes it), 0 when there is none, -1. Decompressed where stored
 * compressed. */
int img_set_source(struct img_set *set, const char *name, struct img_source **src_out, struct img_err *err);
/* As img_set_sink(), for a member of exactly that size. An archive that is being written can then put it to its place at
 * once, behind all that was finished before, in place of keeping it until the end. */
struct img_sink *img_set_sink_sized(
	struct img_set *set, const char *name, uint64_t size, struct img_err *err);
/* A new member. The caller finishes or aborts the sink before the set is sealed or closed. Its size and digest go to the
 * manifest when finished; aborted, it is gone. Several threads may write members at the same time, each its own.
 * Reports about a run (kinds of IMG_FRAMING_SERVICE: stats-*, irmap-cache) are no members of the set: the manifest does not
 * list them, and they can still be written after img_set_seal(). */
struct img_sink *img_set_sink(struct img_set *set, const char *name, struct img_err *err);
/* Store the page images that are begun from now on compressed, others as they are: in a directory pages-1.img is then the
 * file pages-1.img.zst, and the set requires "pages-zstd". opt NULL: the usual. Stores that compress as a whole or not at
 * all: IMG_UNSUPPORTED. */
int img_set_compress(struct img_set *set, const struct img_zstd_options *opt, struct img_err *err);
/* An archive goes out while it is written, and who reads it from a pipe wants all page maps before the first page image:
 * whoever writes one writes all maps first (IMG_PAGES_MAPS), then goes through them again, in the same order, with the data
 * (IMG_PAGES_DATA). See img_pages_create(). Of other stores: false, and both at once (IMG_PAGES_BOTH). */
enum img_pages_pass { IMG_PAGES_BOTH, IMG_PAGES_MAPS, IMG_PAGES_DATA };
bool img_set_maps_first(const struct img_set *set);
void img_set_pages_pass(struct img_set *set, enum img_pages_pass pass);
/* A number N for which this set has not yet given out pages-N.img, from 1. 32 bits, never 0. */
uint32_t img_set_new_pages_id(struct img_set *set);

/* ---- what the manifest says (v2) ---- */

/* Name a feature that a restorer must have ("pages-zstd", "tcp-repair"). Kept sorted, once each. */
int img_set_require(struct img_set *set, const char *feature, struct img_err *err);
/* Facts of the host for the manifest: "x86_64", "6.18.1", page size, CPU features by name. Copied. */
struct img_host_facts {
	const char *kernel_release;
	const char *arch;
	uint32_t page_size;
	const char *const *cpu_features;
	size_t nr_cpu_features;
	const char *boot_id; /* or NULL */
	uint64_t
		created; /* seconds since 1970, 0: not said. The library asks no clock: same input, same bytes. */
};
int img_set_host_facts(struct img_set *set, const struct img_host_facts *facts, struct img_err *err);
/* Write manifest.img: after this the set is complete, and nothing more can be written. */
int img_set_seal(
	struct img_set *set, const char *producer, const char *producer_version, struct img_err *err);

/* The end of a set that is to have no manifest (v1.1). For a directory there is nothing to do. */
int img_set_finish(struct img_set *set, struct img_err *err);

/* Releases all; a set being written that was not sealed stays without its manifest. NULL is fine. */
void img_set_close(struct img_set *set);

#ifdef __cplusplus
}
#endif
#endif
