/* read/header.c -- the magic at the start of an image tells its kind and the version of the framing. */

#include "read/reader.h"

/* 1 with *magic, 0 when the source ends in front of it or inside. */
static int magic_read(struct img_source *src, uint32_t *magic, struct img_err *err)
{
	unsigned char bytes[4];
	int ret = img_source_read_full(src, bytes, sizeof(bytes), err);

	if (ret < 0)
		return -1;
	if (ret == 0)
		return img_fail(err, IMG_CORRUPT, "ends before its magic");
	*magic = img_get_u32(bytes);
	return 0;
}

int img_header_read(struct img_source *src, enum img_kind expected, enum img_kind *kind, int *version,
	struct img_err *err)
{
	const struct img_kind_info *info;
	uint32_t first = 0, own;

	if (magic_read(src, &first, err))
		return -1;
	own = first;
	if ((first == IMG_MAGIC_COMMON || first == IMG_MAGIC_SERVICE) && magic_read(src, &own, err))
		return -1;

	if (expected == IMG_KIND_UNKNOWN) {
		*kind = img_kind_by_magic(own);
		if (*kind == IMG_KIND_UNKNOWN)
			return img_fail(err, IMG_CORRUPT, "unknown magic %#x", own);
	} else {
		*kind = expected;
		if (img_kind_info(expected)->magic != own)
			return img_fail(err, IMG_CORRUPT, "magic %#x where %s has %#x", own,
				img_kind_info(expected)->name, img_kind_info(expected)->magic);
	}

	info = img_kind_info(*kind);
	*version = 0x11;
	if (own == first)
		*version = info->framing == IMG_FRAMING_OWN ? 0x11 : 0x10;
	else if (info->framing == IMG_FRAMING_OWN ||
		 (info->framing == IMG_FRAMING_SERVICE) != (first == IMG_MAGIC_SERVICE))
		return img_fail(
			err, IMG_CORRUPT, "magic %#x in front of an image of kind %s", first, info->name);
	return 0;
}
