/* store/tar-read.c -- the blocks of a tar archive, read in place: ustar, pax, and GNU's long names. */

#include "store/tar.h"

#include <stdlib.h>
#include <string.h>

#include "criuimg/cleanup.h"

/* What extended headers said about the next file. */
struct extended {
	char *path, *link;
	uint64_t size;
	bool size_known, unknown;
};

static void extended_free(struct extended *x)
{
	free(x->path);
	free(x->link);
}

static unsigned int checksum(const unsigned char *block)
{
	unsigned int sum = 8 * ' ';

	for (int i = 0; i < TAR_BLOCK; i++)
		if (i < 148 || i >= 156)
			sum += block[i];
	return sum;
}

/* A field of octal digits, or (GNU) of a number in base 256. */
static bool number(const unsigned char *field, size_t len, uint64_t *value)
{
	size_t i = 0;

	*value = 0;
	if (field[0] == 0x80) {
		for (i = 1; i < len; i++) {
			if (*value >> 56)
				return false;
			*value = *value << 8 | field[i];
		}
		return true;
	}
	while (i < len && field[i] == ' ')
		i++;
	for (; i < len && field[i] >= '0' && field[i] <= '7'; i++)
		*value = *value << 3 | (uint64_t)(field[i] - '0');
	for (; i < len; i++)
		if (field[i] && field[i] != ' ')
			return false;
	return true;
}

static bool all_zero(const unsigned char *p, size_t len)
{
	while (len--)
		if (*p++)
			return false;
	return true;
}

bool img_tar_is_meant(const unsigned char block[TAR_BLOCK])
{
	return !memcmp(block + 257, "ustar", 5);
}

bool img_tar_is_header(const unsigned char block[TAR_BLOCK])
{
	uint64_t sum;

	return number(block + 148, 8, &sum) && sum == checksum(block) && img_tar_is_meant(block);
}

static uint64_t padded(uint64_t size)
{
	return size + -size % TAR_BLOCK;
}

/* Some bytes, all of them there. */
static int take(struct img_source *src, void *buf, size_t len, uint64_t at, struct img_err *err)
{
	ssize_t n = img_source_pread(src, buf, len, at, err);

	if (n < 0)
		return -1;
	return (size_t)n == len ? 0
				: img_fail(err, IMG_CORRUPT, "archive: ends in the middle, at %llu",
					  (unsigned long long)(at + n));
}

/* The content of an extended header, with a zero behind it. */
static char *extended_read(struct img_source *src, uint64_t at, uint64_t size, struct img_err *err)
{
	char *text;

	if (size > TAR_EXTENDED_MAX) {
		img_fail(
			err, IMG_CORRUPT, "archive: extended header of %llu bytes", (unsigned long long)size);
		return NULL;
	}
	text = calloc(1, size + 1);
	if (!text) {
		img_fail_nomem(err);
		return NULL;
	}
	if (!take(src, text, size, at, err))
		return text;
	free(text);
	return NULL;
}

static int replace(char **text, const char *value, size_t len, struct img_err *err)
{
	free(*text);
	*text = strndup(value, len);
	return *text ? 0 : img_fail_nomem(err);
}

static int pax_take(struct extended *x, const char *key, const char *value, size_t len, struct img_err *err)
{
	if (!strcmp(key, "path"))
		return replace(&x->path, value, len, err);
	if (!strcmp(key, "linkpath"))
		return replace(&x->link, value, len, err);
	if (!strncmp(key, "GNU.sparse.", 11))
		x->unknown = true;
	if (!strcmp(key, "size")) {
		char *end;

		x->size = strtoull(value, &end, 10);
		if (end != value + len || !len)
			return img_fail(
				err, IMG_CORRUPT, "archive: size '%.*s'", (int)(len < 40 ? len : 40), value);
		x->size_known = true;
	}
	return 0;
}

/* "LENGTH KEY=VALUE\n", one after the other. */
static int pax_parse(struct extended *x, char *text, size_t size, struct img_err *err)
{
	char *end = text + size;

	while (text < end) {
		char *space, *equals;
		unsigned long len = strtoul(text, &space, 10);

		if (*space != ' ' || len > (size_t)(end - text) || text + len <= space + 1 ||
			text[len - 1] != '\n')
			return img_fail(err, IMG_CORRUPT, "archive: extended header: not a record");
		equals = memchr(space + 1, '=', text + len - 1 - (space + 1));
		if (!equals)
			return img_fail(
				err, IMG_CORRUPT, "archive: extended header: a record without a value");
		*equals = text[len - 1] = '\0';
		if (pax_take(x, space + 1, equals + 1, text + len - 1 - (equals + 1), err))
			return -1;
		text += len;
	}
	return 0;
}

static int extended_take(struct img_source *src, char type, uint64_t at, uint64_t size, struct extended *x,
	struct img_err *err)
{
	cleanup_free char *text = extended_read(src, at, size, err);

	if (!text)
		return -1;
	if (type == 'x')
		return pax_parse(x, text, size, err);
	if (type == 'L')
		return replace(&x->path, text, strlen(text), err);
	if (type == 'K')
		return replace(&x->link, text, strlen(text), err);
	return 0; /* 'g': of the whole archive: nothing that matters here */
}

static char *header_path(const unsigned char *block)
{
	const char *name = (const char *)block, *prefix = (const char *)block + 345;
	char *path;

	/* In GNU's own format other things are where the prefix is. */
	if (!*prefix || memcmp(block + 257, "ustar\00000", 8))
		return strndup(name, 100);
	if (asprintf(&path, "%.155s/%.100s", prefix, name) < 0)
		return NULL;
	return path;
}

static int entry_fill(struct tar_entry *entry, const unsigned char *block, uint64_t size, struct extended *x,
	struct img_err *err)
{
	char type = block[156];

	entry->type = type == '0' || type == '\0' || type == '7' ? TAR_FILE
		      : type == '2'				 ? TAR_LINK
								 : TAR_OTHER;
	if (type == 'S' || x->unknown)
		return 2;
	/* Only files have content, whatever the field says; of types that nobody knows it is to be believed. */
	entry->size = x->size_known ? x->size : size;
	if (type >= '1' && type <= '6')
		entry->size = 0;
	entry->path = x->path ? steal_ptr(&x->path) : header_path(block);
	if (entry->path && type == '2')
		entry->link = x->link ? steal_ptr(&x->link) : strndup((const char *)block + 157, 100);
	if (!entry->path || (type == '2' && !entry->link))
		return img_fail_nomem(err);
	return 1;
}

/* Does content of that size fit behind a header at `at`? Sets *next. */
static int content_check(
	struct img_source *src, uint64_t at, uint64_t size, uint64_t *next, struct img_err *err)
{
	int64_t total = img_source_size(src);
	unsigned char pad[TAR_BLOCK];
	uint64_t start = at + TAR_BLOCK;

	if (total >= 0 && (start > (uint64_t)total || size > (uint64_t)total - start))
		return img_fail(err, IMG_CORRUPT, "archive: at %llu: %llu bytes, the archive ends before",
			(unsigned long long)at, (unsigned long long)size);
	*next = start + padded(size);
	if (*next == start + size)
		return 0;
	if (take(src, pad, *next - start - size, start + size, err))
		return -1;
	return all_zero(pad, *next - start - size)
		       ? 0
		       : img_fail(err, IMG_CORRUPT, "archive: at %llu: no zeros behind the content",
				 (unsigned long long)(start + size));
}

/* Two blocks of zeros end an archive, and no more than zeros come behind them, in whole blocks. The first was seen. */
static int end_check(struct img_source *src, uint64_t at, struct img_err *err)
{
	unsigned char block[TAR_BLOCK];
	bool second = false;
	ssize_t n;

	while ((n = img_source_pread(src, block, sizeof(block), at, err)) == TAR_BLOCK) {
		if (!all_zero(block, n))
			return img_fail(err, IMG_CORRUPT, "archive: at %llu: something behind its end",
				(unsigned long long)at);
		second = true;
		at += n;
	}
	if (n < 0)
		return -1;
	return !n && second ? 0
			    : img_fail(err, IMG_CORRUPT, "archive: ends in the middle of its end, at %llu",
				      (unsigned long long)(at + n));
}

/* POSIX: octal digits with leading zeros, ended by a space or a zero; in an octal field of 8, everybody writes both. Without this a bit of
 * the checksum's own field could change. */
static bool checksum_form(const unsigned char *block)
{
	for (int i = 148; i < 154; i++)
		if (block[i] < '0' || block[i] > '7')
			return false;
	return !block[154] && block[155] == ' ';
}

static int read_entry(
	struct img_source *src, uint64_t at, struct tar_entry *entry, struct extended *x, struct img_err *err)
{
	unsigned char block[TAR_BLOCK];
	uint64_t size;
	int ret;

	for (;;) {
		if (take(src, block, sizeof(block), at, err))
			return -1;
		if (all_zero(block, sizeof(block)))
			return end_check(src, at + TAR_BLOCK, err);
		if (!img_tar_is_header(block) || !checksum_form(block) || !number(block + 124, 12, &size))
			return img_fail(
				err, IMG_CORRUPT, "archive: at %llu: not a header", (unsigned long long)at);
		if (!strchr("xgLK", block[156]) || !block[156])
			break;
		if (content_check(src, at, size, &entry->next, err) ||
			extended_take(src, block[156], at + TAR_BLOCK, size, x, err))
			return -1;
		at = entry->next;
	}
	ret = entry_fill(entry, block, size, x, err);
	entry->at = at + TAR_BLOCK;
	if (ret == 1 && content_check(src, at, entry->size, &entry->next, err))
		ret = -1;
	return ret;
}

int img_tar_read(struct img_source *src, uint64_t at, struct tar_entry *entry, struct img_err *err)
{
	__attribute__((cleanup(extended_free))) struct extended x = { 0 };
	int ret;

	*entry = (struct tar_entry){ 0 };
	ret = read_entry(src, at, entry, &x, err);
	if (ret != 1)
		img_tar_entry_free(entry);
	return ret;
}

void img_tar_entry_free(struct tar_entry *entry)
{
	free(entry->path);
	free(entry->link);
	*entry = (struct tar_entry){ 0 };
}
