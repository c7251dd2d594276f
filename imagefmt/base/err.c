/* base/err.c -- the error value: filled in once where something fails, wrapped on the way up (docs/errors.md). */

#include "criuimg/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Text that does not fit loses its end; three dots say so. */
static void mark_cut(struct img_err *err, int wanted)
{
	if (wanted >= (int)sizeof(err->text))
		memcpy(err->text + sizeof(err->text) - 4, "...", 4);
}

int img_fail(struct img_err *err, enum img_code code, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (!err)
		return -1;
	err->code = code;
	err->sys_errno = 0;
	va_start(ap, fmt);
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	mark_cut(err, n);
	return -1;
}

int img_fail_sys(struct img_err *err, const char *fmt, ...)
{
	char reason[128];
	int saved = errno;
	va_list ap;
	int n, m;

	if (!err)
		return -1;
	err->code = IMG_SYS;
	err->sys_errno = saved;
	va_start(ap, fmt);
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	mark_cut(err, n);
	if (n < 0 || n >= (int)sizeof(err->text))
		return -1;

	/* GNU strerror_r: thread-safe, may return a constant string instead of the buffer. */
	m = snprintf(err->text + n, sizeof(err->text) - n, ": %s", strerror_r(saved, reason, sizeof(reason)));
	mark_cut(err, n + m);
	return -1;
}

int img_fail_nomem(struct img_err *err)
{
	return img_fail(err, IMG_NOMEM, "out of memory");
}

int img_wrap(struct img_err *err, const char *fmt, ...)
{
	char inner[sizeof(err->text)];
	va_list ap;
	int n, m;

	if (!err)
		return -1;
	memcpy(inner, err->text, sizeof(inner));
	va_start(ap, fmt);
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	mark_cut(err, n);
	if (n < 0 || n >= (int)sizeof(err->text))
		return -1;
	m = snprintf(err->text + n, sizeof(err->text) - n, ": %s", inner);
	mark_cut(err, n + m);
	return -1;
}

const char *img_code_name(enum img_code code)
{
	static const char *const names[] = {
		[IMG_OK] = "no error",
		[IMG_NOMEM] = "out of memory",
		[IMG_SYS] = "system call failed",
		[IMG_CORRUPT] = "corrupt image",
		[IMG_UNSUPPORTED] = "not supported",
		[IMG_USAGE] = "wrong usage",
	};

	if ((unsigned int)code >= sizeof(names) / sizeof(names[0]))
		return "unknown error";
	return names[code];
}

int img_exit_status(const struct img_err *err)
{
	switch (err->code) {
	case IMG_OK:
		return 0;
	case IMG_USAGE:
		return 2;
	case IMG_UNSUPPORTED:
		return 3;
	case IMG_CORRUPT:
		return 4;
	default:
		return 1;
	}
}
