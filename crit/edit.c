/* crit/edit.c -- the text of one value in JSON replaced.
 *
 * The JSON is what our own writer made, so its syntax is known to be right: this only finds places in it, and leaves every byte that is
 * not the value alone.
 */

#include "edit.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- finding one's way ---- */

static const char *blanks(const char *at, const char *end)
{
	while (at < end && isspace((unsigned char)*at))
		at++;
	return at;
}

/* What is behind the value at `at`. */
static const char *skip(const char *at, const char *end)
{
	int depth = 0;

	do {
		if (*at == '"') {
			for (at++; at < end && *at != '"'; at++)
				at += *at == '\\';
		} else if (*at == '{' || *at == '[') {
			depth++;
		} else if (*at == '}' || *at == ']') {
			depth--;
		} else if (!depth) {
			while (at < end && !strchr(",]} \n", *at))
				at++;
			return at;
		}
		at++;
	} while (at < end && depth > 0);
	return at;
}

/* The member of the object at `at`: its value, or NULL. */
static const char *member(const char *at, const char *end, const char *name, size_t len)
{
	if (*at != '{')
		return NULL;
	for (at = blanks(at + 1, end); at < end && *at == '"';) {
		const char *key = at + 1;

		at = skip(at, end);
		if ((size_t)(at - key) - 1 == len && !memcmp(key, name, len))
			return blanks(at + 1, end);
		at = blanks(skip(blanks(at + 1, end), end), end);
		if (at < end && *at == ',')
			at = blanks(at + 1, end);
	}
	return NULL;
}

/* Is the value at `at` the one that was asked for? Also inside of one member: [id=7] finds {"reg": {"id": 7}}. */
static bool matches(const char *at, const char *end, const char *name, size_t len, const char *value, size_t value_len)
{
	const char *found = member(at, end, name, len), *after;

	if (!found)
		return false;
	after = skip(found, end);
	if (*found == '"') {
		found++;
		after--;
	}
	return (size_t)(after - found) == value_len && !memcmp(found, value, value_len);
}

/* The element of the list at `at` that [N] or [name=value] says, or NULL. */
static const char *element(const char *at, const char *end, const char *which, size_t len)
{
	const char *equals = memchr(which, '=', len);
	unsigned long n = equals ? 0 : strtoul(which, NULL, 10);

	if (*at != '[')
		return NULL;
	for (at = blanks(at + 1, end); at < end && *at != ']';) {
		if (equals ? matches(at, end, which, equals - which, equals + 1, len - (equals + 1 - which)) : !n--)
			return at;
		at = blanks(skip(at, end), end);
		if (at < end && *at == ',')
			at = blanks(at + 1, end);
	}
	return NULL;
}

/* ---- the value's text ---- */

static bool is_number(const char *text)
{
	size_t n = strspn(text + (*text == '-'), "0123456789");

	return n && !text[n + (*text == '-')];
}

static void put_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else if (*c < ' ')
			fprintf(out, "\\u%04x", *c);
		else
			fputc(*c, out);
	}
	fputc('"', out);
}

/* As what was there, or what it looks like where nothing was: old is its first character, 0. */
static void put_value(FILE *out, const char *value, char old)
{
	if (old == '[' && *value != '[') {
		fputc('[', out);
		put_value(out, value, '"');
		fputc(']', out);
	} else if (old == '[' || old == '{' || old == 't' || old == 'f' || (old != '"' && is_number(value)) ||
		   (!old && (!strcmp(value, "true") || !strcmp(value, "false")))) {
		fputs(value, out);
	} else {
		put_string(out, value);
	}
}

/* ---- */

struct place {
	const char *at, *after; /* the value; equal: it is to be put there */
	const char *name;	/* then: its name */
	size_t name_len;
	bool first; /* of an object that is empty */
};

static int find(const char *text, const char *end, const char *field, struct place *place, struct img_err *err)
{
	const char *at = member(blanks(text, end), end, "entries", 7), *path = field;

	if (at && *path != '[')
		at = element(at, end, "0", 1);
	while (at && *path) {
		size_t len = strcspn(path, *path == '[' ? "]" : ".[");
		const char *next;

		if (*path == '[') {
			next = element(at, end, path + 1, len - 1);
			len += path[len] == ']';
		} else {
			next = member(at, end, path, len);
		}
		if (!next && *path != '[' && !path[len] && *at == '{') {
			*place = (struct place){ at + 1, at + 1, path, len, *blanks(at + 1, end) == '}' };
			return 0;
		}
		at = next;
		path += len;
		if (*path == '.')
			path++;
	}
	if (!at)
		return img_fail(err, IMG_USAGE, "%s: there is nothing of that name (stopped at '%s')", field, path);
	*place = (struct place){ .at = at, .after = skip(at, end) };
	return 0;
}

int edit_json(const char *text, size_t size, const char *field, const char *value, char **out, size_t *len, struct img_err *err)
{
	struct place place = { 0 };
	FILE *f;

	if (find(text, text + size, field, &place, err) < 0)
		return -1;
	f = open_memstream(out, len);
	if (!f)
		return img_fail_nomem(err);
	fwrite(text, 1, place.at - text, f);
	if (place.name) {
		fprintf(f, "\"%.*s\": ", (int)place.name_len, place.name);
		put_value(f, value, 0);
		fputs(place.first ? "" : ", ", f);
	} else {
		put_value(f, value, *place.at);
	}
	fwrite(place.after, 1, text + size - place.after, f);
	return fclose(f) ? img_fail_nomem(err) : 0;
}
