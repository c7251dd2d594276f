/* kinds/names.c -- kinds by their name, magic and file name. */

#include "criuimg/kind.h"

#include <stdio.h>
#include <string.h>

enum img_kind img_kind_by_name(const char *name)
{
	for (int k = 0; k < IMG_KIND_NR; k++)
		if (!strcmp(img_kind_info(k)->name, name))
			return k;
	return IMG_KIND_UNKNOWN;
}

enum img_kind img_kind_by_magic(uint32_t magic)
{
	for (int k = 0; magic && k < IMG_KIND_NR; k++)
		if (img_kind_info(k)->magic == magic)
			return k;
	return IMG_KIND_UNKNOWN;
}

/* The number at the start of text, as "%u" or "%x" print it: no sign, no leading zero, no capitals. NULL or its end. */
static const char *number_read(const char *text, int base, uint64_t *value)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = text;
	uint64_t v = 0;

	for (; *p; p++) {
		const char *d = memchr(digits, *p, base);

		if (!d)
			break;
		if (__builtin_mul_overflow(v, (uint64_t)base, &v) ||
			__builtin_add_overflow(v, (uint64_t)(d - digits), &v))
			return NULL;
	}
	if (p == text || (*text == '0' && p - text > 1))
		return NULL;
	*value = v;
	return p;
}

/* Does a file's name fit the pattern? The pattern has at most one directive, which ends in 'u' or 'x'. */
static bool name_fits(const char *pattern, const char *name, uint64_t *id)
{
	const char *directive = strchr(pattern, '%');
	size_t before;

	*id = 0;
	if (!directive)
		return !strcmp(pattern, name);
	before = directive - pattern;
	if (strncmp(pattern, name, before))
		return false;
	directive += strcspn(directive, "ux");
	name = number_read(name + before, *directive == 'x' ? 16 : 10, id);
	return name && !strcmp(directive + 1, name);
}

enum img_kind img_kind_by_file(const char *name, uint64_t *id)
{
	uint64_t n;

	for (int k = 0; k < IMG_KIND_NR; k++) {
		const struct img_kind_info *kind = img_kind_info(k);
		bool other = kind->file_other && !strcmp(kind->file_other, name);

		if (!other && !name_fits(kind->file, name, &n))
			continue;
		if (id)
			*id = other ? 1 : n;
		return k;
	}
	return IMG_KIND_UNKNOWN;
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral"

const char *img_kind_file_name(enum img_kind kind, uint64_t id, char *buf)
{
	const struct img_kind_info *info = img_kind_info(kind);

	if (info->file_other && id == 1)
		snprintf(buf, IMG_NAME_MAX, "%s", info->file_other);
	else
		snprintf(buf, IMG_NAME_MAX, info->file, id);
	return buf;
}
