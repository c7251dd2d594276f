/* store/part.h -- sources made of sources. */
#ifndef IMAGEFMT_STORE_PART_H
#define IMAGEFMT_STORE_PART_H

#include "criuimg/io.h"

/* size bytes of another source, which can be read by position, from `at` on. Small reads are buffered. `owned`: it is closed
 * with this one; else it must outlive it. */
struct img_source *img_part_new(
	struct img_source *bytes, bool owned, uint64_t at, uint64_t size, struct img_err *err);

/* The name that a page image has when it is stored compressed; false for what is no page image. */
#define IMG_ZST	     ".zst"
#define IMG_ZST_NAME 264
bool img_zst_name(const char *name, char file[IMG_ZST_NAME]);
/* The reverse, in place, where it is one. */
void img_zst_strip(char *name);
/* What is in it, by position: where it has no seek table, it is unpacked. stored is gone whatever is returned. */
struct img_source *img_zst_source(struct img_source *stored, struct img_err *err);

#endif
