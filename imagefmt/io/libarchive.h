/* imagefmt/io/libarchive.h -- libarchive, loaded when the first foreign archive is met.
 *
 * With what it links itself (an XML parser, its tables of Unicode, a C++ runtime) it takes longer to load than most images
 * to show, and few programs ever meet such an archive.
 */
#ifndef IMAGEFMT_IO_LIBARCHIVE_H
#define IMAGEFMT_IO_LIBARCHIVE_H

#include <archive.h>
#include <archive_entry.h>

#include "criuimg/err.h"

/* What is used of it, by the names it has there. */
#define IMG_LIBARCHIVE(each)                                                                                      \
	each(archive_read_new) each(archive_read_support_format_tar) each(archive_read_support_filter_gzip)       \
	each(archive_read_support_filter_bzip2) each(archive_read_support_filter_xz)                              \
	each(archive_read_support_filter_zstd) each(archive_read_support_filter_lz4) each(archive_read_open)      \
	each(archive_read_next_header) each(archive_read_data_block) each(archive_read_free)                      \
	each(archive_error_string) each(archive_set_error) each(archive_entry_pathname)                           \
	each(archive_entry_filetype) each(archive_entry_mode) each(archive_entry_uid) each(archive_entry_gid)     \
	each(archive_entry_size) each(archive_entry_size_is_set) each(archive_entry_mtime)                        \
	each(archive_entry_symlink) each(archive_entry_hardlink) each(archive_entry_rdev)

struct img_libarchive {
	void *library;
#define IMG_LIBARCHIVE_MEMBER(name) __typeof__(name) *name;
	IMG_LIBARCHIVE(IMG_LIBARCHIVE_MEMBER)
#undef IMG_LIBARCHIVE_MEMBER
};

/* IMG_UNSUPPORTED when it is not installed. */
int img_libarchive_load(struct img_libarchive *la, struct img_err *err);
void img_libarchive_unload(struct img_libarchive *la); /* one that was not loaded is fine */
/* A reader of tar, and of what packs it in this process: some filters of libarchive start programs. NULL without memory. */
struct archive *img_libarchive_reader(const struct img_libarchive *la);

#endif
