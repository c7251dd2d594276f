/* imagefmt/io/libarchive.c -- libarchive, loaded when the first foreign archive is met. */

#include "io/libarchive.h"

#include <dlfcn.h>
#include <stddef.h>

/* The ABI that the headers are of. */
#define LIBRARY "libarchive.so.13"

int img_libarchive_load(struct img_libarchive *la, struct img_err *err)
{
	la->library = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL);
	if (!la->library)
		return img_fail(err, IMG_UNSUPPORTED, "an archive of this sort takes %s, which is not here", LIBRARY);
#define LOOK_UP(name)                                                                                  \
	la->name = (__typeof__(la->name))dlsym(la->library, #name);                                    \
	if (!la->name) {                                                                               \
		img_libarchive_unload(la);                                                             \
		return img_fail(err, IMG_UNSUPPORTED, "%s has no %s", LIBRARY, #name);                 \
	}
	IMG_LIBARCHIVE(LOOK_UP)
	return 0;
}

void img_libarchive_unload(struct img_libarchive *la)
{
	if (la->library)
		dlclose(la->library);
	la->library = NULL;
}

struct archive *img_libarchive_reader(const struct img_libarchive *la)
{
	int (*const supports[])(struct archive *) = {
		la->archive_read_support_format_tar,
		la->archive_read_support_filter_gzip,
		la->archive_read_support_filter_bzip2,
		la->archive_read_support_filter_xz,
		la->archive_read_support_filter_zstd,
		la->archive_read_support_filter_lz4,
	};
	struct archive *reader = la->archive_read_new();

	for (size_t i = 0; reader && i < sizeof(supports) / sizeof(*supports); i++) {
		if (supports[i](reader) < ARCHIVE_WARN) {
			la->archive_read_free(reader);
			reader = NULL;
		}
	}
	return reader;
}
