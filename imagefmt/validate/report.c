/* validate/report.c -- makes findings and counts them. */

#include "validate/validate.h"

#include <stdio.h>
#include <string.h>

const char *img_severity_name(enum img_severity severity)
{
	static const char *const names[] = { "note", "warning", "error" };

	return severity >= IMG_NOTE && severity <= IMG_ERROR ? names[severity] : "?";
}

struct val_at val_at(const struct val_record *record, const char *field)
{
	return (struct val_at){ record->image->name, record->entry, field };
}

const char *val_field(struct validate *v, const char *fmt, ...)
{
	char buf[200], *text;
	va_list args;

	va_start(args, fmt);
	vsnprintf(buf, sizeof(buf), fmt, args);
	va_end(args);
	text = img_arena_strdup(&v->arena, buf);
	return text ? text : "";
}

static const char *behind(const char *text, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(text, name, len) && !strncmp(text + len, ": ", 2) ? text + len + 2 : text;
}

const char *val_failure(const struct img_err *failure, const char *name, int64_t *entry)
{
	const char *text = behind(failure->text, name);
	enum img_kind kind = img_kind_by_file(name, NULL);
	long long nr;
	int used = 0;

	if (kind != IMG_KIND_UNKNOWN)
		text = behind(text, img_kind_info(kind)->name);
	if ((sscanf(text, "record %lld: %n", &nr, &used) == 1 ||
		    sscanf(text, "data of record %lld: %n", &nr, &used) == 1) &&
		used) {
		*entry = nr;
		text += used;
	}
	return text;
}

static void report(struct validate *v, enum img_severity severity, enum img_code code, struct val_at at,
	const char *fmt, va_list args)
{
	struct img_finding finding = {
		.severity = severity,
		.code = code,
		.check = v->check,
		.file = at.file,
		.entry = at.entry,
		.field = at.field,
	};
	char text[1024];

	if (v->stop)
		return;
	vsnprintf(text, sizeof(text), fmt, args);
	finding.text = text;
	if (severity == IMG_ERROR)
		v->result->errors++;
	else if (severity == IMG_WARNING)
		v->result->warnings++;
	else
		v->result->notes++;
	v->corrupt |= severity == IMG_ERROR && code != IMG_UNSUPPORTED;
	if (v->report && v->report(v->arg, &finding))
		v->stop = true;
}

#define REPORT(severity, code)                                                                               \
	do {                                                                                                 \
		va_list args;                                                                                \
                                                                                                             \
		va_start(args, fmt);                                                                         \
		report(v, severity, code, at, fmt, args);                                                    \
		va_end(args);                                                                                \
	} while (0)

void val_error(struct validate *v, struct val_at at, const char *fmt, ...)
{
	REPORT(IMG_ERROR, IMG_CORRUPT);
}

void val_unsupported(struct validate *v, struct val_at at, const char *fmt, ...)
{
	REPORT(IMG_ERROR, IMG_UNSUPPORTED);
}

void val_warning(struct validate *v, struct val_at at, const char *fmt, ...)
{
	REPORT(IMG_WARNING, IMG_OK);
}

void val_note(struct validate *v, struct val_at at, const char *fmt, ...)
{
	REPORT(IMG_NOTE, IMG_OK);
}
