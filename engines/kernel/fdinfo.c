/* engines/kernel/fdinfo.c -- the parser of /proc/PID/fdinfo. */

#include "kernel/fdinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"

#define FDINFO_FIRST_ROOM 512

int kern_fdinfo_read(int dirfd, int fd, char **buf, size_t *room, struct img_err *err)
{
	char name[16];
	cleanup_fd int in = -1;
	size_t len = 0;

	snprintf(name, sizeof(name), "%d", fd);
	in = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return img_fail_sys(err, "fdinfo/%d", fd);
	for (;;) {
		ssize_t got;

		if (*room - len < 2) {
			size_t more = *room ? *room * 2 : FDINFO_FIRST_ROOM;
			char *grown = realloc(*buf, more);

			if (!grown)
				return img_fail_nomem(err);
			*buf = grown;
			*room = more;
		}
		got = read(in, *buf + len, *room - len - 1);
		if (got < 0)
			return img_fail_sys(err, "read fdinfo/%d", fd);
		len += (size_t)got;
		/* A short read of a seq_file is not its end; only one that filled nothing is. The usual descriptor has
		 * five lines: ask again only where the text does not look whole. */
		if (got == 0 || len < FDINFO_FIRST_ROOM / 2)
			break;
	}
	(*buf)[len] = '\0';
	return 0;
}

static bool parse_value(const char *text, enum fdinfo_base base, uint64_t *out)
{
	char *end;

	while (*text == ' ' || *text == '\t')
		text++;
	errno = 0;
	switch (base) {
	case FDINFO_SKIP:
		return true;
	case FDINFO_SDEC:
		*out = (uint64_t)strtoll(text, &end, 10);
		break;
	default:
		if (*text == '-' || *text == '+')
			return false;
		*out = strtoull(text, &end, base == FDINFO_DEC ? 10 : base == FDINFO_OCT ? 8 : 16);
		break;
	}
	if (errno || end == text)
		return false;
	while (*end == ' ' || *end == '\t')
		end++;
	return *end == '\0';
}

static const struct fdinfo_field common_fields[] = {
	{ "pos", FDINFO_DEC, offsetof(struct kern_fdinfo, pos), true },
	{ "flags", FDINFO_OCT, offsetof(struct kern_fdinfo, flags), true },
	{ "mnt_id", FDINFO_DEC, offsetof(struct kern_fdinfo, mnt_id), false },
	{ "ino", FDINFO_DEC, offsetof(struct kern_fdinfo, ino), false },
};

/* Does line begin with "key:"? Returns what follows. */
static const char *after_key(const char *line, const char *key)
{
	size_t len = strlen(key);

	return !strncmp(line, key, len) && line[len] == ':' ? line + len + 1 : NULL;
}

static const struct fdinfo_field *find_field(
	const struct fdinfo_field *fields, size_t nr, const char *line, const char **value)
{
	for (size_t i = 0; i < nr; i++) {
		*value = after_key(line, fields[i].key);
		if (*value)
			return &fields[i];
	}
	return NULL;
}

int kern_fdinfo_common(char *text, struct kern_fdinfo *out, struct img_err *err)
{
	unsigned seen = 0;
	char *next;

	memset(out, 0, sizeof(*out));
	out->extra = "";
	for (char *line = text; *line; line = next) {
		const struct fdinfo_field *field;
		const char *value;
		char *end = strchrnul(line, '\n');

		next = *end ? end + 1 : end;
		if (!strncmp(line, "lock:", 5)) {
			out->nr_locks++;
			continue;
		}
		*end = '\0';
		field = find_field(common_fields, ARRAY_SIZE(common_fields), line, &value);
		if (!field) { /* from here on the lines are the kind's, as they were */
			if (next != end)
				*end = '\n';
			out->extra = line;
			break;
		}
		if (!parse_value(value, field->base, (uint64_t *)((char *)out + field->offset)))
			return img_fail(err, IMG_UNSUPPORTED, "fdinfo: bad line '%s'", line);
		seen |= 1u << (field - common_fields);
	}
	for (size_t i = 0; i < ARRAY_SIZE(common_fields); i++)
		if (common_fields[i].required && !(seen & 1u << i))
			return img_fail(err, IMG_UNSUPPORTED, "fdinfo: no '%s' line", common_fields[i].key);
	return 0;
}

int kern_fdinfo_next(const char **at, char *line, size_t size)
{
	size_t len, whole;

	if (!**at)
		return 0;
	whole = (size_t)(strchrnul(*at, '\n') - *at);
	len = whole < size ? whole : size - 1;
	memcpy(line, *at, len);
	line[len] = '\0';
	*at += whole;
	if (**at)
		(*at)++;
	return 1;
}

int kern_fdinfo_fields(const char *extra, const struct fdinfo_field *fields, size_t nr, void *out,
	int (*unknown)(void *arg, const char *line), void *arg, struct img_err *err)
{
	uint64_t seen = 0;
	char line[512];

	while (kern_fdinfo_next(&extra, line, sizeof(line))) {
		const struct fdinfo_field *field;
		const char *value;
		int ret;

		if (!line[0])
			continue;
		field = find_field(fields, nr, line, &value);
		if (field) {
			uint64_t ignored;

			if (!parse_value(value, field->base, out ? (uint64_t *)((char *)out + field->offset) : &ignored))
				return img_fail(err, IMG_UNSUPPORTED, "fdinfo: bad line '%s'", line);
			seen |= 1ull << (field - fields);
		} else if (unknown && (ret = unknown(arg, line))) {
			return ret;
		}
	}
	for (size_t i = 0; i < nr; i++)
		if (fields[i].required && !(seen & 1ull << i))
			return img_fail(err, IMG_UNSUPPORTED, "fdinfo: no '%s' line", fields[i].key);
	return 0;
}
