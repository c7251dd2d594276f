/* store/tar-write.c -- the blocks of a POSIX tar (pax) archive, written. */

#include "store/tar.h"

#include <stdio.h>
#include <string.h>

#define NAME_FIELD  100
#define LINK_FIELD  100
#define LINK_MAX_   1024
#define OCTAL_LIMIT (1ull << 33) /* 11 octal digits */

/* Offsets and sizes of the fields: POSIX.1-2017, pax, "ustar Interchange Format". */
static void header_fill(unsigned char block[TAR_BLOCK], const char *name, char type, const char *link,
	uint64_t size, uint64_t mtime)
{
	char *h = (char *)block, digits[16];
	unsigned int sum = 0;

	memset(h, 0, TAR_BLOCK);
	memcpy(h, name, strnlen(name, NAME_FIELD));
	memcpy(h + 100, "0000600", 7);
	memcpy(h + 108, "0000000", 7);
	memcpy(h + 116, "0000000", 7);
	snprintf(digits, sizeof(digits), "%011llo", (unsigned long long)(size < OCTAL_LIMIT ? size : 0));
	memcpy(h + 124, digits, 11);
	snprintf(digits, sizeof(digits), "%011llo", (unsigned long long)(mtime < OCTAL_LIMIT ? mtime : 1));
	memcpy(h + 136, digits, 11);
	h[156] = type;
	if (link)
		memcpy(h + 157, link, strnlen(link, LINK_FIELD));
	memcpy(h + 257, "ustar\00000", 8);
	memset(h + 148, ' ', 8);
	for (int i = 0; i < TAR_BLOCK; i++)
		sum += block[i];
	snprintf(digits, sizeof(digits), "%06o", sum);
	memcpy(h + 148, digits, 7);
}

/* One record of an extended header: its own length, in decimal, is part of it. */
static size_t pax_record(char *to, size_t room, const char *key, const char *value)
{
	size_t body = strlen(key) + strlen(value) + 3, len = body + 1;

	while (len != body + (size_t)snprintf(NULL, 0, "%zu", len))
		len = body + snprintf(NULL, 0, "%zu", len);
	return snprintf(to, room, "%zu %s=%s\n", len, key, value);
}

int img_tar_write_padding(struct img_sink *sink, uint64_t size, struct img_err *err)
{
	static const unsigned char zeros[TAR_BLOCK];
	size_t pad = -size % TAR_BLOCK;

	return pad ? img_sink_write(sink, zeros, pad, err) : 0;
}

int img_tar_write_header(struct img_sink *sink, const char *name, uint64_t size, const char *link,
	uint64_t mtime, struct img_err *err)
{
	unsigned char block[TAR_BLOCK];
	char more[2 * LINK_MAX_], digits[32];
	size_t len = 0;

	if (link && strlen(link) >= LINK_MAX_)
		return img_fail(
			err, IMG_UNSUPPORTED, "%s: leads to a name of %zu characters", name, strlen(link));
	if (strlen(name) > NAME_FIELD)
		len += pax_record(more + len, sizeof(more) - len, "path", name);
	if (link && strlen(link) > LINK_FIELD)
		len += pax_record(more + len, sizeof(more) - len, "linkpath", link);
	if (size >= OCTAL_LIMIT) {
		snprintf(digits, sizeof(digits), "%llu", (unsigned long long)size);
		len += pax_record(more + len, sizeof(more) - len, "size", digits);
	}
	if (len) {
		header_fill(block, "././@PaxHeader", 'x', NULL, len, mtime);
		if (img_sink_write(sink, block, sizeof(block), err) || img_sink_write(sink, more, len, err) ||
			img_tar_write_padding(sink, len, err))
			return -1;
	}
	header_fill(block, name, link ? '2' : '0', link, size, mtime);
	return img_sink_write(sink, block, sizeof(block), err);
}

int img_tar_write_end(struct img_sink *sink, struct img_err *err)
{
	static const unsigned char zeros[2 * TAR_BLOCK];

	return img_sink_write(sink, zeros, sizeof(zeros), err);
}
